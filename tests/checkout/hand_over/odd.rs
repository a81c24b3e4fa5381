//! Tests of entries that are not text: modes, symlinks, submodules, folders; and of steps that also change the
//! workspace's files.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use patchq::git::{Entry, Id, Mode, ObjectKind};
use patchq::workspace::conflict::hand_over::{self, HandOver, HandOverError, PutBack, Unmerged};
use patchq::workspace::step::publish::FileChange;
use patchq::workspace::{EffectError, StepError};

use super::world::{World, isolated, path, put};

/// Makes a side of a path.
type MakeSide<'a> = &'a mut dyn FnMut(Mode, &str) -> Entry;

/// Hands over a conflict with exactly these paths.
fn hand_over(world: &World, make: &dyn Fn(MakeSide<'_>) -> Vec<Unmerged>) -> Result<(), HandOverError> {
    world.with(|upstream, objects, ctx| {
        let order = world.order(objects);
        let mut file = |mode: Mode, text: &str| Entry { mode, id: objects.put(ObjectKind::Blob, text.into()) };
        let conflicts = make(&mut file);
        let order = HandOver { merged: Vec::new(), conflicts, ..order };
        hand_over::missing_blobs(upstream, objects, &order)?;
        hand_over::hand_over(upstream, objects, &order, Vec::new(), ctx).map(drop)
    })
}

fn unmerged(at: &str, sides: [Option<Entry>; 3]) -> Unmerged {
    let [base, upstream, patch] = sides;
    Unmerged { path: path(at), own: path(at), renamed: false, base, upstream, patch, work: None, mode: Mode::File }
}

#[test]
fn what_has_no_lines_is_left_as_git_leaves_it() {
    if !isolated("odd::what_has_no_lines_is_left_as_git_leaves_it") {
        return;
    }
    let world = World::new();
    let before = world.seen();
    let sub = |digit: &str| Entry { mode: Mode::Gitlink, id: digit.repeat(40).parse::<Id>().unwrap() };
    hand_over(&world, &|file| {
        vec![
            unmerged("app/link", [file(Mode::File, "x"), file(Mode::Symlink, "a"), file(Mode::Symlink, "b")].map(Some)),
            unmerged("app/run", [file(Mode::File, "x"), file(Mode::File, "x"), file(Mode::Executable, "x")].map(Some)),
            unmerged("app/bin", [file(Mode::File, "\0a"), file(Mode::File, "\0b"), file(Mode::File, "\0c")].map(Some)),
            unmerged("app/sub", [sub("1"), sub("2"), sub("3")].map(Some)),
            unmerged("app/both", [Some(file(Mode::File, "x")), None, None]),
        ]
    })
    .unwrap();
    let status = world.git(&["status", "--porcelain"]);
    for line in ["UU app/link", "UU app/run", "UU app/bin", "UU app/sub", "DD app/both"] {
        assert!(status.lines().any(|found| found == line), "{line}: {status}");
    }
    assert_eq!(fs::read_link(world.co().join("app/link")).unwrap().to_str(), Some("a"));
    assert!(world.co().join("app/sub").is_dir() && !world.co().join("app/both").exists());
    let (back, _) = world.read_back().unwrap();
    let undecided: Vec<_> = back.undecided.iter().map(ToString::to_string).collect();
    assert_eq!(undecided, ["app/bin", "app/both", "app/link", "app/run", "app/sub"]);
    // Decided by the file on disk, staged or not.
    fs::set_permissions(world.co().join("app/run"), fs::Permissions::from_mode(0o755)).unwrap();
    put(&world.co().join("app/bin"), "\0d");
    fs::remove_file(world.co().join("app/link")).unwrap();
    world.git(&["rm", "-q", "app/both"]);
    world.git(&["update-index", "--cacheinfo", &format!("160000,{},app/sub", "3".repeat(40))]);
    let (back, _) =
        world.with(|upstream, objects, _| hand_over::read_back(upstream, objects)).unwrap().map(|b| (b, ())).unwrap();
    assert!(back.is_decided(), "{back:?}");
    let modes: Vec<_> = back.paths.iter().map(|(path, entry)| (path.to_string(), entry.map(|e| e.mode))).collect();
    let expected = [
        ("app/bin", Some(Mode::File)),
        ("app/both", None),
        ("app/link", None),
        ("app/run", Some(Mode::Executable)),
        ("app/sub", Some(Mode::Gitlink)),
    ];
    assert_eq!(modes, expected.map(|(path, mode)| (path.to_owned(), mode)));
    assert_eq!(back.paths[4].1, Some(sub("3")));
    world.put_back(PutBack::default());
    assert_eq!(world.seen(), before);
}

#[test]
fn a_file_that_is_a_folder_on_the_other_side_is_refused() {
    if !isolated("odd::a_file_that_is_a_folder_on_the_other_side_is_refused") {
        return;
    }
    let world = World::new();
    let before = world.seen();
    let refused = hand_over(&world, &|file| {
        vec![unmerged("app", [Some(file(Mode::File, "x")), None, Some(file(Mode::File, "y"))])]
    });
    let said = refused.unwrap_err();
    assert!(matches!(&said, HandOverError::Unfit(paths) if *paths == [path("app")]), "{said:?}");
    let text = "'app' cannot be put into a checkout: a file on one side is a folder on the other";
    assert_eq!(said.to_string(), text);
    assert_eq!(world.seen(), before);
}

#[test]
fn a_reset_that_keeps_the_files_decides_nothing() {
    if !isolated("odd::a_reset_that_keeps_the_files_decides_nothing") {
        return;
    }
    let world = World::new();
    world.hand_over();
    world.git(&["reset", "-q"]);
    let (back, _) = world.read_back().unwrap();
    assert_eq!(back.leftover.len(), 4);
    let undecided: Vec<_> = back.undecided.iter().map(ToString::to_string).collect();
    assert_eq!(undecided, ["app/gone.py", "app/kept.txt"]);
}

#[test]
fn an_ignored_file_in_the_way_stops_the_way_back_before_anything_is_touched() {
    if !isolated("odd::an_ignored_file_in_the_way_stops_the_way_back_before_anything_is_touched") {
        return;
    }
    let world = World::new();
    put(&world.co().join("app/x.log"), "tracked all the same\n");
    world.git(&["add", "-f", "app/x.log"]);
    world.git(&["commit", "-q", "-m", "Log"]);
    let before = world.seen();
    world
        .with(|upstream, objects, ctx| {
            let order = world.order(objects);
            // Without the patch of the log, as if it came later in the queue.
            let order = HandOver { merged: Vec::new(), ..order };
            hand_over::hand_over(upstream, objects, &order, Vec::new(), ctx).map(drop)
        })
        .unwrap();
    assert!(!world.co().join("app/x.log").exists());
    put(&world.co().join("app/x.log"), "mine\n");
    let there = world.seen();
    let refused = world.with(|upstream, objects, ctx| hand_over::put_back(upstream, objects, PutBack::default(), ctx));
    match refused {
        Err(HandOverError::Step(StepError::Follow(EffectError::Obstacles(all)))) => {
            assert_eq!(all.iter().map(|at| at.path.as_str()).collect::<Vec<_>>(), ["app/x.log"]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(world.seen(), there);
    fs::remove_file(world.co().join("app/x.log")).unwrap();
    world.put_back(PutBack::default());
    assert_eq!(world.seen(), before);
}

#[test]
fn the_workspaces_files_change_in_the_same_step_and_come_back_with_it() {
    if !isolated("odd::the_workspaces_files_change_in_the_same_step_and_come_back_with_it") {
        return;
    }
    let world = World::new();
    let session = world.ws().join("sessions/up.toml");
    let change = |old: Option<&str>, new: Option<&str>| FileChange {
        path: path("sessions/up.toml"),
        old: old.map(|text| text.as_bytes().to_vec()),
        new: new.map(|text| text.as_bytes().to_vec()),
    };
    world.with(|upstream, objects, ctx| {
        let order = world.order(objects);
        hand_over::hand_over(upstream, objects, &order, vec![change(None, Some("waits\n"))], ctx).map(drop).unwrap();
    });
    assert_eq!(fs::read_to_string(&session).unwrap(), "waits\n");
    let there = world.seen();
    let changes = vec![change(Some("waits\n"), None)];
    let kept = world.put_back(PutBack { changes, undoable: true, ..PutBack::default() });
    assert!(kept.paths.is_empty() && kept.commits.is_empty() && !session.exists());
    world.patchq(&["undo"]);
    assert_eq!(fs::read_to_string(&session).unwrap(), "waits\n");
    assert_eq!(world.seen(), there);
}

#[test]
fn what_is_not_in_the_store_is_listed_and_nothing_begins_without_it() {
    if !isolated("odd::what_is_not_in_the_store_is_listed_and_nothing_begins_without_it") {
        return;
    }
    let world = World::new();
    let before = world.seen();
    let entry = |digit: &str| Some(Entry { mode: Mode::File, id: digit.repeat(40).parse::<Id>().unwrap() });
    world.with(|upstream, objects, ctx| {
        let order = world.order(objects);
        let conflicts = vec![unmerged("app/x", [entry("1"), entry("2"), entry("3")])];
        let order = HandOver { merged: vec![(path("app/y"), entry("4"))], conflicts, ..order };
        let missing = hand_over::missing_blobs(upstream, objects, &order).unwrap();
        let expected = ["1", "2", "3", "4"].map(|digit| entry(digit).unwrap().id);
        assert_eq!(missing.into_iter().collect::<Vec<_>>(), expected);
        let change = FileChange { path: path("sessions/up.toml"), old: None, new: Some(b"x\n".to_vec()) };
        let refused = hand_over::hand_over(upstream, objects, &order, vec![change], ctx);
        // Only obstacles to files that the working tree needs: two from upstream and from the merged paths.
        assert!(matches!(refused, Err(HandOverError::Step(StepError::Follow(EffectError::Missing(2))))), "{refused:?}");
    });
    assert_eq!(world.seen(), before);
    assert!(!world.ws().join("sessions/up.toml").exists());
    world.patchq(&["status"]);
}
