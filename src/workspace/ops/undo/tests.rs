//! Tests of old records, and of the order of changes with clocks that jump.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;
use crate::workspace::files::open::Workspace;
use crate::workspace::step::kept::keep_files;

fn kept(order: Option<u64>, time: i64) -> UndoRecord {
    UndoRecord {
        command: "save".to_owned(),
        time,
        order,
        files: Vec::new(),
        refs: Vec::new(),
        branch: (Some(Id::EMPTY_TREE), None),
        pin: None,
        work: Some(Id::EMPTY_TREE),
        left: None,
        handed: None,
        version: None,
        notes: Vec::new(),
    }
}

#[test]
fn a_record_that_says_nothing_of_what_stayed_is_read() {
    let kept = kept(None, 1);
    let mut value = serde_json::to_value(&kept).unwrap();
    assert!(value.as_object_mut().unwrap().remove("left").is_some());
    assert!(value.as_object_mut().unwrap().remove("order").is_some());
    assert_eq!(serde_json::from_value::<UndoRecord>(value).unwrap(), kept);
}

#[test]
fn those_without_a_number_come_before_all_that_have_one() {
    let mut all = [kept(None, 5), kept(Some(2), -9), kept(None, 7), kept(Some(10), 0), kept(Some(3), 1 << 40)];
    sort_last_first(&mut all, |kept| kept);
    let order: Vec<(Option<u64>, i64)> = all.iter().map(|kept| (kept.order, kept.time)).collect();
    assert_eq!(order, [(Some(10), 0), (Some(3), 1 << 40), (Some(2), -9), (None, 7), (None, 5)]);
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// Makes a workspace with three upstreams that have empty stores.
fn workspace(root: &Path) -> Workspace {
    let entry = |name: &&str| format!("[upstream.{name}]\nurl = \"https://example.org/{name}.git\"\n");
    std::fs::write(root.join("upstreams.toml"), NAMES.iter().map(entry).collect::<String>()).unwrap();
    let workspace = Workspace::open(root).unwrap();
    for name in NAMES {
        UpstreamStore::make(&workspace, workspace.upstream(name).unwrap()).unwrap();
    }
    workspace
}

fn upstream_store<'w>(workspace: &'w Workspace, name: &str) -> UpstreamStore<'w> {
    UpstreamStore::open(workspace, workspace.upstream(name).unwrap()).unwrap().unwrap()
}

fn at(now: i64) -> StepContext<'static> {
    StepContext { command: "save", now, on_wait: &|_| {}, observe: &|_| {} }
}

fn patch_of(workspace: &Workspace, name: &str) -> std::path::PathBuf {
    workspace.layout.root().join(format!("patches/{name}/0001.patch"))
}

/// Changes the patch file of `name`, in a step that can be reverted.
fn change(workspace: &Workspace, name: &str, new: String, now: i64) {
    let upstream = upstream_store(workspace, name);
    let _lock = begin(&upstream, &at(now)).unwrap();
    let path = RepoPath::new(format!("patches/{name}/0001.patch")).unwrap();
    let old = std::fs::read(path.below(workspace.layout.root())).ok();
    let changes = vec![FileChange { path, old, new: Some(new.into_bytes()) }];
    let mut objects = Objects::new(&upstream.store).unwrap();
    let refs = keep_files(&upstream, &mut objects, &changes, &at(now)).unwrap();
    do_step(&upstream, &mut objects, changes, &GitEffects { refs, ..GitEffects::default() }, &at(now)).unwrap();
}

/// Pseudo-random numbers (xorshift), the same for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

#[test]
fn no_clock_decides_what_was_the_last_change() {
    for seed in 1..=6_u64 {
        let dir = tempfile::tempdir().unwrap();
        let workspace = workspace(dir.path());
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // The changes, in order: the upstream of the file, and its content before.
        let mut model: Vec<(&str, Option<Vec<u8>>)> = Vec::new();
        for step in 0..60 {
            let now = match dice.below(4) {
                0 => 1_700_000_000,
                1 => 0,
                2 => i64::from(u32::MAX),
                _ => i64::try_from(dice.below(1 << 33)).unwrap() - (1 << 32),
            };
            if dice.below(3) > 0 {
                let name = NAMES[usize::try_from(dice.below(3)).unwrap()];
                model.push((name, std::fs::read(patch_of(&workspace, name)).ok()));
                change(&workspace, name, format!("{step}\n"), now);
            }
            let mut last: Vec<(&str, UndoRecord)> = NAMES
                .iter()
                .filter_map(|name| Some((*name, list(&upstream_store(&workspace, name)).unwrap().into_iter().next()?)))
                .collect();
            sort_last_first(&mut last, |(_, kept)| kept);
            assert_eq!(last.first().map(|(name, _)| *name), model.last().map(|(name, _)| *name), "seed {seed}, {step}");
            if dice.below(3) == 0
                && let Some((name, before)) = model.pop()
            {
                undo(&upstream_store(&workspace, name), &at(now)).unwrap();
                assert_eq!(std::fs::read(patch_of(&workspace, name)).ok(), before, "seed {seed}, {step}");
            }
            if dice.below(20) == 0 {
                // Removing this file from patchq's folder does not change the order.
                std::fs::remove_file(workspace.layout.order()).ok();
            }
        }
        assert!(model.len() > 5, "seed {seed}: {}", model.len());
    }
}

#[test]
fn changes_at_the_same_time_have_different_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = workspace(dir.path());
    std::thread::scope(|scope| {
        for name in NAMES {
            let workspace = &workspace;
            scope.spawn(move || (0..8).for_each(|n| change(workspace, name, format!("{n}\n"), 7)));
        }
    });
    let all = NAMES.iter().flat_map(|name| list(&upstream_store(&workspace, name)).unwrap());
    let mut numbers: Vec<u64> = all.filter_map(|kept| kept.order).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=24).collect::<Vec<_>>());
}
