//! `patchq add NAME --like OTHER`: a second entry with a copy of the queue.

use super::add::{Args, Document};
use super::context::Context;
use super::entry::{in_the_way, new_name, pin_of, rev, with_site};
use super::failure::CliError;
use super::hint;
use crate::git::Rev;
use crate::ui::count;
use crate::workspace::layout::MANIFEST;
use crate::workspace::manifest::{Name, Track, Upstream};
use crate::workspace::{AdoptError, Adopted, Adoption, Files, NewEntry, SettleError, Workspace, adopt, refuse_patches};

/// A copy that stands where the other upstream stands.
pub(super) struct Copied {
    pub(super) document: Document,
    /// Where it is to go: a revision of the command line.
    pub(super) to: Option<Rev>,
}

/// Adds the entry and its files in one step, and says so.
pub(super) fn add_like(context: &Context, args: &Args) -> Result<Copied, CliError> {
    let workspace = context.workspace()?;
    let (text, like) = refuse_mixture(args)?;
    let to = args.to.as_deref().map(rev).transpose()?;
    let track = args.track.as_deref().map(Track::parse).transpose();
    let track = track.map_err(|error| CliError::usage(error.to_string()))?;
    let other = workspace.upstream(like)?;
    let name = free_name(context, &workspace, text)?;
    let files = Files::read(&workspace.layout, &other.name);
    let files = files.map_err(|error| CliError::settle(other.name.as_str(), SettleError::Files(error)))?;
    context.git()?;
    let entry = NewEntry::Like { name: name.clone(), other: other.name.clone(), track: track.clone() };
    let adopted = write(context, &workspace, (&name, &entry), &files, other)?;
    in_the_way(context, &workspace, &name, &adopted);
    let track = track.as_ref().or(other.track.as_ref()).map(ToString::to_string);
    tell(context, &name, other, &files, track.as_deref());
    let (url, like) = (other.url.to_string(), Some(other.name.to_string()));
    let (pin, version, files) = (files.pin, files.version, adopted.files);
    let name = name.to_string();
    Ok(Copied { document: Document { name, url, track, pin, version, added: true, like, files, refresh: None }, to })
}

/// The name of the copy and that of the other upstream, if nothing else is given that a copy has from there.
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

/// The name, if nothing is there of an upstream called so.
fn free_name(context: &Context, workspace: &Workspace, text: &str) -> Result<Name, CliError> {
    if let Some(there) = workspace.manifest.upstream(text) {
        let error = CliError::usage(format!("there is an upstream '{}' in {MANIFEST} already", there.name));
        return Err(error.at(MANIFEST, Some(there.line)).hint("take another name"));
    }
    let name = new_name(context, workspace, text)?;
    refuse_patches(&workspace.layout, &name).map_err(|error| left_over(&name, &error))?;
    if let Some(pin) = pin_of(workspace, &name)? {
        let file = format!("commits/{name}.txt");
        let text = format!("{name}: it has a pin already ({}, {file})", pin.short(12));
        return Err(CliError::plain("pinned", text)
            .at(file.clone(), None)
            .hint(hint::noted(hint::remove(&hint::place(&file)), "if it is a leftover")));
    }
    Ok(name)
}

fn left_over(name: &Name, error: &AdoptError) -> CliError {
    match error {
        AdoptError::HasPatches { .. } => CliError::of("has-patches", error)
            .hint(hint::noted(
                hint::command(&["rm".as_ref(), "-r".as_ref(), hint::place(format!("patches/{name}")).as_os_str()]),
                "if it is a leftover",
            ))
            .hint("or take another name")
            .in_upstream(name.as_str()),
        _ => CliError::of("queue", error).in_upstream(name.as_str()),
    }
}

/// Writes it all. What the queue needs the other upstream's store has, most of the time; otherwise its upstream is asked,
/// a second time with git asking on the terminal where credentials were missing.
fn write(
    context: &Context,
    workspace: &Workspace,
    (name, entry): (&Name, &NewEntry),
    files: &Files,
    other: &Upstream,
) -> Result<Adopted, CliError> {
    let write = |prompts| {
        let adopted = with_site(context, workspace, (name, Some(entry)), prompts, |site, supply| {
            let adoption = Adoption { entry: Some(entry), files, pin_now: None };
            Ok(context.around(context.command(), |around| adopt(site, supply, &adoption, around)))
        })?;
        adopted.map_err(|error| match error {
            // The file that is to be corrected is the other one's.
            AdoptError::Settle(error @ SettleError::Apply { .. }) => CliError::settle(other.name.as_str(), error),
            error @ AdoptError::HasPatches { .. } => left_over(name, &error),
            error => CliError::adopt(name.as_str(), error),
        })
    };
    context.with_prompts(write)
}

/// Says what was copied, what was not, and what to do next.
fn tell(context: &Context, name: &Name, other: &Upstream, files: &Files, track: Option<&str>) {
    if !files.queue.others.is_empty() {
        context.tell(&format!("{name}: no patches, and not copied: {}", files.queue.others.join(", ")));
    }
    let version = files.version.as_ref().map(|version| format!(" ({version})")).unwrap_or_default();
    let patches = count(files.patches.len(), "patch", "patches");
    let following = track.map(|track| format!(", following {track}")).unwrap_or_default();
    let pin = files.pin.short(12);
    context.tell(&format!("{name}: added like {}, with {patches} on {pin}{version}{following}", other.name));
}
