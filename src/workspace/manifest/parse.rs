//! Parses the TOML text of a manifest, checks it, and collects all errors with their places.

mod build_keys;
pub(super) mod image;
pub(super) mod image_tables;
mod walker;

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use self::walker::{Place, Span, Walker};
use super::errors::{Fault, ManifestErrors, Mistake};
use super::{DEFAULT_REVIEW, Manifest, Name, Remember, Track, Upstream, UpstreamUrl};
use crate::git::UrlKind;
use crate::image::{DEFAULT_TEMPLATES, TagError, Template, check_text};
use crate::path::{nearest, printable};

/// The keys of an entry, in the order of the documentation.
pub(super) const UPSTREAM_KEYS: [&str; 20] = [
    "url",
    "mirrors",
    "track",
    "sparse",
    "review",
    "registry",
    "tags",
    "version",
    "remember",
    "memory",
    "labels",
    "metadata-file",
    "label-prefix",
    "vendor",
    "licenses",
    "documentation",
    "team",
    "base",
    "wheel",
    "image",
];

impl Manifest {
    /// Parses the text of a manifest; messages show it as `shown_path`.
    ///
    /// # Errors
    /// All errors together, in the order of the file; if the text is not valid TOML, only those of the TOML parser.
    pub fn parse(text: &[u8], shown_path: &Path) -> Result<Manifest, ManifestErrors> {
        Manifest::parse_checked(text, shown_path, &|_| false)
    }

    /// Parses as [`Manifest::parse`] does; `is_tracked` returns whether the workspace's repository tracks a path of
    /// that name at its top, which would be in the way of the checkout.
    ///
    /// # Errors
    /// As [`Manifest::parse`].
    pub fn parse_checked(
        text: &[u8],
        shown_path: &Path,
        is_tracked: &dyn Fn(&Name) -> bool,
    ) -> Result<Manifest, ManifestErrors> {
        let file = printable(shown_path.as_os_str().as_encoded_bytes());
        let source = match std::str::from_utf8(text) {
            Ok(source) => source,
            Err(error) => {
                let valid = String::from_utf8_lossy(text);
                let at = error.valid_up_to();
                return Err(ManifestErrors(vec![Mistake::new(&file, &valid, at..at + 1, Fault::NotUtf8, &[])]));
            }
        };
        // The parser counts from after a byte order mark, so it is removed for both.
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let (root, syntax) = DeTable::parse_recoverable(source);
        let mut walker = Walker::new(source);
        if syntax.is_empty() {
            let upstreams = root_table(&mut walker, root.get_ref(), is_tracked);
            walker.finish(&file).map(|warnings| Manifest { upstreams, warnings })
        } else {
            let mut lines = std::collections::BTreeSet::new();
            for error in syntax {
                // Further errors on the same line follow from the first.
                if !lines.insert(walker.line(error.span().map_or(0, |span| span.start))) {
                    continue;
                }
                let message = error.message().lines().collect::<Vec<_>>().join("; ");
                walker.fault(error.span().unwrap_or(0..0), Fault::Syntax(printable(message.as_bytes())));
            }
            walker.finish(&file).map(|warnings| Manifest { upstreams: Vec::new(), warnings })
        }
    }
}

fn root_table(walker: &mut Walker<'_>, root: &DeTable<'_>, is_tracked: &dyn Fn(&Name) -> bool) -> Vec<Upstream> {
    for key in root.keys().filter(|key| key.get_ref() != "upstream") {
        let shown = printable(key.get_ref().as_bytes());
        let expected = match nearest(key.get_ref(), ["upstream"]) {
            Some(near) => format!("did you mean '{near}'?"),
            None => "expected [upstream.NAME]".to_owned(),
        };
        walker.fault(key.span(), Fault::UnknownKey { key: shown, place: "at the top".to_owned(), expected });
    }
    let Some((key, value)) = root.get_key_value("upstream") else { return Vec::new() };
    let DeValue::Table(entries) = value.get_ref() else {
        walker.wrong_type(key.span(), "upstream", value.get_ref(), "a table: [upstream.NAME]");
        return Vec::new();
    };
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries.into_iter().filter_map(|(key, value)| entry(walker, key, value, is_tracked)).collect()
}

/// Reads one `[upstream.NAME]`; `None` when it has errors that leave no entry (the walker has them).
fn entry(
    walker: &mut Walker<'_>,
    key: &Spanned<std::borrow::Cow<'_, str>>,
    value: &Spanned<DeValue<'_>>,
    is_tracked: &dyn Fn(&Name) -> bool,
) -> Option<Upstream> {
    let text: &str = key.get_ref();
    let DeValue::Table(table) = value.get_ref() else {
        let shown = format!("upstream.{}", printable(text.as_bytes()));
        walker.wrong_type(key.span(), &shown, value.get_ref(), "a table: [upstream.NAME]");
        return None;
    };
    let unquoted = unquoted_names(walker, text, key.span(), table);
    if unquoted == table.len() && unquoted > 0 {
        return None;
    }
    let place = Place::of_upstream(text);
    let name = match Name::parse(text) {
        Ok(name) if is_tracked(&name) => walker.reject(key.span(), super::BadName::Tracked(text.to_owned()).into()),
        Ok(name) => Some(name),
        Err(error) => walker.reject(key.span(), error.into()),
    };
    walker.unknown_keys(table, &place, &UPSTREAM_KEYS, |value| unquoted > 0 && value.is_table());

    let url_value = walker.required(table, &place, key.span(), "url", "the address of the repository to fetch from");
    let url = url_value.and_then(|(text, span)| checked_url(walker, "url", &text, span));
    let mirrors = walker.each(table, "mirrors", checked_url).unwrap_or_default();
    walker.no_doubles(table, "mirrors");
    let track = walker.string(table, "track").and_then(|(text, span)| match Track::parse(&text) {
        Ok(track) => Some(track),
        Err(error) => walker.reject(span, error.into()),
    });
    let sparse = walker.each(table, "sparse", sparse_path);
    walker.no_doubles(table, "sparse");
    let review = walker.each(table, "review", glob);
    walker.no_doubles(table, "review");
    let registry = walker.string(table, "registry").and_then(|(text, span)| image::registry(walker, text, span));
    let wheel_names = image_tables::wheel_names(table);
    let tags = walker.each(table, "tags", |walker, key, text, span| template(walker, key, text, span, &wheel_names));
    walker.no_doubles(table, "tags");
    let version = walker.string(table, "version").and_then(|(text, span)| {
        let checked = check_text(&text).map_err(TagError::from);
        walker.keep(span, checked.map(|()| text), |source| Fault::Template { key: "version".to_owned(), source })
    });
    let remember = walker.string(table, "remember").map(|(text, span)| remember(walker, &text, span));
    let memory = walker.string(table, "memory").and_then(|(text, span)| {
        walker.keep(span, Name::parse(&text), |_| Fault::Value {
            key: "memory".to_owned(),
            value: printable(text.as_bytes()),
            reason: "is not a key; expected the form of an upstream's name".to_owned(),
        })
    });
    let labels = build_keys::labels(walker, table, text);
    let metadata = image_tables::metadata(walker, table);
    let bases = image_tables::bases(walker, table, text);
    let wheels = image_tables::wheels(walker, table, text);
    let images = image::images(walker, table, text, &wheel_names);

    Some(Upstream {
        name: name?,
        url: url?,
        mirrors,
        track,
        sparse,
        review: review.unwrap_or_else(|| DEFAULT_REVIEW.map(str::to_owned).to_vec()),
        registry,
        // A test checks the default templates, so none of them is lost here.
        tags: tags.unwrap_or_else(|| DEFAULT_TEMPLATES.iter().filter_map(|text| text.parse().ok()).collect()),
        version,
        remember: remember.unwrap_or(Remember::Local),
        memory,
        labels,
        metadata,
        bases,
        wheels,
        images,
        line: walker.line(key.span().start),
    })
}

/// Reports tables without quotes and returns their number: `[upstream.kubeflow-1.9]` is parsed as a table `9` in
/// `kubeflow-1`.
fn unquoted_names(walker: &mut Walker<'_>, outer: &str, outer_span: Span, table: &DeTable<'_>) -> usize {
    let mut found = 0;
    for (key, value) in table.iter().filter(|(key, _)| !UPSTREAM_KEYS.contains(&key.get_ref().as_ref())) {
        let DeValue::Table(inner) = value.get_ref() else { continue };
        let (mut name, mut span, mut inner) = (format!("{outer}.{}", key.get_ref()), key.span(), inner);
        // Two dots make two levels.
        while let (1, Some((key, value))) = (inner.len(), inner.iter().next()) {
            let DeValue::Table(next) = value.get_ref() else { break };
            name = format!("{name}.{}", key.get_ref());
            (span, inner) = (key.span(), next);
        }
        if name
            .split('.')
            .any(|part| part.is_empty() || part.contains(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c)))
        {
            continue;
        }
        let start =
            (span.end).checked_sub(name.len()).filter(|start| walker.source().get(*start..span.end) == Some(&name));
        walker.fault(start.unwrap_or(span.start.max(outer_span.start))..span.end, Fault::UnquotedName(name));
        found += 1;
    }
    found
}

fn checked_url(walker: &mut Walker<'_>, key: &str, text: &str, span: Span) -> Option<UpstreamUrl> {
    let url =
        walker.keep(span.clone(), UpstreamUrl::parse(text), |source| Fault::Url { key: key.to_owned(), source })?;
    if matches!(url.kind(), UrlKind::Http | UrlKind::Git) {
        walker.warning(span, Fault::Unprotected { key: key.to_owned(), url: printable(text.as_bytes()) });
    }
    Some(url)
}

fn sparse_path(walker: &mut Walker<'_>, key: &str, text: &str, span: Span) -> Option<crate::path::RepoPath> {
    let value = |reason: &str| Fault::Value {
        key: key.to_owned(),
        value: printable(text.as_bytes()),
        reason: reason.to_owned(),
    };
    if text == "." || text == "./" {
        return walker.reject(span, value("is the whole tree; leave the key out for that"));
    }
    if text.contains('*') {
        return walker.reject(span, value("is a glob; expected plain folders and files"));
    }
    walker.repo_path(key, text, span)
}

fn glob(walker: &mut Walker<'_>, key: &str, text: &str, span: Span) -> Option<String> {
    let reason = if text.is_empty() {
        "is empty; expected a glob over paths, such as \"**/Dockerfile*\"".to_owned()
    } else if text.starts_with('/') || text.split('/').any(|part| part == "..") {
        "matches no path of a tree; expected a glob from the tree's root, such as \"**/Dockerfile*\"".to_owned()
    } else {
        match globset::Glob::new(text) {
            Ok(_) => return Some(text.to_owned()),
            Err(error) => format!("is not a glob: {}", printable(error.kind().to_string().as_bytes())),
        }
    };
    walker.reject(span, Fault::Value { key: key.to_owned(), value: printable(text.as_bytes()), reason })
}

fn template(
    walker: &mut Walker<'_>,
    key: &str,
    text: &str,
    span: Span,
    wheels: &build_keys::WheelNames<'_>,
) -> Option<Template> {
    let fault = |source| Fault::Template { key: key.to_owned(), source };
    let read: Template = walker.keep(span.clone(), text.parse(), fault)?;
    let all_known = read.wheels().all(|wheel| build_keys::known_wheel(walker, key, wheel, span.clone(), wheels));
    all_known.then_some(read)
}

fn remember(walker: &mut Walker<'_>, text: &str, span: Span) -> Remember {
    match text {
        "shared" => Remember::Shared,
        "local" => Remember::Local,
        _ => {
            let reason = "is unknown; expected \"local\" or \"shared\"".to_owned();
            let value = printable(text.as_bytes());
            walker.fault(span, Fault::Value { key: "remember".to_owned(), value, reason });
            Remember::Local
        }
    }
}
