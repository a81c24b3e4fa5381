//! Runs the cases: upstream's changes, the patches, their outcomes, and the result of git's own three-way merge.

use std::collections::BTreeSet;

use patchq::git::Objects;

use crate::rebase::shown::{Story, shown};
use crate::support::history::{File, Files, Kind, ParseId, World, git_code};

mod table;

/// Paths and their new content: see [`file`]; `-` removes.
type Edits = &'static [(&'static str, &'static str)];

struct Case {
    name: &'static str,
    pin: Edits,
    /// The changes on top of the pin.
    upstream: Edits,
    /// Each on top of the one before, the first on top of the pin.
    queue: &'static [Edits],
    /// Patches that may be dropped.
    may_drop: &'static [&'static str],
    /// The outcome of each patch.
    become_of: &'static [&'static str],
    /// The resulting tree; `None`: there is none, because of conflicts.
    tree: Option<Edits>,
    /// For a single patch git's result, by default and with patience: see [`by_git`].
    git: [&'static str; 2],
    /// The name of the deviation, if git's result differs.
    deviation: &'static str,
}

/// Makes a file: `x:` an executable, `->` a symlink, `@1` a submodule, and `A 3:new 5:-` twenty lines of which the
/// third is replaced and the fifth is removed; anything else is the content itself.
fn file(spec: &str) -> File {
    let (kind, spec) = match spec {
        _ if spec.starts_with("x:") => (Kind::Executable, &spec[2..]),
        _ if spec.starts_with("->") => (Kind::Link, &spec[2..]),
        _ if spec.starts_with('@') => {
            return File { bytes: spec[1..].repeat(40).into_bytes(), kind: Kind::Submodule };
        }
        _ => (Kind::Plain, spec),
    };
    let letters = ["A", "B", "C"];
    let Some(letter) = letters.into_iter().find(|l| spec == *l || spec.starts_with(&format!("{l} "))) else {
        return File { bytes: spec.as_bytes().to_vec(), kind };
    };
    let mut lines: Vec<String> = (1..=20).map(|n| format!("line {n} of {letter}\n")).collect();
    for edit in spec[1..].split(' ').filter(|edit| !edit.is_empty()) {
        let (at, new) = edit.split_once(':').unwrap();
        lines[at.parse::<usize>().unwrap() - 1] = if new == "-" { String::new() } else { format!("{new}\n") };
    }
    File { bytes: lines.concat().into_bytes(), kind }
}

fn edited(files: &Files, edits: Edits) -> Files {
    let mut files = files.clone();
    for (path, spec) in edits {
        match *spec {
            "-" => assert!(files.remove(*path).is_some(), "{path} is not there"),
            spec => drop(files.insert((*path).to_owned(), file(spec))),
        }
    }
    files
}

/// Returns git's result for the only patch: `=` the same (its tree, or a conflict too), `conflict`, `clean` (here a
/// conflict), `other` (another tree).
fn by_git(world: &World, story: &Story, ours: Option<patchq::git::Id>, options: &[&str]) -> &'static str {
    let (pin, onto, patch) = (story.pin.to_string(), story.onto.to_string(), story.queue[0].to_string());
    let (source, base) = (format!("--attr-source={onto}"), format!("--merge-base={pin}"));
    let mut args = vec![&*source, "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"];
    args.extend(options);
    args.extend([&*base, &onto, &patch]);
    let (code, out, err) = git_code(&world.repo, &args, b"");
    assert!(code < 2, "{}", String::from_utf8_lossy(&err));
    let tree = out.split(|byte| *byte == 0).next().unwrap().parse_id();
    match (code, ours) {
        (0, Some(ours)) if ours == tree => "=",
        (0, Some(_)) => "other",
        (0, None) => "clean",
        (_, Some(_)) => "conflict",
        (_, None) => "=",
    }
}

#[test]
fn every_case_comes_out_as_the_table_says() {
    let world = World::new();
    let (mut wrong, mut names) = (Vec::new(), BTreeSet::new());
    for case in table::CASES {
        assert!(names.insert(case.name), "{} twice", case.name);
        let pin = edited(&Files::new(), case.pin);
        let upstream = edited(&pin, case.upstream);
        let mut top = pin.clone();
        let queue: Vec<Files> = case
            .queue
            .iter()
            .map(|edits| {
                top = edited(&top, edits);
                top.clone()
            })
            .collect();
        let story = Story::write(&world, &pin, &upstream, &queue);
        let mut objects = Objects::new(&world.store).unwrap();
        let may_drop: BTreeSet<String> = case.may_drop.iter().map(|name| (*name).to_owned()).collect();
        let rebased = story.rebased(&mut objects, &may_drop);
        let again = story.rebased(&mut Objects::new(&world.store).unwrap(), &may_drop);
        assert_eq!(rebased, again, "{}: twice is not the same", case.name);
        let outcomes: Vec<String> = rebased.patches.iter().map(shown).collect();
        if outcomes != case.become_of {
            wrong.push(format!("{}: of: {outcomes:?}", case.name));
        }
        let tree = rebased.is_clean().then(|| rebased.stack.tree());
        let wanted = case.tree.map(|edits| {
            let commit = world.commit(&edited(&upstream, edits), None);
            world.tree(&commit.to_string())
        });
        if tree != wanted {
            let onto = objects.commit(story.onto).unwrap().tree;
            let changes = tree.map(|tree| objects.diff(onto, tree).unwrap());
            wrong.push(format!("{}: the tree: {changes:?}", case.name));
        }
        assert_eq!(case.deviation.is_empty(), case.git == ["="; 2] || case.git == [""; 2], "{}", case.name);
        if let [_] = case.queue {
            let patience = ["-X", "diff-algorithm=patience"];
            let said = [by_git(&world, &story, tree, &[]), by_git(&world, &story, tree, &patience)];
            if said != case.git {
                wrong.push(format!("{}: git: {said:?}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
