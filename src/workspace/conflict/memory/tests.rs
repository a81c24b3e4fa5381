//! Tests of decisions that are kept, found again, damaged and forgotten.
#![allow(clippy::unwrap_used)]

use std::os::unix::fs::symlink;

use bstr::BString;
use proptest::prelude::*;

use super::*;
use crate::git::Id;
use crate::patch::{Date, Person};
use crate::path::RepoPath;
use crate::stack::Lines;
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::manifest::Manifest;

const PIN: &str = "1111111111111111111111111111111111111111";

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn hunk(base: &str, upstream: &str, patch: &str) -> Hunk {
    let lines = |text: &str| Lines { start: 3, text: text.into() };
    Hunk { base: lines(base), upstream: lines(upstream), patch: lines(patch), nth: 0, alike: Default::default() }
}

fn five() -> Hunk {
    hunk("five\n", "cinq\n", "FIVE\n")
}

fn made(seconds: i64) -> DecisionOrigin {
    let author = Person { name: "A Maintainer".into(), email: "a@example.org".into() };
    DecisionOrigin { author, date: Date { seconds, offset: 60 }, pin: PIN.parse().unwrap(), old_pin: None }
}

/// Makes the decision on `hunk` at the path `place`, which is `own` in the patch.
fn entry(place: &str, own: &str, hunk: &Hunk, text: &str, seconds: i64) -> Entry {
    let (place, own) = (path(place), path(own));
    let at = At { patch: "0001-shout.patch", path: &place, own: &own };
    Entry::new(at, hunk, text.into(), made(seconds))
}

struct Place {
    dir: tempfile::TempDir,
    workspace: Workspace,
}

impl Place {
    fn new(manifest: &str) -> Place {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("ws");
        fs::create_dir_all(&root).unwrap();
        let manifest = Manifest::parse(manifest.as_bytes(), Path::new(MANIFEST)).unwrap();
        let layout = Layout::new(&root, None);
        let workspace = Workspace { layout, manifest, text: Vec::new(), checkout: None, inside: PathBuf::new() };
        Place { dir, workspace }
    }

    fn shared() -> Place {
        Place::new("[upstream.up]\nurl = \"../up.git\"\nremember = \"shared\"\n")
    }

    fn memory(&self, name: &str) -> Memory {
        Memory::open(&self.workspace, self.workspace.upstream(name).unwrap())
    }

    fn names(&self, below: &str) -> Vec<String> {
        let names = fs::read_dir(self.workspace.layout.root().join(below)).into_iter().flatten();
        let mut names: Vec<_> = names.map(|found| found.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn recalled(memory: &Memory, place: &str, own: &str, hunk: &Hunk) -> Option<BString> {
    let (place, own) = (path(place), path(own));
    memory.recall(At { patch: "x.patch", path: &place, own: &own }, hunk).map(|found| found.text)
}

#[test]
fn the_file_can_be_reviewed() {
    let mut entry =
        entry("apps/a.txt", "a.txt", &hunk("", "cinq\r\n\t\"x\"\n", "FIVE\u{202e}"), "both\n", 1_706_774_400);
    entry.patch.extend_from_slice(b"\ncaf\xe9\n");
    entry.made.old_pin = Some(Id::EMPTY_TREE);
    let text = String::from_utf8(format::print(&entry)).unwrap();
    let (head, rest) = text.split_once('\n').unwrap();
    assert!(head.starts_with("# "), "{head}");
    assert_eq!(
        rest,
        r#"schema = 1
path = "apps/a.txt"
also = ["a.txt"]
patch = "0001-shout.patch"
pin = "1111111111111111111111111111111111111111"
old-pin = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
author = { name = "A Maintainer", email = "a@example.org" }
date = "2024-02-01T09:00:00+01:00"
digest = "DIGEST"

[lines]
base = []
upstream = [
    "cinq\r\n",
    "\t\"x\"\n",
]
patch = [
    "FIVE\u202E\n",
    { base64 = "Y2Fm6Qo=" },
]
decided = [
    "both\n",
]
"#
        .replace("DIGEST", &entry.digest().to_string())
    );
    assert_eq!(format::parse(text.as_bytes()).unwrap(), entry);
}

#[test]
fn what_was_put_together_holds_only_between_the_lines_that_stood_around_it() {
    let place = Place::shared();
    let memory = place.memory("up");
    let within = |above: &str, below: &str| Hunk { alike: [above.into(), below.into()], ..hunk("", "u\n", "p\n") };
    let brace = within("", "}\n");
    memory.remember(&entry("a", "a", &brace, "p\n}\nu\n", 0)).unwrap();
    assert_eq!(recalled(&memory, "a", "a", &brace).unwrap(), "p\n}\nu\n");
    for other in [within("", ""), within("", ")\n"), within("}\n", "")] {
        assert_eq!(recalled(&memory, "a", "a", &other), None);
    }
    // A side's lines are valid wherever the texts are the same.
    memory.remember(&entry("b", "b", &brace, "p\n", 0)).unwrap();
    assert_eq!(recalled(&memory, "b", "b", &within("", ")\n")).unwrap(), "p\n");
    let file = memory.file(&entry("a", "a", &brace, "", 0).id());
    let text = fs::read_to_string(file).unwrap();
    assert!(text.ends_with("]\nbelow = [\n    \"}\\n\",\n]\n"), "{text}");
}

#[test]
fn the_digest_and_the_name_are_those_that_others_wrote() {
    let entry = entry("a.txt", "a.txt", &five(), "FIVE cinq\n", 1_706_774_400);
    // Computed from the description with Python's hashlib and struct.
    assert_eq!(entry.id(), "c62732db7b6b490e-18b7cb09");
    assert_eq!(entry.digest().to_string(), "b0173ad4df84fbf66655d91d0062b09e527d6687c19bc3520b6e6813a7b6b335");
}

proptest! {
    #[test]
    fn whatever_it_says_reads_back(
        texts in proptest::array::uniform6(proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'"'), Just(b'\\'), any::<u8>()], 0..30)),
        name in ".{0,20}", seconds in 0_i64..100_000_000_000, offset in -720_i32..840,
    ) {
        let [base, upstream, patch, text, above, below] = texts.map(BString::from);
        let author = Person { name: name.into(), email: "\u{7f}\u{1}".into() };
        let made = DecisionOrigin { author, date: Date { seconds, offset }, ..made(0) };
        let alike = [above, below];
        let entry = Entry { base, upstream, patch, alike, text, made, ..entry("a", "b", &five(), "", 0) };
        let printed = format::print(&entry);
        prop_assert_eq!(format::parse(&printed).unwrap(), entry);
    }
}

#[test]
fn every_field_counts_for_the_digest() {
    let mut one = entry("apps/a.txt", "a.txt", &five(), "both\n", 1_706_774_400);
    one.made.old_pin = Some(Id::EMPTY_TREE);
    let text = String::from_utf8(format::print(&one)).unwrap();
    for (from, to) in [
        ("path = \"apps", "path = \"app"),
        ("also = [\"a.txt\"]", "also = []"),
        ("0001-", "0002-"),
        ("pin = \"1", "pin = \"2"),
        ("old-pin = \"4", "old-pin = \"5"),
        ("A Maintainer", "B Maintainer"),
        ("a@example", "b@example"),
        ("2024-02-01T09", "2024-02-01T10"),
        ("\"five", "\" five"),
        ("\"cinq", "\" cinq"),
        ("\"FIVE", "\" FIVE"),
        ("\"both", "\" both"),
    ] {
        assert!(text.contains(from), "{from}");
        let changed = text.replacen(from, to, 1);
        let said = format::parse(changed.as_bytes()).unwrap_err().to_string();
        assert_eq!(said, "its digest does not match its content", "{from}");
    }
}

#[test]
fn a_decision_is_found_by_its_texts_and_taken_by_its_path() {
    for manifest in ["", "remember = \"shared\"\n"] {
        let place = Place::new(&format!("[upstream.up]\nurl = \"../up.git\"\n{manifest}"));
        let memory = place.memory("up");
        assert_eq!(memory.look_up(&five()), []);
        memory.remember(&entry("a.txt", "a.txt", &five(), "old\n", 100)).unwrap();
        memory.remember(&entry("b.txt", "b.txt", &five(), "new\n", 200)).unwrap();
        memory.remember(&entry("a.txt", "a.txt", &hunk("five\n", "cinq \n", "FIVE\n"), "other\n", 300)).unwrap();
        let memory = place.memory("up");
        let texts: Vec<_> = memory.look_up(&five()).iter().map(|entry| entry.text.clone()).collect();
        assert_eq!(texts, ["new\n", "old\n"]);
        assert_eq!(recalled(&memory, "a.txt", "a.txt", &five()), Some("old\n".into()));
        assert_eq!(recalled(&memory, "c.txt", "c.txt", &five()), None);
        assert_eq!(recalled(&memory, "a.txt", "a.txt", &hunk("five\n", "cinq\n", "FIVE \n")), None);
        assert_eq!(memory.list().len(), 3);
        assert_eq!(memory.damaged(), []);
        let folder = if manifest.is_empty() { ".patchq/resolutions/up" } else { "resolutions/up" };
        assert_eq!(place.names(folder).len(), 3, "{:?}", place.names(folder));
    }
}

#[test]
fn a_recorded_rename_carries_a_decision() {
    let place = Place::shared();
    let memory = place.memory("up");
    // Upstream moved the file since: the decision was made at the patch's own path.
    memory.remember(&entry("a.txt", "a.txt", &five(), "one\n", 100)).unwrap();
    assert_eq!(recalled(&memory, "apps/a.txt", "a.txt", &five()), Some("one\n".into()));
    // Upstream had moved it at that time: another queue has it under one of the two paths.
    memory.remember(&entry("docs/b.txt", "b.txt", &five(), "two\n", 100)).unwrap();
    assert_eq!(recalled(&memory, "b.txt", "b.txt", &five()), Some("two\n".into()));
    assert_eq!(recalled(&memory, "docs/b.txt", "docs/b.txt", &five()), Some("two\n".into()));
    // A decision at the same path comes first; of two with the path as another path neither is used.
    memory.remember(&entry("b.txt", "b.txt", &five(), "three\n", 50)).unwrap();
    assert_eq!(recalled(&memory, "b.txt", "b.txt", &five()), Some("three\n".into()));
    memory.remember(&entry("x/c.txt", "c.txt", &five(), "four\n", 100)).unwrap();
    memory.remember(&entry("y/c.txt", "c.txt", &five(), "five\n", 200)).unwrap();
    assert_eq!(recalled(&memory, "c.txt", "c.txt", &five()), None);
}

#[test]
fn entries_share_a_memory_by_its_key() {
    let place = Place::new(
        "[upstream.up]\nurl = \"../up.git\"\n[upstream.\"up-1.9\"]\nurl = \"../up.git\"\n\
         [upstream.other]\nurl = \"../other.git\"\nmemory = \"up\"\n[upstream.apart]\nurl = \"../apart.git\"\n\
         [upstream.team]\nurl = \"../up.git\"\nremember = \"shared\"\n",
    );
    place.memory("up-1.9").remember(&entry("a.txt", "a.txt", &five(), "x\n", 100)).unwrap();
    for (name, finds) in [("up", true), ("other", true), ("apart", false), ("team", false)] {
        let memory = place.memory(name);
        assert_eq!(recalled(&memory, "a.txt", "a.txt", &five()).is_some(), finds, "{name}");
    }
    let upstreams: Vec<&Upstream> = place.workspace.manifest.upstreams.iter().collect();
    let names = |memory: &Memory| memory.upstreams.iter().map(ToString::to_string).collect::<Vec<_>>();
    let all = Memory::of_all(&place.workspace, &upstreams);
    let said: Vec<String> =
        all.iter().map(|memory| format!("{} {} {}", memory.key, memory.shared, names(memory).join(" "))).collect();
    assert_eq!(said, ["up false up up-1.9 other", "apart false apart", "up true team"]);
}

#[test]
fn what_was_remembered_can_be_taken_back() {
    let place = Place::shared();
    let memory = place.memory("up");
    let (first, second) = (entry("a", "a", &five(), "1\n", 1), entry("a", "a", &five(), "2\n", 2));
    let one = memory.remember(&first).unwrap();
    let two = memory.remember(&second).unwrap();
    assert_eq!(memory.list(), [Rc::new(second)]);
    // The first one is not there any more.
    assert!(!memory.take_back(&one).unwrap());
    assert!(memory.take_back(&two).unwrap());
    assert_eq!(memory.list(), [Rc::new(first)]);
    assert!(memory.take_back(&one).unwrap());
    assert_eq!((memory.list(), place.names("resolutions/up")), (vec![], vec![]));
}

#[test]
fn what_is_no_decision_is_said_and_not_used() {
    let place = Place::shared();
    let memory = place.memory("up");
    let good = entry("a.txt", "a.txt", &five(), "x\n", 1);
    let id = memory.remember(&good).unwrap().id;
    let bytes = format::print(&good);
    let file = memory.file(&id);
    let text = String::from_utf8(bytes.clone()).unwrap();
    let changed = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    let marked = Entry { text: "<<<<<<< a\n".into(), ..good.clone() };
    let long = Entry { file: "x".repeat(300), ..good.clone() };
    let elsewhere = entry("b.txt", "b.txt", &five(), "x\n", 1);
    for (bytes, reason) in [
        (changed("\"x\\n\"", "\"y\\n\""), "its digest does not match its content"),
        (changed("schema = 1", "schema = 2\nnew = true"), "its schema is not 1; another version of patchq wrote it"),
        (changed("path = \"a.txt\"", "path = \"../a.txt\""), "the path '../a.txt' contains '.' or '..'"),
        (changed("date = \"1", "date = \"x1"), "'date' has no valid value"),
        (changed("also", "<<<<<<< ours\nalso"), "line 4: "),
        (changed("also", "more = 1\nalso"), "line 4: unknown field `more`"),
        (b"\xff".to_vec(), "it is not UTF-8"),
        (Vec::new(), "line 1: missing field `schema`"),
        (vec![b'#'; usize::try_from(LARGEST).unwrap() + 1], "it is larger than 1048576 bytes"),
        (format::print(&marked), "the decided lines have a conflict marker in them"),
        (format::print(&long), "a name in it is longer than 256 bytes"),
        (format::print(&elsewhere), "its name does not match its texts and path, "),
    ] {
        fs::write(&file, bytes).unwrap();
        let memory = place.memory("up");
        assert_eq!(recalled(&memory, "a.txt", "a.txt", &five()), None, "{reason}");
        let damaged = memory.damaged();
        assert_eq!(damaged.len(), 1, "{reason}");
        assert_eq!(damaged[0].file, format!("resolutions/up/{id}.toml"));
        assert!(damaged[0].reason.starts_with(reason), "{} is not {reason}", damaged[0].reason);
    }
    fs::remove_file(&file).unwrap();
    fs::write(place.dir.path().join("outside"), &bytes).unwrap();
    symlink(place.dir.path().join("outside"), &file).unwrap();
    let memory = place.memory("up");
    assert_eq!((memory.look_up(&five()), memory.damaged()[0].reason.as_str()), (vec![], "it is a symlink"));
    assert!(matches!(memory.remember(&good), Err(MemoryError::File(FileError::Symlink(_)))));
    assert!(matches!(memory.forget(&id), Err(MemoryError::File(FileError::Symlink(_)))));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let memory = place.memory("up");
    assert_eq!((memory.list(), memory.damaged()[0].reason.as_str()), (vec![], "it is not a regular file"));
}

#[test]
fn a_question_reads_no_other_decisions() {
    let place = Place::shared();
    let memory = place.memory("up");
    memory.remember(&entry("a.txt", "a.txt", &five(), "x\n", 1)).unwrap();
    fs::write(memory.file("0123456789abcdef-01234567"), "nothing").unwrap();
    fs::write(place.workspace.layout.root().join("resolutions/up/README.md"), "ours").unwrap();
    let memory = place.memory("up");
    assert_eq!((memory.look_up(&five()).len(), memory.damaged().len()), (1, 0));
    assert_eq!((memory.list().len(), memory.damaged().len()), (1, 1));
}

#[test]
fn nothing_is_read_or_written_through_a_symlinked_folder() {
    for link in ["resolutions", "resolutions/up"] {
        let place = Place::shared();
        let root = place.workspace.layout.root().to_owned();
        let outside = place.dir.path().join("outside");
        let good = entry("a.txt", "a.txt", &five(), "x\n", 1);
        place.memory("up").remember(&good).unwrap();
        fs::rename(root.join(link), &outside).unwrap();
        symlink(&outside, root.join(link)).unwrap();
        let before = place.names("../outside");
        let memory = place.memory("up");
        assert_eq!((memory.list(), memory.damaged().len()), (vec![], 1), "{link}");
        assert_eq!(memory.damaged()[0].reason, "it is a symlink", "{link}");
        assert!(matches!(memory.remember(&good), Err(MemoryError::File(FileError::Symlink(_)))), "{link}");
        assert_eq!(place.names("../outside"), before, "{link}");
    }
}

#[test]
fn what_could_not_be_used_again_is_not_kept() {
    let place = Place::shared();
    let memory = place.memory("up");
    let marked = entry("a.txt", "a.txt", &five(), "x\n>>>>>>> theirs\n", 1);
    assert!(matches!(memory.remember(&marked), Err(MemoryError::Unfit { reason: Unfit::Marker, .. })));
    let late = entry("a.txt", "a.txt", &five(), "x\n", i64::MAX);
    assert!(matches!(memory.remember(&late), Err(MemoryError::Unfit { reason: Unfit::Date, .. })));
    let large = entry("a.txt", "a.txt", &five(), &"x\n".repeat(1 << 19), 1);
    assert!(matches!(memory.remember(&large), Err(MemoryError::TooLarge(_))));
    assert_eq!(place.names("resolutions/up"), [""; 0]);
}

#[test]
fn what_is_forgotten_is_kept_elsewhere() {
    let place = Place::shared();
    let memory = place.memory("up");
    let good = entry("a.txt", "a.txt", &five(), "x\n", 1);
    let id = memory.remember(&good).unwrap().id;
    let forgotten = memory.forget(&id).unwrap();
    assert_eq!((memory.list(), place.names("resolutions/up")), (vec![], vec![]));
    assert_eq!(fs::read(&forgotten.kept).unwrap(), format::print(&good));
    assert!(matches!(memory.forget(&id), Err(MemoryError::Gone(_))));
}

#[test]
fn a_decision_is_called_by_the_start_of_its_name() {
    let place = Place::shared();
    let memory = place.memory("up");
    let one = memory.remember(&entry("a.txt", "a.txt", &five(), "x\n", 1)).unwrap().id;
    let two = memory.remember(&entry("b.txt", "b.txt", &five(), "x\n", 1)).unwrap().id;
    let all = [memory];
    for wanted in [one.clone(), one[..18].to_owned(), format!("resolutions/up/{one}.toml")] {
        assert_eq!(which_decision(&all, &wanted), Ok((0, one.clone())), "{wanted}");
    }
    let said = |wanted: &str| which_decision(&all, wanted).unwrap_err().to_string();
    let mut both = [format!("up/{one}"), format!("up/{two}")];
    both.sort();
    assert_eq!(said(&one[..4]), format!("'{}' may be {} or {}", &one[..4], both[0], both[1]));
    assert_eq!(said("zz\u{1b}"), "there is no decision 'zz\\x1b'");
    assert_eq!(said(""), "there is no decision ''");
}
