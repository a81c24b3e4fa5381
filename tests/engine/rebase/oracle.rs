//! Compares random queues on random pins with `git merge-tree`, patch by patch. If git's result differs, the difference
//! has a name and is counted; one without a name is a failure.

use std::collections::{BTreeMap, BTreeSet};

use patchq::git::{Edits, Id, Mode, Objects};
use patchq::path::RepoPath;
use patchq::stack::{ConflictKind, Outcome, PatchOutcome};

use crate::rebase::shown::{Story, shown};
use crate::support::history::{Dice, File, Kind, ParseId, World, edited, first_tree, git, git_code};

/// Makes a story with several patches. Each is followed by another that adds a file: the tree before that is the
/// engine's result for the patch, whatever its outcome.
pub(crate) fn story(world: &World, dice: &mut Dice, moves: bool) -> Story {
    let mut pin = first_tree(dice);
    let attributes =
        ["*.txt merge=union\n", "file1.txt -merge\n", "file2.txt binary\n/a/ merge=union\n", "*.txt merge=x\n"];
    if dice.roll(4) == 0 {
        let bytes = attributes[dice.roll(attributes.len())].as_bytes().to_vec();
        pin.insert(".gitattributes".to_owned(), File { bytes, kind: Kind::Plain });
    }
    let onto = edited(dice, &pin, moves);
    let (mut top, mut queue) = (pin.clone(), Vec::new());
    for n in 0..2 + dice.roll(3) {
        let news: Vec<_> = onto.iter().filter(|(path, file)| top.get(*path).is_some_and(|old| old != *file)).collect();
        // Sometimes upstream's own change.
        if dice.roll(4) == 0 && !news.is_empty() {
            let (path, file) = news[dice.roll(news.len())];
            top.insert(path.clone(), file.clone());
        } else {
            top = edited(dice, &top, moves);
        }
        queue.push(top.clone());
        top.insert(format!("marker-{n}"), File { bytes: format!("{n}\n").into_bytes(), kind: Kind::Plain });
        queue.push(top.clone());
    }
    Story::write(world, &pin, &onto, &queue)
}

/// The output of `git merge-tree`: the tree, and the paths in conflict.
#[derive(PartialEq, Eq)]
struct Said {
    tree: Id,
    conflicts: BTreeSet<String>,
}

fn merge_tree(world: &World, trees: [Id; 3], settings: &[&str], options: &[&str]) -> Said {
    let [base, ours, theirs] = trees.map(|tree| tree.to_string());
    let (source, base) = (format!("--attr-source={ours}"), format!("--merge-base={base}"));
    let mut args: Vec<&str> = settings.to_vec();
    args.extend([&*source, "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"]);
    args.extend(options);
    args.extend([&*base, &*ours, &*theirs]);
    let (code, out, err) = git_code(&world.repo, &args, b"");
    assert!(code < 2, "{}", String::from_utf8_lossy(&err));
    let mut lines = out.split(|byte| *byte == 0);
    let tree = lines.next().unwrap().parse_id();
    let paths = lines.take_while(|line| !line.is_empty()).map(|line| String::from_utf8_lossy(line).into_owned());
    Said { tree, conflicts: paths.collect() }
}

/// Returns the files that `git diff` treats as renamed between two trees.
fn renames(world: &World, from: Id, to: Id) -> usize {
    let args =
        ["diff-tree", "-r", "-M50%", "-l0", "--diff-filter=R", "--name-only", &from.to_string(), &to.to_string()];
    git(&world.repo, &args, b"").split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count()
}

/// One step: the trees before and after the patch, the engine's tree before it and after it, and its outcome.
struct Step<'s> {
    change: (Id, Id),
    ours: Id,
    made: Id,
    patch: &'s PatchOutcome,
}

impl Step<'_> {
    fn trees(&self) -> [Id; 3] {
        [self.change.0, self.ours, self.change.1]
    }

    fn with(&self, outcome: Outcome) -> BTreeSet<String> {
        let files = self.patch.files.iter().filter(|file| file.outcome == outcome);
        files.map(|file| file.place().to_string()).collect()
    }

    fn has(&self, kind: ConflictKind) -> bool {
        self.patch.files.iter().filter_map(|file| file.conflict.as_ref()).any(|conflict| conflict.kind == kind)
    }

    /// Checks whether git agrees: its conflicts are those here, and all else is in the tree. Paths that wait for an
    /// earlier conflict have none of their own.
    fn agrees(&self, objects: &mut Objects<'_>, said: &Said) -> bool {
        let (conflicts, blocked) = (self.with(Outcome::Conflict), self.with(Outcome::Blocked));
        let aside = |path: &&String| path.contains('~');
        let theirs: BTreeSet<String> =
            said.conflicts.iter().filter(|path| !aside(path) && !blocked.contains(*path)).cloned().collect();
        if theirs != conflicts {
            return false;
        }
        let mut edits = Edits::new();
        for path in said.conflicts.iter().chain(&blocked) {
            let path = RepoPath::new(path).unwrap();
            let entry = objects.entry(self.ours, &path).unwrap();
            if entry.is_some_and(|entry| entry.mode == Mode::Folder) {
                continue;
            }
            edits.insert(path, entry);
        }
        objects.edit(said.tree, &edits).is_ok_and(|tree| tree == self.made)
    }
}

/// Returns the steps of a story, without those of the added files.
fn steps<'s>(story: &Story, objects: &mut Objects<'_>, rebased: &'s patchq::stack::Rebased) -> Vec<Step<'s>> {
    let stack = story.stack(objects);
    let mut ours = rebased.stack.base.tree;
    let mut steps = Vec::new();
    for n in (0..stack.items.len()).step_by(2) {
        let marker = rebased.patches[n + 1].new.expect("a new file goes everywhere");
        let item = rebased.stack.items.iter().find(|item| item.commit == marker).unwrap();
        let change = (stack.items[n].before, stack.items[n].after);
        steps.push(Step { change, ours, made: item.before, patch: &rebased.patches[n] });
        ours = item.after;
    }
    steps
}

const PATIENCE: [&str; 4] = ["-X", "diff-algorithm=patience", "-X", "no-renames"];

#[test]
fn without_renames_every_step_is_gits_with_patience() {
    let world = World::new();
    let mut dice = Dice(4711);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..90 {
        let story = story(&world, &mut dice, false);
        let mut objects = Objects::new(&world.store).unwrap();
        let rebased = story.rebased(&mut objects, &BTreeSet::new());
        objects.flush(&[rebased.stack.top()]).unwrap();
        for (n, step) in steps(&story, &mut objects, &rebased).iter().enumerate() {
            // git follows renames in spite of `no-renames` before 2.50. Named deviation: renames.
            if renames(&world, step.change.0, step.change.1) + renames(&world, step.change.0, step.ours) > 0 {
                *counts.entry("renames").or_default() += 1;
                continue;
            }
            let said = merge_tree(&world, step.trees(), &[], &PATIENCE);
            // git moves a file that meets a folder to a new name. Named deviation: place.
            if step.has(ConflictKind::Place) {
                assert!(!said.conflicts.is_empty(), "round {round}, patch {n}: {}", shown(step.patch));
                *counts.entry("place").or_default() += 1;
                continue;
            }
            let agrees = step.agrees(&mut objects, &said);
            assert!(agrees, "round {round}, patch {n}: {}, git: {:?}", shown(step.patch), said.conflicts);
            *counts.entry(step.patch.outcome.word()).or_default() += 1;
        }
    }
    for word in ["unchanged", "merged", "upstreamed", "conflict", "blocked"] {
        assert!(counts.get(word) > Some(&5), "too tame: {counts:?}");
    }
}

/// Returns the name of a difference from git's default; `None`: it has none.
fn name_of(world: &World, objects: &mut Objects<'_>, step: &Step<'_>, said: &Said) -> Option<&'static str> {
    if step.agrees(objects, &merge_tree(world, step.trees(), &[], &PATIENCE[..2])) {
        return Some("algorithm");
    }
    let aside = said.conflicts.iter().any(|path| path.contains('~'));
    if aside || (step.has(ConflictKind::Place) && !said.conflicts.is_empty()) {
        return Some("place");
    }
    if step.has(ConflictKind::Collision) {
        return Some("collision");
    }
    let renamed = renames(world, step.change.0, step.change.1) + renames(world, step.change.0, step.ours);
    let folders = merge_tree(world, step.trees(), &["-c", "merge.directoryRenames=false"], &PATIENCE[..2]);
    if step.agrees(objects, &folders) {
        return Some("folder rename");
    }
    if renamed == 0 {
        return None;
    }
    // Here a conflict about a rename has one path, in git up to three.
    if !said.conflicts.is_empty() && !step.with(Outcome::Conflict).is_empty() {
        return Some("paths of a rename's conflict");
    }
    let asks = |file: &patchq::stack::FileOutcome| {
        let kind = file.conflict.as_ref().map(|conflict| conflict.kind);
        let moved = file.conflict.as_ref().is_some_and(|conflict| !conflict.candidates.is_empty());
        moved || matches!(kind, Some(ConflictKind::ModifyDelete | ConflictKind::RenameDelete))
    };
    if said.conflicts.is_empty() && step.patch.files.iter().any(asks) {
        return Some("not sure where it went");
    }
    if !step.with(Outcome::Blocked).is_empty() {
        return Some("renames behind a conflict");
    }
    Some("rename score")
}

#[test]
fn with_renames_every_difference_from_gits_default_has_a_name() {
    let world = World::new();
    let mut dice = Dice(815);
    let (mut same, mut steps_seen) = (0, 0);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for round in 0..120 {
        let story = story(&world, &mut dice, true);
        let mut objects = Objects::new(&world.store).unwrap();
        let rebased = story.rebased(&mut objects, &BTreeSet::new());
        objects.flush(&[rebased.stack.top()]).unwrap();
        for (n, step) in steps(&story, &mut objects, &rebased).iter().enumerate() {
            steps_seen += 1;
            let said = merge_tree(&world, step.trees(), &[], &[]);
            if step.agrees(&mut objects, &said) {
                same += 1;
                continue;
            }
            let name = name_of(&world, &mut objects, step, &said);
            let name = name.unwrap_or_else(|| {
                panic!("round {round}, patch {n}: {}, git: {:?}", shown(step.patch), said.conflicts)
            });
            *counts.entry(name).or_default() += 1;
        }
    }
    assert!(same * 2 > steps_seen, "{same} of {steps_seen} are git's, else {counts:?}");
}
