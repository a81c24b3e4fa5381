//! Takes a conflict back from the checkout, however it was resolved, and whatever else happened there.

use std::fs;

use patchq::workspace::conflict::hand_over::{Away, HandOverError, PutBack, TakenWork};

use super::world::{World, isolated, path, put};

const PATHS: [&str; 7] =
    ["app/dos.txt", "app/gone.py", "app/kept.txt", "app/main.py", "app/merged.txt", "app/new.py", "far/away.txt"];

/// Writes the resolution of the conflict; nothing is staged.
fn resolve(world: &World) {
    for (path, text) in [
        ("app/dos.txt", "one\r\nboth\r\n"),
        ("app/main.py", "both\n"),
        ("app/new.py", "both\n"),
        ("far/away.txt", "both\n"),
    ] {
        put(&world.co().join(path), text);
    }
}

fn assert_resolved(world: &World) {
    let (back, texts) = world.read_back().unwrap();
    assert!(back.is_decided(), "{back:?}");
    assert_eq!(texts.keys().map(String::as_str).collect::<Vec<_>>(), PATHS);
    assert_eq!(texts["app/main.py"].as_deref(), Some("both\n"));
    assert_eq!(texts["app/dos.txt"].as_deref(), Some("one\r\nboth\r\n"));
    assert_eq!(texts["app/gone.py"], None);
    assert!(texts["app/kept.txt"].as_deref().unwrap().ends_with("more\n"));
    assert!(texts["app/merged.txt"].as_deref().unwrap().ends_with("bottom\n"));
    assert_eq!(back.others, []);
}

#[test]
fn untouched_it_is_no_answer() {
    if !isolated("back::untouched_it_is_no_answer") {
        return;
    }
    let world = World::new();
    world.hand_over();
    let (back, _) = world.read_back().unwrap();
    let shown: Vec<_> = back.leftover.iter().map(|(path, line)| format!("{path}:{line}")).collect();
    assert_eq!(shown, ["app/dos.txt:2", "app/main.py:6", "app/new.py:1", "far/away.txt:1"]);
    let undecided: Vec<_> = back.undecided.iter().map(ToString::to_string).collect();
    assert_eq!(undecided, ["app/gone.py", "app/kept.txt"]);
    assert_eq!(back.others, []);
    // A staged file with markers is not an answer either.
    world.git(&["add", "-A", "--sparse"]);
    let (back, _) = world.read_back().unwrap();
    assert_eq!(back.leftover.len(), 4);
    assert_eq!(back.undecided, []);
}

#[test]
fn edited_staged_and_committed_are_all_taken() {
    if !isolated("back::edited_staged_and_committed_are_all_taken") {
        return;
    }
    let world = World::new();
    let before = world.seen();
    world.hand_over();
    resolve(&world);
    fs::remove_file(world.co().join("app/gone.py")).unwrap();
    let (back, _) = world.read_back().unwrap();
    assert_eq!(back.undecided, [path("app/kept.txt")], "nobody said that it stays");
    // As an IDE resolves it.
    world.git(&["add", "--sparse", "app", "far"]);
    assert_resolved(&world);
    world.git(&["cherry-pick", "--continue"]);
    assert_eq!(world.git(&["log", "-1", "--format=%B"]).trim_end(), "Change much\n\nAnd say why.");
    assert_resolved(&world);
    // More commits on top, and a last change that is not committed.
    put(&world.co().join("app/main.py"), "first\n");
    world.git(&["commit", "-q", "-a", "-m", "More"]);
    put(&world.co().join("app/main.py"), "both\n");
    let (back, _) = world.read_back().unwrap();
    assert_eq!(back.commits.len(), 2);
    assert_resolved(&world);
    // Everything is taken, so nothing remains to be kept.
    let paths = back.paths.iter().map(|(path, _)| path.clone()).collect();
    let taken = back.work.map(|work| TakenWork { paths, work });
    let kept = world.put_back(PutBack { taken, ..PutBack::default() });
    assert_eq!((kept.paths.len(), kept.at), (0, None));
    assert_eq!(world.seen(), before);
}

#[test]
fn git_commit_and_a_branch_of_the_users_will_do() {
    if !isolated("back::git_commit_and_a_branch_of_the_users_will_do") {
        return;
    }
    let world = World::new();
    let before = world.seen();
    world.hand_over();
    resolve(&world);
    world.git(&["rm", "-q", "app/gone.py"]);
    world.git(&["add", "--sparse", "app", "far"]);
    world.git(&["commit", "-q", "--no-edit"]);
    assert_eq!(world.git(&["log", "-1", "--format=%an %s"]).trim_end(), "A Change much");
    assert_resolved(&world);
    world.git(&["switch", "-q", "-c", "fix"]);
    assert_resolved(&world);
    let kept = world.put_back(PutBack::default());
    assert_eq!(kept.commits, [], "the branch has them");
    assert_eq!(world.seen(), before);
    assert_eq!(world.git(&["log", "-1", "--format=%s", "fix"]).trim_end(), "Change much");
}

#[test]
fn changes_of_other_paths_are_listed() {
    if !isolated("back::changes_of_other_paths_are_listed") {
        return;
    }
    let world = World::new();
    put(&world.co().join("before.txt"), "untracked before\n");
    world.hand_over();
    put(&world.co().join("app/other.txt"), "changed\n");
    put(&world.co().join("app/fresh.txt"), "new\n");
    put(&world.co().join("app/told.txt"), "new\n");
    world.git(&["add", "app/told.txt"]);
    put(&world.co().join("app/noise.log"), "ignored\n");
    let others = || world.read_back().unwrap().0.others.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>();
    assert_eq!(others(), ["app/other.txt", "app/told.txt"]);
    let untracked = world.read_back().unwrap().0.untracked;
    assert_eq!(untracked, [path("app/fresh.txt"), path("before.txt")]);
    put(&world.co().join("before.txt"), "and changed\n");
    assert_eq!(others(), ["app/other.txt", "app/told.txt"], "untracked files are nobody's affair");
    world.git(&["add", "--sparse", "before.txt"]);
    assert_eq!(others(), ["app/other.txt", "app/told.txt", "before.txt"], "but for those that git was told of");
}

#[test]
fn put_back_is_as_before() {
    if !isolated("back::put_back_is_as_before") {
        return;
    }
    let world = World::new();
    put(&world.co().join("before.txt"), "untracked before\n");
    let before = world.seen();
    world.hand_over();
    let kept = world.put_back(PutBack::default());
    assert_eq!((kept.paths.len(), kept.commits.len(), kept.at), (0, 0, None));
    assert_eq!(world.seen(), before);
    world.git(&["fsck", "--connectivity-only"]);
}

#[test]
fn undo_puts_the_conflict_back_with_what_was_made() {
    if !isolated("back::undo_puts_the_conflict_back_with_what_was_made") {
        return;
    }
    let world = World::new();
    put(&world.co().join("before.txt"), "untracked before\n");
    let before = world.seen();
    world.hand_over();
    put(&world.co().join("app/main.py"), "half a resolution\n");
    put(&world.co().join("app/dos.txt"), "staged\r\n");
    world.git(&["add", "app/dos.txt"]);
    put(&world.co().join("app/dos.txt"), "staged and edited\r\n");
    put(&world.co().join("app/fresh.txt"), "new\n");
    world.git(&["add", "app/fresh.txt"]);
    let made = world.seen();
    let kept = world.put_back(PutBack::default());
    let paths: Vec<_> = kept.paths.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["app/dos.txt", "app/fresh.txt", "app/main.py"]);
    assert_eq!(world.seen(), before);
    let at = kept.at.unwrap();
    assert_eq!(world.git(&["show", &format!("{at}:app/main.py")]), "half a resolution\n");
    assert!(world.git(&["for-each-ref", "--contains", &at.to_string()]).contains("refs/patchq/undo/"));
    world.patchq(&["undo"]);
    let now = world.seen();
    assert_eq!(now.0, made.0);
    assert_eq!(now.1, made.1);
    // And once more.
    world.put_back(PutBack::default());
    assert_eq!(world.seen(), before);
}

#[test]
fn commits_made_on_it_are_kept() {
    if !isolated("back::commits_made_on_it_are_kept") {
        return;
    }
    let world = World::new();
    let before = world.seen();
    world.hand_over();
    resolve(&world);
    world.git(&["add", "-A", "--sparse"]);
    world.git(&["cherry-pick", "--continue"]);
    let made = world.id("HEAD");
    let kept = world.put_back(PutBack::default());
    assert_eq!(kept.commits, [made]);
    assert_eq!(world.seen(), before);
    assert!(world.git(&["for-each-ref", "--contains", &made.to_string()]).contains("refs/patchq/undo/"));
    world.patchq(&["undo"]);
    assert_eq!(world.id("HEAD"), made);
    assert_eq!(world.git(&["status", "--porcelain"]), "");
    assert_eq!(world.read_back().unwrap().0.commits, [made]);
}

#[test]
fn where_the_user_went_is_told_apart() {
    if !isolated("back::where_the_user_went_is_told_apart") {
        return;
    }
    let world = World::new();
    let before = world.seen();
    let away = |go: &dyn Fn(), expected: Away| {
        world.hand_over();
        go();
        assert_eq!(world.read_back().unwrap_err(), expected);
        world.put_back(PutBack::default());
        assert_eq!(world.seen(), before);
    };
    away(&|| drop(world.git(&["cherry-pick", "--abort"])), Away::TakenOut);
    away(&|| drop(world.git(&["cherry-pick", "--skip"])), Away::TakenOut);
    away(&|| drop(world.git(&["reset", "-q", "--hard"])), Away::TakenOut);
    away(&|| drop(world.git(&["checkout", "-q", "-f", "patchq"])), Away::Branch("patchq".to_owned()));
    away(
        &|| drop(world.git(&["checkout", "-q", "-f", "-b", "topic", "refs/patchq/base"])),
        Away::Branch("topic".to_owned()),
    );
    let base = world.id("refs/patchq/base");
    away(&|| drop(world.git(&["checkout", "-q", "-f", "--detach", "refs/patchq/base"])), Away::Elsewhere(base));
    away(&|| fs::remove_dir_all(world.co()).unwrap(), Away::NoCheckout);
    // An operation that only git can end prevents the way back too: it may hold more than files.
    world.hand_over();
    world.git(&["add", "-A", "--sparse"]);
    world.git(&["commit", "-q", "--no-edit"]);
    world.git(&["bisect", "start"]);
    assert_eq!(world.read_back().unwrap_err(), Away::Operation("bisect"));
    let refused = world.with(|upstream, objects, ctx| {
        patchq::workspace::conflict::hand_over::put_back(upstream, objects, PutBack::default(), ctx)
    });
    assert!(matches!(refused, Err(HandOverError::Operation("bisect"))));
    world.git(&["bisect", "reset"]);
    world.put_back(PutBack::default());
    assert_eq!(world.seen(), before);
    let nothing =
        world.with(|upstream, objects, _| patchq::workspace::conflict::hand_over::read_back(upstream, objects));
    assert!(matches!(nothing, Err(HandOverError::Nothing)));
}
