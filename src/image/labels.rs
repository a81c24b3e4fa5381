//! Makes the labels of an image, and a file in the image with the same content.
//!
//! Source: the OCI image specification's annotations (`org.opencontainers.image.*`), whose names are used for labels
//! too.

use std::collections::BTreeMap;

/// The data for the labels of an image.
#[derive(Debug, Clone, Default)]
pub struct LabelInput<'a> {
    /// The time of the build, in seconds since 1970.
    pub created: i64,
    /// Its tags.
    pub tags: Vec<&'a str>,
    /// The tag that is a version; else the version.
    pub version: &'a str,
    /// The upstream commit.
    pub revision: String,
    /// The url of the upstream.
    pub source: &'a str,
    /// The image's name.
    pub title: &'a str,
    /// The vendor.
    pub vendor: Option<&'a str>,
    /// Its licences.
    pub licenses: Option<&'a str>,
    /// The url of the documentation.
    pub documentation: Option<&'a str>,
    /// The responsible team.
    pub team: Option<&'a str>,
    /// The external image at the bottom, and its digest.
    pub base: Option<(&'a str, Option<&'a str>)>,
    /// The queue's digest.
    pub queue: String,
    /// The digest of its recipes.
    pub recipe: String,
    /// The patches: file name and SHA-256.
    pub patches: Vec<(String, String)>,
    /// The version of patchq.
    pub patchq: &'a str,
    /// The prefix for a second set of labels.
    pub prefix: Option<&'a str>,
    /// The labels in the manifest.
    pub own: BTreeMap<String, String>,
}

/// Returns the labels. Labels that every image has are always set, if needed to an empty value: an image inherits all
/// labels of its base, and one that is not set again would describe the base. The manifest's labels override others.
#[must_use]
pub fn labels(input: &LabelInput<'_>) -> BTreeMap<String, String> {
    let created = moment(input.created);
    let tags = input.tags.join(" ");
    let (base, digest) = input.base.map_or(("", ""), |(name, digest)| (name, digest.unwrap_or_default()));
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let oci = [
        ("created", created.clone()),
        ("version", input.version.to_owned()),
        ("revision", input.revision.clone()),
        ("source", input.source.to_owned()),
        ("url", text(input.documentation)),
        ("documentation", text(input.documentation)),
        ("vendor", text(input.vendor)),
        ("licenses", text(input.licenses)),
        ("title", input.title.to_owned()),
        ("base.name", base.to_owned()),
        ("base.digest", digest.to_owned()),
    ];
    let patches = input.patches.iter().map(|(name, digest)| format!("{name}={digest}"));
    let own = [
        ("queue", input.queue.clone()),
        ("recipe", input.recipe.clone()),
        ("patches", patches.collect::<Vec<_>>().join(",")),
        ("version", input.patchq.to_owned()),
    ];
    let base = if digest.is_empty() { base.to_owned() } else { format!("{base}@{digest}") };
    let second = [
        ("created", created),
        ("version", input.version.to_owned()),
        ("tags", tags),
        ("source", input.source.to_owned()),
        ("url", text(input.documentation)),
        ("team", text(input.team)),
        ("baseImage", base),
    ];
    let mut labels = BTreeMap::new();
    labels.extend(oci.map(|(key, value)| (format!("org.opencontainers.image.{key}"), value)));
    labels.extend(own.map(|(key, value)| (format!("patchq.{key}"), value)));
    if let Some(prefix) = input.prefix {
        labels.extend(second.map(|(key, value)| (format!("{prefix}.{key}"), value)));
    }
    labels.extend(input.own.iter().map(|(key, value)| (key.clone(), value.clone())));
    labels
}

/// Returns the labels as a file: one `KEY=VALUE` per line.
#[must_use]
pub fn metadata_file(labels: &BTreeMap<String, String>) -> String {
    labels.iter().map(|(key, value)| format!("{key}={value}\n")).collect()
}

/// Returns the Dockerfile of the second, small build, which adds `labels` to the image `built`, and copies the file
/// `metadata` of the context to the path `file`.
#[must_use]
pub fn finish_dockerfile(built: &str, labels: &BTreeMap<String, String>, metadata: &str, file: Option<&str>) -> String {
    let mut out = format!("FROM {built}\n");
    if let Some(file) = file {
        out.push_str(&format!("COPY {metadata} {file}\n"));
    }
    let pairs: Vec<String> = labels.iter().map(|(key, value)| format!("{}={}", quoted(key), quoted(value))).collect();
    if !pairs.is_empty() {
        out.push_str(&format!("LABEL {}\n", pairs.join(" \\\n      ")));
    }
    out
}

/// Quotes any `text` as one word of a Dockerfile.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Formats a time as RFC 3339 in UTC; empty for a time beyond the calendar.
fn moment(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|moment| moment.to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_label_is_set_and_the_manifests_win() {
        let own = BTreeMap::from([("org.opencontainers.image.title".to_owned(), "Mine".to_owned())]);
        let input = LabelInput {
            created: 1_767_225_600,
            tags: vec!["v1", "v1-a"],
            version: "v1-a",
            source: "https://x",
            title: "tool",
            base: Some(("ubuntu:20.04", Some("sha256:0"))),
            prefix: Some("int.skao.image"),
            patches: vec![("0001-a.patch".to_owned(), "00".to_owned()), ("0002-b.patch".to_owned(), "11".to_owned())],
            own,
            ..LabelInput::default()
        };
        let labels = labels(&input);
        let get = |key: &str| labels.get(key).map(String::as_str);
        assert_eq!(get("org.opencontainers.image.created"), Some("2026-01-01T00:00:00Z"));
        assert_eq!(get("org.opencontainers.image.title"), Some("Mine"));
        assert_eq!(get("org.opencontainers.image.vendor"), Some(""));
        assert_eq!(get("int.skao.image.tags"), Some("v1 v1-a"));
        assert_eq!(get("int.skao.image.baseImage"), Some("ubuntu:20.04@sha256:0"));
        assert_eq!(get("patchq.patches"), Some("0001-a.patch=00,0002-b.patch=11"));
        assert!(metadata_file(&labels).starts_with("int.skao.image.baseImage=ubuntu:20.04@sha256:0\n"));
    }

    #[test]
    fn a_label_is_one_word_whatever_is_in_it() {
        let labels =
            BTreeMap::from([("a".to_owned(), "x \"y\" $HOME \\ #".to_owned()), ("b".to_owned(), String::new())]);
        let text = finish_dockerfile("built:1", &labels, "m", Some("/etc/m"));
        let wanted = "FROM built:1\nCOPY m /etc/m\nLABEL \"a\"=\"x \\\"y\\\" \\$HOME \\\\ #\" \\\n      \"b\"=\"\"\n";
        assert_eq!(text, wanted);
    }
}
