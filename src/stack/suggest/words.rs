//! Splits a text into words: the units that a maintainer sees when only a part of a line changes.
//!
//! A version is one word, because half of one has no meaning: `python:3.7-slim-buster` is `python : 3.7 - slim -
//! buster`, `==1.2.3rc1` is `= = 1.2.3rc1`, `v1.19` is one word, `go1.19.2` is `go 1.19.2`, a digest is one word. Each
//! punctuation character is a word, and so are white space and line ends: all words joined are exactly the text.

use std::cmp::Ordering;

use crate::git::compare_numbers;

/// A word of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Word<'t> {
    pub(crate) kind: Kind,
    pub(crate) text: &'t [u8],
}

/// The kind of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Letters, digits and `_`; bytes that are not ASCII count as letters.
    Name,
    /// A number or a version.
    Number,
    /// 32 hexadecimal digits or more: the digest of a content.
    Digest,
    /// Any other byte.
    Punctuation,
    /// Blanks and tabs.
    Space,
    /// `\n` or `\r\n`.
    LineEnd,
}

impl<'t> Word<'t> {
    /// Checks whether it has a meaning, unlike white space and punctuation.
    pub(super) fn speaks(self) -> bool {
        matches!(self.kind, Kind::Name | Kind::Number | Kind::Digest)
    }

    /// Checks whether it is a number, or the digest that belongs to one.
    pub(super) fn is_number(self) -> bool {
        matches!(self.kind, Kind::Number | Kind::Digest)
    }

    /// Checks whether it is a single digit, which has too many meanings to be replaced everywhere.
    pub(super) fn is_lone_digit(self) -> bool {
        matches!(self.text, [digit] if digit.is_ascii_digit())
    }

    /// Checks whether it is a version, not a plain number.
    fn is_version(self) -> bool {
        self.kind == Kind::Number && (self.text.contains(&b'.') || !self.text[0].is_ascii_digit())
    }

    /// Returns it without the `v` that a version may begin with.
    pub(super) fn bare(self) -> &'t [u8] {
        match self.text {
            [b'v' | b'V', rest @ ..] if self.kind == Kind::Number => rest,
            text => text,
        }
    }

    /// Checks whether both name the same number, with or without a `v`.
    pub(super) fn is_same_number(self, other: Word<'_>) -> bool {
        self.bare() == other.bare()
    }

    /// Checks whether it is a version in the series `other`: `3.7.9` is one of `3.7`.
    pub(super) fn refines(self, other: Word<'_>) -> bool {
        let more = self.bare().strip_prefix(other.bare());
        self.is_version() && other.is_version() && more.is_some_and(|rest| rest.first() == Some(&b'.'))
    }

    /// Checks whether both are versions and this is the lower one. Text after the dotted numbers does not count.
    pub(super) fn is_lower(self, other: Word<'_>) -> bool {
        self.is_version() && other.is_version() && compare_numbers(self.bare(), other.bare()) == Ordering::Less
    }
}

/// The words of a text.
pub(crate) fn words(text: &[u8]) -> Vec<Word<'_>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.first() {
        let (kind, length) = match first {
            b'\n' => (Kind::LineEnd, 1),
            b'\r' if rest.get(1) == Some(&b'\n') => (Kind::LineEnd, 2),
            b' ' | b'\t' => (Kind::Space, run(rest, |byte| matches!(byte, b' ' | b'\t'))),
            byte if is_letter(*byte) => spoken(rest),
            _ => (Kind::Punctuation, 1),
        };
        let (word, after) = rest.split_at(length);
        all.push(Word { kind, text: word });
        rest = after;
    }
    all
}

/// Returns how many bytes from the start satisfy `like`.
fn run(text: &[u8], like: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| like(**byte)).count()
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Returns the name, number or digest at the beginning of a text.
fn spoken(text: &[u8]) -> (Kind, usize) {
    if let Some(length) = number(text) {
        return (Kind::Number, length);
    }
    let length = run(text, is_letter);
    let name = &text[..length];
    if length >= 32 && name.iter().all(u8::is_ascii_hexdigit) {
        return (Kind::Digest, length);
    }
    // The version in `go1.19.2`.
    let letters = run(name, |byte| !byte.is_ascii_digit());
    let split = letters > 0 && letters < length && number(&text[letters..]).is_some_and(|end| letters + end > length);
    (Kind::Name, if split { letters } else { length })
}

/// Returns the length of the number or version at the beginning of a text.
fn number(text: &[u8]) -> Option<usize> {
    let digits = |at: usize| run(text.get(at..).unwrap_or_default(), |byte| byte.is_ascii_digit());
    let letters = |at: usize| run(text.get(at..).unwrap_or_default(), is_letter);
    let mut end = usize::from(matches!(text.first(), Some(b'v' | b'V')));
    let mut count = digits(end);
    let mut dots = 0;
    if count == 0 {
        return None;
    }
    end += count;
    while text.get(end) == Some(&b'.') {
        count = digits(end + 1);
        if count == 0 {
            break;
        }
        end += 1 + count;
        dots += 1;
    }
    if dots == 0 {
        return (letters(end) == 0).then_some(end);
    }
    end += letters(end); // `1.2.3rc1`
    end += stage(&text[end..]);
    if dots > 1 && text.get(end) == Some(&b'+') && letters(end + 1) > 0 {
        end += 1 + letters(end + 1); // `1.8.1+cu111`
    }
    Some(end)
}

/// Returns the length of the release stage after a version's numbers: `.post1`, `.dev0`, `.x`, `-rc.1`, `-beta2`.
fn stage(text: &[u8]) -> usize {
    let Some((b'.' | b'-', rest)) = text.split_first() else { return 0 };
    let name = run(rest, |byte| byte.is_ascii_alphabetic());
    let dotted = text[0] == b'.';
    let known: &[&[u8]] =
        if dotted { &[b"x", b"post", b"dev", b"rc"] } else { &[b"rc", b"alpha", b"beta", b"pre", b"dev"] };
    if !known.contains(&&rest[..name]) {
        return 0;
    }
    let mut end = 1 + name;
    let inner = usize::from(!dotted && text.get(end) == Some(&b'.'));
    let digits = run(text.get(end + inner..).unwrap_or_default(), |byte| byte.is_ascii_digit());
    if digits > 0 {
        end += inner + digits;
    }
    if text.get(end).copied().is_some_and(is_letter) { 0 } else { end }
}

/// A number and its name: the last name before it in its line, which says what the number belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placed<'t> {
    pub(super) number: Word<'t>,
    pub(super) of: Option<&'t [u8]>,
}

/// Returns for every word the last name before it in its line.
pub(super) fn owners<'t>(words: &[Word<'t>]) -> Vec<Option<&'t [u8]>> {
    let mut last = None;
    let mut all = Vec::with_capacity(words.len());
    for word in words {
        all.push(last);
        match word.kind {
            Kind::LineEnd => last = None,
            Kind::Name => last = Some(word.text),
            _ => {}
        }
    }
    all
}

/// Returns the numbers of a text, each with its name.
pub(super) fn numbers<'t>(words: &[Word<'t>]) -> Vec<Placed<'t>> {
    let placed = words.iter().zip(owners(words)).filter(|(word, _)| word.is_number());
    placed.map(|(word, of)| Placed { number: *word, of }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(text: &str) -> Vec<String> {
        let speaking = words(text.as_bytes()).into_iter().filter(|word| word.kind != Kind::Space);
        speaking.map(|word| String::from_utf8_lossy(word.text).into_owned()).collect()
    }

    #[test]
    fn versions_are_one_word() {
        let rows: [(&str, &[&str]); 16] = [
            ("python:3.7-slim-buster", &["python", ":", "3.7", "-", "slim", "-", "buster"]),
            ("numpy==1.2.3rc1", &["numpy", "=", "=", "1.2.3rc1"]),
            ("v1.19 V2", &["v1.19", "V2"]),
            ("go1.19.2.linux-amd64.tar.gz", &["go", "1.19.2", ".", "linux", "-", "amd64", ".", "tar", ".", "gz"]),
            ("v1.6.0-rc.1 v1.6.0-rc1 1.0-beta", &["v1.6.0-rc.1", "v1.6.0-rc1", "1.0-beta"]),
            ("torch==1.8.1+cu111", &["torch", "=", "=", "1.8.1+cu111"]),
            ("1.5+x", &["1.5", "+", "x"]),
            ("1.20.x 2.0.post1 2.0.dev", &["1.20.x", "2.0.post1", "2.0.dev"]),
            ("3.7-develop 3.7-rcx 1.2.xy", &["3.7", "-", "develop", "3.7", "-", "rcx", "1.2", ".", "xy"]),
            ("python3 amd64 cu110 64bit py37", &["python3", "amd64", "cu110", "64bit", "py37"]),
            ("python3.8 a1b2.3", &["python", "3.8", "a1b2", ".", "3"]),
            ("it ends with 3.7.", &["it", "ends", "with", "3.7", "."]),
            ("2022-01-05 10.0.0.1:80", &["2022", "-", "01", "-", "05", "10.0.0.1", ":", "80"]),
            (
                "https://x.org/v1.2/a_b?c=d",
                &["https", ":", "/", "/", "x", ".", "org", "/", "v1.2", "/", "a_b", "?", "c", "=", "d"],
            ),
            ("größe.1\r\n", &["größe", ".", "1", "\r\n"]),
            ("v", &["v"]),
        ];
        for (text, expected) in rows {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    #[test]
    fn digests_are_one_word() {
        let digest = "0123456789abcdef".repeat(4);
        assert_eq!(split(&format!("x@sha256:{digest}")), ["x", "@", "sha256", ":", &digest]);
        assert_eq!(words(digest.as_bytes())[0].kind, Kind::Digest);
        assert_eq!(words(&digest.as_bytes()[..31])[0].kind, Kind::Name);
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        let rows = [
            ("3.7", "3.8", true),
            ("3.9", "3.10", true),
            ("v1.9", "1.10", true),
            ("3.8", "3.7.9", false),
            ("3.7", "3.7.0", false),
            ("3.7", "3.7.1", true),
            ("1.02", "1.2", false),
            ("1", "2", false), // Plain numbers: ports, counts.
        ];
        for (a, b, lower) in rows {
            let (a, b) = (words(a.as_bytes())[0], words(b.as_bytes())[0]);
            assert_eq!(a.is_lower(b), lower, "{a:?} {b:?}");
        }
        let [old, finer, other] = ["3.7", "v3.7.9", "3.75"].map(|text| words(text.as_bytes())[0]);
        assert!(finer.refines(old) && !other.refines(old) && !old.refines(old));
    }

    #[test]
    fn a_number_belongs_to_the_name_before_it_in_its_line() {
        let words = words(b"FROM python:3.7\n1.2 x==4\n");
        let of: Vec<_> = numbers(&words).iter().map(|placed| placed.of).collect();
        assert_eq!(of, [Some(b"python".as_slice()), None, Some(b"x".as_slice())]);
    }

    proptest! {
        #[test]
        fn the_words_are_the_text(text in prop::collection::vec(any::<u8>(), 0..80)) {
            let again: Vec<u8> = words(&text).iter().flat_map(|word| word.text.to_vec()).collect();
            prop_assert_eq!(again, text);
        }

        #[test]
        fn the_words_of_text_like_text_are_the_text(text in "[v0-9a-c.+\\-rx \n]{0,40}") {
            let all = words(text.as_bytes());
            prop_assert!(all.iter().all(|word| !word.text.is_empty()));
            prop_assert_eq!(all.iter().map(|word| word.text.len()).sum::<usize>(), text.len());
        }
    }
}
