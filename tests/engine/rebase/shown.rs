//! Makes a queue from trees, and shows the outcomes as text.

use std::collections::BTreeSet;

use patchq::git::{Id, Objects};
use patchq::stack::{Accept, Base, FileOutcome, Item, Lazy, PatchOutcome, Rebased, Stack, rebase};

use crate::support::history::{Files, Parent, World};

/// A pin, a queue on it, and another pin.
pub(crate) struct Story {
    pub(crate) pin: Id,
    pub(crate) onto: Id,
    /// The queue's commits.
    pub(crate) queue: Vec<Id>,
}

impl Story {
    pub(crate) fn write(world: &World, pin: &Files, onto: &Files, queue: &[Files]) -> Story {
        let mut all = vec![(pin, None), (onto, Some(Parent::Number(0)))];
        // The first patch is based on the pin, each other on the one before.
        let parents = [0].into_iter().chain(2..);
        all.extend(queue.iter().zip(parents).map(|(files, parent)| (files, Some(Parent::Number(parent)))));
        let ids = world.commits(&all);
        Story { pin: ids[0], onto: ids[1], queue: ids[2..].to_vec() }
    }

    /// Returns the stack, with its patches named `0001`, `0002` and so on.
    pub(crate) fn stack(&self, objects: &mut Objects<'_>) -> Stack {
        let base = Base::read(objects, self.pin).unwrap();
        let mut before = base.tree;
        let items = self.queue.iter().enumerate().map(|(n, commit)| {
            let after = objects.commit(*commit).unwrap().tree;
            let item = Item { name: format!("{:04}", n + 1), before, after, commit: *commit };
            before = after;
            item
        });
        Stack { base, items: items.collect() }
    }

    /// Returns its rebase; every content is in the store.
    pub(crate) fn rebased(&self, objects: &mut Objects<'_>, may_drop: &BTreeSet<String>) -> Rebased {
        let stack = self.stack(objects);
        let onto = Base::read(objects, self.onto).unwrap();
        match rebase(objects, &stack, onto, &Accept { may_drop: may_drop.clone(), ..Accept::default() }).unwrap() {
            Lazy::Done(rebased) => rebased,
            Lazy::Need(ids) => panic!("{ids:?} are missing"),
        }
    }
}

pub(crate) fn shown(patch: &PatchOutcome) -> String {
    let files: Vec<String> = patch.files.iter().map(file_shown).collect();
    let emptied = if patch.emptied { " (emptied)" } else { "" };
    format!("{}{emptied}: {}", patch.outcome.word(), files.join("; "))
}

fn file_shown(file: &FileOutcome) -> String {
    let mut out = file.path.to_string();
    if let Some(from) = &file.from {
        out += &format!(" from {from}");
    }
    if let Some((to, percent)) = &file.moved {
        out += &format!(" -> {to} {percent}%");
    }
    out += &format!(" {}", file.outcome.word());
    if let Some(conflict) = &file.conflict {
        assert_eq!(conflict.path, *file.place());
        out += &format!(" {}", conflict.kind.word());
        for candidate in &conflict.candidates {
            let percent = candidate.percent.map_or("?".to_owned(), |percent| format!("{percent}%"));
            out += &format!(" [{} {percent}]", candidate.path);
        }
        for hunk in conflict.hunks() {
            let side = |lines: &patchq::stack::Lines| format!("{}:{:?}", lines.start, lines.text);
            out += &format!(" {{{} {} {}}}", side(&hunk.base), side(&hunk.upstream), side(&hunk.patch));
        }
    }
    if let Some(evidence) = &file.evidence {
        let hunks = format!("{}/{}", evidence.standing(), evidence.hunks.len());
        out += &format!(" has {}", if evidence.identical { "all" } else { &hunks });
    }
    if let Some(patch) = &file.waits_for {
        out += &format!(" after {patch}");
    }
    if let Some(driver) = &file.not_run {
        out += &format!(" without {driver}");
    }
    out
}
