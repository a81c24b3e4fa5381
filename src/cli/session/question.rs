//! Prepares a question of a refresh for the screen.

use bstr::{BStr, BString, ByteSlice};

use super::super::failure::shown;
use super::open::{About, Open, answered};
use crate::git::{Entry, Mode};
use crate::report::{UpstreamCommit, sentence};
use crate::stack::suggest::{self, Action, Choice as Side, FileRule, Suggestion};
use crate::stack::{
    Conflict, ConflictKind, Decided, FileOutcome, Hunk, PatchOutcome, Rebased, Resolution, can_make, choices,
};
use crate::ui::conflict::{Body, ChangedBy, Choice, Heading, Proposal, Question, UpstreamCommitLine};
use crate::ui::count;
use crate::workspace::Moving;
use crate::workspace::conflict::memory::Entry as Remembered;
use crate::workspace::conflict::session::{self, SessionDecision};

/// Lines of context around a hunk.
const CONTEXT: usize = 3;

/// Further data for a question.
pub(super) struct Beside<'a> {
    /// The upstream's name.
    pub(super) name: &'a str,
    /// The upstream commits; or why they are unknown.
    pub(super) blame: Result<Vec<UpstreamCommit>, String>,
    /// An earlier decision about the same lines, and whether it was at the same path.
    pub(super) remembered: Option<(&'a Remembered, bool)>,
    /// The decision that was just removed, if it answers this question.
    pub(super) withdrawn: Option<&'a SessionDecision>,
    /// Whether there is an unfinished edit.
    pub(super) draft: bool,
    /// Whether a decision can be undone.
    pub(super) can_go_back: bool,
    /// Whether there is a checkout.
    pub(super) has_checkout: bool,
}

/// Returns the question for the screen; `position` is its number among the open ones.
pub(super) fn question(
    moving: &Moving<'_>,
    rebased: &Rebased,
    open: &Open<'_>,
    (position, total): (usize, usize),
    beside: &Beside<'_>,
) -> Question {
    let done = answered(rebased);
    let heading = heading(moving, rebased, open, (done + position + 1, done + total), beside.name);
    let (line, body) = match open.about {
        About::Lines { conflict, hunk, n, .. } => (Some(hunk.upstream.start), lines(conflict, hunk, n)),
        About::Whole { conflict, .. } => (None, Body::Whole(whole(moving, conflict))),
        About::Emptied => (None, Body::Text(emptied(open))),
    };
    let place =
        open.conflict().map_or_else(|| "the whole patch".to_owned(), |conflict| shown(conflict.path.as_bytes()));
    let what = match (open.about, open.conflict()) {
        (About::Lines { conflict, .. }, _) => conflict.kind.to_string(),
        (_, Some(conflict)) => sentence(conflict),
        (_, None) if was_decided(open.patch) => "nothing is left of the patch after these decisions".to_owned(),
        (_, None) => ConflictKind::Emptied.to_string(),
    };
    let changed_by = match &beside.blame {
        Ok(commits) if open.conflict().is_some() => ChangedBy::Commits(commits.iter().map(commit_line).collect()),
        Ok(_) => ChangedBy::NotAsked,
        Err(why) => ChangedBy::Skipped(why.clone()),
    };
    Question {
        heading,
        place,
        line,
        what,
        body,
        changed_by,
        proposals: proposals(open, beside),
        notes: notes(moving, open, beside.draft),
        choices: keys(open, beside),
    }
}

fn heading(moving: &Moving<'_>, rebased: &Rebased, open: &Open<'_>, conflict: (usize, usize), name: &str) -> Heading {
    let subject = moving.from.patches.iter().find(|patch| patch.queued.name == open.patch.name);
    let subject = subject.map(|patch| shown(&patch.queued.patch.header.subject)).unwrap_or_default();
    let old = moving.from.version.clone().unwrap_or_else(|| moving.from.pin.short(12));
    Heading {
        upstream: name.to_owned(),
        from: old,
        to: moving.target.version.clone(),
        patch_file: shown(open.patch.name.as_bytes()),
        subject,
        patch: (open.number + 1, rebased.patches.len()),
        conflict,
    }
}

fn lines(conflict: &Conflict, hunk: &Hunk, n: usize) -> Body {
    let (before, after) = conflict.text.as_ref().map(|text| text.context(n, CONTEXT)).unwrap_or_default();
    let owned = |lines: Vec<&BStr>| lines.into_iter().map(BString::from).collect();
    Body::Lines {
        before: owned(before),
        base: hunk.base.clone(),
        upstream: hunk.upstream.clone(),
        patch: hunk.patch.clone(),
        after: owned(after),
    }
}

fn whole(moving: &Moving<'_>, conflict: &Conflict) -> Vec<(String, String)> {
    let sides = conflict.sides;
    let base = sides.base;
    let mut rows = Vec::new();
    for (side, entry) in [("base", base), ("upstream", sides.upstream), ("patch", sides.patch)] {
        let text = match entry {
            None if side == "base" || base.is_none() => "not there".to_owned(),
            None => "deleted".to_owned(),
            Some(entry) if side != "base" && Some(entry) == base => "as it was".to_owned(),
            Some(entry) => described(moving, entry, base.filter(|_| side != "base")),
        };
        rows.push((side.to_owned(), text));
    }
    for candidate in &conflict.candidates {
        let alike = candidate.percent.map(|percent| format!(", {percent} % alike")).unwrap_or_default();
        let what = if conflict.kind == ConflictKind::Collision { "collides with" } else { "perhaps now" };
        rows.push((what.to_owned(), format!("{}{alike}", shown(candidate.path.as_bytes()))));
    }
    rows
}

/// Describes a path on one side, and its difference from the base.
fn described(moving: &Moving<'_>, entry: Entry, base: Option<Entry>) -> String {
    let mode = format!("mode {:06o}", entry.mode.bits());
    let content = moving.content(entry);
    match (entry.mode, content) {
        (Mode::Folder, _) => "a folder".to_owned(),
        (Mode::Gitlink, _) => format!("the submodule at {}", entry.id.short(12)),
        (Mode::Symlink, Some(to)) => format!("a symlink to {}", shown(to.as_slice())),
        (_, Some(content)) if content.contains(&0) => format!("a binary file of {} bytes, {mode}", content.len()),
        (_, Some(content)) => {
            let lines = count(content.lines().count(), "line", "lines");
            match base.and_then(|base| moving.content(base)) {
                Some(old) if !old.contains(&0) => {
                    let (gone, new) = moved_lines(&old, &content);
                    format!("a file of {lines}, {mode}; {gone} removed, {new} added")
                }
                _ => format!("a file of {lines}, {mode}"),
            }
        }
        (_, None) => format!("a file, {mode}"),
    }
}

/// Returns how many lines were removed, and how many added.
fn moved_lines(old: &[u8], new: &[u8]) -> (usize, usize) {
    let (old, new): (Vec<&[u8]>, Vec<&[u8]>) =
        (old.lines_with_terminator().collect(), new.lines_with_terminator().collect());
    let operations = similar::capture_diff_slices(similar::Algorithm::Patience, &old, &new);
    operations
        .iter()
        .filter(|op| op.tag() != similar::DiffTag::Equal)
        .fold((0, 0), |(gone, came), op| (gone + op.old_range().len(), came + op.new_range().len()))
}

/// Checks whether something about the patch was decided.
fn was_decided(patch: &PatchOutcome) -> bool {
    patch.files.iter().any(|file| !file.decided.is_empty())
}

/// Describes the outcomes of the files of a patch of which nothing is left.
fn emptied(open: &Open<'_>) -> Vec<String> {
    let file = |file: &FileOutcome| {
        let has = match &file.evidence {
            _ if !file.decided.is_empty() => "as it was decided, what upstream has".to_owned(),
            Some(evidence) if !evidence.identical => {
                let stands = evidence.hunks.iter().filter(|stands| **stands).count();
                match (stands, evidence.hunks.len()) {
                    (1, 1) => "upstream already has the patch's hunk".to_owned(),
                    (n, all) => format!("upstream already has {n} of {all} hunks of the patch"),
                }
            }
            _ => "what upstream has".to_owned(),
        };
        [shown(file.place().as_bytes()), format!("    {has}")]
    };
    open.patch.files.iter().flat_map(file).collect()
}

fn commit_line(commit: &UpstreamCommit) -> UpstreamCommitLine {
    let UpstreamCommit { id, date, subject, link } = commit.clone();
    UpstreamCommitLine { id, date, subject, link }
}

/// Returns the proposal for the lines of a question.
pub(super) fn suggestion(open: &Open<'_>) -> Option<Suggestion> {
    match open.about {
        About::Lines { conflict, hunk, .. } => suggest::hunk(&conflict.path, hunk),
        About::Whole { .. } | About::Emptied => None,
    }
}

/// Returns the proposal for a path as a whole: the choice, the rule, the reason, and the confidence.
pub(super) fn whole_suggestion(open: &Open<'_>) -> Option<(Resolution, FileRule, String, &'static str)> {
    let About::Whole { conflict, file } = open.about else { return None };
    let found = suggest::file(conflict, None)?;
    let take = match found.action {
        Action::Delete => Resolution::Patch,
        Action::Drop => Resolution::Upstream,
    };
    let possible = choices(conflict, file.from.is_some()).contains(&take);
    possible.then(|| (take, found.rule, found.reason, found.confidence.word()))
}

fn proposals(open: &Open<'_>, beside: &Beside<'_>) -> Vec<Proposal> {
    let mut all = Vec::new();
    let mut before = |title: &str, reason: String, text: Option<BString>| {
        all.push(Proposal { key: 'r', label: "as before".to_owned(), title: title.to_owned(), reason, text });
    };
    match (beside.withdrawn.map(|decision| (&decision.about, decision.why())), beside.remembered) {
        (Some((session::About::Path(Decided::Lines { text, .. }), reason)), _) => {
            before("this was just undone", reason.to_string(), Some(text.clone()));
        }
        (Some((session::About::Path(Decided::Whole { .. }), reason)), _) => {
            before("this was just undone", reason.to_string(), None);
        }
        (_, Some((entry, here))) => {
            let elsewhere = if here { String::new() } else { format!(", in {}", entry.path) };
            before("this was decided before", format!("{}{elsewhere}", entry.said()), Some(entry.text.clone()));
        }
        _ => {}
    }
    let key = 's';
    let label = "suggestion".to_owned();
    let title = |confidence: &str| format!("suggestion ({confidence})");
    if let Some(Suggestion { confidence, reason, text, .. }) = suggestion(open) {
        all.push(Proposal { key, label, title: title(confidence.word()), reason, text: Some(text) });
    } else if let Some((take, _, reason, confidence)) = whole_suggestion(open) {
        let does = match take {
            Resolution::Patch => "delete it, as the patch does",
            _ => "drop the patch's change to it",
        };
        let reason = format!("{does}: {reason}");
        all.push(Proposal { key, label, title: title(confidence), reason, text: None });
    }
    if let Some(found) = suggest::patch(open.patch) {
        let title = format!("drop the whole patch ({})", found.confidence.word());
        all.push(Proposal { key: 'd', label: "drop patch".to_owned(), title, reason: found.reason, text: None });
    }
    all
}

/// Returns the notes about a question.
fn notes(moving: &Moving<'_>, open: &Open<'_>, draft: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if draft {
        notes.push("an edit that could not be used is kept; [e] or [E] continues it".to_owned());
    }
    let moved = |file: &&FileOutcome| open.conflict().is_some_and(|conflict| file.path != conflict.path);
    if let Some(file) = open.file().filter(moved) {
        notes.push(format!("in the patch it is {}", shown(file.path.as_bytes())));
    }
    if let Some(what) = open.conflict().and_then(|conflict| suggest::generated(&conflict.path)) {
        notes.push(format!("generated file ({what}): merging its text is never correct; regenerate it yourself"));
    }
    if let About::Lines { conflict, hunk, .. } = open.about {
        if suggest::generated(&conflict.path).is_none()
            && let Err(guard) = suggest::guard(&conflict.path, hunk, Side::Patch)
        {
            notes.push(format!("careful with the patch's lines: {guard}"));
        }
        if suggest::orders(&conflict.path, hunk).is_some() {
            notes.push("both sides only insert lines; choose which come first with [b] or [B]".to_owned());
        }
        notes.extend(alike(hunk));
    }
    if let Some(driver) = open.file().and_then(|file| file.not_run.as_ref()) {
        notes.push(format!(
            "upstream's attributes name the merge driver '{}'; it was not run",
            shown(driver.as_bytes())
        ));
    }
    let file = moving.from.patches.iter().find(|patch| patch.queued.name == open.patch.name);
    let trailers = file.map(|file| file.queued.patch.header.trailers()).unwrap_or_default();
    let is_cve = |key: &[u8]| key.eq_ignore_ascii_case(b"cve");
    let cves: Vec<String> = trailers.iter().filter(|(key, _)| is_cve(key)).map(|(_, value)| shown(value)).collect();
    if !cves.is_empty() {
        notes.push(format!("the patch is about {}", cves.join(", ")));
    }
    notes
}

/// Describes the lines around a hunk that both sides added, and their effect if both sides are taken.
fn alike(hunk: &Hunk) -> Option<String> {
    let named = |text: &BString, what: &str| {
        let lines: Vec<&[u8]> = text.lines().collect();
        let quoted = match lines.as_slice() {
            [] => return None,
            [one] => format!("'{}'", shown(one.trim())),
            [first, .., last] => {
                format!("{} lines, '{}' to '{}'", lines.len(), shown(first.trim()), shown(last.trim()))
            }
        };
        Some(format!("{what} with the same ({quoted})"))
    };
    let [above, below] = &hunk.alike;
    let both: Vec<String> = [named(above, "begin"), named(below, "end")].into_iter().flatten().collect();
    (!both.is_empty()).then(|| {
        format!("both sides {}, shown around the conflict; [b] and [B] write it with each side", both.join(" and "))
    })
}

/// Returns the keys in their order.
fn keys(open: &Open<'_>, beside: &Beside<'_>) -> Vec<Choice> {
    let mut keys = Vec::new();
    let mut add = |key: char, label: &str, help: &str| {
        keys.push(Choice { key, label: label.to_owned(), help: help.to_owned() });
    };
    match open.about {
        About::Lines { .. } => {
            add('p', "patch", "take the patch's lines");
            add('u', "upstream", "take upstream's lines and drop the patch's change");
            add('b', "both", "take both sides completely, the patch's lines first");
            add('B', "both, upstream first", "take both sides completely, upstream's lines first");
            add('e', "edit", "edit these lines in your editor, the three sides as comments around them");
            add('E', "edit file", "edit the whole file in your editor, with conflict markers");
            add('m', "merge tool", "open the merge tool that git is configured with, on this file");
        }
        About::Whole { conflict, file } => {
            whole_keys(conflict, file.from.is_some(), &mut add);
        }
        About::Emptied => {}
    }
    let fits = |conflict: &Conflict| !matches!(conflict.kind, ConflictKind::Place | ConflictKind::Collision);
    if beside.has_checkout && open.conflict().is_some_and(fits) {
        add(
            'c',
            "checkout",
            "put the conflict into the checkout and resolve it there; 'patchq refresh --continue' returns here",
        );
    }
    add('v', "view patch", "show the whole patch");
    if open.conflict().is_some() {
        add('o', "upstream's diff", "show everything that upstream changed in this file");
        add('h', "history", "show the upstream commits that touched this file");
    }
    if suggest::patch(open.patch).is_none() {
        add('d', "drop patch", "drop the patch from the queue; asks for the reason");
    }
    if beside.can_go_back {
        add('z', "undo", "undo the last decision");
    }
    add('l', "later", "leave this one for later");
    add('q', "stop here", "stop and keep the decisions; 'patchq refresh --continue' continues");
    add('A', "abort", "abandon the refresh and all its decisions");
    keys
}

fn mode_of(whose: &str, side: Option<Entry>) -> String {
    side.map_or(whose.to_owned(), |entry| format!("{whose}, mode {:06o}", entry.mode.bits()))
}

fn whole_keys(conflict: &Conflict, renames: bool, add: &mut impl FnMut(char, &str, &str)) {
    let sides = conflict.sides;
    for take in choices(conflict, renames) {
        match take {
            Resolution::Patch if sides.patch.is_none() => add('p', "delete", "delete the file, as the patch does"),
            Resolution::Patch if sides.upstream.is_none() => {
                add('p', "keep the file", "keep the patch's version at the patch's path");
            }
            Resolution::Patch if conflict.kind == ConflictKind::Mode => {
                add('p', &mode_of("patch's", sides.patch), "take the patch's version, with its mode");
            }
            Resolution::Patch => add('p', "patch's", "take the patch's version"),
            Resolution::Upstream if sides.upstream.is_none() => {
                add('u', "leave it deleted", "leave the file deleted, as upstream did, and drop the patch's change");
            }
            Resolution::Upstream if conflict.kind == ConflictKind::Mode => {
                add('u', &mode_of("upstream's", sides.upstream), "take upstream's version, with its mode");
            }
            Resolution::Upstream if sides.patch.is_none() => {
                add('u', "keep upstream's", "keep the file as upstream has it");
            }
            Resolution::Upstream => add('u', "upstream's", "take upstream's version and drop the patch's change"),
            Resolution::Renamed(_) | Resolution::Edited(_) => {}
        }
    }
    if choices(conflict, renames).iter().any(|take| matches!(take, Resolution::Renamed(_))) {
        add('f', "follow", "apply the patch's change where upstream moved the file");
    }
    let submodule =
        [sides.base, sides.upstream, sides.patch].into_iter().flatten().any(|side| side.mode == Mode::Gitlink);
    if can_make(conflict.kind) && !submodule {
        add('E', "edit file", "edit the file in your editor");
    }
}
