//! Tests the digest against the byte strings that are written out in `docs/tags.md`.

use bstr::BString;

use sha2::{Digest, Sha256};

use super::*;
use crate::git::BadId;
use crate::patch::{Header, HeaderForm, Line};
use crate::path::BadPath;

type Failure = Box<dyn std::error::Error>;

const PIN: &str = "0611aa04850cf1fd582806dfe7f6f1fbca69f683";
const OTHER: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

fn patch(subject: &str, files: Vec<FileDiff>) -> Patch {
    let header =
        Header { form: HeaderForm::Mail, author: None, date: None, subject: subject.into(), body: BString::default() };
    Patch { header, files, preamble_len: subject.len() }
}

fn file(change: Change, old: &str, new: &str, content: Content) -> Result<FileDiff, BadPath> {
    Ok(FileDiff {
        change,
        old_path: RepoPath::new(old)?,
        new_path: RepoPath::new(new)?,
        old_mode: None,
        new_mode: None,
        index: None,
        content,
        line: 7,
    })
}

/// Makes a hunk from lines of a patch; `~` at the end of a line means a missing line feed.
fn hunk(start: u32, lines: &[&str]) -> Hunk {
    let line = |text: &&str| {
        let (side, rest) = match text.split_at(1) {
            ("-", rest) => (Side::Old, rest),
            ("+", rest) => (Side::New, rest),
            (_, rest) => (Side::Both, rest),
        };
        let bytes = rest.strip_suffix('~').map_or_else(|| format!("{rest}\n"), str::to_owned);
        Line { side, bytes: bytes.into() }
    };
    Hunk {
        old_start: start,
        new_start: start,
        section: "section".into(),
        lines: lines.iter().map(line).collect(),
        line: 9,
    }
}

fn text(hunks: Vec<Hunk>) -> Content {
    Content::Text(hunks)
}

fn digest(queue: &[Patch]) -> Result<String, Failure> {
    Ok(queue_digest(PIN.parse::<Id>().map_err(|error: BadId| error)?, queue)?.short())
}

/// Returns the vectors of the documentation: name, quoted digits, byte string.
fn vectors() -> Vec<(String, String, String)> {
    let mut all = Vec::new();
    for section in include_str!("../../docs/tags.md").split("\n### ").skip(1) {
        let mut quoted = section.split('`');
        let (name, digits) = (quoted.nth(1), quoted.nth(1));
        let block = section.split_once("```text\n").and_then(|(_, rest)| rest.split_once("```"));
        if let (Some(name), Some(digits), Some((block, _))) = (name, digits, block) {
            all.push((name.to_owned(), digits.to_owned(), block.to_owned()));
        }
    }
    all
}

fn vector(name: &str) -> Result<String, Failure> {
    let found = vectors().into_iter().find(|vector| vector.0 == name).map(|vector| vector.1);
    found.ok_or_else(|| format!("docs/tags.md has no vector {name}").into())
}

#[test]
fn the_documentation_quotes_the_hashes_of_its_own_bytes() {
    let vectors = vectors();
    assert!(vectors.len() >= 7);
    for (name, digits, bytes) in vectors {
        let hash = crate::hex::encode(&Sha256::digest(bytes.as_bytes()));
        assert_eq!(hash[..8], digits, "{name}");
    }
}

#[test]
fn nothing() -> Result<(), Failure> {
    assert_eq!(digest(&[])?, vector("nothing")?);
    Ok(())
}

#[test]
fn base_image() -> Result<(), Failure> {
    let lines = ["-FROM python:3.7-slim-buster", "+FROM python:3.7-slim-bullseye"];
    let path = "jupyter/Dockerfile";
    let one = |hunk| file(Change::Modify, path, path, text(vec![hunk]));
    let wanted = vector("base-image")?;
    assert_eq!(digest(&[patch("a", vec![one(hunk(1, &lines))?])])?, wanted);
    // Message, line numbers and context do not count.
    let with_context = [" ARG X", lines[0], lines[1], " RUN y", " RUN z"];
    assert_eq!(digest(&[patch("b", vec![one(hunk(30, &with_context))?])])?, wanted);
    // Stated modes or blob ids that are equal do not count either.
    let mut stated = one(hunk(1, &lines))?;
    (stated.old_mode, stated.new_mode) = (Some(0o100_644), Some(0o100_664));
    stated.index = Some((OTHER.into(), PIN.into()));
    assert_eq!(digest(&[patch("a", vec![stated])])?, wanted);
    Ok(())
}

#[test]
fn two_places() -> Result<(), Failure> {
    let one = |hunks| file(Change::Modify, "Makefile", "Makefile", text(hunks));
    let wanted = vector("two-places")?;
    let mut long = vec![" # first", "-all: a b c", "+all: a"];
    long.extend([" x"; 12]);
    long.extend(["+c:", "+\ttrue~"]);
    assert_eq!(digest(&[patch("", vec![one(vec![hunk(1, &long)])?])])?, wanted);
    // The same with three lines of context, and with none: line 2 changes, lines 3 to 14 stay.
    let near = [
        hunk(1, &[" # first", "-all: a b c", "+all: a", " x", " x", " x"]),
        hunk(12, &[" x", " x", " x", "+c:", "+\ttrue~"]),
    ];
    assert_eq!(digest(&[patch("", vec![one(near.to_vec())?])])?, wanted);
    let bare = [hunk(2, &["+all: a", "-all: a b c"]), hunk(14, &["+c:", "+\ttrue~"])];
    assert_eq!(digest(&[patch("", vec![one(bare.to_vec())?])])?, wanted);
    // One line further is a different queue.
    let far = [hunk(2, &["-all: a b c", "+all: a"]), hunk(15, &["+c:", "+\ttrue~"])];
    assert_ne!(digest(&[patch("", vec![one(far.to_vec())?])])?, wanted);
    // Hunks that touch are one run.
    let whole = one(vec![hunk(2, &["-a", "-b", "+c", "+d"])])?;
    let cut = one(vec![hunk(2, &["-a", "+c"]), hunk(3, &["-b", "+d"])])?;
    assert_eq!(digest(&[patch("", vec![whole])])?, digest(&[patch("", vec![cut])])?);
    Ok(())
}

#[test]
fn files_in_order() -> Result<(), Failure> {
    let mut script = file(Change::Add, "b.sh", "b.sh", text(vec![hunk(0, &["+#!/bin/sh"])]))?;
    script.new_mode = Some(0o100_755);
    let files = vec![
        file(Change::Delete, "c", "c", Content::Same)?,
        script,
        file(Change::Add, "a.txt", "a.txt", text(vec![hunk(0, &["+one"])]))?,
    ];
    assert_eq!(digest(&[patch("", files)])?, vector("files-in-order")?);
    Ok(())
}

#[test]
fn two_patches() -> Result<(), Failure> {
    let mut rename = file(Change::Rename(Some(100)), "build.sh", "docker/build.sh", Content::Same)?;
    (rename.old_mode, rename.new_mode) = (Some(0o100_644), Some(0o100_755));
    let change = vec![hunk(3, &[" x", "-build", "+test"])];
    let copy = file(Change::Copy(Some(60)), "docker/build.sh", "docker/test.sh", text(change.clone()))?;
    let queue = [patch("", vec![rename]), patch("", vec![copy])];
    assert_eq!(digest(&queue)?, vector("two-patches")?);
    let [first, second] = queue;
    assert_ne!(digest(&[second, first.clone()])?, vector("two-patches")?);
    let moved = file(Change::Rename(None), "docker/build.sh", "docker/test.sh", text(change))?;
    assert_ne!(digest(&[first, patch("", vec![moved])])?, vector("two-patches")?);
    Ok(())
}

#[test]
fn binary() -> Result<(), Failure> {
    let data = || Content::Binary { forward: BinaryData::Literal(b"xyz".to_vec().into()), reverse: None };
    let mut icon = file(Change::Modify, "icon.png", "icon.png", Content::BinaryWithoutData)?;
    icon.index = Some((OTHER.to_uppercase().into(), PIN.into()));
    let mut logo = file(Change::Modify, "logo.png", "logo.png", data())?;
    logo.index = Some(("4b825dc".into(), "0611aa0".into()));
    let wanted = vector("binary")?;
    assert_eq!(digest(&[patch("", vec![icon.clone(), logo.clone()])])?, wanted);
    icon.content = data();
    assert_eq!(digest(&[patch("", vec![icon, logo.clone()])])?, wanted);
    let mut delta = logo.clone();
    delta.content = Content::Binary { forward: BinaryData::Delta(b"xyz".to_vec().into()), reverse: None };
    assert_ne!(digest(&[patch("", vec![delta])])?, digest(&[patch("", vec![logo.clone()])])?);
    logo.content = Content::BinaryWithoutData;
    let error = digest(&[patch("", vec![]), patch("", vec![logo])]).map_err(|error| error.to_string());
    let told = "patch 2 of the queue, line 7: 'logo.png' is a binary without its data and without full ids";
    assert_eq!(error, Err(told.to_owned()));
    Ok(())
}

#[test]
fn type_change() -> Result<(), Failure> {
    let gone = file(Change::Delete, "latest", "latest", text(vec![hunk(1, &["-v1"])]))?;
    let mut link = file(Change::Add, "latest", "latest", text(vec![hunk(0, &["+v1~"])]))?;
    link.new_mode = Some(0o120_000);
    let wanted = vector("type-change")?;
    assert_eq!(digest(&[patch("", vec![gone.clone(), link.clone()])])?, wanted);
    assert_eq!(digest(&[patch("", vec![link, gone])])?, wanted);
    Ok(())
}

#[test]
fn a_patch_without_files_is_still_a_patch() -> Result<(), Failure> {
    assert_ne!(digest(&[patch("", vec![])])?, digest(&[])?);
    Ok(())
}
