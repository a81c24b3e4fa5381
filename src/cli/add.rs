//! `patchq add`.

use serde::Serialize;

use super::add_like::{Copied, add_like};
use super::context::Context;
use super::entry::{Entry, Said, entry, find, rev, write};
use super::failure::{CliError, Exit};
use super::hint;
use super::refresh;
use crate::git::Id;
use crate::report::FailureKind;
use crate::ui::Message;
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::manifest::Name;
use crate::workspace::pinned;

/// Add an upstream and pin it
///
/// Writes the entry to `upstreams.toml`, resolves the commit to pin and its
/// version, and writes both to `commits/`. On a terminal it asks for a missing
/// name or url. If the manifest has the entry but there is no pin, it only sets
/// the pin.
///
/// With --like the new entry is a copy of another one, for a second release
/// branch. Its keys, its pin and its patch files are copied unchanged.
///
/// Nothing is checked out; use `patchq setup --only NAME` for that.
/// `patchq undo` removes the entry again.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq add kubeflow https://github.com/kubeflow/kubeflow.git \\
         --track v1.6-branch
  patchq add ray https://github.com/ray-project/ray.git --pin ray-1.11.0
  patchq add kubeflow --pin v1.6.1          set the pin of an existing entry
  patchq add kubeflow-1.9 --like kubeflow --track v1.9-branch --to v1.9.0"
)]
pub(super) struct Args {
    /// The upstream's name: lower case, digits, `.`, `_`, `-`
    #[arg(value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The URL of its repository; a relative path starts at the current folder
    #[arg(value_name = "URL")]
    pub(super) url: Option<String>,
    /// What refresh follows: a branch, a tag, a glob over tags (default: the remote's HEAD branch; with --like: the track of
    /// OTHER)
    #[arg(long, value_name = "T")]
    pub(super) track: Option<String>,
    /// The commit to pin: an id, a tag, a branch (default: the tip of the track)
    #[arg(long, value_name = "REV")]
    pub(super) pin: Option<String>,
    /// Copy this upstream's entry, pin and patch files
    #[arg(long, value_name = "OTHER")]
    pub(super) like: Option<String>,
    /// With --like: the commit to refresh the copy to
    #[arg(long, value_name = "REV")]
    pub(super) to: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Document {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) track: Option<String>,
    pub(super) pin: Id,
    pub(super) version: Option<String>,
    /// Whether the entry is new.
    pub(super) added: bool,
    /// The upstream that it was copied from.
    pub(super) like: Option<String>,
    pub(super) files: Vec<String>,
    /// The result of moving a copy's queue to another commit.
    pub(super) refresh: Option<refresh::Document>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    if args.like.is_some() {
        let copied = add_like(context, &args)?;
        return move_copy(context, copied);
    }
    if args.to.is_some() {
        let error = CliError::usage("--to needs --like: it moves the copy of another upstream");
        return Err(error.hint("use --pin REV to choose the commit to pin"));
    }
    let workspace = context.workspace()?;
    let pin = args.pin.as_deref().map(rev).transpose()?;
    let (name, url) = name_and_url(context, args.name, args.url)?;
    let said = Said { name: &name, url: url.as_deref(), track: args.track.as_deref(), url_argument: "URL" };
    let entry = entry(context, &workspace, &said)?;
    if let Some(pin) = entry.pin {
        return Err(pinned_already(&entry, pin));
    }
    context.git()?;
    let (found, prompts) = find(context, &workspace, &entry, pin.as_ref())?;
    let files = pinned(found.pin, found.version.clone());
    let adopted = write(context, &workspace, &entry, (&found, &files), prompts, |error| CliError::add(&name, error))?;
    let (url, track) = entry.url_and_track(&workspace, &found)?;
    let following = track.as_ref().map(|track| format!(", following {track}")).unwrap_or_default();
    let verb = if entry.new.is_some() { "added" } else { "pinned" };
    context.tell(&format!("{name}: {verb} at {} ({}){following}", found.pin.short(12), found.version));
    if let (Some(pin), Some(track), None, true) = (&args.pin, &track, &args.track, entry.new.is_some()) {
        let text = format!("{name}: the pin is {pin}, but refresh will follow '{track}', upstream's default branch");
        let hint = format!("to follow something else, use --track or change 'track' in {MANIFEST}");
        context.say(&Message::note(text).hint(hint));
    }
    context.say(&Message::note("nothing is checked out yet").hint(hint::patchq(&["setup", "--only", &name])));
    if context.json {
        let (pin, version, added) = (found.pin, Some(found.version), entry.new.is_some());
        let files = adopted.files;
        context.document(Document { name, url, track, pin, version, added, like: None, files, refresh: None }, None)?;
    }
    Ok(Exit::Done)
}

/// Reports the move of a copy in the step that made it. If a decision is open, the copy is based on the pin of the
/// other upstream, and an ordinary refresh moves it. Then the document of both is written.
fn move_copy(context: &Context, copied: Copied) -> Result<Exit, CliError> {
    let (exit, refreshed) = match (copied.to, copied.moved) {
        (_, Some(moved)) => {
            let workspace = context.workspace()?;
            let document = refresh::tell_copy(context, workspace.upstream(&copied.document.name)?, moved)?;
            (Exit::Done, Some(document))
        }
        (None, None) => (Exit::Done, None),
        (Some(to), None) => {
            let workspace = context.workspace()?;
            let upstream = workspace.upstream(&copied.document.name)?;
            // The user named both entries, so a commit that is older than the other's pin, or outside the track, is
            // intended. The other entry keeps the patches, even if none is left here.
            let to = Some(to.to_string());
            let args = refresh::Args { to, once: true, allow_older: true, allow_empty: true, ..Default::default() };
            let name = &copied.document.name;
            let moved = refresh::perform(context, &workspace, upstream, &args);
            // The copy is made, and stays at the pin of the other upstream.
            let (exit, document) = moved.map_err(|error| {
                error
                    .hint(hint::noted(
                        hint::patchq(&["refresh", name, "--to", "REV", "--once"]),
                        "the copy was made, but not moved",
                    ))
                    .hint(hint::noted(hint::patchq(&["undo", name]), "removes the copy"))
            })?;
            (exit, Some(document))
        }
    };
    let unset = Message::note("nothing is checked out yet");
    context.say(&unset.hint(hint::patchq(&["setup", "--only", &copied.document.name])));
    if context.json {
        context.document(Document { refresh: refreshed, ..copied.document }, None)?;
    }
    Ok(exit)
}

/// Returns name and url, and asks for missing ones; for the url first, because it suggests a name.
fn name_and_url(
    context: &Context,
    name: Option<String>,
    url: Option<String>,
) -> Result<(String, Option<String>), CliError> {
    if let Some(name) = name {
        return Ok((name.trim_end_matches('/').to_owned(), url));
    }
    let missing = || CliError::usage("NAME and URL are missing").hint(hint::patchq(&["add", "NAME", "URL"]));
    let url = context.ask("what is the URL of the upstream's repository?", None)?.ok_or_else(missing)?;
    let stem = name_in(&url);
    let name = context.ask("what name should the upstream have?", stem.as_deref())?.ok_or_else(missing)?;
    Ok((name, Some(url)))
}

/// Returns the name that a url suggests: its last part.
fn name_in(url: &str) -> Option<String> {
    let last = url.trim_end_matches('/').rsplit(['/', ':']).next()?;
    let stem = last.strip_suffix(".git").unwrap_or(last).to_ascii_lowercase();
    Name::parse(&stem).ok().map(|name| name.to_string())
}

pub(super) fn pinned_already(entry: &Entry, pin: Id) -> CliError {
    let name = entry.name.as_str();
    let file = format!("commits/{name}.txt");
    let error = CliError::plain(FailureKind::Pinned, format!("{name}: already pinned at {} ({file})", pin.short(12)))
        .at(file, None);
    match entry.new {
        None => error.hint(hint::noted(hint::patchq(&["refresh", name, "--to", "REV"]), "moves the queue to REV")),
        Some(_) => {
            let file = hint::place(format!("commits/{name}.txt"));
            error.hint(hint::noted(hint::remove(&file), "if the file is a leftover"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::name_in;

    #[test]
    fn a_url_suggests_its_last_part() {
        for (url, name) in [
            ("https://github.com/kubeflow/Kubeflow.git", Some("kubeflow")),
            ("git@host:ray", Some("ray")),
            ("../up/", Some("up")),
            ("https://host/patches", None),
            ("https://host/%C3%A4.git", None),
        ] {
            assert_eq!(name_in(url).as_deref(), name, "{url}");
        }
    }
}
