//! Checks the words: phrases that `docs/style.md` bans occur neither in what users read nor in messages.

use std::fs;
use std::path::{Path, PathBuf};

/// Documents for developers; they may quote banned phrases.
const INSIDE: [&str; 3] = ["architecture.md", "decisions.md", "style.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the list in `docs/style.md`, in lower case.
fn banned() -> Vec<String> {
    let page = fs::read_to_string(root().join("docs/style.md")).expect("the page is there");
    let (_, list) = page.split_once("## Phrases that are not used").expect("the page has the list");
    let phrases: Vec<String> = list.lines().filter_map(|line| line.strip_prefix("- ")).map(str::to_lowercase).collect();
    assert!(phrases.len() > 20, "the list was not found");
    phrases
}

/// Checks whether `text` has the phrase as whole words.
fn has(text: &str, phrase: &str) -> bool {
    let text = text.to_lowercase();
    text.match_indices(phrase).any(|(at, _)| {
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let before = &text[..at];
        // "There is no patch" is plain; "this is no patch" is not.
        let exists = phrase.starts_with("is no ") && before.ends_with("there ");
        !exists && !is_word(before.chars().next_back()) && !is_word(text[at + phrase.len()..].chars().next())
    })
}

/// Finds the lines of a file that have a banned phrase.
fn wrong(file: &Path, text: &str, phrases: &[String], found: &mut Vec<String>) {
    for (n, line) in text.lines().enumerate() {
        for phrase in phrases.iter().filter(|phrase| has(line, phrase)) {
            found.push(format!("{}:{}: '{phrase}'", file.strip_prefix(root()).unwrap_or(file).display(), n + 1));
        }
    }
}

#[test]
fn what_users_read_has_no_banned_phrase() {
    let phrases = banned();
    let mut files: Vec<PathBuf> = ["README.md", "CHANGELOG.md"].map(|name| root().join(name)).into();
    let docs = fs::read_dir(root().join("docs")).expect("the documents are there");
    let docs = docs.map(|entry| entry.expect("the folder can be read").path());
    files.extend(docs.filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".md") && !INSIDE.contains(&name)
    }));
    assert!(files.len() > 10, "the documents were not found");
    let mut found = Vec::new();
    for file in &files {
        wrong(file, &fs::read_to_string(file).expect("a document is UTF-8"), &phrases, &mut found);
    }
    assert!(found.is_empty(), "phrases that docs/style.md bans:\n{}", found.join("\n"));
}

#[test]
fn messages_have_no_banned_phrase() {
    let phrases = banned();
    let mut found = Vec::new();
    let mut sources = 0;
    for entry in walkdir::WalkDir::new(root().join("src")) {
        let entry = entry.expect("the sources can be read");
        if entry.path().extension().is_some_and(|end| end == "rs") {
            sources += 1;
            wrong(entry.path(), &fs::read_to_string(entry.path()).expect("a source is UTF-8"), &phrases, &mut found);
        }
    }
    assert!(sources > 100, "the sources were not found");
    assert!(found.is_empty(), "phrases that docs/style.md bans:\n{}", found.join("\n"));
}

#[test]
fn the_reader_of_this_test_knows_whole_words() {
    assert!(has("It Goes Over.", "goes over") && has("goes over", "goes over"));
    assert!(has("this is no patch", "is no patch") && !has("there is no patch", "is no patch"));
    assert!(!has("goes overboard", "goes over") && !has("--also it", "so it"));
}
