#![allow(clippy::unwrap_used)]

use sha2::{Digest, Sha256};

use super::*;

/// The documentation, whose blocks are exactly the hashed bytes.
const DOCUMENT: &str = include_str!("../../docs/recipe.md");

/// Returns the block under the heading of the vector `name`, and the digits in that heading.
fn vector(name: &str) -> (String, Vec<u8>) {
    let heading = format!("### `{name}`: `");
    let at = DOCUMENT.find(&heading).unwrap_or_else(|| panic!("{name} is not in the document"));
    let rest = &DOCUMENT[at + heading.len()..];
    let digits = rest[..rest.find('`').unwrap()].to_owned();
    let block = &rest[rest.find("```text\n").unwrap() + 8..];
    (digits, block.as_bytes()[..block.find("\n```").unwrap() + 1].to_vec())
}

fn check(name: &str, digest: &str) {
    let (digits, block) = vector(name);
    let hashed = crate::hex::encode(&Sha256::digest(&block));
    assert!(hashed.starts_with(&digits), "{name}: the document's own block has {hashed}");
    assert!(digest.starts_with(&digits), "{name}: the code has {digest}, the document {digits}");
}

fn digest(c: char) -> ContentDigest {
    format!("sha256:{}", c.to_string().repeat(64)).parse().unwrap()
}

fn nothing(args: &BTreeMap<String, String>) -> RecipeInput<'_> {
    RecipeInput {
        dockerfile: b"FROM scratch\n",
        ignore: None,
        target: None,
        platform: None,
        network: Network::Default,
        args,
        secrets: Vec::new(),
        context: BTreeMap::new(),
        bases: Vec::new(),
        needs: BTreeMap::new(),
    }
}

#[test]
fn the_documents_vectors_hold() {
    let none = BTreeMap::new();
    check("nothing", &recipe(&nothing(&none)).to_string());

    let paths = ["app.py", "run.sh", "whl/x.whl"].map(|path| RepoPath::new(path).unwrap());
    let blob = FileContent::Git(Id::EMPTY_BLOB);
    let wheel = FileContent::Sha256(digest('b'));
    let (a, c) = (digest('a'), "FROM ubuntu:20.04\nCOPY --from=busybox /bin/sh /\n");
    let files =
        [(&paths[0], (Mode::File, &blob)), (&paths[1], (Mode::Executable, &blob)), (&paths[2], (Mode::File, &wheel))];
    let input = RecipeInput {
        dockerfile: c.as_bytes(),
        context: BTreeMap::from(files),
        bases: vec![(Role::From, "ubuntu:20.04", Some(&a)), (Role::Copy, "busybox", None)],
        ..nothing(&none)
    };
    check("bases-and-files", &recipe(&input).to_string());

    let args =
        BTreeMap::from([("BASE", "patchq.invalid/up/base"), ("A", "")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    let platform: Platform = "linux/amd64".parse().unwrap();
    let input = RecipeInput {
        dockerfile: b"ARG BASE\nFROM $BASE\n",
        ignore: Some(b"*.md\n"),
        target: Some("run"),
        platform: Some(&platform),
        network: Network::None,
        secrets: vec!["npm", "apt"],
        needs: BTreeMap::from([("up:base".to_owned(), RecipeDigest([0x11; 32]))]),
        ..nothing(&args)
    };
    check("all-the-rest", &recipe(&input).to_string());
}

#[test]
fn the_builds_digits_hold() {
    let pin: Id = "0611aa04850cf1fd582806dfe7f6f1fbca69f683".parse().unwrap();
    let queue = crate::image::queue_digest(pin, []).unwrap();
    let labels = BTreeMap::from([("org.example.a".to_owned(), "{version}".to_owned())]);
    check("build", &build_digits(&[RecipeDigest([0x11; 32])], queue, &labels));
}
