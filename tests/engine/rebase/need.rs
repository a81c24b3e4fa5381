//! Tests with contents that are fetched when needed.

use std::collections::BTreeSet;

use patchq::git::{Id, Mode, Objects, Store};
use patchq::stack::{Base, Lazy, Rebased, rebase};

use crate::rebase::oracle::story;
use crate::rebase::shown::{Story, shown};
use crate::support::history::{Dice, World, git};

/// A store with the commits and trees of a story and no contents.
struct Partial {
    dir: tempfile::TempDir,
}

impl Partial {
    fn of(world: &World, story: &Story) -> Partial {
        let partial = Partial { dir: tempfile::tempdir().unwrap() };
        drop(Store::create(&partial.dir.path().join("p.git")).unwrap());
        let mut args = vec!["rev-list", "--objects", "--filter=blob:none", "--no-object-names"];
        let ids: Vec<String> = [story.pin, story.onto].iter().chain(&story.queue).map(Id::to_string).collect();
        args.extend(ids.iter().map(String::as_str));
        partial.bring(world, &git(&world.repo, &args, b""));
        partial
    }

    fn store(&self) -> Store {
        Store::open(&self.dir.path().join("p.git")).unwrap().unwrap()
    }

    fn bring(&self, world: &World, ids: &[u8]) {
        let pack = git(&world.repo, &["pack-objects", "--stdout", "-q"], ids);
        git(&self.dir.path().join("p.git"), &["unpack-objects", "-q"], &pack);
    }

    /// Returns the rebase, and what each round requested.
    fn rebased(&self, world: &World, story: &Story) -> (Rebased, Vec<BTreeSet<Id>>) {
        let mut rounds = Vec::new();
        loop {
            let store = self.store();
            let mut objects = Objects::new(&store).unwrap();
            let stack = story.stack(&mut objects);
            let onto = Base::read(&mut objects, story.onto).unwrap();
            match rebase(&mut objects, &stack, onto, &patchq::stack::NoResolver).unwrap() {
                Lazy::Done(rebased) => return (rebased, rounds),
                Lazy::Need(ids) => {
                    assert!(!ids.is_empty() && ids.iter().all(|id| !objects.has(*id)), "asks for what is there");
                    let list: Vec<u8> = ids.iter().flat_map(|id| format!("{id}\n").into_bytes()).collect();
                    self.bring(world, &list);
                    rounds.push(ids);
                }
            }
            assert!(rounds.len() < 9, "it asks and asks");
        }
    }
}

/// Returns the contents that may be requested if upstream renames nothing: of touched paths that it changed, and
/// attributes.
fn reasonable(story: &Story, objects: &mut Objects<'_>) -> BTreeSet<Id> {
    let stack = story.stack(objects);
    let onto = objects.commit(story.onto).unwrap().tree;
    let (mut ids, mut perhaps_renamed) = (BTreeSet::new(), BTreeSet::new());
    for item in &stack.items {
        let changes = objects.diff(item.before, item.after).unwrap();
        let mut renames = false;
        for change in &changes {
            let pin = objects.entry(stack.base.tree, &change.path).unwrap();
            let now = objects.entry(onto, &change.path).unwrap();
            if pin != now || perhaps_renamed.contains(&change.path) {
                ids.extend([pin, now, change.old, change.new].into_iter().flatten().map(|entry| entry.id));
                renames |= change.new.is_none();
            }
        }
        // A patch that deletes a file that upstream changed may rename it; then later patches wait for what it adds.
        if renames {
            ids.extend(changes.iter().flat_map(|change| [change.old, change.new]).flatten().map(|entry| entry.id));
            perhaps_renamed.extend(changes.into_iter().map(|change| change.path));
        }
    }
    for tree in [onto].into_iter().chain(stack.items.iter().map(|item| item.after)) {
        for change in objects.diff(Id::EMPTY_TREE, tree).unwrap() {
            if change.path.file_name() == b".gitattributes" {
                ids.extend(change.new.map(|entry| entry.id));
            }
        }
    }
    ids
}

#[test]
fn contents_are_asked_for_in_one_round_and_two_with_renames() {
    let world = World::new();
    let mut dice = Dice(31);
    let mut rounds_seen = [[0; 4]; 2];
    for round in 0..120 {
        let moves = round % 2 == 1;
        let story = story(&world, &mut dice, moves);
        let mut objects = Objects::new(&world.store).unwrap();
        let mut whole = story.rebased(&mut objects, &BTreeSet::new());
        let (mut rebased, rounds) = Partial::of(&world, &story).rebased(&world, &story);
        // Lines are counted for a proposal if the contents are in the store: nothing is requested for it.
        for (part, all) in rebased.patches.iter_mut().zip(&mut whole.patches) {
            let (part, all) = (part.standing.take(), all.standing.take());
            assert!(part.is_none() || part == all, "round {round}: {part:?} {all:?}");
        }
        assert_eq!(rebased, whole, "round {round}: it comes out in another way");
        // A queue without moves may still have files that look moved, by chance.
        let gone = |file: &patchq::stack::FileOutcome| {
            let stands = file.sides.upstream.is_some_and(|entry| entry.mode != Mode::Folder);
            file.moved.is_some() || file.from.is_some() || (file.sides.base.is_some() && !stands)
        };
        let renames = rebased.patches.iter().flat_map(|patch| &patch.files).any(gone);
        let outcomes = || rebased.patches.iter().map(shown).collect::<Vec<_>>();
        assert!(rounds.len() <= 1 + usize::from(renames), "round {round}: {rounds:?} {:#?}", outcomes());
        if !renames {
            let reasonable = reasonable(&story, &mut objects);
            let more: Vec<_> = rounds.iter().flatten().filter(|id| !reasonable.contains(*id)).collect();
            assert!(more.is_empty(), "round {round}: it asks for {more:?} {:#?}", outcomes());
        }
        rounds_seen[usize::from(renames)][rounds.len()] += 1;
    }
    let [plain, renamed] = rounds_seen;
    assert!(plain[0] > 0 && plain[1] > 10 && renamed[1] > 10 && renamed[2] > 0, "too tame: {rounds_seen:?}");
}

#[test]
fn the_same_pin_gives_the_same_commits_and_asks_for_nothing() {
    let world = World::new();
    let mut dice = Dice(5);
    for _ in 0..20 {
        let mut story = story(&world, &mut dice, true);
        story.onto = story.pin;
        let (rebased, rounds) = Partial::of(&world, &story).rebased(&world, &story);
        assert!(rounds.is_empty());
        assert!(rebased.is_clean());
        for (patch, commit) in rebased.patches.iter().zip(&story.queue) {
            assert_eq!((patch.outcome.word(), patch.new), ("unchanged", Some(*commit)));
        }
    }
}
