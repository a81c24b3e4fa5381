//! `patchq add NAME --like OTHER`: a second entry with a copy of the queue.

use super::add::{Args, Document};
use super::context::Context;
use super::entry::{in_the_way, new_name, pin_of, rev, with_upstream};
use super::failure::CliError;
use super::hint;
use super::refresh;
use crate::git::Rev;
use crate::report::FailureKind;
use crate::ui::count;
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::manifest::{Name, Track, Upstream};
use crate::workspace::ops::refresh::{RefreshEnd, RefreshError, RefreshOptions, RefreshPlan, Refreshed};
use crate::workspace::{
    AddError, AddedUpstream, Fetcher, Files, Moving, NewEntry, NewPin, PinLines, QueueError, RewriteError,
    TargetRequest, Workspace, add_entry, refuse_patches,
};

/// A copy that has been written to the workspace's files.
pub(super) struct Copied {
    pub(super) document: Document,
    /// The target it must still be moved to because a decision is open: a revision from the command line.
    pub(super) to: Option<Rev>,
    /// The result of moving its queue in the same step.
    pub(super) moved: Option<Refreshed>,
}

/// What to copy, and its target.
struct Copy<'a> {
    name: &'a Name,
    entry: &'a NewEntry,
    other: &'a Upstream,
    files: &'a Files,
    to: Option<&'a RefreshOptions>,
}

/// Adds the entry and its files in one step, and reports it.
pub(super) fn add_like(context: &Context, args: &Args) -> Result<Copied, CliError> {
    let workspace = context.workspace()?;
    let (text, like) = refuse_mixture(args)?;
    let to = args.to.as_deref().map(rev).transpose()?;
    let track = args.track.as_deref().map(Track::parse).transpose();
    let track = track.map_err(|error| CliError::usage(error.to_string()))?;
    let other = workspace.upstream(like)?;
    let name = free_name(context, &workspace, text)?;
    let files = Files::read(&workspace.layout, &other.name);
    let files = files.map_err(|error| CliError::queue(other.name.as_str(), QueueError::Files(error)))?;
    context.git()?;
    let entry = NewEntry::Like { name: name.clone(), other: other.name.clone(), track: track.clone() };
    // The user named both entries, so a commit that is older than the other's pin, or outside the track, is intended.
    // The other entry keeps the patches, even if none is left here.
    let target = TargetRequest { to: to.clone(), once: true, allow_older: true, ..TargetRequest::default() };
    let options = RefreshOptions { target, allow_empty: true, ..RefreshOptions::default() };
    let copy = Copy { name: &name, entry: &entry, other, files: &files, to: to.as_ref().map(|_| &options) };
    let (adopted, there) = write(context, &workspace, &copy)?;
    in_the_way(context, &workspace, &name, &adopted);
    let track = track.as_ref().or(other.track.as_ref()).map(ToString::to_string);
    tell(context, &name, other, &files, track.as_deref());
    let (url, like) = (other.url.to_string(), Some(other.name.to_string()));
    let (there, moved) = there.unzip();
    let (pin, version) = there.map_or((files.pin, files.version), |there| (there.pin, there.version));
    let (name, files) = (name.to_string(), adopted.files);
    let to = to.filter(|_| moved.is_none());
    let document = Document { name, url, track, pin, version, added: true, like, files, refresh: None };
    Ok(Copied { document, to, moved })
}

/// Returns the name of the copy and that of the other upstream, if no options are given that a copy takes from there.
fn refuse_mixture(args: &Args) -> Result<(&str, &str), CliError> {
    let like = args.like.as_deref().unwrap_or_default().trim_end_matches('/');
    let Some(name) = args.name.as_deref().map(|name| name.trim_end_matches('/')) else {
        return Err(CliError::usage("NAME is missing").hint(hint::patchq(&["add", "NAME", "--like", like])));
    };
    if args.url.is_some() {
        let error = CliError::usage(format!("with --like the url is that of '{like}'; leave URL out"));
        return Err(error.hint(hint::patchq(&["add", name, "--like", like])));
    }
    if let Some(pin) = &args.pin {
        let error = CliError::usage(format!("with --like the pin is that of '{like}', until the copy is moved"));
        return Err(error.hint(hint::patchq(&["add", name, "--like", like, "--to", pin])));
    }
    Ok((name, like))
}

/// Returns the name, if there are no files of an upstream with this name.
fn free_name(context: &Context, workspace: &Workspace, text: &str) -> Result<Name, CliError> {
    if let Some(there) = workspace.manifest.upstream(text) {
        let error = CliError::usage(format!("there is already an upstream '{}' in {MANIFEST}", there.name));
        return Err(error.at(MANIFEST, Some(there.line)).hint("use another name"));
    }
    let name = new_name(context, workspace, text)?;
    refuse_patches(&workspace.layout, &name).map_err(|error| left_over(&name, &error))?;
    if let Some(pin) = pin_of(workspace, &name)? {
        let file = format!("commits/{name}.txt");
        let text = format!("{name}: already pinned at {} ({file})", pin.short(12));
        return Err(CliError::plain(FailureKind::Pinned, text)
            .at(file.clone(), None)
            .hint(hint::noted(hint::remove(&hint::place(&file)), "if the file is a leftover")));
    }
    Ok(name)
}

fn left_over(name: &Name, error: &AddError) -> CliError {
    match error {
        AddError::HasPatches { .. } => CliError::of(FailureKind::HasPatches, error)
            .hint(hint::noted(
                hint::command(["rm".as_ref(), "-r".as_ref(), hint::place(format!("patches/{name}")).as_os_str()]),
                "if the file is a leftover",
            ))
            .hint("or use another name")
            .in_upstream(name.as_str()),
        _ => CliError::of(FailureKind::Queue, error).in_upstream(name.as_str()),
    }
}

/// The result for a copy that is moved at once.
type There = Option<(Files, Refreshed)>;

/// Writes everything in one step, with the move if no decision is open. The other upstream's store usually has the
/// objects of the queue; otherwise the upstream is asked, a second time with git asking on the terminal if credentials
/// were missing.
fn write(context: &Context, workspace: &Workspace, copy: &Copy<'_>) -> Result<(AddedUpstream, There), CliError> {
    let (name, other) = (copy.name, copy.other.name.as_str());
    let write = |fetcher: &Fetcher<'_>| -> Result<(AddedUpstream, There), CliError> {
        // The file to correct belongs to the other entry.
        let there = match copy.to {
            Some(options) => move_there(fetcher, options, copy.files).map_err(|error| match error {
                RefreshError::Rewrite(RewriteError::Queue(error @ QueueError::Apply { .. })) => {
                    CliError::queue(other, error)
                }
                error => refresh::failed(name.as_str(), &refresh::Args::default(), error),
            })?,
            None => None,
        };
        let files = there.as_ref().map_or(copy.files, |(files, _)| files);
        let adoption = NewPin { entry: Some(copy.entry), files, pin_now: None };
        let adopted = context.step_context(context.command(), |ctx| add_entry(fetcher, &adoption, ctx));
        let adopted = adopted.map_err(|error| match error {
            AddError::Queue(error @ QueueError::Apply { .. }) => CliError::queue(other, error),
            error @ AddError::HasPatches { .. } => left_over(name, &error),
            error => CliError::add(name.as_str(), error),
        })?;
        Ok((adopted, there))
    };
    // The errors name their upstream themselves.
    context.with_prompts(|prompts| {
        with_upstream(context, workspace, (name, Some(copy.entry)), prompts, |fetcher| Ok(write(fetcher)))?
    })
}

/// Moves the queue to its target; `None`: it is already there, or a decision is open.
fn move_there(fetcher: &Fetcher<'_>, options: &RefreshOptions, files: &Files) -> Result<There, RefreshError> {
    let mut moving = Moving::begin_copy(fetcher, options, files.clone())?;
    if moving.target.same {
        return Ok(None);
    }
    let rebased = moving.run()?;
    if !rebased.is_clean() {
        return Ok(None);
    }
    let (files, published) = moving.copy_there(&rebased)?;
    let plan = RefreshPlan { rebased, differences: Vec::new(), pin_lines: PinLines::default() };
    Ok(Some((files, moving.done(RefreshEnd::Published(plan, published)))))
}

/// Reports what was copied, what was not, and what to do next.
fn tell(context: &Context, name: &Name, other: &Upstream, files: &Files, track: Option<&str>) {
    if !files.queue.others.is_empty() {
        context.tell(&format!("{name}: not copied, because they are not patches: {}", files.queue.others.join(", ")));
    }
    let version = files.version.as_ref().map(|version| format!(" ({version})")).unwrap_or_default();
    let patches = count(files.patches.len(), "patch", "patches");
    let following = track.map(|track| format!(", following {track}")).unwrap_or_default();
    let pin = files.pin.short(12);
    context.tell(&format!("{name}: added like {}, with {patches} on {pin}{version}{following}", other.name));
}
