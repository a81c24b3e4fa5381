//! The engine against `git replay`: 200 patches moved to another commit, new objects written, in CPU time.
//!
//! ```text
//! cargo bench --bench rebase                                   a made-up upstream of 100,000 files
//! cargo bench --bench rebase -- REPO BASE ONTO QUEUE [NAME]    a queue (commits BASE..QUEUE) in a bare repository
//! ```
//!
//! Both work on the same objects in the same run, turn by turn, each into an empty object folder above the repository's; what
//! counts is the ratio. The results must be the same tree.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use patchq::git::{Id, Objects, Store};
use patchq::stack::{self, Base, Item, Lazy, NoResolver, Stack};

const ROUNDS: usize = 12;
const FILES: usize = 100_000;
const PATCHES: usize = 200;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    println!("{:<24} {:>8} {:>12} {:>12} {:>7}", "upstream", "patches", "patchq", "git replay", "ratio");
    let synthetic = tempfile::tempdir().unwrap();
    let repo = synthetic.path().join("repo.git");
    make_up(&repo);
    let mut all = vec![Case::new("made up, 100,000 files", &repo, "base", "onto", "queue")];
    if let [repo, base, onto, queue, name @ ..] = args.as_slice() {
        let name = name.first().map_or("given", String::as_str);
        all.push(Case::new(name, Path::new(repo), base, onto, queue));
    }
    let ours: Vec<f64> = all.iter().map(Case::run).collect();
    if let [one, other] = ours.as_slice() {
        println!("between the two: {:.2}", one.max(*other) / one.min(*other));
    }
}

struct Case {
    name: String,
    repo: PathBuf,
    range: String,
    onto: Id,
    stack: Stack,
}

impl Case {
    fn new(name: &str, repo: &Path, base: &str, onto: &str, queue: &str) -> Case {
        let id = |rev: &str| git(repo, &["rev-parse", &format!("{rev}^{{commit}}")], &[]).trim().parse::<Id>().unwrap();
        // The range must end in a branch: `git replay` says where that would go.
        let range = format!("{}..{queue}", id(base));
        let dir = tempfile::tempdir().unwrap();
        let store = store_above(&dir.path().join("store.git"), repo);
        let mut objects = Objects::new(&store).unwrap();
        let base = Base::read(&mut objects, id(base)).unwrap();
        let (mut before, mut items) = (base.tree, Vec::new());
        for line in git(repo, &["rev-list", "--reverse", &range], &[]).lines() {
            let commit: Id = line.parse().unwrap();
            let after = objects.commit(commit).unwrap().tree;
            items.push(Item { name: line.to_owned(), before, after, commit });
            before = after;
        }
        Case { name: name.to_owned(), repo: repo.to_owned(), range, onto: id(onto), stack: Stack { base, items } }
    }

    /// Prints the line, and gives the seconds of CPU that one run takes.
    fn run(&self) -> f64 {
        let (mut ours, mut gits) = (0.0, 0.0);
        for _ in 0..ROUNDS {
            let dir = tempfile::tempdir().unwrap();
            let before = cpu();
            let tree = self.ours(&dir.path().join("store.git"));
            let between = cpu();
            let replayed = self.gits(&dir.path().join("objects"));
            let after = cpu();
            assert_eq!(tree, replayed, "the trees differ");
            ours += between.0 - before.0;
            gits += after.1 - between.1;
        }
        let each = |sum: f64| sum / ROUNDS as f64;
        println!(
            "{:<24} {:>8} {:>9.0} ms {:>9.0} ms {:>7.2}",
            self.name,
            self.stack.items.len(),
            each(ours) * 1e3,
            each(gits) * 1e3,
            ours / gits
        );
        each(ours)
    }

    fn ours(&self, at: &Path) -> Id {
        let store = store_above(at, &self.repo);
        let mut objects = Objects::new(&store).unwrap();
        let onto = Base::read(&mut objects, self.onto).unwrap();
        let Lazy::Done(rebased) = stack::rebase(&mut objects, &self.stack, onto, &NoResolver).unwrap() else {
            panic!("something is missing");
        };
        assert!(rebased.is_clean());
        objects.flush(&[rebased.stack.top()]).unwrap();
        rebased.stack.tree()
    }

    fn gits(&self, objects: &Path) -> Id {
        std::fs::create_dir_all(objects).unwrap();
        let lower = self.repo.join("objects");
        let above = [("GIT_OBJECT_DIRECTORY", objects), ("GIT_ALTERNATE_OBJECT_DIRECTORIES", lower.as_path())];
        let onto = self.onto.to_string();
        let said = git(&self.repo, &["replay", "--onto", &onto, &self.range], &above);
        let top = said.split(' ').nth(2).unwrap().to_owned();
        git(&self.repo, &["rev-parse", &format!("{top}^{{tree}}")], &above).trim().parse().unwrap()
    }
}

/// A new store that borrows the objects of `repo`.
fn store_above(at: &Path, repo: &Path) -> Store {
    drop(Store::create(at).unwrap());
    std::fs::create_dir_all(at.join("objects/info")).unwrap();
    let lower = repo.canonicalize().unwrap().join("objects");
    std::fs::write(at.join("objects/info/alternates"), format!("{}\n", lower.display())).unwrap();
    Store::open(at).unwrap().unwrap()
}

/// Seconds of CPU that this process, and the children it waited for, have used.
fn cpu() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // utime, stime, cutime and cstime of proc(5), in hundredths of a second.
    let at = |n: usize| fields[n].parse::<f64>().unwrap() / 100.0;
    (at(11) + at(12), at(13) + at(14))
}

fn git(repo: &Path, args: &[&str], vars: &[(&str, &Path)]) -> String {
    let mut command = Command::new("git");
    command.arg("--git-dir").arg(repo).args(args).envs(vars.iter().copied());
    let out = command.output().unwrap();
    assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

fn path(file: usize) -> String {
    let folder = file % 1000;
    format!("pkg{}/mod{}/part{}/file{:03}.txt", folder / 100, folder / 10 % 10, folder % 10, file / 1000)
}

/// A file's text: of 60 lines that are unlike those of other files; upstream's change and the patch's are far apart.
fn text(file: usize, upstream: usize, patched: bool) -> String {
    let mut text = String::new();
    for line in 0..60 {
        let _ = match line {
            10 if upstream > 0 => writeln!(text, "file {file} as upstream has it, {upstream}"),
            40 if patched => writeln!(text, "file {file} as the patch has it"),
            _ => writeln!(text, "file {file}, line {line}: alpha beta gamma {}", file * 31 + line * 7),
        };
    }
    text
}

/// A bare repository with the branches `base` (100,000 files), `onto` (20 commits later, each of which touches one
/// file in a hundred) and `queue` (200 commits on `base`, half of them to files that upstream changed).
fn make_up(repo: &Path) {
    let made = Command::new("git").args(["init", "-q", "--bare"]).arg(repo).status().unwrap();
    assert!(made.success());
    let mut import = Command::new("git")
        .arg("--git-dir")
        .arg(repo)
        // Its newest objects would stand at the ends of long chains of differences; in a pack that git made for a fetch the
        // oldest do.
        .args(["fast-import", "--quiet", "--depth=0"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut to = std::io::BufWriter::new(import.stdin.take().unwrap());
    // A branch goes on from its last commit by itself.
    let mut commit = |branch: &str, n: usize, from: Option<&str>, files: &mut dyn Iterator<Item = (usize, String)>| {
        write!(to, "commit refs/heads/{branch}\ncommitter A <a@b> {} +0000\ndata 5\n{n:04}\n", 1_700_000_000 + n)
            .unwrap();
        if let Some(from) = from {
            writeln!(to, "from refs/heads/{from}").unwrap();
        }
        for (file, text) in files {
            write!(to, "M 644 inline {}\ndata {}\n{text}\n", path(file), text.len()).unwrap();
        }
    };
    commit("base", 0, None, &mut (0..FILES).map(|file| (file, text(file, 0, false))));
    for n in 1..=20 {
        let touched = (0..FILES).skip(n * 5).step_by(100).map(|file| (file, text(file, n, false)));
        commit("onto", n, (n == 1).then_some("base"), &mut { touched });
    }
    for n in 0..PATCHES {
        // Files whose number is 5 modulo 100 were touched by the first commit of upstream's, those with 3 by none.
        let file = n / 2 * 900 + if n % 2 == 0 { 5 } else { 3 };
        commit("queue", 100 + n, (n == 0).then_some("base"), &mut std::iter::once((file, text(file, 0, true))));
    }
    drop(to);
    assert!(import.wait().unwrap().success());
}
