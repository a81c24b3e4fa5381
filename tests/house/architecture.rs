//! The house rules that a compiler does not check: arrows between rooms go down, libgit2 stays in its rooms, the
//! library neither prints nor reads environment and clock, and no file grows too long.
//!
//! `docs/architecture.md` has the reasons.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room with the rooms it may name, from the top down.
const ROOMS: [(&str, &[&str]); 13] = [
    (
        "cli",
        &["ui", "report", "ship", "workspace", "image", "stack", "patch", "git", "container", "process", "path", "hex"],
    ),
    ("ui", &["workspace", "image", "stack", "patch", "git", "path", "hex"]),
    ("report", &["ship", "workspace", "image", "stack", "patch", "git", "path", "hex"]),
    ("ship", &["workspace", "image", "stack", "patch", "git", "container", "process", "path", "hex"]),
    ("workspace", &["image", "stack", "patch", "git", "process", "path", "hex"]),
    ("image", &["stack", "patch", "git", "path", "hex"]),
    ("stack", &["patch", "git", "path", "hex"]),
    ("patch", &["path"]),
    ("git", &["process", "path", "hex"]),
    ("container", &["process", "path"]),
    ("process", &["path"]),
    ("path", &[]),
    ("hex", &[]),
];

/// The rooms inside `workspace`, in the same way.
const SUB_ROOMS: [(&str, &[&str]); 6] = [
    ("ops", &["conflict", "step", "upstream", "files", "manifest"]),
    ("conflict", &["step", "upstream", "files", "manifest"]),
    ("step", &["upstream", "files", "manifest"]),
    ("upstream", &["files", "manifest"]),
    ("files", &["manifest"]),
    ("manifest", &[]),
];

/// Rooms that may name libgit2.
const LIBGIT2: [&str; 2] = ["git", "stack"];

/// Rooms at the outside: they print and read environment and clock.
const OUTSIDE: [&str; 3] = ["main", "cli", "ui"];

/// What only the outside may do.
const OUTSIDE_ONLY: [&str; 13] = [
    "std::env",
    "env::var",
    "println!",
    "eprintln!",
    "print!",
    "eprint!",
    "io::stdout",
    "io::stderr",
    "SystemTime::now",
    "Timestamp::now",
    "Zoned::now",
    "process::exit",
    "tracing_subscriber",
];

/// The most lines of code (neither blank nor comment, without inline tests) in one file.
const LONGEST: usize = 500;

/// Files that may be longer, each with the reason.
const MAY_BE_LONGER: [(&str, &str); 0] = [];

/// A source file: where it is, in which room, and its code without comments.
struct Source {
    path: PathBuf,
    room: String,
    lines: Vec<String>,
}

impl Source {
    /// Returns the code without its inline tests, which are at the end.
    fn without_tests(&self) -> &[String] {
        let is_test = |at: usize| {
            let next = self.lines[at + 1..].iter().map(|line| line.trim()).find(|line| !line.starts_with("#["));
            self.lines[at].trim() == "#[cfg(test)]" && next.is_some_and(|line| line.starts_with("mod "))
        };
        let end = (0..self.lines.len()).find(|at| is_test(*at)).unwrap_or(self.lines.len());
        &self.lines[..end]
    }

    /// Checks whether the file contains only tests.
    fn is_test(&self) -> bool {
        let name = self.path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        name == "tests" || name.ends_with("_tests") || self.path.components().any(|part| part.as_os_str() == "tests")
    }
}

/// Returns every source file of the library and the program.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut all = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("the sources are there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source file is UTF-8");
                let inside = path.strip_prefix(&root).expect("the walk began there").to_owned();
                let first = inside.components().next().expect("a file has a name").as_os_str().to_string_lossy();
                let room = first.trim_end_matches(".rs").to_owned();
                all.push(Source { path: inside, room, lines: code(&text) });
            }
        }
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(all.len() > 10, "the sources were not found");
    all
}

/// Returns the lines of code, without whole-line comments and blank lines, and without comments after code.
fn code(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
    lines.map(|line| line.split_once(" // ").map_or(line, |(code, _)| code).to_owned()).collect()
}

/// Returns the rooms that the code names by `crate::ROOM` or in `crate::{…}`.
fn named_rooms(lines: &[String]) -> BTreeSet<String> {
    named_below("crate::", lines)
}

/// Returns what the code names directly below `front`: `FRONT::NAME` or in `FRONT::{…}`.
fn named_below(front: &str, lines: &[String]) -> BTreeSet<String> {
    let text = lines.join("\n");
    let mut found = BTreeSet::new();
    for (at, what) in text.match_indices(front) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &text[at + what.len()..];
        match rest.strip_prefix('{') {
            None => {
                found.insert(word(rest));
            }
            Some(group) => found.extend(group_heads(group)),
        }
    }
    found.remove("");
    found
}

/// Returns the first words of the entries of a `{a::b, c::{d, e}}` whose opening brace is already read.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                heads.push(word(group[start..at].trim_start()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                heads.push(word(group[start..at].trim_start()));
                start = at + 1;
            }
            _ => {}
        }
    }
    heads
}

/// Returns the identifier at the start of `text`.
fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn assert_none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn arrows_go_down() {
    let mut wrong = Vec::new();
    for source in sources() {
        let below = match source.room.as_str() {
            "lib" | "main" => continue,
            room => ROOMS.iter().find(|(name, _)| *name == room),
        };
        let Some((_, below)) = below else {
            wrong.push(format!("src/{}: the room '{}' is on no plan", source.path.display(), source.room));
            continue;
        };
        let mut named = named_rooms(&source.lines);
        named.remove(&source.room);
        for room in named.iter().filter(|room| !below.contains(&room.as_str())) {
            wrong.push(format!("src/{}: names crate::{room}", source.path.display()));
        }
        // Names leave a room only through its front door, which this test checks.
        if source.path.components().count() <= 2 && source.without_tests().iter().any(|l| l.contains("super::super")) {
            wrong.push(format!("src/{}: leaves its room by super::super", source.path.display()));
        }
    }
    assert_none("arrows that do not go down", &wrong);
}

#[test]
fn arrows_go_down_inside_the_workspace() {
    let mut wrong = Vec::new();
    let front_door = Path::new("workspace/mod.rs");
    for source in sources().iter().filter(|source| source.room == "workspace" && source.path != front_door) {
        let inside =
            source.path.components().nth(1).expect("a file of a room has a name").as_os_str().to_string_lossy();
        let room = inside.trim_end_matches(".rs");
        let Some((_, below)) = SUB_ROOMS.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("src/{}: the room '{room}' is on no plan", source.path.display()));
            continue;
        };
        let mut named = named_below("crate::workspace::", &source.lines);
        named.remove(room);
        // A name that comes through the front door hides the room that it comes from.
        for other in named.iter().filter(|other| !below.contains(&other.as_str())) {
            wrong.push(format!("src/{}: names crate::workspace::{other}", source.path.display()));
        }
        let is_mod = source.path.ends_with("mod.rs");
        let out = "super::".repeat(source.path.components().count() - 1 - usize::from(is_mod));
        if source.without_tests().iter().any(|line| line.contains(&out)) {
            wrong.push(format!("src/{}: leaves its room by {out}", source.path.display()));
        }
    }
    assert_none("arrows inside the workspace that do not go down", &wrong);
}

#[test]
fn libgit2_stays_in_its_rooms() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| !LIBGIT2.contains(&source.room.as_str())) {
        for line in source.lines.iter().filter(|line| line.contains("git2")) {
            wrong.push(format!("src/{}: {}", source.path.display(), line.trim()));
        }
    }
    assert_none("libgit2 outside of its rooms", &wrong);
}

#[test]
fn the_library_keeps_to_itself() {
    let mut wrong = Vec::new();
    let sources = sources();
    for source in sources.iter().filter(|source| !OUTSIDE.contains(&source.room.as_str()) && !source.is_test()) {
        for line in source.without_tests() {
            if OUTSIDE_ONLY.iter().any(|what| line.contains(what)) {
                wrong.push(format!("src/{}: {}", source.path.display(), line.trim()));
            }
        }
    }
    assert_none("printing, environment or clock in the library", &wrong);
}

#[test]
fn files_stay_short() {
    let mut wrong = Vec::new();
    for source in sources() {
        let length = source.without_tests().len();
        let path = format!("src/{}", source.path.display());
        let allowed = MAY_BE_LONGER.iter().any(|(name, _)| *name == path);
        if length > LONGEST && !allowed {
            wrong.push(format!("{path}: {length} lines of code"));
        }
        if length <= LONGEST && allowed {
            wrong.push(format!("{path}: is short again, take it off the list"));
        }
    }
    assert_none(&format!("files with more than {LONGEST} lines of code"), &wrong);
}

#[test]
fn the_reader_of_this_test_reads_what_is_there() {
    let named = |text: &str| named_rooms(&code(text)).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(named("use crate::git::Id;\nlet x = crate::path::printable(y); // crate::cli"), "git path");
    assert_eq!(named("use crate::{\n  git::{Id, Mode},\n  patch, stack::A};"), "git patch stack");
    assert_eq!(named("//! [`crate::stack`]\n/// crate::cli\nuse other_crate::ui;"), "");
    let source = Source {
        path: PathBuf::from("git/x.rs"),
        room: "git".to_owned(),
        lines: code("a\n#[cfg(test)]\nuse b;\nc\n#[cfg(test)]\n#[path = \"t.rs\"]\nmod tests;\nd"),
    };
    assert_eq!(source.without_tests().len(), 4);
}

#[test]
fn the_documents_name_files_that_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("docs/architecture.md")).expect("the document is there");
    let mut wrong = Vec::new();
    for name in text.split('`').skip(1).step_by(2).filter(|name| name.ends_with(".rs") || name.ends_with('/')) {
        let is_source = ROOMS.iter().any(|(room, _)| name.starts_with(&format!("{room}/")));
        if is_source && !root.join("src").join(name).exists() {
            wrong.push(format!("docs/architecture.md: src/{name} is not there"));
        }
    }
    assert_none("files that a document names", &wrong);
}
