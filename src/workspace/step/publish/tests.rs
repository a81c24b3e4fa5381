//! Tests of steps that are done, killed at every point, and stopped.
#![allow(clippy::unwrap_used)]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::*;
use crate::workspace::manifest::Name;

const BEFORE: [(&str, &str); 6] = [
    ("upstreams.toml", "old manifest"),
    ("commits/x.txt", "old pin"),
    ("patches/x/0001.patch", "one"),
    ("patches/x/0002.patch", "two"),
    ("patches/x/notes", "mine"),
    ("patches/y/sub/last.patch", "last"),
];

const AFTER: [(&str, &str); 6] = [
    ("upstreams.toml", "new manifest"),
    ("commits/x.txt", "new pin"),
    ("patches/x/0001.patch", "one, changed"),
    ("patches/x/0003.patch", "three"),
    ("patches/x/notes", "mine"),
    ("sessions/x.toml", "session"),
];

struct Place {
    _dir: tempfile::TempDir,
    layout: Layout,
    name: Name,
}

impl Place {
    fn new() -> Place {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("ws");
        for (path, text) in BEFORE {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        fs::set_permissions(root.join("patches/x/0001.patch"), fs::Permissions::from_mode(0o600)).unwrap();
        Place { layout: Layout::new(&root, None), _dir: dir, name: Name::parse("x").unwrap() }
    }

    fn scope(&self) -> Scope<'_> {
        Scope::Upstream(&self.name)
    }

    fn at(&self, path: &str) -> PathBuf {
        self.layout.root().join(path)
    }

    /// Returns every file and folder with its content, without patchq's own.
    fn tree(&self) -> BTreeMap<String, String> {
        let walk = walkdir::WalkDir::new(self.layout.root()).min_depth(1).into_iter();
        let entries = walk.filter_entry(|entry| entry.file_name() != ".patchq").map(Result::unwrap);
        let text = |entry: &walkdir::DirEntry| match entry.file_type().is_dir() {
            true => "a folder".to_owned(),
            false => fs::read_to_string(entry.path()).unwrap(),
        };
        let path = |entry: &walkdir::DirEntry| self.layout.shown(entry.path()).to_string_lossy().into_owned();
        entries.map(|entry| (path(&entry), text(&entry))).collect()
    }

    /// Returns the owners of pending steps.
    fn pending(&self) -> Vec<String> {
        Journal::all_pending(&self.layout).unwrap().into_iter().map(|(key, _)| key).collect()
    }

    fn publish(&self, step: &Step) -> Result<(), PublishError> {
        publish(&self.layout, self.scope(), step, &mut || Ok(()), &|_| {})
    }
}

fn with_folders(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    let mut tree = BTreeMap::new();
    for (path, text) in files {
        for folder in Path::new(path).ancestors().skip(1).filter(|folder| *folder != Path::new("")) {
            tree.insert(folder.to_string_lossy().into_owned(), "a folder".to_owned());
        }
        tree.insert((*path).to_owned(), (*text).to_owned());
    }
    tree
}

fn step() -> Step {
    let (before, after) = (BTreeMap::from(BEFORE), BTreeMap::from(AFTER));
    let mut paths: Vec<&str> = before.keys().chain(after.keys()).copied().collect();
    paths.sort_unstable();
    paths.dedup();
    let content = |text: Option<&&str>| text.map(|text| text.as_bytes().to_vec());
    let changes = paths.iter().filter(|path| **path != "patches/x/notes").map(|path| FileChange {
        path: RepoPath::new(path).unwrap(),
        old: content(before.get(path)),
        new: content(after.get(path)),
    });
    Step { kind: "refresh".to_owned(), changes: changes.collect(), git: None }
}

#[test]
fn a_step_is_done_and_taken_back() {
    let place = Place::new();
    let mut followed = 0;
    let mut run_effects = || {
        followed += 1;
        Ok(())
    };
    publish(&place.layout, place.scope(), &step(), &mut run_effects, &|_| {}).unwrap();
    assert_eq!(place.tree(), with_folders(&AFTER));
    assert_eq!(followed, 1);
    assert_eq!(fs::metadata(place.at("patches/x/0001.patch")).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(place.pending(), Vec::<String>::new());
    assert_eq!(fs::read_dir(place.layout.journals()).unwrap().count(), 0);

    place.publish(&step().reverse("undo")).unwrap();
    assert_eq!(place.tree(), with_folders(&BEFORE));
}

/// Returns an observer that ends everything at the `at`-th point, like a kill: no clean-up code runs.
fn killer(at: usize) -> (std::rc::Rc<Cell<usize>>, impl Fn(KillPoint)) {
    let seen = std::rc::Rc::new(Cell::new(0));
    let counter = seen.clone();
    let watch = move |_: KillPoint| {
        if counter.replace(counter.get() + 1) == at {
            resume_unwind(Box::new(()));
        }
    };
    (seen, watch)
}

#[test]
fn killed_anywhere_it_is_as_before_or_as_after() {
    let (mut kept, mut finished) = (0, 0);
    for first in 0.. {
        // All pairs would take too long on a slow disk; over all values of `first`, every `second` occurs.
        for second in (first % 9..).step_by(9) {
            let place = Place::new();
            let (_, watch) = killer(first);
            let ran = catch_unwind(AssertUnwindSafe(|| {
                publish(&place.layout, place.scope(), &step(), &mut || Ok(()), &watch).unwrap();
            }));
            if ran.is_ok() {
                assert_eq!(place.tree(), with_folders(&AFTER));
                assert!(kept > 3 && finished > 10, "{kept} {finished}");
                return;
            }
            let Some(journal) = Journal::pending(&place.layout, place.scope()).unwrap() else {
                let tree = place.tree();
                let over = tree == with_folders(&AFTER);
                assert!(over || tree == with_folders(&BEFORE), "killed at {first}: {tree:?}");
                kept += usize::from(!over);
                // The temporary files of the killed run do not disturb the next one.
                let next = if over { step().reverse("undo") } else { step() };
                place.publish(&next).unwrap();
                break;
            };
            // The run that finishes it is killed too, and another finishes.
            let (seen, watch) = killer(second);
            let followed = Cell::new(0);
            let mut run_effects = || {
                followed.set(followed.get() + 1);
                Ok(())
            };
            let recovery = catch_unwind(AssertUnwindSafe(|| {
                journal.roll_forward(&place.layout, &mut run_effects, &watch).unwrap();
            }));
            if let Some(journal) = Journal::pending(&place.layout, place.scope()).unwrap() {
                journal.roll_forward(&place.layout, &mut run_effects, &|_| {}).unwrap();
            }
            assert_eq!(place.tree(), with_folders(&AFTER), "killed at {first} and {second}");
            assert!(followed.get() >= 1, "killed at {first} and {second}: nothing followed");
            finished += 1;
            if recovery.is_ok() {
                assert!(seen.get() <= second);
                break;
            }
        }
    }
}

#[test]
fn files_that_changed_meanwhile_stop_it() {
    let place = Place::new();
    fs::write(place.at("commits/x.txt"), "by hand").unwrap();
    fs::write(place.at("patches/x/0003.patch"), "by hand").unwrap();
    let before = place.tree();
    let error = place.publish(&step()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "changed by another program: commits/x.txt, patches/x/0003.patch; nothing was written"
    );
    assert_eq!((place.tree(), place.pending()), (before, Vec::<String>::new()));
}

#[test]
fn an_edit_after_a_kill_is_not_overwritten() {
    let place = Place::new();
    let journal = Journal::prepare(&place.layout, place.scope(), &step(), &|_| {}).unwrap();
    assert!(matches!(place.publish(&step()), Err(PublishError::Pending { .. })));
    fs::write(place.at("commits/x.txt"), "by hand").unwrap();
    let before = place.tree();
    let error = journal.roll_forward(&place.layout, &mut || Ok(()), &|_| {}).unwrap_err().to_string();
    assert!(
        error.starts_with("x: an interrupted 'refresh' cannot be finished: commits/x.txt changed since; "),
        "{error}"
    );
    assert_eq!(place.tree(), before);
    assert!(journal.withdraw(&place.layout).unwrap());
    assert_eq!((place.tree(), place.pending()), (before, Vec::<String>::new()));
}

#[test]
fn a_step_that_began_is_not_withdrawn() {
    let place = Place::new();
    let watch = |point| {
        if point == KillPoint::Replaced(0) {
            resume_unwind(Box::new(()));
        }
    };
    let ran = catch_unwind(AssertUnwindSafe(|| publish(&place.layout, place.scope(), &step(), &mut || Ok(()), &watch)));
    assert!(ran.is_err());
    let journal = Journal::pending(&place.layout, place.scope()).unwrap().unwrap();
    assert!(!journal.withdraw(&place.layout).unwrap());
    journal.roll_forward(&place.layout, &mut || Ok(()), &|_| {}).unwrap();
    assert_eq!(place.tree(), with_folders(&AFTER));
}

#[test]
fn what_cannot_be_staged_changes_nothing() {
    let place = Place::new();
    // A folder at the path of the staged content has the effect of a full disk: the last file cannot be staged.
    let count = step().changes.len();
    fs::create_dir(place.at(&format!(".patchq-x-{}.tmp", count - 1))).unwrap();
    let before = place.tree();
    assert!(matches!(place.publish(&step()), Err(PublishError::File(_))));
    let journal = Journal::pending(&place.layout, place.scope()).unwrap().unwrap();
    fs::remove_dir(place.at(&format!(".patchq-x-{}.tmp", count - 1))).unwrap();
    assert!(journal.withdraw(&place.layout).unwrap());
    let mut after = place.tree();
    after.insert(format!(".patchq-x-{}.tmp", count - 1), "a folder".to_owned());
    assert_eq!(after, before);
}

#[test]
fn what_follows_may_fail_and_is_tried_again() {
    let place = Place::new();
    let error =
        publish(&place.layout, place.scope(), &step(), &mut || Err(EffectError::Missing(1)), &|_| {}).unwrap_err();
    assert_eq!(error.to_string(), "x: the files were written, but the rest of the step failed");
    assert_eq!(place.tree(), with_folders(&AFTER));
    let journal = Journal::pending(&place.layout, place.scope()).unwrap().unwrap();
    journal.roll_forward(&place.layout, &mut || Ok(()), &|_| {}).unwrap();
    assert_eq!(place.pending(), Vec::<String>::new());
}

#[test]
fn nothing_is_written_through_a_symlink() {
    for (link, target) in [("patches", "real"), ("patches/x", "../real"), ("patches/x/0001.patch", "../../real/f")] {
        let place = Place::new();
        fs::create_dir_all(place.at("real/x")).unwrap();
        fs::write(place.at("real/f"), "one").unwrap();
        let path = place.at(link);
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        std::os::unix::fs::symlink(target, &path).unwrap();
        let error = place.publish(&step()).unwrap_err().to_string();
        assert!(error.ends_with("is a symlink; patchq neither reads nor writes through one"), "{error}");
        assert_eq!(fs::read_to_string(place.at("real/f")).unwrap(), "one");
        assert_eq!(fs::read_dir(place.at("real")).unwrap().count(), 2);
    }
}

#[test]
fn steps_that_contradict_themselves_are_refused() {
    let place = Place::new();
    let change = |path: &str| FileChange { path: RepoPath::new(path).unwrap(), old: None, new: Some(Vec::new()) };
    for paths in [["n", "n"], ["n", "n/m"], ["n/m", "n"]] {
        let changes = paths.map(change).to_vec();
        let step = Step { kind: "x".to_owned(), changes, git: None };
        assert!(matches!(place.publish(&step), Err(PublishError::Clash { .. })), "{paths:?}");
    }
}

#[test]
fn a_damaged_journal_is_said() {
    let place = Place::new();
    let journal = Journal::prepare(&place.layout, place.scope(), &step(), &|_| {}).unwrap();
    fs::write(journal.folder().join("new-0"), "torn").unwrap();
    let before = place.tree();
    let error = journal.roll_forward(&place.layout, &mut || Ok(()), &|_| {}).unwrap_err().to_string();
    assert!(
        error.contains("new-0: the journal of a step cannot be read: it is not what the step's record says"),
        "{error}"
    );
    assert_eq!(place.tree(), before);
    fs::write(journal.folder().join("step.json"), "{").unwrap();
    let all = Journal::all_pending(&place.layout).unwrap();
    assert!(matches!(all.as_slice(), [(key, Err(PublishError::Journal { .. }))] if key == "x"), "{all:?}");
    let kept = Journal::set_aside(&place.layout, place.scope()).unwrap();
    assert_eq!(fs::read(kept.join("new-0")).unwrap(), b"torn");
    assert_eq!((place.tree(), place.pending()), (before, Vec::new()));
}

#[test]
fn what_fails_before_the_first_file_is_taken_back() {
    let place = Place::new();
    let torn = |point| {
        if point == KillPoint::Committed {
            fs::write(place.layout.journal(place.scope()).join("new-6"), "torn").unwrap();
        }
    };
    let error = publish(&place.layout, place.scope(), &step(), &mut || Ok(()), &torn).unwrap_err();
    assert!(matches!(error, PublishError::Journal { .. }), "{error}");
    assert_eq!(place.tree(), with_folders(&BEFORE));
    assert_eq!(place.pending(), Vec::<String>::new());
}

#[test]
fn a_journal_that_cannot_be_written_leaves_nothing() {
    let place = Place::new();
    let in_the_way = |point| {
        if point == KillPoint::Stored(0) {
            fs::create_dir(place.layout.journal(place.scope()).join("step.json.tmp")).unwrap();
        }
    };
    let error = publish(&place.layout, place.scope(), &step(), &mut || Ok(()), &in_the_way).unwrap_err();
    assert!(matches!(error, PublishError::File(_)), "{error}");
    assert_eq!(place.tree(), with_folders(&BEFORE));
    assert_eq!(fs::read_dir(place.layout.journals()).unwrap().count(), 0);
}

#[test]
fn a_step_is_taken_back_from_wherever_it_was_killed() {
    let mut taken = 0;
    for at in 0.. {
        let place = Place::new();
        let (_, watch) = killer(at);
        let ran = catch_unwind(AssertUnwindSafe(|| {
            publish(&place.layout, place.scope(), &step(), &mut || Ok(()), &watch).unwrap();
        }));
        if ran.is_ok() {
            break;
        }
        let Some(journal) = Journal::pending(&place.layout, place.scope()).unwrap() else { continue };
        let mut told = 0;
        let mut back = || {
            told += 1;
            Ok(())
        };
        let done = journal.roll_back(&place.layout, place.scope(), &mut back).unwrap();
        assert_eq!((done, told), (RolledBack { left: Vec::new(), kept_in: None }, 1), "killed at {at}");
        assert_eq!((place.tree(), place.pending()), (with_folders(&BEFORE), Vec::new()), "killed at {at}");
        assert_eq!(fs::metadata(place.at("patches/x/0001.patch")).unwrap().permissions().mode() & 0o777, 0o600);
        taken += 1;
    }
    assert!(taken > 10, "{taken}");
}

#[test]
fn what_is_neither_old_nor_new_is_left_when_a_step_is_taken_back() {
    let place = Place::new();
    let error =
        publish(&place.layout, place.scope(), &step(), &mut || Err(EffectError::Missing(1)), &|_| {}).unwrap_err();
    assert!(matches!(error, PublishError::Follow { .. }), "{error}");
    fs::write(place.at("commits/x.txt"), "by hand").unwrap();
    let journal = Journal::pending(&place.layout, place.scope()).unwrap().unwrap();
    let after = place.tree();
    let error = journal.roll_back(&place.layout, place.scope(), &mut || Err(EffectError::Missing(1))).unwrap_err();
    assert_eq!(error.to_string(), "x: an interrupted 'refresh' cannot be taken back");
    let mut kept = place.tree();
    kept.retain(|path, _| !path.contains(".patchq-x-"));
    assert_eq!((kept, place.pending()), (after, vec!["x".to_owned()]));
    let done = journal.roll_back(&place.layout, place.scope(), &mut || Ok(())).unwrap();
    assert_eq!(done.left, ["commits/x.txt"]);
    let mut wanted = with_folders(&BEFORE);
    wanted.insert("commits/x.txt".to_owned(), "by hand".to_owned());
    assert_eq!((place.tree(), place.pending()), (wanted, Vec::new()));
    let kept_in = done.kept_in.unwrap();
    let kept: Vec<Vec<u8>> = (0..7).filter_map(|n| fs::read(kept_in.join(format!("old-{n}"))).ok()).collect();
    assert!(kept.contains(&b"old pin".to_vec()), "{kept:?}");
}
