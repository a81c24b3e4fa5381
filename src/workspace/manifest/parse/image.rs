//! Reads the images of an entry and their registry.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::{DeTable, DeValue};

use super::super::Image;
use super::super::errors::Fault;
use super::build_keys::{WheelNames, files, known_wheel, labels, network, platforms, secrets};
use super::walker::{Place, Span, Walker};
use crate::image::{BuildArg, ImageId, looks_secret};
use crate::path::{RepoPath, printable};

/// The keys of an image, in the order of the documentation.
pub(in super::super) const IMAGE_KEYS: [&str; 14] = [
    "name",
    "context",
    "dockerfile",
    "target",
    "args",
    "plain-args",
    "needs",
    "files",
    "platforms",
    "secrets",
    "network",
    "labels",
    "allow-pointers",
    "publish",
];

/// Reads every `[[upstream.NAME.image]]` of the entry `upstream`.
pub(super) fn images(
    walker: &mut Walker<'_>,
    table: &DeTable<'_>,
    upstream: &str,
    wheels: &WheelNames<'_>,
) -> Vec<Image> {
    let Some((key, value)) = table.get_key_value("image") else { return Vec::new() };
    let DeValue::Array(list) = value.get_ref() else {
        walker.wrong_type(key.span(), "image", value.get_ref(), "a list of tables: [[upstream.NAME.image]]");
        return Vec::new();
    };
    let mut names = BTreeSet::new();
    let mut images = Vec::new();
    for item in list.iter() {
        let DeValue::Table(table) = item.get_ref() else {
            walker.wrong_type(item.span(), "image", item.get_ref(), "a list of tables only: [[upstream.NAME.image]]");
            continue;
        };
        let Some(image) = image(walker, table, item.span(), upstream, wheels) else { continue };
        if !names.insert(image.name.clone()) {
            let span = table.get("name").map_or(item.span(), toml::Spanned::span);
            walker.fault(span, Fault::Twice { key: "image".to_owned(), value: image.name.clone() });
        }
        images.push(image);
    }
    images
}

fn image(
    walker: &mut Walker<'_>,
    table: &DeTable<'_>,
    at: Span,
    upstream: &str,
    wheels: &WheelNames<'_>,
) -> Option<Image> {
    let place = Place::of("an image", upstream);
    walker.unknown_keys(table, &place, &IMAGE_KEYS, |_| false);
    let line = walker.line(at.start);
    let name =
        walker.required(table, &place, at, "name", "the image's name below the registry").and_then(|(text, span)| {
            if is_repository(&text) {
                return Some(text);
            }
            let value = printable(text.as_bytes());
            let reason =
                "is not a valid name for an image; use a-z and 0-9, with '.', '_', '-' or '/' between".to_owned();
            walker.reject(span, Fault::Value { key: "name".to_owned(), value, reason })
        });
    let context = match walker.string(table, "context") {
        None => None,
        Some((text, _)) if text == "." || text == "./" => None,
        Some((text, span)) => walker.repo_path("context", &text, span),
    };
    let dockerfile = match walker.string(table, "dockerfile") {
        Some((text, span)) => walker.repo_path("dockerfile", &text, span)?,
        // The default of image builders.
        None => match &context {
            Some(folder) => folder.join(b"Dockerfile").ok()?,
            None => RepoPath::new("Dockerfile").ok()?,
        },
    };
    let target = walker.string(table, "target").and_then(|(text, span)| {
        let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let reason = "is not a stage; expected the name behind AS in a FROM line".to_owned();
        let value = text.clone();
        walker.keep(span, fits.then_some(text).ok_or(()), |()| Fault::Value { key: "target".to_owned(), value, reason })
    });
    let plain = walker.each(table, "plain-args", |_, _, text, _| Some(text.to_owned())).unwrap_or_default();
    let args = args(walker, table, upstream, &plain, wheels);
    let needs = walker.each(table, "needs", |_, _, text, _| Some(ImageId::parse(text, upstream))).unwrap_or_default();
    walker.no_doubles(table, "needs");
    let (files, platforms) = (files(walker, table, wheels), platforms(walker, table));
    let (secrets, network) = (secrets(walker, table), network(walker, table));
    let labels = labels(walker, table, upstream);
    let allow_pointers = walker.boolean(table, "allow-pointers").unwrap_or(false);
    let publish = walker.boolean(table, "publish").unwrap_or(true);
    let name = name?;
    Some(Image {
        name,
        context,
        dockerfile,
        target,
        args,
        needs,
        files,
        platforms,
        secrets,
        network,
        labels,
        allow_pointers,
        publish,
        line,
    })
}

/// Reads the build arguments; `plain` are those whose names only look like secrets.
fn args(
    walker: &mut Walker<'_>,
    table: &DeTable<'_>,
    upstream: &str,
    plain: &[String],
    wheels: &WheelNames<'_>,
) -> BTreeMap<String, BuildArg> {
    let mut args = BTreeMap::new();
    for (name, name_span, text, span) in walker.strings(table, "args") {
        let refused = |reason: &str| Fault::Value {
            key: "args".to_owned(),
            value: printable(name.as_bytes()),
            reason: reason.to_owned(),
        };
        let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !fits {
            walker.fault(
                name_span,
                refused("is not a valid name for a build argument; expected letters, digits and '_'"),
            );
            continue;
        }
        if looks_secret(&name, &text) && !plain.contains(&name) {
            let reason = "looks like a secret, and build arguments stand in an image's history; \
                          if it is none, name it in 'plain-args'";
            walker.fault(name_span, refused(reason));
            continue;
        }
        let arg = BuildArg::parse(&text, upstream);
        let Some(arg) = walker.keep(span.clone(), arg, |source| Fault::Arg { key: "args", name: name.clone(), source })
        else {
            continue;
        };
        if arg.wheels().all(|wheel| known_wheel(walker, "args", wheel, span.clone(), wheels)) {
            args.insert(name, arg);
        }
    }
    args
}

/// Reads `[HOST[:PORT]/]PATH`, the prefix of an image's name.
pub(super) fn registry(walker: &mut Walker<'_>, text: String, span: Span) -> Option<String> {
    let reason = if text.contains("://") {
        "has a protocol; expected HOST/PATH without it"
    } else if is_registry(&text) {
        return Some(text);
    } else {
        "is not a registry; expected HOST[:PORT]/PATH or PATH, such as \"ghcr.io/team\""
    };
    let value = printable(text.as_bytes());
    walker.reject(span, Fault::Value { key: "registry".to_owned(), value, reason: reason.to_owned() })
}

/// Checks the grammar of the distribution specification: parts of `[a-z0-9]` with single separators between, joined by
/// `/`.
fn is_repository(text: &str) -> bool {
    text.len() <= 255 && text.split('/').all(is_component)
}

fn is_component(part: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let separators_fit = part
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|gap| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-'));
    edge(part.chars().next()) && edge(part.chars().next_back()) && separators_fit
}

/// Checks as [`is_repository`], with a host (which may have capitals and a port) as first part.
fn is_registry(text: &str) -> bool {
    let (first, rest) = text.split_once('/').map_or((text, None), |(first, rest)| (first, Some(rest)));
    let (host, port) = first.split_once(':').map_or((first, None), |(host, port)| (host, Some(port)));
    let host_fits = host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.ends_with(|c: char| c.is_ascii_alphanumeric())
        && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (is_component(first) || (host_fits && port_fits)) && rest.is_none_or(is_repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_and_registries() {
        for good in ["notebook-controller", "a/b", "a__b", "a--b", "x.y"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in ["", "A", "a//b", "-a", "a-", "a..b", "a:1", "a b"] {
            assert!(!is_repository(bad), "{bad}");
        }
        for good in ["charmedkubeflow", "ghcr.io/team", "localhost:5000", "Registry.example:443/a/b"] {
            assert!(is_registry(good), "{good}");
        }
        for bad in ["", "a/", "/a", "host:x/a", "a b", "ghcr.io//x", "team@x"] {
            assert!(!is_registry(bad), "{bad}");
        }
    }
}
