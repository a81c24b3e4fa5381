//! `patchq save`.

use std::path::{Path, PathBuf};

use bstr::ByteSlice;
use serde::Serialize;

use super::context::Context;
use super::errors::work_list;
use super::export::{OLD_TOP, conflict_list};
use super::failure::{CliError, Exit};
use super::hint;
use super::identity::from_env;
use super::message;
use super::patch_files::{Folded, Patch, Renamed, foldings, patches, renames, say_patches};
use super::save_also::{self, Also};
use super::session::refuse_open;
use super::upstreams::{named_in, same_upstream};
use crate::git::{Id, Prompts, Signature};
use crate::path::RepoPath;
use crate::report::{Bytes, FailureKind};
use crate::ui::size;
use crate::workspace::manifest::Upstream;
use crate::workspace::ops::save::{LARGE_FILE, MANY_FILES, SaveError, SaveOptions, save, to_save};
use crate::workspace::{Files, FilesError, SyncState, UpstreamStore, Workspace};

/// Save the checkout's changes as a patch
///
/// Lists the changes in NAME/ (tracked files, and new files that are not ignored)
/// and writes them as a new patch file at the end of the queue. Without -m it
/// opens git's editor for the message. Commits made with plain git are exported
/// first, in the same step. patchq never stages or commits in your workspace.
///
/// With --into it folds the changes into an existing patch instead and rebases the
/// later patches in memory. If a later patch no longer applies, nothing is written
/// and the paths are listed (exit 3).
///
/// With --also it also adds the new patch to another entry of the same upstream
/// (for example a release branch). The patch is merged on top of that queue in
/// memory, and the outcome is one of the words of `refresh`: `unchanged`,
/// `merged`, `moved`, `upstreamed`, `conflict`. On a terminal it asks first. Each
/// entry is a step of its own for `undo`. On a conflict nothing is written there,
/// and the exit code is 3. Obstacles in the other checkout (changes, unexported
/// commits) are reported before anything is saved.
///
/// If commits of the queue are missing in the checkout (after a reset or rebase),
/// their patches are dropped only if the queue still contains the changes (for
/// example squashed), or with --allow-drop.
///
/// More than 50 new files, or a new file over 1 MiB, need --all.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq save kubeflow -m \"Build on bullseye\" \\
         -m \"Buster gets no security updates any more.\"
  patchq save -m \"Pin torch\" -- components/example-notebook-servers
  patchq save --into 0002         fold the changes into patch 0002
  patchq save kubeflow -m \"Pin torch\" --also kubeflow-1.9"
)]
pub(super) struct Args {
    /// The upstream (default: the checkout around the current folder, or the only changed one)
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The message: the subject, then more paragraphs (default: opens an editor)
    #[arg(short, long, value_name = "TEXT", conflicts_with = "into")]
    pub(super) message: Vec<String>,
    /// Fold the changes into this patch: its file, its number, or a part of its name
    #[arg(long, value_name = "PATCH")]
    pub(super) into: Option<String>,
    /// Also add the new patch to this entry of the same upstream (may be given several times)
    #[arg(long, value_name = "NAME2", conflicts_with = "into")]
    pub(super) also: Vec<String>,
    /// Include many or large new files
    #[arg(long)]
    pub(super) all: bool,
    /// Drop this patch, whose commit is missing in the checkout (may be given several times)
    #[arg(long, value_name = "PATCH")]
    pub(super) allow_drop: Vec<String>,
    /// Save only changes of these files and folders
    #[arg(last = true, value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Document {
    name: String,
    patch: String,
    changes: Vec<Bytes>,
    patches: Vec<Patch>,
    removed: Vec<String>,
    folded: Vec<Folded>,
    renamed: Vec<Renamed>,
    /// The results for other entries.
    also: Vec<Also>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let asks = args.into.is_none() && args.message.is_empty();
    if asks && (context.json || !context.asker.can_ask()) {
        return Err(message::missing(args.name.as_deref()));
    }
    if !args.message.is_empty() && message::of_options(&args.message).is_empty() {
        return Err(CliError::usage("the message is empty").hint(format!("{} -m \"why\"", hint::patchq(&["save"]))));
    }
    let workspace = context.workspace()?;
    let named = args.name.as_deref().or_else(|| args.into.as_deref().and_then(named_in));
    let upstream = which(context, &workspace, named)?;
    let name = upstream.name.as_str();
    args.into.iter().try_for_each(|patch| same_upstream(name, patch))?;
    let Some(upstream) = context.upstream_store(&workspace, upstream)? else {
        return Err(CliError::plain(FailureKind::Checkout, "there is no checkout")
            .in_upstream(name)
            .hint(hint::patchq(&["setup", "--only", name])));
    };
    refuse_open(&workspace, upstream.name())?;
    let also = save_also::entries(context, &workspace, upstream.entry, &args.also)?;
    let mut request = SaveOptions {
        message: message::of_options(&args.message),
        into: args.into,
        paths: args.paths.iter().map(|path| in_checkout(context, &upstream, path)).collect::<Result<_, _>>()?,
        all: args.all,
        allow_drop: args.allow_drop,
        author: author(context, &upstream).map_err(|error| error.in_upstream(name))?,
    };
    let kept = if asks { Some(ask_message(context, &upstream, &mut request)?) } else { None };
    let saved = context.with_fetcher(&upstream, false, Prompts::Never, |fetcher| {
        let saved = context.step_context("save", |ctx| save(fetcher, &request, ctx));
        saved.map_err(|error| {
            let error = failed(name, error);
            match &kept {
                Some(kept) => {
                    let file = hint::quoted(kept.as_os_str());
                    let again = format!("{} -m \"$(cat {file})\"", hint::patchq(&["save", name]));
                    error.hint(hint::noted(again, "what you wrote"))
                }
                None => error,
            }
        })
    })?;
    context.tell(&work_list(&saved.changes));
    say_patches(context, name, &saved.queue, ("patch", "patches"));
    context.tell(&format!("{name}: saved in patches/{name}/{}", saved.patch));
    let subject = request.message.lines().next().unwrap_or_default();
    let also = save_also::offer(context, &workspace, &saved, subject, &also);
    if context.json {
        let changes = saved.changes.iter().map(|change| Bytes::from(change.path.as_bytes())).collect();
        let queue = &saved.queue;
        let document = Document {
            name: name.to_owned(),
            patch: saved.patch,
            changes,
            patches: patches(queue),
            removed: queue.removed.clone(),
            folded: foldings(queue),
            renamed: renames(&queue.renamed),
            also: also.results,
        };
        context.document(document, also.failed.as_ref())?;
    }
    Ok(also.exit)
}

/// Opens the editor for the message, after checking that there is something to save; returns the path where it is kept.
fn ask_message(
    context: &Context,
    upstream: &UpstreamStore<'_>,
    request: &mut SaveOptions,
) -> Result<PathBuf, CliError> {
    let name = upstream.name().as_str();
    let changes = to_save(upstream, request).map_err(|error| failed(name, error))?;
    let (message, kept) = message::edited(context, upstream, &changes)?;
    request.message = message;
    Ok(kept)
}

/// Returns the upstream to save: the named one, that of the current checkout, or the only one with changes.
fn which<'w>(context: &Context, workspace: &'w Workspace, name: Option<&str>) -> Result<&'w Upstream, CliError> {
    if let Some(name) = name.or(workspace.checkout.as_deref()) {
        return Ok(workspace.upstream(name.trim_end_matches('/'))?);
    }
    let (mut changed, mut unread) = (Vec::new(), None);
    for upstream in &workspace.manifest.upstreams {
        let Some(store) = context.upstream_store(workspace, upstream)? else { continue };
        let mut objects = crate::git::Objects::new(&store.store)?;
        let files = match Files::read(&workspace.layout, &upstream.name) {
            Ok(files) => files,
            Err(FilesError::NoPin { .. }) => continue,
            Err(error) => {
                unread.get_or_insert(CliError::from(error).in_upstream(upstream.name.as_str()));
                continue;
            }
        };
        if SyncState::read(&store, &mut objects, &files).is_ok_and(|state| !state.work.is_empty()) {
            changed.push(upstream);
        }
    }
    match changed.as_slice() {
        [only] => {
            context.tell(&format!("{}: the only checkout with changes", only.name));
            Ok(only)
        }
        // An upstream whose patch files cannot be read may be the right one.
        [] => Err(unread.unwrap_or_else(|| CliError::plain(FailureKind::Nothing, "no checkout has changes to save"))),
        several => {
            let names: Vec<&str> = several.iter().map(|upstream| upstream.name.as_str()).collect();
            let error = CliError::usage(format!("several checkouts have changes: {}", names.join(", ")));
            Err(error.hint(hint::save(names[0])))
        }
    }
}

/// Converts a path on the command line to a path in the checkout.
fn in_checkout(context: &Context, upstream: &UpstreamStore<'_>, path: &Path) -> Result<RepoPath, CliError> {
    use std::os::unix::ffi::OsStrExt;
    let checkout = upstream.checkout();
    let wanted = if context.cwd.starts_with(&checkout) { context.cwd.join(path) } else { checkout.join(path) };
    let from_root = context.cwd.join(path);
    let below = wanted.strip_prefix(&checkout).ok().filter(|_| !from_root.starts_with(&checkout));
    let below = from_root.strip_prefix(&checkout).ok().or(below).unwrap_or(path);
    let text: Vec<u8> = below.as_os_str().as_bytes().to_vec();
    let trimmed = text.strip_suffix(b"/").unwrap_or(&text);
    RepoPath::new(trimmed).map_err(|error| CliError::usage(error.to_string()))
}

/// Returns the author of the patch by git's settings, with the present time.
fn author(context: &Context, upstream: &UpstreamStore<'_>) -> Result<Signature, CliError> {
    let Some((name, email)) = context.identity(upstream)? else {
        return Err(CliError::plain(
            FailureKind::Identity,
            "git does not know who you are, and a patch needs an author",
        )
        .hint("git config --global user.name \"Your Name\" && git config --global user.email you@example.com"));
    };
    let date = from_env("GIT_AUTHOR_DATE").and_then(|text| crate::patch::Date::parse(&text));
    let date = date.unwrap_or(crate::patch::Date { seconds: context.now(), offset: context.zone() }).storable();
    Ok(Signature::clean(name.as_bytes(), email.as_bytes(), date.seconds, date.offset))
}

/// Returns the error for vanished commits: each with the paths of its lost changes, and all hints.
fn vanished(name: &str, patches: &[(String, Id, Vec<RepoPath>)], moved_back: bool) -> CliError {
    let of = |(patch, _, paths): &(String, Id, Vec<RepoPath>)| {
        let more = if paths.len() > 1 { format!(" and {} more", paths.len() - 1) } else { String::new() };
        format!("{patch}     ({}{more})", paths.first().map(ToString::to_string).unwrap_or_default())
    };
    let list: Vec<String> = patches.iter().map(of).collect();
    let text = format!(
        "commits are missing in the checkout, so the changes of these patches would be lost:\n{}",
        list.join("\n")
    );
    let made = CliError::plain(FailureKind::Unexported, text);
    let made = if moved_back {
        // git moves no file if a changed file differs between the two commits.
        let back = [
            hint::git_in(name, &["stash", "--include-untracked"]),
            hint::git_in(name, &["reset", "--keep", OLD_TOP]),
            hint::git_in(name, &["stash", "pop"]),
        ];
        made.hint(hint::noted(back.join(" && "), "restores the commits and keeps your changes"))
    } else {
        let ids: Vec<String> = patches.iter().map(|(_, id, _)| id.short(12)).collect();
        let words: Vec<&str> = std::iter::once("cherry-pick").chain(ids.iter().map(String::as_str)).collect();
        made.hint(hint::noted(hint::git_in(name, &words), "restores the commits"))
    };
    let drops: Vec<String> = patches.iter().map(|(patch, ..)| patch.clone()).collect();
    made.hint(hint::noted(hint::dropping(&hint::save(name), &drops), "to drop them"))
}

fn failed(name: &str, error: SaveError) -> CliError {
    let made = match error {
        SaveError::Rewrite(error) => CliError::rewrite(name, error),
        SaveError::NotACheckout(ref found) => CliError::not_a_checkout(name, found),
        SaveError::NoCheckout => {
            CliError::of(FailureKind::Checkout, &error).hint(hint::patchq(&["setup", "--only", name]))
        }
        SaveError::Nothing => CliError::of(FailureKind::Nothing, &error),
        SaveError::NoSuchPath(_) => CliError::of(FailureKind::Nothing, &error).hint(hint::git_in(name, &["status"])),
        SaveError::Unusable(ref changes) => {
            CliError::plain(FailureKind::Unusable, format!("{error}:\n{}", work_list(changes)))
                .hint("finish the merge, or move the repository elsewhere")
        }
        SaveError::Many { count, ref large } => {
            let large = large.as_ref().map(|(path, bytes)| format!("{path} has {}", size(*bytes)));
            let many = (count > MANY_FILES).then(|| format!("{count} files are new"));
            let why: Vec<String> = many.into_iter().chain(large).collect();
            let text = format!("not saved: {} (limits: {MANY_FILES} new files, {})", why.join(", "), size(LARGE_FILE));
            CliError::plain(FailureKind::Many, text)
                .hint(hint::noted(format!("{} --all", hint::save(name)), "to save them"))
                .hint("or list them in .gitignore")
        }
        SaveError::Which(_) => CliError::usage(error.to_string()).hint(hint::patchq(&["status", name])),
        SaveError::Vanished { ref patches, moved_back } => vanished(name, patches, moved_back),
        SaveError::FilesNewer => CliError::of(FailureKind::FilesNewer, &error)
            .hint(hint::noted(hint::save(name), "as a new patch"))
            .hint(format!(
                "{} && {} && {}",
                hint::git_in(name, &["stash", "--include-untracked"]),
                hint::patchq(&["apply", name]),
                hint::git_in(name, &["stash", "pop"])
            )),
        SaveError::Conflicts { ref conflicts, .. } => {
            CliError::plain(FailureKind::Conflicts, format!("{error}{}", conflict_list(conflicts)))
                .exit(Exit::Conflicts)
        }
    };
    made.in_upstream(name)
}
