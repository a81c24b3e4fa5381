//! Hands a conflict over to the checkout: what plain git shows there, and what prevents it.

use std::fs;

use patchq::workspace::conflict::hand_over::HandOverError;
use patchq::workspace::{EffectError, StepError, Unreadable};

use super::world::{World, isolated, put};

#[test]
fn git_takes_it_for_a_cherry_pick_that_waits() {
    if !isolated("over::git_takes_it_for_a_cherry_pick_that_waits") {
        return;
    }
    let world = World::new();
    put(&world.co().join("mine.txt"), "untracked\n");
    world.hand_over();
    let status = world.git(&["status", "--porcelain"]);
    let expected = "UU app/dos.txt\nDU app/gone.py\nUD app/kept.txt\nUU app/main.py\nM  app/merged.txt\nAA app/new.py\nUU far/away.txt\n?? mine.txt\n";
    assert_eq!(sorted(&status), sorted(expected));
    let long = world.git(&["status"]);
    for said in ["HEAD detached at", "currently cherry-picking commit", "both modified:   app/main.py"] {
        assert!(long.contains(said), "{long}");
    }
    assert!(world.git(&["diff"]).contains("diff --cc app/main.py"));
    let main = fs::read_to_string(world.co().join("app/main.py")).unwrap();
    let hunk = "line 5\n<<<<<<< upstream v2.0\nupstream\n||||||| base\nbase\n=======\npatch\n>>>>>>> 0001-change-much.patch\nline 6\n";
    assert!(main.contains(hunk), "{main}");
    let dos = fs::read_to_string(world.co().join("app/dos.txt")).unwrap();
    assert!(dos.contains("\r\n<<<<<<< upstream v2.0\r\nupstream\r\n") && !dos.replace("\r\n", "").contains('\n'));
    // As git leaves them: the side that exists.
    assert!(fs::read_to_string(world.co().join("app/gone.py")).unwrap().ends_with("patch\n"));
    assert!(fs::read_to_string(world.co().join("app/kept.txt")).unwrap().ends_with("more\n"));
    assert_eq!(world.id("refs/heads/patchq"), world.id("CHERRY_PICK_HEAD"));
    assert_eq!(world.git(&["rev-parse", "HEAD"]).trim(), world.pin().to_string());
    assert!(world.git(&["sparse-checkout", "list"]).contains("/far/away.txt"));
    world.git(&["fsck", "--connectivity-only"]);
    // git itself has nothing to change in the sparse set.
    world.git(&["sparse-checkout", "reapply"]);
    assert_eq!(sorted(&world.git(&["status", "--porcelain"])), sorted(expected));
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

#[test]
fn other_commands_know_of_it() {
    if !isolated("over::other_commands_know_of_it") {
        return;
    }
    let world = World::new();
    world.hand_over();
    let refuse = |args: &[&str]| {
        let (code, said) = world.try_patchq(args);
        assert_eq!(code, Some(1), "{args:?}: {said}");
        assert!(said.contains("a conflict waits in the checkout to be resolved"), "{args:?}: {said}");
        assert!(
            said.contains("hint: patchq refresh up --continue     (takes the result from the checkout)"),
            "{args:?}: {said}"
        );
        assert!(said.contains("hint: patchq refresh up --abort        (restores the checkout)"), "{args:?}: {said}");
    };
    let all: [&[&str]; 5] =
        [&["setup", "."], &["setup", ".", "--discard"], &["apply"], &["export"], &["save", "-m", "x"]];
    for args in all {
        refuse(args);
    }
    // Wherever HEAD is meanwhile.
    world.git(&["checkout", "-q", "-f", "patchq"]);
    put(&world.co().join("app/other.txt"), "changed\n");
    for args in all {
        refuse(args);
    }
    let status = world.patchq(&["status"]);
    assert!(status.contains("conflict to resolve"), "{status}");
    let (code, said) = world.try_patchq(&["undo"]);
    assert!(code == Some(1) && said.contains("a conflict waits in the checkout"), "{said}");
    assert!(matches!(world.try_hand_over(), Err(HandOverError::Already(patch)) if patch == "0001-change-much.patch"));
}

#[test]
fn what_is_in_the_way_is_named_and_nothing_is_touched() {
    if !isolated("over::what_is_in_the_way_is_named_and_nothing_is_touched") {
        return;
    }
    let world = World::new();
    let co = world.co();
    let refused = |check: &dyn Fn(HandOverError)| {
        let before = world.seen();
        check(world.try_hand_over().unwrap_err());
        assert_eq!(world.seen(), before);
    };
    put(&co.join("app/other.txt"), "mine\n");
    refused(&|error| assert!(matches!(&error, HandOverError::Dirty(all) if all.len() == 1), "{error:?}"));
    world.git(&["checkout", "-q", "app/other.txt"]);
    // Removed from the patch, the file is untracked where upstream now has one.
    world.git(&["rm", "-q", "--cached", "app/new.py"]);
    world.git(&["commit", "-q", "-m", "Drop it"]);
    refused(&|error| match error {
        HandOverError::Step(StepError::Follow(EffectError::Obstacles(all))) => {
            assert_eq!(all.iter().map(|at| at.path.as_str()).collect::<Vec<_>>(), ["app/new.py"]);
        }
        other => panic!("{other:?}"),
    });
    fs::remove_file(co.join("app/new.py")).unwrap();
    world.git(&["switch", "-q", "-c", "topic"]);
    refused(&|error| {
        assert!(matches!(&error, HandOverError::Unreadable(Unreadable::OtherBranch(_))), "{error:?}");
    });
    world.git(&["switch", "-q", "--detach"]);
    refused(&|error| assert!(matches!(&error, HandOverError::Unreadable(Unreadable::Detached(_))), "{error:?}"));
    fs::remove_dir_all(&co).unwrap();
    assert!(matches!(world.try_hand_over(), Err(HandOverError::NoCheckout)));
}
