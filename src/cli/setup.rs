//! `patchq setup`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit};
use super::hint;
use super::patch_files::{Renamed, renames, say_taken};
use super::upstreams::Each;
use crate::git::checkout::Warning;
use crate::git::{Id, Prompts};
use crate::path::RepoPath;
use crate::report::{Bytes, FailureKind};
use crate::stack::Applied;
use crate::ui::{Message, count};
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::manifest::Name;
use crate::workspace::{
    AbsentPath, FilesError, QueueError, SetupOptions, SetupOutcome, UpstreamStore, Workspace, copy, manifest, setup,
};

/// Check out every upstream at its pin, with its queue applied
///
/// Makes a sparse checkout NAME/ of every upstream in `upstreams.toml`: the pinned
/// commit, then one commit per patch on the branch `patchq`. Plain git works in
/// it. Only needed objects are transferred; later runs need no network.
///
/// In an existing checkout it applies changes of `patches/` and `commits/`. It
/// refuses, and lists the files, if it would lose a change: uncommitted edits
/// (save them) or commits that are not exported yet (export them).
///
/// DIR is the workspace (default: the one around the current folder). The name of
/// an upstream means that upstream, as with --only; write ./NAME for a folder. A
/// DIR outside the workspace gets a copy for building: plain repositories, made
/// without network, which patchq does not manage afterwards.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq setup .                  check out everything
  patchq setup kubeflow           check out one upstream
  patchq setup --no-apply         check out the pins without the queue
  patchq setup /tmp/build         make a copy for building"
)]
pub(super) struct Args {
    /// The workspace, one of its upstreams, or a folder outside it for a copy
    #[arg(value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
    /// Only this upstream (may be given several times)
    #[arg(long, value_name = "NAME")]
    pub(super) only: Vec<String>,
    /// Do not apply the queue: check out the pristine pin
    #[arg(long)]
    pub(super) no_apply: bool,
    /// Discard the checkout's commits and uncommitted changes (kept for `patchq undo`)
    #[arg(long)]
    pub(super) discard: bool,
}

/// How many paths beyond `sparse` are named without `-v`.
const EXTRA_SHOWN: usize = 5;

/// The result of setup for one upstream.
#[derive(Debug, Serialize)]
struct Upstream {
    name: String,
    pin: Id,
    version: Option<String>,
    top: Id,
    patches: usize,
    changed: bool,
    files: Option<usize>,
    written: Option<usize>,
    removed: Option<usize>,
    extra: Vec<Bytes>,
    moved_hunks: usize,
    uncommitted: usize,
    unexported: Vec<Id>,
    patches_removed: Vec<String>,
    patches_renamed: Vec<Renamed>,
    absent: Vec<Absent>,
}

/// A path of the manifest that does not exist.
#[derive(Debug, Serialize)]
struct Absent {
    key: &'static str,
    path: Bytes,
    image: Option<String>,
}

#[derive(Debug, Serialize)]
struct Document {
    upstreams: Vec<Upstream>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let (workspace, place) = place(context, args.dir.as_deref())?;
    let mut only = args.only;
    let copy = match place {
        Place::Here => None,
        Place::Copy(dir) => Some(dir),
        Place::Upstream(name) => {
            only.push(name);
            None
        }
    };
    let upstreams = context.upstreams(&workspace, &only)?;
    context.git()?;
    if let Some(tracked) = workspace.tracked_name(&workspace.tracked_names(context.git()?)?) {
        return Err(CliError::of(FailureKind::Manifest, &tracked)
            .at(MANIFEST, Some(tracked.line))
            .hint(hint::noted(
                hint::git_here(&["rm", "-r", "--cached", tracked.name.as_str()].map(OsStr::new)),
                "if nothing should be tracked there",
            ))
            .hint("or call the upstream something else"));
    }
    if let Some(dir) = copy {
        if let Some(option) = args.no_apply.then_some("--no-apply").or(args.discard.then_some("--discard")) {
            let given = args.dir.as_deref().unwrap_or(&dir).display();
            let text = format!("{option} works only on checkouts; '{given}' is outside the workspace and gets a copy");
            return Err(CliError::usage(text).hint(format!("omit {option}")));
        }
        return copies(context, &workspace, &upstreams, &dir);
    }
    if upstreams.is_empty() && !context.json {
        context.say_no_upstream();
    }
    let options = SetupOptions { pristine: args.no_apply, discard: args.discard, checkout: true };
    let all = setup_all(context, &workspace, &upstreams, options, "setup", false);
    finish(context, all)
}

/// The meaning of DIR.
enum Place {
    /// The workspace.
    Here,
    /// One upstream of it.
    Upstream(String),
    /// A folder outside, for a copy.
    Copy(PathBuf),
}

/// Returns the workspace, and what to set up in it.
fn place(context: &Context, dir: Option<&Path>) -> Result<(Workspace, Place), CliError> {
    let Some(dir) = dir else { return Ok((context.workspace()?, Place::Here)) };
    // A name, as in other commands; `./NAME` is a folder.
    if let Some(name) = dir.to_str().map(|text| text.trim_end_matches('/'))
        && let Ok(workspace) = context.workspace()
        && workspace.manifest.upstream(name).is_some()
    {
        return Ok((workspace, Place::Upstream(name.to_owned())));
    }
    let wanted = context.cwd.join(dir);
    let real = wanted.canonicalize().ok();
    // Another workspace can be named.
    if let Some(real) = real.as_ref().filter(|real| real.join(MANIFEST).is_file())
        && let Ok(workspace) = context.workspace_at(real)
        && workspace.layout.root() == real
    {
        return Ok((workspace, Place::Here));
    }
    let workspace = context.workspace()?;
    // A single word that is not a folder is a mistyped name.
    if real.is_none()
        && let Some(word) = dir.to_str().filter(|text| Name::parse(text).is_ok())
        && wanted.parent().is_some_and(|folder| folder.starts_with(workspace.layout.root()))
    {
        workspace.upstream(word)?;
    }
    let root = workspace.layout.root().to_owned();
    let real = real.unwrap_or_else(|| resolved(&wanted));
    match real.strip_prefix(&root) {
        Ok(below) if below == Path::new("") => Ok((workspace, Place::Here)),
        Ok(below) => {
            let name = below.to_string_lossy().into_owned();
            let error = CliError::usage(format!("'{}' is inside the workspace", dir.display()));
            Err(if workspace.upstream(&name).is_ok() {
                error.hint(hint::patchq(&["setup", "--only", &name]))
            } else {
                error.hint(hint::patchq(&["setup", "."]))
            })
        }
        Err(_) => Ok((workspace, Place::Copy(real))),
    }
}

/// Returns the path that `path` will have once it exists: symlinks followed, `..` removed.
fn resolved(path: &Path) -> PathBuf {
    let mut real = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(real.pop()),
            Component::CurDir => {}
            part => {
                real.push(part);
                real = real.canonicalize().unwrap_or(real);
            }
        }
    }
    real
}

/// Sets up several upstreams at once.
pub(super) fn setup_all(
    context: &Context,
    workspace: &Workspace,
    upstreams: &[&manifest::Upstream],
    options: SetupOptions,
    command: &str,
    local: bool,
) -> Each<(String, SetupOutcome)> {
    let one = |upstream: &manifest::Upstream, prompts| -> Result<SetupOutcome, CliError> {
        let name = upstream.name.as_str();
        context.check_stop()?;
        let file = workspace.layout.pin(&upstream.name);
        if !file.exists() {
            let error = FilesError::NoPin { file: workspace.layout.shown(&file).to_owned() };
            return Err(CliError::queue(name, QueueError::Files(error)));
        }
        let upstream =
            UpstreamStore::make(workspace, upstream).map_err(|error| CliError::from(error).in_upstream(name))?;
        context.mend_index(&upstream)?;
        context.with_fetcher(&upstream, local, prompts, |fetcher| {
            fetcher.remote.store_url(&upstream.store)?;
            let settled = context.step_context(command, |ctx| setup(fetcher, options, ctx));
            settled.map_err(|error| CliError::queue(name, error))
        })
    };
    context.each_at_once(workspace, upstreams, one, |upstream, settled| {
        print_summary(context, upstream, &settled);
        Ok((Exit::Done, (upstream.name.to_string(), settled)))
    })
}

/// Reports the result for one upstream.
fn print_summary(context: &Context, upstream: &manifest::Upstream, settled: &SetupOutcome) {
    let name = upstream.name.as_str();
    let patches = count(settled.applied.stack.items.len(), "patch", "patches");
    let top = settled.applied.stack.top().short(8);
    let what = match (&settled.checkout, settled.changed) {
        (Some(done), _) => {
            let files = count(done.files, "file", "files");
            let written = if done.written + done.removed > 0 {
                format!(" ({} written, {} removed)", done.written, done.removed)
            } else {
                String::new()
            };
            format!("{patches}, {files}{written}, at {top}")
        }
        (None, true) => format!("{patches}, at {top}"),
        (None, false) => format!("{patches}, up to date at {top}"),
    };
    say_taken(context, name, &settled.taken);
    context.tell(&format!("{name}: {what}"));
    if settled.changed || context.verbose {
        tell_extra(context, name, &settled.extra);
    }
    say_moved(context, name, &settled.applied);
    for absent in &settled.absent {
        let warning = Message::warning(format!("{name}: {absent}"));
        context.say(&warning.hint(format!("see {MANIFEST}:{}", upstream.line)));
    }
    for warning in settled.checkout.iter().flat_map(|done| &done.warnings) {
        context.say(&Message::warning(format!("{name}: {}", checkout_warning(warning))));
    }
    if settled.lost_store {
        context.say(&Message::warning(format!(
            "{name}: the store was lost and was created again; commits that were not exported are lost, and differences in the checkout stay as uncommitted changes"
        )));
    }
    if !settled.unexported.is_empty() {
        let commits = count(settled.unexported.len(), "commit", "commits");
        context.say(
            &Message::note(format!("{name}: restored with {commits} that differ from the patch files"))
                .hint(hint::patchq(&["export", name])),
        );
    }
    if !settled.work.is_empty() {
        let changes = count(settled.work.len(), "uncommitted change", "uncommitted changes");
        context.tell(&format!("{name}: {changes} kept"));
    }
    let (commits, work) = &settled.discarded;
    if settled.gave_up {
        let commits = match commits.len() {
            0 if work.is_empty() => "the checkout's commits".to_owned(),
            n => count(n, "commit", "commits"),
        };
        let work_count = work.len();
        let work = count(work_count, "uncommitted change", "uncommitted changes");
        let what = if work_count == 0 { commits } else { format!("{commits} and {work}") };
        context.say(&Message::note(format!("{name}: discarded {what}")).hint(hint::patchq(&["undo", name])));
    }
}

/// Names the paths that are in the checkout only because the queue touches them.
fn tell_extra(context: &Context, name: &str, extra: &[RepoPath]) {
    let shown = if context.verbose { extra.len() } else { extra.len().min(EXTRA_SHOWN) };
    for path in &extra[..shown] {
        context.tell(&format!("{name}: also checked out, because the queue touches it: {path}"));
    }
    if extra.len() > shown {
        context.tell(&format!("{name}: and {} more (-v lists them)", extra.len() - shown));
    }
}

/// How many misplaced hunks of a patch are named; more are counted.
const MOVED_SHOWN: usize = 3;

/// Reports which hunks apply at other places than their patch says, and how to repair that.
pub(super) fn say_moved(context: &Context, name: &str, applied: &Applied) {
    for moved in applied.moved.chunk_by(|a, b| a.0 == b.0) {
        let patch = moved.first().and_then(|(n, _)| applied.stack.items.get(*n)).map_or("", |item| item.name.as_str());
        if moved.len() > MOVED_SHOWN && !context.verbose {
            let files = moved.iter().map(|(_, moved)| &moved.path).collect::<BTreeSet<_>>().len();
            let furthest = moved.iter().map(|(_, moved)| moved.by.unsigned_abs()).max().unwrap_or(0);
            context.say(&Message::warning(format!(
                "{name}: {patch}: {} of {} apply at other lines, up to {} away (-v lists them)",
                count(moved.len(), "hunk", "hunks"),
                count(files, "file", "files"),
                lines(furthest),
            )));
            continue;
        }
        for (_, moved) in moved {
            context.say(&Message::warning(format!(
                "{name}: {patch}:{}: hunk {} of {} applies {} {}",
                moved.line,
                moved.hunk,
                moved.path,
                lines(moved.by.unsigned_abs()),
                if moved.by < 0 { "higher up" } else { "further down" },
            )));
        }
    }
    if !applied.moved.is_empty() && !context.quiet {
        let text = format!("{name}: the line numbers in the patch files can be corrected");
        context.say(&Message::note(text).hint(format!("patchq verify {name} --fix")));
    }
}

fn lines(number: u64) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), "line", "lines")
}

fn checkout_warning(warning: &Warning) -> String {
    match warning {
        Warning::Unfiltered { attribute: "working-tree-encoding", count: n, example } => format!(
            "{} with the attribute 'working-tree-encoding' stay as stored, in UTF-8 ({example} …), and git is configured for that",
            count(*n, "file", "files")
        ),
        Warning::Unfiltered { attribute, count: n, example } => format!(
            "{} with the attribute '{attribute}' stay as stored ({example} …); patchq does not run filters",
            count(*n, "file", "files")
        ),
        Warning::SubmoduleLeft { path } => {
            format!("the folder of the submodule '{path}' is not empty and was not removed")
        }
        Warning::VersionFile { tracked: true } => "version.txt is upstream's own; it was not written".to_owned(),
        Warning::VersionFile { tracked: false } => "version.txt is your own file; it was not written".to_owned(),
    }
}

fn absent(paths: &[AbsentPath]) -> Vec<Absent> {
    let one = |at: &AbsentPath| Absent { key: at.key, path: Bytes::from(at.path.as_bytes()), image: at.image.clone() };
    paths.iter().map(one).collect()
}

/// Writes the command's document and returns its exit code.
pub(super) fn finish(context: &Context, all: Each<(String, SetupOutcome)>) -> Result<Exit, CliError> {
    if context.json {
        let upstreams = all.results.iter().map(|(name, settled)| Upstream {
            name: name.clone(),
            pin: settled.applied.stack.base.commit,
            version: settled.version.clone(),
            top: settled.applied.stack.top(),
            patches: settled.applied.stack.items.len(),
            changed: settled.changed,
            files: settled.checkout.as_ref().map(|done| done.files),
            written: settled.checkout.as_ref().map(|done| done.written),
            removed: settled.checkout.as_ref().map(|done| done.removed),
            extra: settled.extra.iter().map(|path| Bytes::from(path.as_bytes())).collect(),
            moved_hunks: settled.applied.moved.len(),
            uncommitted: settled.work.len(),
            unexported: settled.unexported.clone(),
            patches_removed: settled.taken.removed.clone(),
            patches_renamed: renames(&settled.taken.renamed),
            absent: absent(&settled.absent),
        });
        context.document(Document { upstreams: upstreams.collect() }, all.failed.as_ref())?;
    }
    Ok(all.exit)
}

/// Copies every checkout to a folder outside the workspace, for building.
fn copies(
    context: &Context,
    workspace: &Workspace,
    upstreams: &[&manifest::Upstream],
    dir: &Path,
) -> Result<Exit, CliError> {
    std::fs::create_dir_all(dir).map_err(|error| CliError::io("cannot make the folder", dir, &error))?;
    let all = context.each(upstreams, |upstream| {
        let name = upstream.name.as_str();
        let upstream = UpstreamStore::make(workspace, upstream)?;
        let dest = dir.join(name);
        let copied = context.with_fetcher(&upstream, false, Prompts::Never, |fetcher| {
            fetcher.remote.store_url(&upstream.store)?;
            copy(fetcher, &dest).map_err(|error| CliError::queue(name, error))
        })?;
        context.tell(&format!("{name}: {} in {}", count(copied.files, "file", "files"), dest.display()));
        Ok((Exit::Done, serde_json::json!({ "name": name, "files": copied.files })))
    });
    if context.json {
        let copies = serde_json::json!({ "copies": all.results });
        context.document(copies, all.failed.as_ref())?;
    }
    Ok(all.exit)
}
