//! Tests the patch room with the real git program: a history of difficult commits is read from `git format-patch`,
//! printed, applied to the parents' blobs, and given to `git am`.
#![allow(clippy::unwrap_used)]

mod between;

use patchq::patch::Strip;
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};

use patchq::patch::{
    Change, Content, Date, FileDiff, Header, HeaderForm, Patch, Person, apply_binary, apply_hunks, parse, print,
};

/// Mode and content of every path.
type Tree = BTreeMap<Vec<u8>, (u32, Vec<u8>)>;

/// A repository that sees none of the machine's settings.
struct Repo {
    dir: tempfile::TempDir,
    clock: u64,
}

impl Repo {
    fn new() -> Repo {
        let repo = Repo { dir: tempfile::tempdir().unwrap(), clock: 1_700_000_000 };
        repo.git(&["init", "-q", "-b", "main"]);
        repo
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CONFIG_GLOBAL", "/dev/null").env("LC_ALL", "C");
        command.env("GIT_COMMITTER_NAME", "Keeper").env("GIT_COMMITTER_EMAIL", "keeper@example.org");
        command.env("GIT_COMMITTER_DATE", "1700000000 +0000");
        command.args(args).current_dir(self.path());
        command
    }

    fn git(&self, args: &[&str]) -> Vec<u8> {
        self.git_with(args, b"")
    }

    fn git_with(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = self.command(args);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || pipe.write_all(&input));
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        writer.join().unwrap().unwrap();
        output.stdout
    }

    fn line(&self, args: &[&str]) -> String {
        String::from_utf8(self.git(args)).unwrap().trim().to_owned()
    }

    fn write(&self, path: &[u8], content: &[u8]) {
        let path = self.path().join(std::ffi::OsStr::from_bytes(path));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Commits everything with exactly this message.
    fn commit(&mut self, author: &str, message: &[u8]) {
        self.clock += 61;
        self.git(&["add", "-A"]);
        let (name, email) = author.split_once(" <").unwrap();
        let mut command = self.command(&["commit", "-q", "--allow-empty-message", "--cleanup=verbatim", "-F", "-"]);
        command.env("GIT_AUTHOR_NAME", name).env("GIT_AUTHOR_EMAIL", email.trim_end_matches('>'));
        let zone = ["+0000", "+0530", "-0330", "+1400"][usize::try_from(self.clock % 4).unwrap()];
        command.env("GIT_AUTHOR_DATE", format!("{} {zone}", self.clock));
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(message).unwrap();
        assert!(child.wait().unwrap().success(), "{}", String::from_utf8_lossy(message));
    }

    /// Returns a commit's tree. A submodule's content is the line that its diff shows.
    fn tree(&self, commit: &str) -> Tree {
        let listing = self.git(&["ls-tree", "-rz", commit]);
        let read = |entry: &[u8]| {
            let tab = entry.iter().position(|byte| *byte == b'\t').unwrap();
            let head = std::str::from_utf8(&entry[..tab]).unwrap();
            let (mode, id) = (&head[..6], &head[head.len() - 40..]);
            let content = match mode {
                "160000" => format!("Subproject commit {id}\n").into_bytes(),
                _ => self.git(&["cat-file", "blob", id]),
            };
            (entry[tab + 1..].to_vec(), (u32::from_str_radix(mode, 8).unwrap(), content))
        };
        listing.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).map(read).collect()
    }
}

const JOE: &str = "Joe Plain <joe@example.org>";
const JOERG: &str = "Jörg J. Müller <joerg@example.org>";
const DOTTED: &str = "Jane Q. Doe, Jr. <jane@example.org>";
const LONG: &str = "A Very Long Name That Goes On Until The Line Is Too Long <a-rather-long-address@example.org>";

fn numbered(lines: usize) -> Vec<u8> {
    (1..=lines).flat_map(|line| format!("line {line}\n").into_bytes()).collect()
}

/// Returns bytes that zlib cannot compress.
fn noise(len: usize) -> Vec<u8> {
    let mut seed = 1_u32;
    let next = move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// The writes of one commit: paths and contents.
type Writes<'a> = &'a [(&'a [u8], &'a [u8])];

/// Makes about forty commits, each with something that a simple reader or writer gets wrong.
fn torture() -> Repo {
    let mut repo = Repo::new();
    repo.write(b"base", &numbered(60));
    repo.commit(JOE, b"base");
    let changed = String::from_utf8(numbered(60)).unwrap().replace("line 3\n", "three\n").replace("line 50\n", "");
    let (big, bigger) = (noise(70_000), [noise(70_000), b"tail".to_vec()].concat());
    let long =
        "a plain subject so long that it has to be folded, since a line of a mail has at most 78 columns, and some";
    let umlaut =
        "Füge eine sehr lange Überschrift hinzu, die ganz bestimmt gefaltet wird und noch viel länger ist = ?_";
    let simple: &[(&str, &str, Writes<'_>)] = &[
        (JOE, "change two hunks", &[(b"base", changed.as_bytes())]),
        (JOERG, umlaut, &[(b"a", b"1\n")]),
        (DOTTED, long, &[(b"a", b"2\n")]),
        (LONG, "ends in a dot.", &[(b"a", b"2")]),
        (JOE, "two  blanks and a =?UTF-8?q?word?= in it\n\nbody\n", &[(b"a", b"2\n3")]),
        (JOE, "a subject\non three\nlines\n\nbody  \n\n\nafter two blanks\t\n", &[(b"a", b"")]),
        (JOE, "fill an empty file\n\nSigned-off-by: Joe <joe@example.org>\n", &[(b"a", b"x\n")]),
        (JOE, "UTF-8 body\n\nKörper 日本\n", &[("ü/ö".as_bytes(), b"x\n")]),
        (JOE, "names", &[(b"a b/c d", b"x\n"), (b"t\tab\"q\\", b"y\n"), (b" lead", b"z\n"), (b"b/a/b", b"!\n")]),
        (JOE, "names again", &[(b"a b/c d", b"X\n"), (b"t\tab\"q\\", b"Y\n"), (b" lead", b""), (b"\xff\xfe", b"!\n")]),
        (JOE, "crlf", &[(b"crlf", b"a\r\nb\r\nc\r\n"), (b"mixed", b"a\r\nb\n\r\n")]),
        (JOE, "crlf changed", &[(b"crlf", b"a\r\nB\r\nc\r\n"), (b"mixed", b"a\nb\r\n\n")]),
        (JOE, "empty files", &[(b"e1", b""), (b"d/e2", b"")]),
        (JOE, "small binary", &[(b"bin", b"\0\x01\x02")]),
        (JOE, "large binary", &[(b"big", &big)]),
        (JOE, "binary delta", &[(b"big", &bigger), (b"bin", b"")]),
        (JOE, "dashes", &[(b"dash", b"-- x\n--\n++ y\n@@ -1 +1 @@\n")]),
        (JOE, "dashes changed", &[(b"dash", b"- x\n--\n+++ y\n\\ No newline at end of file\ndiff --git a/x b/x\n")]),
        (JOE, "like a mail", &[(b"dash", b"From 0123456789 Mon Sep 17 00:00:00 2001\nFrom: x\n--\n"), (b"d1", b"")]),
        (JOE, "the last line -- goes\n", &[(b"dash", b"From 0123456789 Mon Sep 17 00:00:00 2001\n"), (b"e3", b"")]),
        (JOE, "file for a folder", &[(b"f", b"x\n"), (b"g/h", b"x\n")]),
    ];
    for (author, message, writes) in simple {
        writes.iter().for_each(|(path, content)| repo.write(path, content));
        repo.commit(author, message.as_bytes());
    }
    shapes(&mut repo);
    for (count, message) in MESSAGES.iter().enumerate() {
        repo.write(b"m", format!("{count}\n").as_bytes());
        repo.commit(JOE, message.as_bytes());
    }
    repo
}

/// Adds renames, modes and types.
fn shapes(repo: &mut Repo) {
    let at = |repo: &Repo, path: &str| repo.path().join(path);
    repo.git(&["rm", "-q", "f"]);
    repo.write(b"f/inside", b"y\n");
    std::fs::remove_dir_all(at(repo, "g")).unwrap();
    repo.write(b"g", b"now a file\n");
    repo.commit(JOE, b"file to folder and back");
    repo.git(&["mv", "base", "moved here"]);
    repo.commit(JOE, b"pure rename");
    repo.git(&["mv", "moved here", "base2"]);
    repo.write(b"base2", &[numbered(40), b"new end\n".to_vec()].concat());
    repo.commit(JOE, b"rename with edits");
    repo.git(&["update-index", "--chmod=+x", "base2"]);
    repo.git(&["checkout", "-q", "--", "base2"]);
    repo.commit(JOE, b"mode alone");
    repo.git(&["mv", "base2", "base3"]);
    repo.git(&["update-index", "--chmod=-x", "base3"]);
    repo.git(&["checkout", "-q", "--", "base3"]);
    repo.commit(JOE, b"mode and rename");
    std::fs::remove_file(at(repo, "mixed")).unwrap();
    std::os::unix::fs::symlink("base3", at(repo, "mixed")).unwrap();
    std::os::unix::fs::symlink("gone", at(repo, "link")).unwrap();
    repo.commit(JOE, b"symlinks");
    std::fs::remove_file(at(repo, "link")).unwrap();
    std::os::unix::fs::symlink("elsewhere", at(repo, "link")).unwrap();
    repo.commit(JOE, b"symlink turned");
    let head = repo.line(&["rev-parse", "HEAD"]);
    std::fs::create_dir(at(repo, "sub")).unwrap();
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{head},sub")]);
    repo.commit(JOE, b"submodule");
    repo.git(&["rm", "-q", "bin", "big", "e1", "crlf", "a b/c d"]);
    repo.commit(JOE, b"delete text, binary and empty files");
    let func = String::from_utf8([b"int main(void)   \n{\n".to_vec(), numbered(20), b"}\n".to_vec()].concat()).unwrap();
    repo.write(b"func.c", func.as_bytes());
    repo.commit(JOE, b"a function");
    repo.write(b"func.c", func.replace("line 15\n", "").as_bytes());
    repo.commit(JOE, b"inside a function");
}

const FAKE_DIFF: &str = "diff --git a/m b/m\n--- a/m\n+++ b/m\n@@ -1 +1 @@\n-1\n+2\n";

/// Messages that confuse readers.
const MESSAGES: [&str; 8] = [
    "dashes in the body\n\nbefore\n---\nafter\n",
    "a diff in the body\n\ndiff --git a/m b/m\n--- a/m\n+++ b/m\n@@ -1 +1 @@\n-1\n+2\n\nit did not help\n",
    "a mail in the body\n\nFrom 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nis the line\n",
    "Index in the body\n\nIndex: m\n=======\n",
    "a date in the body\n\nbefore\nDate: never\n\nmore\n",
    "brackets [x] stay\n\n[PATCHES] this too\n",
    "trailers\n\nWhy.\n\nUpstream-Status: Pending\nCVE: CVE-2024-1\nSigned-off-by: Joe <joe@example.org>\n",
    "indented\n\n  code\n\n    more code\n - and a list\n",
];

/// Messages whose lines get a blank in front, by subject. No others may.
const SHIELDED: [&str; 4] = ["dashes in the body", "a diff in the body", "a mail in the body", "Index in the body"];

/// Messages that `git am` itself changes: it joins runs of blanks.
const AM_CHANGES: [&str; 1] = ["two  blanks and a =?UTF-8?q?word?= in it"];

const FORMAT: [&str; 12] = [
    "format-patch",
    "--stdout",
    "--no-stat",
    "--zero-commit",
    "--no-signature",
    "-N",
    "--full-index",
    "--binary",
    "-M50%",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "-1",
];

/// Returns git's bytes with the `---` that `--no-stat` leaves out.
fn with_cut(mail: &[u8], patch: &Patch) -> Vec<u8> {
    let head = mail[..patch.preamble_len].strip_suffix(b"\n").unwrap();
    [head, b"---\n\n", &mail[patch.preamble_len..]].concat()
}

/// Applies a patch to a tree, one diff after the other; renames read the tree before the patch.
fn applied(patch: &Patch, before: &Tree) -> Tree {
    let mut after = before.clone();
    for file in &patch.files {
        let old = match file.change {
            Change::Add => None,
            Change::Rename(_) | Change::Copy(_) => before.get(file.old_path.as_bytes()).cloned(),
            _ => after.get(file.old_path.as_bytes()).cloned(),
        };
        if matches!(file.change, Change::Rename(_) | Change::Delete) {
            after.remove(file.old_path.as_bytes());
        }
        let (mode, old) = old.unwrap_or((0o100_644, Vec::new()));
        let new = content(file, &old);
        if file.change == Change::Delete {
            assert!(new.is_empty() || file.content == Content::Same, "{:?}", file.old_path);
        } else {
            after.insert(file.new_path.as_bytes().to_vec(), (file.new_mode.unwrap_or(mode), new));
        }
    }
    after
}

fn content(file: &FileDiff, old: &[u8]) -> Vec<u8> {
    match &file.content {
        Content::Same => old.to_vec(),
        Content::Text(hunks) => {
            let applied = apply_hunks(old, hunks).unwrap();
            assert!(applied.offsets.iter().all(|offset| *offset == 0), "{:?}", file.new_path);
            applied.bytes
        }
        Content::Binary { forward, reverse } => {
            let new = apply_binary(old, forward).unwrap();
            assert_eq!(apply_binary(&new, reverse.as_ref().unwrap()).unwrap(), old);
            new
        }
        Content::BinaryWithoutData => panic!("--binary writes data"),
    }
}

fn has_binary(patch: &Patch) -> bool {
    patch.files.iter().any(|file| matches!(file.content, Content::Binary { .. }))
}

#[test]
fn a_torture_history_survives() {
    let repo = torture();
    let commits = repo.line(&["rev-list", "--reverse", "HEAD"]);
    let commits: Vec<&str> = commits.lines().collect();
    assert!(commits.len() >= 40, "{} commits", commits.len());
    let mut identical = 0;
    for pair in commits.windows(2) {
        let (parent, commit) = (pair[0], pair[1]);
        let subject = repo.line(&["log", "-1", "--format=%s", commit]);
        let mail = repo.git(&[FORMAT.as_slice(), &[commit]].concat());
        let ordinary = repo.git(&["format-patch", "--stdout", "--full-index", "--binary", "-1", commit]);
        let patch = parse(&ordinary, Strip::Default).unwrap_or_else(|error| panic!("{subject}: {error}"));
        let printed = print(&patch);

        assert_eq!(!printed.shielded.is_empty(), SHIELDED.contains(&subject.as_str()), "{subject}");
        let again = parse(&printed.bytes, Strip::Default).unwrap_or_else(|error| panic!("{subject}, printed: {error}"));
        assert_eq!(print(&again).bytes, printed.bytes, "{subject}");
        assert!(print(&again).shielded.is_empty(), "{subject}");
        if printed.shielded.is_empty() && !has_binary(&patch) {
            let want = with_cut(&mail, &parse(&mail, Strip::Default).unwrap());
            assert_eq!(String::from_utf8_lossy(&printed.bytes), String::from_utf8_lossy(&want), "{subject}");
            identical += 1;
        }

        let before = repo.tree(parent);
        assert_eq!(applied(&patch, &before), repo.tree(commit), "{subject}");
        assert_eq!(applied(&again, &before), repo.tree(commit), "{subject}, printed");
        am(&repo, parent, commit, &subject, &printed.bytes);
    }
    assert!(identical >= 30, "only {identical} patches were compared byte by byte");
}

/// Checks that `git am --keep-cr` of a printed patch makes the same commit, except for the shielded lines of its
/// message.
fn am(repo: &Repo, parent: &str, commit: &str, subject: &str, mail: &[u8]) {
    repo.git(&["checkout", "-q", "-f", parent]);
    repo.git_with(&["am", "-q", "--keep-cr", "--keep-non-patch"], mail);
    let show = |format: &str, commit: &str| repo.line(&["log", "-1", format, commit]);
    for format in ["--format=%T", "--format=%an|%ae", "--format=%ad"] {
        assert_eq!(show(format, "HEAD"), show(format, commit), "{subject}");
    }
    let (have, want) = (show("--format=%B", "HEAD"), show("--format=%s%n%n%b", commit));
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    if SHIELDED.contains(&subject) || AM_CHANGES.contains(&subject) {
        assert_eq!(words(&have), words(&want), "{subject}");
    } else {
        let clean = String::from_utf8(repo.git_with(&["stripspace"], want.as_bytes())).unwrap();
        assert_eq!(have, clean.trim_end(), "{subject}");
    }
}

/// Hunks apply where `git apply` applies them, and fail where it refuses, on contents with many equal lines. Named
/// deviation: a hunk that git would place above an earlier one fails here.
#[test]
fn hunks_land_where_git_apply_puts_them() {
    let repo = Repo::new();
    let mut seed = 7_u32;
    let mut random = move |below: u32| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) % below
    };
    let (mut moved, mut refused, mut out_of_order) = (0, 0, 0);
    for _ in 0..150 {
        let mut lines: Vec<String> = (0..12 + random(20)).map(|_| format!("{}\n", random(3))).collect();
        repo.write(b"x", lines.concat().as_bytes());
        repo.git(&["add", "x"]);
        for _ in 0..1 + random(3) {
            let at = random(u32::try_from(lines.len()).unwrap()) as usize;
            lines[at] = ["new\n", "", "0\n1\n"][random(3) as usize].to_owned();
        }
        let before = repo.git(&["show", ":x"]);
        repo.write(b"x", lines.concat().as_bytes());
        let context = format!("-U{}", 1 + random(3));
        let diff = repo.git(&["diff", &context]);
        if diff.is_empty() {
            continue;
        }
        let shifts = (0..random(6)).map(|_| format!("{}\n", random(3))).collect::<String>();
        let tail = (0..random(2)).map(|_| "2\n").collect::<String>();
        let target = [shifts.as_bytes(), &before, tail.as_bytes()].concat();
        repo.write(b"x", &target);
        let mut command = repo.command(&["apply", "-"]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&diff).unwrap();
        let taken = child.wait().unwrap().success();
        let patch = parse(&diff, Strip::Default).unwrap();
        let Content::Text(hunks) = &patch.files[0].content else { panic!("no text") };
        let text = String::from_utf8_lossy(&diff);
        match apply_hunks(&target, hunks) {
            Ok(applied) => {
                assert!(taken, "git refuses\n{text}");
                let git = std::fs::read(repo.path().join("x")).unwrap();
                if git != applied.bytes && hunks.len() > 1 {
                    out_of_order += 1;
                } else {
                    assert_eq!(String::from_utf8_lossy(&applied.bytes), String::from_utf8_lossy(&git), "{text}");
                }
                moved += usize::from(applied.offsets.iter().any(|offset| *offset != 0));
            }
            Err(error) if taken => {
                assert!(error.hunk > 0, "git takes it: {error}\n{text}");
                out_of_order += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(moved > 20 && refused > 10 && out_of_order < 10, "{moved} moved, {refused} refused, {out_of_order} others");
}

#[test]
fn a_body_that_holds_a_diff_does_not_end_there() {
    let header = "From: Joe <joe@example.org>\nDate: Fri, 5 Jan 2024 03:04:05 +0530\nSubject: [PATCH] x\n\n";
    let text = format!("{header}See:\n---\n\n{FAKE_DIFF}\nso it goes\n---\n m | 2 +-\n 1 file changed\n\n{FAKE_DIFF}");
    let patch = parse(text.as_bytes(), Strip::Default).unwrap();
    assert_eq!(patch.files.len(), 1);
    assert!(patch.header.body.ends_with(b"so it goes\n"));
}

/// Names, addresses and subjects of any length and with blanks anywhere are written in a mail's header as `git
/// format-patch` writes them. Named deviation: git writes lines of blanks alone, at which the header would end.
#[test]
fn fields_are_laid_out_as_git_lays_them_out() {
    let repo = Repo::new();
    let mut seed = 11_u32;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 16) as usize % below
    };
    let mut text = |words: usize, letters: &[&str], most: usize| -> String {
        let mut text = String::new();
        for _ in 0..=random(words) {
            text.extend(std::iter::repeat_n(letters[random(letters.len())], 1 + random(most)));
            text.push_str(["", " ", " ", " ", "  ", "   "][random(6)]);
        }
        text.trim().to_owned()
    };
    let (mut input, mut headers) = (Vec::new(), Vec::new());
    for count in 0..400 {
        let letters: &[&str] = [&["a", "b", "cc"] as &[&str], &["ä", "x", "日"], &["=?", "y", "_"]][count % 3];
        let name = format!("N{}", text(5, if count % 2 == 0 { letters } else { &["o.", "\\", "p"] }, 30));
        let email = format!("{}@x", text(1, &["e"], 40).replace(' ', ""));
        let subject = text(12, letters, [8, 8, 90][count / 3 % 3]);
        let head = format!("commit refs/heads/main\nauthor {name} <{email}> 1700000000 +0000\n");
        let tail = format!("committer K <k@x> 1700000000 +0000\ndata {}\n{subject}\n", subject.len());
        input.extend_from_slice(format!("{head}{tail}").as_bytes());
        headers.push(Header {
            form: HeaderForm::Mail,
            author: Some(Person { name: name.into(), email: email.into() }),
            date: Some(Date { seconds: 1_700_000_000, offset: 0 }),
            subject: subject.into(),
            body: String::new().into(),
        });
    }
    repo.git_with(&["fast-import", "--quiet", "--force"], &input);
    let mails = repo.git(&["format-patch", "--stdout", "--always", "--root", "--zero-commit", "-N", "main"]);
    let mails = String::from_utf8(mails).unwrap();
    let mut bare = 0;
    let from = "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n";
    assert_eq!(mails.matches(from).count(), headers.len());
    for (mail, header) in mails.split(from).skip(1).zip(headers) {
        let patch =
            Patch { header, files: parse(FAKE_DIFF.as_bytes(), Strip::Default).unwrap().files, preamble_len: 0 };
        let printed = print(&patch).bytes;
        let read = parse(&printed, Strip::Default).unwrap().header;
        assert_eq!((&read.author, &read.subject), (&patch.header.author, &patch.header.subject));
        if mail.lines().any(|line| line.starts_with(' ') && line.trim().is_empty()) {
            bare += 1;
        } else {
            let printed = String::from_utf8(printed).unwrap();
            assert_eq!(
                &printed[from.len()..printed.find("\n---\n").unwrap()],
                &mail[..mail.find("\n---\n").unwrap_or(mail.find("\n-- \n").unwrap())]
            );
        }
    }
    assert!(bare < 40, "{bare} with lines of blanks");
}
