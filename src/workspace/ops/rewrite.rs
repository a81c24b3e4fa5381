//! Makes a queue from a series of commits, and changes files, store and checkout together.

use std::collections::HashMap;

use bstr::{BStr, BString, ByteSlice};

use super::dropped::{Fate, Vanished, WrittenQueue};
use super::error::QueueError;
use crate::git::checkout::Materialized;
use crate::git::{BRANCH, GitError, Id, Objects, read_notes};
use crate::patch::Strip;
use crate::patch::names::{self, Naming, Slot};
use crate::patch::series::Series;
use crate::patch::split_message;
use crate::path::{RepoPath, printable};
use crate::stack::{self, Base, Exported, Moved, OldPatch, Origin, PatchMatch, Queued, Stack, Version};
use crate::workspace::files::queue::{Queue, QueueFile, SERIES};
use crate::workspace::files::queue_files::Files;
use crate::workspace::step::context::StepContext;
use crate::workspace::step::effects::{CheckoutMove, GitEffects, RefMove};
use crate::workspace::step::equal_refs::{HowEqual, equal_refs};
use crate::workspace::step::error::StepError;
use crate::workspace::step::kept;
use crate::workspace::step::publish::FileChange;
use crate::workspace::step::run::do_step;
use crate::workspace::upstream::fetcher::{FetchError, Fetcher};
use crate::workspace::upstream::sides::SyncState;
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::version::version_text;

/// A queue made from commits, not yet written.
#[derive(Debug)]
pub struct Rewrite {
    /// The new queue's files.
    pub files: Files,
    /// Each patch of the new queue: its name, its commit, and its exported file.
    pub patches: Vec<(String, Exported)>,
    /// The names of files to remove.
    pub removed: Vec<String>,
    /// Renamed files: old and new name.
    pub renamed: Vec<(String, String)>,
    /// Those of `removed` whose change is now in another patch, and which one, as far as this was checked.
    pub folded: Vec<(String, String)>,
    /// The new queue on its pin: the new state of the checkout.
    pub stack: Stack,
    /// Notes about the change for `undo --list`.
    pub notes: Vec<String>,
    changes: Vec<FileChange>,
    version_taken: bool,
}

/// Why commits cannot become a queue.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    /// A commit without a change cannot be a patch file.
    #[error("commit {} ({subject}) changes nothing, and a patch file cannot represent that", .commit.short(12))]
    EmptyCommit {
        /// The commit.
        commit: Id,
        /// Its subject, printable.
        subject: String,
    },
    /// A patch file would not give back its commit. Nothing is written then.
    #[error("the patch file of commit {} ({subject}) would not reproduce it{why}", .commit.short(12))]
    NotFaithful {
        /// The commit.
        commit: Id,
        /// Its subject, printable.
        subject: String,
        /// The reason, as far as known.
        why: String,
    },
    /// The series cannot be read.
    #[error("the series cannot be changed: {0}")]
    Series(String),
    /// Another error.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl From<StepError> for RewriteError {
    fn from(error: StepError) -> RewriteError {
        RewriteError::Queue(error.into())
    }
}

impl From<GitError> for RewriteError {
    fn from(error: GitError) -> RewriteError {
        RewriteError::Queue(error.into())
    }
}

impl From<FetchError> for RewriteError {
    fn from(error: FetchError) -> RewriteError {
        RewriteError::Queue(error.into())
    }
}

impl Rewrite {
    /// Makes the queue of `commits` (oldest first, on `base`). `old` are the present files. With `places` (the hunks of
    /// its files that apply at other places than they say), a file whose hunks now apply at different places is
    /// rewritten.
    ///
    /// # Errors
    /// [`RewriteError`]; nothing is written in any case.
    pub fn plan(
        fetcher: &Fetcher<'_>,
        objects: &mut Objects<'_>,
        old: &Files,
        base: Base,
        commits: &[Version],
        places: Option<HashMap<String, Vec<Moved>>>,
    ) -> Result<Rewrite, RewriteError> {
        let upstream = fetcher.upstream;
        let sure = commits.iter().filter_map(|version| Some((version.commit, version.name.clone()?))).collect();
        let belongs = PatchMatch { sure, noted: read_notes(objects)?, places };
        let ids: Vec<Id> = commits.iter().map(|version| version.commit).collect();
        refuse_empty(objects, &base, &ids)?;
        let exported = fetcher.run(objects, |objects| stack::export(objects, &base, &ids, &old.patches, &belongs))?;
        let (names, series) = name_files(old, &exported)?;
        let queue = new_queue(old, &names, &exported, series);
        let mut files = Files { pin: base.commit, queue, patches: Vec::new(), version: old.version.clone() };
        files.patches = parse_all(&files.queue, &exported)?;
        let stack = faithful(objects, base, &files, &exported)?;
        let mut changes = changes(upstream, &old.queue, &files.queue)?;
        changes.extend(pin_change(upstream, old.pin, files.pin)?);
        // A patch is identified by its commit: another patch may have the name of a removed one.
        let kept = |name: &&String| !exported.iter().any(|patch| patch.name.as_ref() == Some(*name));
        let removed = old.queue.files.iter().map(|file| &file.name).filter(kept).cloned().collect();
        let renamed = exported.iter().zip(&names).filter_map(|(patch, name)| {
            patch.name.as_ref().filter(|was| *was != name).map(|was| (was.clone(), name.clone()))
        });
        let renamed = renamed.collect();
        Ok(Rewrite {
            files,
            patches: names.into_iter().zip(exported).collect(),
            removed,
            renamed,
            folded: Vec::new(),
            stack,
            notes: Vec::new(),
            changes,
            version_taken: false,
        })
    }

    /// Makes the queue of `old` with other bytes in some files, and with `version`: the same patches with the same
    /// names and effects. `exported` has one entry per file, in order.
    ///
    /// # Errors
    /// [`RewriteError::NotFaithful`] when a file would not give its commit's tree again.
    pub(in crate::workspace) fn reform(
        upstream: &UpstreamStore<'_>,
        objects: &mut Objects<'_>,
        old: &Files,
        base: Base,
        exported: Vec<Exported>,
        version: Option<String>,
    ) -> Result<Rewrite, RewriteError> {
        let names: Vec<String> = old.queue.files.iter().map(|file| file.name.clone()).collect();
        let series = match &old.queue.series {
            None => None,
            Some(bytes) => {
                let mut series = Series::parse(bytes).map_err(|error| RewriteError::Series(error.to_string()))?;
                clear_strips(&mut series, &exported);
                Some(series.print())
            }
        };
        let queue = new_queue(old, &names, &exported, series);
        let mut files = Files { pin: base.commit, queue, patches: Vec::new(), version };
        files.patches = parse_all(&files.queue, &exported)?;
        let stack = faithful(objects, base, &files, &exported)?;
        let changes = changes(upstream, &old.queue, &files.queue)?;
        let patches = names.into_iter().zip(exported).collect();
        let (removed, renamed, folded) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Rewrite {
            files,
            patches,
            removed,
            renamed,
            folded,
            stack,
            notes: Vec::new(),
            changes,
            version_taken: false,
        })
    }

    /// Returns what will be written.
    #[must_use]
    pub fn written(&self) -> WrittenQueue {
        let (patches, removed) = (self.patches.clone(), self.removed.clone());
        WrittenQueue { patches, removed, renamed: self.renamed.clone(), folded: self.folded.clone() }
    }

    /// Returns the names of the patch files that are written.
    fn written_files(&self, upstream: &UpstreamStore<'_>) -> Vec<String> {
        let folder = upstream.workspace.layout.patches(upstream.name());
        let shown = [upstream.workspace.layout.shown(&folder).as_os_str().as_encoded_bytes(), b"/"].concat();
        let written = self.changes.iter().filter(|change| change.new.is_some());
        let names = written.filter_map(|change| change.path.as_bytes().strip_prefix(shown.as_slice()));
        names.map(|name| name.to_str_lossy().into_owned()).collect()
    }

    /// Adds patch files that `plan` got although they are gone from disk, so that they are written again.
    pub(in crate::workspace) fn bring_back(
        &mut self,
        upstream: &UpstreamStore<'_>,
        gone: &[String],
    ) -> Result<(), RewriteError> {
        let layout = &upstream.workspace.layout;
        let folder = layout.patches(upstream.name());
        for name in gone {
            let path = [layout.shown(&folder).as_os_str().as_encoded_bytes(), b"/", name.as_bytes()].concat();
            let path = RepoPath::new(path).map_err(GitError::EvilPath)?;
            self.changes.retain(|change| change.path != path);
            if let Some(file) = self.files.queue.files.iter().find(|file| file.name == *name) {
                self.changes.push(FileChange { path, old: None, new: Some(file.bytes.clone()) });
            }
            for (_, patch) in self.patches.iter_mut().filter(|(file, _)| file == name) {
                patch.origin = Origin::New;
            }
            self.removed.retain(|file| file != name);
        }
        Ok(())
    }

    /// Records what happened to patches whose commits vanished.
    pub(in crate::workspace) fn note_vanished(&mut self, vanished: &[Vanished]) {
        for Vanished { name, fate, .. } in vanished {
            match fate {
                Fate::Folded(Some(into)) => self.folded.push((name.clone(), into.clone())),
                Fate::Folded(None) => {}
                Fate::Lost(_) => self.notes.push(format!("{name} left the queue: its commit was gone")),
            }
        }
    }

    /// Adds changes of other files to the same step. `version_taken`: one of them is a version that was just
    /// determined.
    pub(in crate::workspace) fn add(&mut self, changes: Vec<FileChange>, version_taken: bool) {
        self.changes.extend(changes);
        self.version_taken |= version_taken;
    }

    /// Returns the files that would change, from the workspace's root, printable.
    pub(in crate::workspace) fn changed_files(&self) -> Vec<String> {
        self.changes.iter().map(|change| change.path.to_string()).collect()
    }

    /// Returns the changes alone, for a step that leaves the store unchanged.
    pub(in crate::workspace) fn into_changes(self) -> Vec<FileChange> {
        self.changes
    }

    /// Writes everything in one journalled step: files, refs, checkout, and the record for `undo`. The caller holds the
    /// lock and has checked `state` under it. If uncommitted changes of the checkout become part of the queue,
    /// `through` is a commit on the tip that contains them: the checkout is moved there first, so that they are not in
    /// the way.
    ///
    /// # Errors
    /// [`QueueError`].
    pub fn publish(
        mut self,
        upstream: &UpstreamStore<'_>,
        objects: &mut Objects<'_>,
        state: &SyncState,
        through: Option<Id>,
        ctx: &StepContext<'_>,
    ) -> Result<Option<Materialized>, QueueError> {
        let mut side = GitEffects::default();
        let goal = self.stack.top();
        if state.has_checkout() {
            let step = CheckoutMove {
                old: through.or(state.tip),
                pin: self.files.pin,
                commit: goal,
                keep: false,
                touched: None,
                changed: state.work.iter().map(|change| change.path.as_bytes().to_vec()).collect(),
                version: version_text(upstream, &self.files),
                reason: format!("patchq {}", ctx.command),
            };
            if let Some(through) = through {
                side.checkout.push(CheckoutMove { old: state.tip, commit: through, ..step.clone() });
            }
            side.checkout.push(step);
        } else {
            side.refs.extend(RefMove::to(upstream, BRANCH, Some(goal))?);
        }
        let written = self.written_files(upstream);
        let how = HowEqual { version_taken: self.version_taken, written: &written, ..HowEqual::default() };
        side.refs.extend(equal_refs(upstream, objects, &self.stack, &self.files, how)?);
        let changes = std::mem::take(&mut self.changes);
        let nothing = changes.is_empty() && side.refs.is_empty() && state.tip == Some(goal);
        if nothing {
            return Ok(None);
        }
        let notes = std::mem::take(&mut self.notes);
        side.refs.extend(kept::keep(
            upstream,
            objects,
            state,
            kept::About { notes, ..kept::About::of(&changes, &side) },
            ctx,
        )?);
        Ok(do_step(upstream, objects, changes, &side, ctx)?)
    }
}

fn refuse_empty(objects: &mut Objects<'_>, base: &Base, commits: &[Id]) -> Result<(), RewriteError> {
    let mut tree = base.tree;
    for id in commits {
        let commit = objects.commit(*id)?;
        if commit.tree == tree {
            let subject = printable(&split_message(&commit.message).0);
            return Err(RewriteError::EmptyCommit { commit: *id, subject });
        }
        tree = commit.tree;
    }
    Ok(())
}

/// Returns the names of the new queue's files, and the series if there is (or must be) one.
fn name_files(old: &Files, exported: &[Exported]) -> Result<(Vec<String>, Option<Vec<u8>>), RewriteError> {
    let before: Vec<BString> = old.queue.files.iter().map(|file| BString::from(file.name.as_str())).collect();
    let slots: Vec<Slot<'_>> = exported
        .iter()
        .map(|patch| match &patch.name {
            Some(name) => Slot::Keep(BStr::new(name.as_bytes())),
            None => Slot::New(patch.subject.as_bstr()),
        })
        .collect();
    let text = |names: Vec<BString>| names.iter().map(|name| name.to_str_lossy().into_owned()).collect::<Vec<_>>();
    let Some(bytes) = &old.queue.series else {
        return Ok(match names::assign(&before, &slots) {
            Naming::Names(names) => (text(names), None),
            Naming::NeedsSeries(names) => {
                let lines: String = text(names.clone()).iter().map(|name| format!("{name}\n")).collect();
                (text(names), Some(lines.into_bytes()))
            }
        });
    };
    let mut series = Series::parse(bytes).map_err(|error| RewriteError::Series(error.to_string()))?;
    let mut known = before.clone();
    let mut names: Vec<BString> = Vec::with_capacity(slots.len());
    for slot in &slots {
        let name = match slot {
            Slot::Keep(name) => {
                // A restored file has lost its line too.
                if !series.entries().any(|entry| entry.name == **name) {
                    series.insert_after(names.last().map(|name| name.as_bstr()), name);
                }
                (*name).to_owned()
            }
            Slot::New(subject) => {
                let name = names::free_name(&known, subject);
                series.insert_after(names.last().map(|name| name.as_bstr()), name.as_bstr());
                known.push(name.clone());
                name
            }
        };
        names.push(name);
    }
    for gone in before.iter().filter(|name| !names.contains(name)) {
        series.remove(gone.as_bstr());
    }
    let order: Vec<&BStr> = names.iter().map(|name| name.as_bstr()).collect();
    series.reorder(&order);
    clear_strips(&mut series, exported);
    Ok((text(names), Some(series.print())))
}

/// Removes `-pN` from rewritten files: patchq writes paths with one leading folder, whatever the file had before.
fn clear_strips(series: &mut Series, exported: &[Exported]) {
    for patch in exported.iter().filter(|patch| patch.origin == Origin::Rewritten) {
        if let Some(name) = &patch.name {
            series.clear_strip(name.as_bytes().as_bstr());
        }
    }
}

fn new_queue(old: &Files, names: &[String], exported: &[Exported], series: Option<Vec<u8>>) -> Queue {
    let files = names.iter().zip(exported).map(|(name, patch)| {
        let was = old.queue.files.iter().find(|file| Some(&file.name) == patch.name.as_ref());
        let strip = was.filter(|_| patch.origin == Origin::Kept).map_or(Strip::Default, |file| file.strip);
        QueueFile { name: name.clone(), bytes: patch.bytes.clone(), strip }
    });
    Queue { files: files.collect(), series, others: old.queue.others.clone() }
}

/// Parses the new files; if one cannot be parsed, this is an error in patchq, and nothing is written.
fn parse_all(queue: &Queue, exported: &[Exported]) -> Result<Vec<OldPatch>, RewriteError> {
    let parse = |(file, patch): (&QueueFile, &Exported)| {
        let parsed = crate::patch::parse(&file.bytes, file.strip).map_err(|error| RewriteError::NotFaithful {
            commit: patch.commit,
            subject: printable(&patch.subject),
            why: format!(": {error}"),
        })?;
        Ok(OldPatch { queued: Queued { name: file.name.clone(), patch: parsed }, bytes: file.bytes.clone() })
    };
    queue.files.iter().zip(exported).map(parse).collect()
}

/// Applies the new files and compares every tree with its commit's.
fn faithful(
    objects: &mut Objects<'_>,
    base: Base,
    files: &Files,
    exported: &[Exported],
) -> Result<Stack, RewriteError> {
    let queue = files.queued();
    let applied = match stack::apply(objects, base, &queue)? {
        stack::Lazy::Done(applied) => applied,
        stack::Lazy::Need(ids) => return Err(FetchError::TooManyRounds(ids.len()).into()),
    };
    for (n, patch) in exported.iter().enumerate() {
        let wanted = objects.commit(patch.commit)?.tree;
        if applied.stack.items.get(n).map(|item| item.after) != Some(wanted) {
            let why = match &applied.failure {
                Some((at, failure)) if *at == n => format!(": {}: {}", failure.path, failure.reason),
                _ => String::new(),
            };
            let subject = printable(&patch.subject);
            return Err(RewriteError::NotFaithful { commit: patch.commit, subject, why });
        }
    }
    Ok(applied.stack)
}

/// Returns a change of the pin if the commits are based on another pin than the files.
fn pin_change(upstream: &UpstreamStore<'_>, old: Id, new: Id) -> Result<Option<FileChange>, RewriteError> {
    let layout = &upstream.workspace.layout;
    let file = layout.pin(upstream.name());
    let path = RepoPath::new(layout.shown(&file).as_os_str().as_encoded_bytes()).map_err(GitError::EvilPath)?;
    let bytes = crate::workspace::files::disk::read(&file).map_err(|error| StepError::Publish(error.into()))?;
    Ok((old != new).then(|| FileChange { path, old: bytes, new: Some(crate::workspace::files::pins::print_pin(&new)) }))
}

/// Returns the differences between two queues as changes of files.
fn changes(upstream: &UpstreamStore<'_>, old: &Queue, new: &Queue) -> Result<Vec<FileChange>, RewriteError> {
    let layout = &upstream.workspace.layout;
    let folder = layout.patches(upstream.name());
    let shown = layout.shown(&folder).as_os_str().as_encoded_bytes().to_vec();
    let path =
        |name: &str| RepoPath::new([&shown, b"/".as_slice(), name.as_bytes()].concat()).map_err(GitError::EvilPath);
    let mut changes = Vec::new();
    let content =
        |queue: &Queue, name: &str| queue.files.iter().find(|file| file.name == name).map(|file| file.bytes.clone());
    let mut names: Vec<&str> = old.files.iter().chain(&new.files).map(|file| file.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let (was, is) = (content(old, name), content(new, name));
        if was != is {
            changes.push(FileChange { path: path(name)?, old: was, new: is });
        }
    }
    if old.series != new.series {
        changes.push(FileChange { path: path(SERIES)?, old: old.series.clone(), new: new.series.clone() });
    }
    Ok(changes)
}
