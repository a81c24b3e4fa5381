//! Reports changes to patch files, as lines and as data; for every command that writes or takes them.

use serde::Serialize;

use super::context::Context;
use super::failure::shown;
use crate::git::Id;
use crate::stack::{Exported, Origin};
use crate::ui::{Message, count};
use crate::workspace::{RemovedPatches, WrittenQueue};

/// A patch file and its change.
#[derive(Debug, Serialize)]
pub(super) struct Patch {
    pub(super) file: String,
    pub(super) commit: Id,
    pub(super) outcome: &'static str,
}

/// A renamed patch file.
#[derive(Debug, Serialize)]
pub(super) struct Renamed {
    from: String,
    to: String,
}

/// A patch that left the queue, and the one that has its change now.
#[derive(Debug, Serialize)]
pub(super) struct Folded {
    file: String,
    into: String,
}

/// Returns the patches as data.
pub(super) fn patches(queue: &WrittenQueue) -> Vec<Patch> {
    let patch = |(file, exported): &(String, Exported)| Patch {
        file: file.clone(),
        commit: exported.commit,
        outcome: outcome(exported.origin),
    };
    queue.patches.iter().map(patch).collect()
}

/// Returns new names as data.
pub(super) fn renames(renamed: &[(String, String)]) -> Vec<Renamed> {
    renamed.iter().map(|(from, to)| Renamed { from: from.clone(), to: to.clone() }).collect()
}

/// Returns folded patches as data.
pub(super) fn foldings(queue: &WrittenQueue) -> Vec<Folded> {
    queue.folded.iter().map(|(file, into)| Folded { file: file.clone(), into: into.clone() }).collect()
}

fn outcome(origin: Origin) -> &'static str {
    match origin {
        Origin::Kept => "kept",
        Origin::Rewritten => "rewritten",
        Origin::New => "new",
    }
}

/// Reports which patch files are new, rewritten, removed or renamed, which lines `git am` would otherwise cut off, and
/// how many are unchanged (named by `what`, singular and plural).
pub(super) fn say_patches(context: &Context, name: &str, queue: &WrittenQueue, what: (&str, &str)) {
    let kept = queue.patches.iter().filter(|(_, patch)| patch.origin == Origin::Kept).count();
    for (file, patch) in queue.patches.iter().filter(|(_, patch)| patch.origin != Origin::Kept) {
        context.tell(&format!("{name}: {:<9} {file}", outcome(patch.origin)));
        for line in &patch.shielded {
            let text = format!("{name}: {file}: a space was added in front of the message line '{}'", shown(line));
            context.say(&Message::note(text).caused_by("'git am' would end the message there"));
        }
    }
    say_removed(context, name, &queue.removed, &queue.folded);
    say_renamed(context, name, &queue.renamed);
    if kept > 0 {
        context.tell(&format!("{name}: {} unchanged", count(kept, what.0, what.1)));
    }
}

/// Reports which patch files were gone or renamed when the files were taken.
pub(super) fn say_taken(context: &Context, name: &str, taken: &RemovedPatches) {
    say_removed(context, name, &taken.removed, &[]);
    say_renamed(context, name, &taken.renamed);
}

fn say_removed(context: &Context, name: &str, removed: &[String], folded: &[(String, String)]) {
    for file in removed {
        match folded.iter().find(|(was, _)| was == file) {
            Some((_, into)) => context.tell(&format!("{name}: removed   {file} folded into {into}")),
            None => context.tell(&format!("{name}: removed   {file}")),
        }
    }
}

fn say_renamed(context: &Context, name: &str, renamed: &[(String, String)]) {
    for (was, is) in renamed {
        context.tell(&format!("{name}: renamed   {was} to {is}"));
    }
}
