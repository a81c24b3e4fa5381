//! Made-up histories, and the git program to compare with.

#![allow(dead_code, clippy::unwrap_used, reason = "every test binary uses a part of it")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use patchq::git::{Id, Store};

/// A small random number generator, the same on every run (Steele and others, SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % sides as u64).unwrap()
    }
}

/// A file of a made-up tree: its content and its kind (the content of a submodule is the commit's id).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Executable,
    Link,
    Submodule,
}

pub(crate) type Files = BTreeMap<String, File>;

/// A repository of the git program, and a store that borrows its objects.
pub(crate) struct World {
    _dir: tempfile::TempDir,
    pub(crate) repo: PathBuf,
    pub(crate) store: Store,
}

impl World {
    pub(crate) fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let repo = dir.path().join("repo");
        std::fs::create_dir(&repo).unwrap();
        git(&repo, &["init", "-q", "-b", "main"], b"");
        let at = dir.path().join("store.git");
        drop(Store::create(&at).unwrap());
        std::fs::create_dir_all(at.join("objects/info")).unwrap();
        let borrowed = repo.join(".git/objects");
        std::fs::write(at.join("objects/info/alternates"), format!("{}\n", borrowed.display())).unwrap();
        let store = Store::open(&at).unwrap().unwrap();
        World { _dir: dir, repo, store }
    }

    /// Commits `files` on `parent`.
    pub(crate) fn commit(&self, files: &Files, parent: Option<Id>) -> Id {
        self.commits(&[(files, parent.map(Parent::Id))])[0]
    }

    /// Commits trees of files, each on its parent, by fast-import, which neither reads nor writes a working tree.
    pub(crate) fn commits(&self, all: &[(&Files, Option<Parent>)]) -> Vec<Id> {
        let mut stream = Vec::new();
        for (n, (files, parent)) in all.iter().enumerate() {
            stream.extend(b"reset refs/heads/made\n\ncommit refs/heads/made\n");
            stream.extend(format!("mark :{}\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\n", n + 1).bytes());
            match parent {
                Some(Parent::Id(id)) => stream.extend(format!("from {id}\n").bytes()),
                Some(Parent::Number(n)) => stream.extend(format!("from :{}\n", n + 1).bytes()),
                None => {}
            }
            stream.extend(b"deleteall\n");
            files.iter().for_each(|(path, file)| stream_file(&mut stream, path, file));
        }
        git(&self.repo, &["fast-import", "--quiet", "--force", "--export-marks=marks"], &stream);
        let marks = std::fs::read_to_string(self.repo.join("marks")).unwrap();
        let mut marks: Vec<(usize, Id)> = marks
            .lines()
            .map(|line| line.strip_prefix(':').unwrap().split_once(' ').unwrap())
            .map(|(mark, id)| (mark.parse().unwrap(), id.parse().unwrap()))
            .collect();
        marks.sort_unstable_by_key(|(mark, _)| *mark);
        marks.into_iter().map(|(_, id)| id).collect()
    }

    pub(crate) fn tree(&self, rev: &str) -> Id {
        git(&self.repo, &["rev-parse", &format!("{rev}^{{tree}}")], b"").as_slice().parse_id()
    }
}

/// The parent of a commit: another commit, or the one with that index among those made with it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Parent {
    Id(Id),
    Number(usize),
}

fn stream_file(stream: &mut Vec<u8>, path: &str, file: &File) {
    let mode = match file.kind {
        Kind::Plain => "100644",
        Kind::Executable => "100755",
        Kind::Link => "120000",
        Kind::Submodule => {
            let id = String::from_utf8_lossy(&file.bytes);
            return stream.extend(format!("M 160000 {id} \"{path}\"\n").bytes());
        }
    };
    stream.extend(format!("M {mode} inline \"{path}\"\ndata {}\n", file.bytes.len()).bytes());
    stream.extend(&file.bytes);
    stream.push(b'\n');
}

pub(crate) trait ParseId {
    fn parse_id(&self) -> Id;
}

impl ParseId for &[u8] {
    fn parse_id(&self) -> Id {
        std::str::from_utf8(self).unwrap().trim().parse().unwrap()
    }
}

pub(crate) fn git(dir: &Path, args: &[&str], input: &[u8]) -> Vec<u8> {
    let (code, out, err) = git_code(dir, args, input);
    assert_eq!(code, 0, "git {args:?}: {}", String::from_utf8_lossy(&err));
    out
}

pub(crate) fn git_code(dir: &Path, args: &[&str], input: &[u8]) -> (i32, Vec<u8>, Vec<u8>) {
    use std::io::Write;
    let mut child = Command::new("git")
        .args(["-c", "core.quotePath=true", "-c", "merge.conflictStyle=merge"])
        .args(args)
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LC_ALL", "C")
        .env("GIT_ALTERNATE_OBJECT_DIRECTORIES", dir.with_file_name("store.git").join("objects"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let feed = std::thread::spawn(move || stdin.write_all(&input));
    let done = child.wait_with_output().unwrap();
    let _ = feed.join();
    (done.status.code().unwrap(), done.stdout, done.stderr)
}

pub(crate) fn text(dice: &mut Dice, lines: usize) -> Vec<u8> {
    let words = ["alpha", "beta", "gamma", "}", "", "def f():", "\tindent", "same", "same", "RUN x \\"];
    let mut out = Vec::new();
    for _ in 0..lines {
        let line = format!("{} {}\n", words[dice.roll(words.len())], dice.roll(30));
        out.extend(line.bytes());
    }
    if dice.roll(6) == 0 {
        out.pop();
    }
    out
}

pub(crate) fn first_tree(dice: &mut Dice) -> Files {
    let mut files = Files::new();
    for n in 0..4 + dice.roll(4) {
        let folder = ["", "a/", "a/b/", "c-d/", "with space/"][dice.roll(5)];
        let kind = [Kind::Plain, Kind::Plain, Kind::Plain, Kind::Executable, Kind::Link][dice.roll(5)];
        let bytes = match (kind, dice.roll(12)) {
            (Kind::Link, _) => format!("target-{}", dice.roll(5)).into_bytes(),
            (_, 0) => (0..200).map(|_| u8::try_from(dice.roll(256)).unwrap()).chain([0]).collect(),
            (_, 1) => Vec::new(),
            _ => {
                let lines = 1 + dice.roll(25);
                text(dice, lines)
            }
        };
        files.insert(format!("{folder}file{n}.txt"), File { bytes, kind });
    }
    files
}

/// Makes some edits: lines changed, files added, removed, moved, made executable, turned into links and folders.
pub(crate) fn edited(dice: &mut Dice, files: &Files, moves: bool) -> Files {
    let mut files = files.clone();
    for n in 0..1 + dice.roll(5) {
        let names: Vec<String> = files.keys().cloned().collect();
        if names.is_empty() {
            break;
        }
        let name = names[dice.roll(names.len())].clone();
        match dice.roll(12) {
            0 => drop(files.remove(&name)),
            1 => {
                let lines = 1 + dice.roll(20);
                let bytes = text(dice, lines);
                files.insert(format!("new/{n}-{}.txt", dice.roll(9)), File { bytes, kind: Kind::Plain });
            }
            2 if moves => {
                let mut file = files.remove(&name).unwrap();
                if dice.roll(2) == 0 && file.kind != Kind::Link {
                    change_lines(dice, &mut file.bytes);
                }
                files.insert(format!("moved/{}", name.replace('/', "_")), file);
            }
            3 => {
                let file = files.get_mut(&name).unwrap();
                file.kind = if file.kind == Kind::Plain { Kind::Executable } else { file.kind };
            }
            4 if moves => {
                let file = files.remove(&name).unwrap();
                files.insert(format!("{name}/inside"), file);
            }
            5 => {
                let target = format!("target-{}", dice.roll(4)).into_bytes();
                files.insert(name, File { bytes: target, kind: Kind::Link });
            }
            _ => {
                let file = files.get_mut(&name).unwrap();
                if file.kind != Kind::Link {
                    change_lines(dice, &mut file.bytes);
                }
            }
        }
    }
    // A path below a file is not valid.
    let names: Vec<String> = files.keys().cloned().collect();
    files.retain(|path, _| !names.iter().any(|other| path.starts_with(&format!("{other}/"))));
    files
}

pub(crate) fn change_lines(dice: &mut Dice, bytes: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..1 + dice.roll(3) {
        let at = dice.roll(lines.len() + 1);
        match dice.roll(3) {
            0 if at < lines.len() => drop(lines.remove(at)),
            1 if at < lines.len() => lines[at] = format!("changed {}\n", dice.roll(50)).into_bytes(),
            _ if at < lines.len() || bytes.ends_with(b"\n") => lines.insert(at, b"inserted\n".to_vec()),
            _ => {}
        }
    }
    *bytes = lines.concat();
}
