//! Reads the keys of an image that describe its build: files, platforms, secrets, network, labels.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeTable;

use super::super::errors::Fault;
use super::walker::{Span, Walker};
use crate::image::{AddedFile, BuildArg, FileSource, Network, Platform, SecretSource};
use crate::path::{RepoPath, nearest, printable};

/// The names of the entry's wheels, for checking references to them.
pub(super) type WheelNames<'a> = BTreeSet<&'a str>;

fn value(key: &str, text: &str, reason: impl Into<String>) -> Fault {
    Fault::Value { key: key.to_owned(), value: printable(text.as_bytes()), reason: reason.into() }
}

/// Checks whether the wheel `name` exists, and reports an error at `span` if not.
pub(super) fn known_wheel(walker: &mut Walker<'_>, key: &str, name: &str, span: Span, wheels: &WheelNames<'_>) -> bool {
    if wheels.contains(name) {
        return true;
    }
    let reason = match nearest(name, wheels.iter().copied()) {
        Some(near) => format!("is not a wheel of this upstream; did you mean '{near}'?"),
        None => "is not a wheel of this upstream; expected an entry [upstream.NAME.wheel.WHEEL]".to_owned(),
    };
    walker.fault(span, value(key, name, reason));
    false
}

/// Reads `files`: what is added to the context, in the order of the file.
pub(super) fn files(walker: &mut Walker<'_>, table: &DeTable<'_>, wheels: &WheelNames<'_>) -> Vec<AddedFile> {
    let mut files: Vec<AddedFile> = Vec::new();
    for (name, name_span, text, span) in walker.strings(table, "files") {
        let line = walker.line(name_span.start);
        let into_folder = name.ends_with('/') || name == ".";
        let path = match name.as_str() {
            "." | "./" => None,
            _ => match walker.repo_path("files", &name, name_span.clone()) {
                Some(path) => Some(path),
                None => continue,
            },
        };
        let Some(source) = file_source(walker, &text, span, wheels) else { continue };
        if !into_folder && files.iter().any(|other| !other.into_folder && other.path == path) {
            walker.fault(name_span, Fault::Twice { key: "files".to_owned(), value: printable(name.as_bytes()) });
            continue;
        }
        files.push(AddedFile { path, into_folder, source, line });
    }
    files
}

fn file_source(walker: &mut Walker<'_>, text: &str, span: Span, wheels: &WheelNames<'_>) -> Option<FileSource> {
    if let Some(name) = text.strip_prefix("{wheel:").and_then(|rest| rest.strip_suffix('}')) {
        return known_wheel(walker, "files", name, span, wheels).then(|| FileSource::Wheel(name.to_owned()));
    }
    if text.contains(['{', '}']) {
        let reason =
            "is not a source of a file; expected a path of the upstream's tree, workspace:PATH or {wheel:NAME}";
        return walker.reject(span, value("files", text, reason));
    }
    let (in_workspace, path) = text.strip_prefix("workspace:").map_or((false, text), |path| (true, path));
    let path: RepoPath = walker.repo_path("files", path, span)?;
    Some(if in_workspace { FileSource::Workspace(path) } else { FileSource::Tree(path) })
}

/// Reads `platforms`, each once.
pub(super) fn platforms(walker: &mut Walker<'_>, table: &DeTable<'_>) -> Vec<Platform> {
    let read = |walker: &mut Walker<'_>, key: &str, text: &str, span: Span| {
        let reason = "is not a platform; expected OS/ARCHITECTURE, such as \"linux/amd64\"";
        walker.keep(span, text.parse::<Platform>(), |()| value(key, text, reason))
    };
    let found = walker.each(table, "platforms", read).unwrap_or_default();
    walker.no_doubles(table, "platforms");
    found
}

/// Reads `secrets`, by their ids.
pub(super) fn secrets(walker: &mut Walker<'_>, table: &DeTable<'_>) -> BTreeMap<String, SecretSource> {
    let mut secrets = BTreeMap::new();
    for (id, id_span, text, span) in walker.strings(table, "secrets") {
        let fits = id.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c)) && !id.is_empty();
        if !fits {
            let reason = "is not an id of a secret; expected letters, digits, '_', '.' and '-'";
            walker.fault(id_span, value("secrets", &id, reason));
            continue;
        }
        let source = SecretSource::parse(&text);
        let source = walker.keep(span, source, |reason| value(&format!("secrets.{id}"), &text, reason));
        secrets.extend(source.map(|source| (id, source)));
    }
    secrets
}

/// Reads `network`; the builder's default without the key.
pub(super) fn network(walker: &mut Walker<'_>, table: &DeTable<'_>) -> Network {
    let Some((text, span)) = walker.string(table, "network") else { return Network::default() };
    let found = Network::ALL.into_iter().find(|network| network.word() == text);
    let reason = "is unknown; expected \"default\", \"none\" or \"host\"";
    walker.keep(span, found.ok_or(()), |()| value("network", &text, reason)).unwrap_or_default()
}

/// Reads `labels` of an image or an entry.
pub(super) fn labels(walker: &mut Walker<'_>, table: &DeTable<'_>, upstream: &str) -> BTreeMap<String, BuildArg> {
    let mut labels = BTreeMap::new();
    for (key, key_span, text, span) in walker.strings(table, "labels") {
        let fits = key.starts_with(|c: char| c.is_ascii_alphanumeric())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c));
        if !fits {
            let reason = "is not a key of a label; expected letters, digits, '.', '_', '/' and '-'";
            walker.fault(key_span, value("labels", &key, reason));
            continue;
        }
        if key.starts_with("patchq.") {
            walker.fault(key_span, value("labels", &key, "is set by patchq itself; choose another key"));
            continue;
        }
        let Some(label) = walker.keep(span.clone(), BuildArg::parse(&text, upstream), |source| Fault::Arg {
            key: "labels",
            name: key.clone(),
            source,
        }) else {
            continue;
        };
        if !label.is_plain() {
            walker.fault(span, value("labels", &text, "names an image or a wheel, which a label cannot do"));
            continue;
        }
        labels.insert(key, label);
    }
    labels
}
