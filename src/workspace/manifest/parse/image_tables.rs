//! Reads the tables of an entry that its images share: bases with their digests, wheels, and metadata.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use super::super::errors::Fault;
use super::super::{BaseEntry, Metadata};
use super::build_keys::WheelNames;
use super::walker::{Place, Span, Walker};
use crate::git::Id;
use crate::image::{BuildArg, ContentDigest, Wheel, is_image, is_sha256};
use crate::path::printable;

/// The keys of a base, in the order of the documentation.
pub(in super::super) const BASE_KEYS: [&str; 2] = ["digest", "until"];

/// The keys of a wheel, in the order of the documentation.
pub(in super::super) const WHEEL_KEYS: [&str; 7] =
    ["package", "version", "python", "abi", "platform", "sha256", "commit"];

fn value(key: &str, text: &str, reason: &str) -> Fault {
    Fault::Value { key: key.to_owned(), value: printable(text.as_bytes()), reason: reason.to_owned() }
}

/// Reads every `[upstream.NAME.KEY.INNER]` of the entry, with the place of INNER.
fn tables<'t>(
    walker: &mut Walker<'_>,
    table: &'t DeTable<'_>,
    key: &'static str,
    form: &'static str,
) -> Vec<(&'t str, Span, &'t DeTable<'t>)> {
    let Some((at, found)) = table.get_key_value(key) else { return Vec::new() };
    let DeValue::Table(entries) = found.get_ref() else {
        walker.wrong_type(at.span(), key, found.get_ref(), form);
        return Vec::new();
    };
    let mut inner = Vec::new();
    for (name, entry) in entries.iter() {
        match entry.get_ref() {
            DeValue::Table(table) => inner.push((name.get_ref().as_ref(), name.span(), table)),
            other => {
                let shown = format!("{key}.{}", printable(name.get_ref().as_bytes()));
                walker.wrong_type(name.span(), &shown, other, form);
            }
        }
    }
    inner.sort_by_key(|(_, span, _)| span.start);
    inner
}

/// Reads every `[upstream.NAME.base."IMAGE"]`.
pub(super) fn bases(walker: &mut Walker<'_>, table: &DeTable<'_>, upstream: &str) -> BTreeMap<String, BaseEntry> {
    let mut bases = BTreeMap::new();
    for (name, at, inner) in tables(walker, table, "base", "a table: [upstream.NAME.base.\"IMAGE\"]") {
        if name.contains('@') || !is_image(name) {
            let reason = "is not an image without a digest; expected what a FROM line names, such as \"ubuntu:20.04\"";
            walker.fault(at, value("base", name, reason));
            continue;
        }
        walker.unknown_keys(inner, &Place::of("a base", upstream), &BASE_KEYS, |_| false);
        let digest = walker.string(inner, "digest").and_then(|(text, span)| {
            let reason = "is not a digest; expected \"sha256:\" and 64 digits, as registries write it";
            walker.keep(span, text.parse::<ContentDigest>(), |()| value("digest", &text, reason))
        });
        let until = inner.get("until").and_then(|found| match found.get_ref() {
            DeValue::Datetime(moment) if moment.time.is_none() => moment.date.map(|date| date.to_string()),
            other => {
                walker.wrong_type(found.span(), "until", other, "a date without a time: 2025-05-31");
                None
            }
        });
        if inner.is_empty() {
            walker.fault(at.clone(), value("base", name, "has nothing to say; expected 'digest' or 'until'"));
        }
        let line = walker.line(at.start);
        bases.insert(name.to_owned(), BaseEntry { digest, until, line });
    }
    bases
}

/// Returns the names of the entry's wheels, whether they are valid or not.
pub(super) fn wheel_names<'t>(table: &'t DeTable<'_>) -> WheelNames<'t> {
    match table.get("wheel").map(toml::Spanned::get_ref) {
        Some(DeValue::Table(wheels)) => wheels.keys().map(|name| name.get_ref().as_ref()).collect(),
        _ => WheelNames::new(),
    }
}

/// Reads every `[upstream.NAME.wheel.WHEEL]`.
pub(super) fn wheels(walker: &mut Walker<'_>, table: &DeTable<'_>, upstream: &str) -> BTreeMap<String, Wheel> {
    let mut wheels = BTreeMap::new();
    for (name, at, inner) in tables(walker, table, "wheel", "a table: [upstream.NAME.wheel.WHEEL]") {
        let fits = name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
        if !fits {
            walker.fault(at, value("wheel", name, "is not a name; expected letters, digits, '_' and '-'"));
            continue;
        }
        wheels.extend(wheel(walker, inner, at, upstream).map(|wheel| (name.to_owned(), wheel)));
    }
    wheels
}

fn wheel(walker: &mut Walker<'_>, table: &DeTable<'_>, at: Span, upstream: &str) -> Option<Wheel> {
    let place = Place::of("a wheel", upstream);
    walker.unknown_keys(table, &place, &WHEEL_KEYS, |_| false);
    let tag = |walker: &mut Walker<'_>, key: &'static str, what: &'static str| {
        let (text, span) = walker.required(table, &place, at.clone(), key, what)?;
        part(walker, key, text, span)
    };
    let package = tag(walker, "package", "the name of the package");
    let python = tag(walker, "python", "the python tag of the file's name, such as \"cp38\"");
    let platform = tag(walker, "platform", "the platform tag of the file's name, such as \"manylinux2014_x86_64\"");
    let abi = walker.string(table, "abi").and_then(|(text, span)| part(walker, "abi", text, span));
    let version = walker.required(table, &place, at.clone(), "version", "the version, such as \"{semver}\"");
    let version = version.and_then(|(text, span)| {
        let read = BuildArg::parse(&text, upstream);
        let read = walker.keep(span.clone(), read, |source| Fault::Arg {
            key: "wheel",
            name: "version".to_owned(),
            source,
        })?;
        if read.is_plain() && !text.is_empty() {
            Some(read)
        } else {
            walker.reject(span, value("version", &text, "is not a version of a wheel"))
        }
    });
    let sha256 = walker.required(table, &place, at, "sha256", "the SHA-256 of the file, 64 digits");
    let sha256 = sha256.and_then(|(text, span)| {
        let found = is_sha256(&text).then(|| format!("sha256:{text}").parse::<ContentDigest>());
        let reason = "is not an SHA-256; expected 64 lower-case hexadecimal digits";
        walker.keep(span, found.unwrap_or(Err(())), |()| value("sha256", &text, reason))
    });
    let commit = walker.string(table, "commit").and_then(|(text, span)| {
        let reason = "is not a commit id; expected 40 hexadecimal digits";
        walker.keep(span, text.parse::<Id>(), |_| value("commit", &text, reason))
    });
    let python = python?;
    let abi = abi.unwrap_or_else(|| Wheel::usual_abi(&python));
    Some(Wheel { package: package?, version: version?, abi, python, platform: platform?, sha256: sha256?, commit })
}

/// Reads a part of a wheel's file name.
fn part(walker: &mut Walker<'_>, key: &'static str, text: String, span: Span) -> Option<String> {
    let package = key == "package";
    let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c) || (package && c == '-'));
    let fault = value(key, &text, "is not a part of a wheel's file name; expected letters, digits, '.' and '_'");
    walker.keep(span, fits.then_some(text).ok_or(()), |()| fault)
}

/// Reads the metadata of the entry's images.
pub(super) fn metadata(walker: &mut Walker<'_>, table: &DeTable<'_>) -> Metadata {
    let file = walker.string(table, "metadata-file").and_then(|(text, span)| {
        let inside = text.strip_prefix('/').unwrap_or_default();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        let fits = crate::path::RepoPath::new(inside).is_ok() && text.chars().all(plain);
        let reason = "is not a path of a file in an image; expected one from its root, such as \"/etc/image.metadata\"";
        walker.keep(span, fits.then(|| text.clone()).ok_or(()), |()| value("metadata-file", &text, reason))
    });
    let label_prefix = walker.string(table, "label-prefix").and_then(|(text, span)| {
        let fits = text.split('.').all(|part| {
            part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        });
        let reason =
            "is not a prefix of labels; expected lower-case words with points between, such as \"org.example.image\"";
        walker.keep(span, fits.then(|| text.clone()).ok_or(()), |()| value("label-prefix", &text, reason))
    });
    let word = |walker: &mut Walker<'_>, key: &str| walker.string(table, key).map(|(text, _)| text);
    let (vendor, licenses) = (word(walker, "vendor"), word(walker, "licenses"));
    let (documentation, team) = (word(walker, "documentation"), word(walker, "team"));
    Metadata { file, label_prefix, vendor, licenses, documentation, team }
}
