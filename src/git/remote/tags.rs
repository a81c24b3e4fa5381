//! Orders tags by their versions.

use std::cmp::Ordering;

use crate::git::compare_numbers;

/// The version in a tag: everything from the first digit on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TagVersion {
    /// Dotted numbers, at least one digit.
    numbers: String,
    pre: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl TagVersion {
    /// Parses `v1.6.0-rc.1`, `ray-1.11.0`, `1.8rc2`; `None` without a digit. Text after `+` does not count.
    pub(super) fn of(tag: &str) -> Option<TagVersion> {
        let text = &tag[tag.find(|c: char| c.is_ascii_digit())?..];
        let text = text.split('+').next().unwrap_or(text);
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        Some(TagVersion { numbers: text[..end].to_owned(), pre: parts(&text[end..]) })
    }

    /// Checks whether text follows the numbers.
    pub(super) fn is_prerelease(&self) -> bool {
        !self.pre.is_empty()
    }
}

/// Splits into runs of digits and of letters: `rc10` comes after `rc2`, as people expect.
fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    for piece in text.split(|c: char| !c.is_alphanumeric()).filter(|piece| !piece.is_empty()) {
        let mut rest = piece;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(rest.len());
            let (run, after) = rest.split_at(end);
            parts.push(match run.parse() {
                Ok(number) if digits => Part::Number(number),
                _ => Part::Word(run.to_lowercase()),
            });
            rest = after;
        }
    }
    parts
}

impl Ord for TagVersion {
    fn cmp(&self, other: &TagVersion) -> Ordering {
        let numbers = compare_numbers(self.numbers.as_bytes(), other.numbers.as_bytes());
        numbers.then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => self.pre.cmp(&other.pre),
        })
    }
}

impl PartialOrd for TagVersion {
    fn partial_cmp(&self, other: &TagVersion) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Compares the versions of two tags; `None` when they cannot be compared: one has no version, or the text before the
/// version differs by more than a `v` (`ray-1.11.0` and `wheels-3` are separate series).
#[must_use]
pub fn tag_order(one: &str, other: &str) -> Option<Ordering> {
    if family(one) != family(other) {
        return None;
    }
    Some(TagVersion::of(one)?.cmp(&TagVersion::of(other)?))
}

/// Returns the text before a tag's version, without a `v`.
fn family(tag: &str) -> String {
    let end = tag.find(|c: char| c.is_ascii_digit()).unwrap_or(tag.len());
    let front = tag[..end].to_lowercase();
    front.strip_suffix('v').map_or(front.clone(), str::to_owned)
}

/// Checks whether a glob asks for pre-releases: it has letters or a dash after its first digit or wildcard
/// (`v1.6.*-rc*`, `v*rc*`), not counting a class in brackets (`v[0-9]*`).
pub(super) fn wants_prereleases(glob: &str) -> bool {
    let start = glob.find(|c: char| c.is_ascii_digit() || "*?[".contains(c)).unwrap_or(glob.len());
    let mut in_class = false;
    glob[start..].chars().any(|c| {
        match c {
            '[' => in_class = true,
            ']' => in_class = false,
            _ => {}
        }
        !in_class && (c.is_alphabetic() || c == '-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_in_the_order_of_their_versions() {
        let sorted = [
            "v0.9",
            "v1.6-alpha",
            "v1.6.0-beta.2",
            "v1.6.0-rc.1",
            "1.6.0rc2",
            "v1.6.0-rc10",
            "v1.6",
            "ray-1.6.1",
            "v1.10.0+meta",
            "release/2.0.0",
            "v99999999999999999999999.0",
        ];
        let versions: Vec<_> = sorted.iter().map(|tag| TagVersion::of(tag)).collect();
        for pair in versions.windows(2) {
            assert!(pair[0].is_some() && pair[0] < pair[1], "{pair:?}");
        }
        assert_eq!(TagVersion::of("latest"), None);
        assert_eq!(TagVersion::of("v1.6").cmp(&TagVersion::of("1.6.0")), Ordering::Equal);
    }

    #[test]
    fn only_tags_of_one_family_are_compared() {
        assert_eq!(tag_order("v1.6.1", "v1.10.0"), Some(Ordering::Less));
        assert_eq!(tag_order("1.7", "v1.6"), Some(Ordering::Greater));
        assert_eq!(tag_order("ray-2.0.0-rc0", "ray-2.0.0"), Some(Ordering::Less));
        assert_eq!(tag_order("ray-1.11.0", "wheels-3"), None);
        assert_eq!(tag_order("latest", "latest"), None);
    }

    #[test]
    fn a_glob_says_whether_it_wants_prereleases() {
        for (glob, wants) in [
            ("v1.6.*", false),
            ("ray-*", false),
            ("v[0-9]*", false),
            ("*", false),
            ("v1.6.*-*", true),
            ("v1.6.0-rc.*", true),
            ("v*rc*", true),
        ] {
            assert_eq!(wants_prereleases(glob), wants, "{glob}");
        }
    }
}
