//! Splits a merged text that a person finished: finds the lines in the place of each hunk.

use std::ops::Range;

use bstr::BString;

use super::text::{Piece, TextMerge};

impl TextMerge {
    /// Returns the lines that `result` has in the place of each hunk, in order; `None` when it is not the merged text
    /// with other lines in those places, or when there is more than one way to split it.
    #[must_use]
    pub fn split(&self, result: &[u8]) -> Option<Vec<BString>> {
        let fixed = self.between_hunks()?;
        let (first, rest) = fixed.split_first()?;
        let (last, inner) = rest.split_last()?;
        let mut left = result.strip_prefix(first.as_slice())?.strip_suffix(last.as_slice())?;
        if !ends_a_line(first, result) || !ends_a_line(&result[..result.len() - last.len()], last) {
            return None;
        }
        let mut texts = Vec::new();
        for text in inner {
            let at = only_place(left, text)?;
            texts.push(BString::from(&left[..at.start]));
            left = &left[at.end..];
        }
        texts.push(BString::from(left));
        Some(texts)
    }

    /// Returns the merged text before the first hunk, between each two, and after the last; `None` when there is no
    /// hunk, or two of them touch.
    fn between_hunks(&self) -> Option<Vec<BString>> {
        let mut fixed = vec![BString::default()];
        for piece in &self.pieces {
            match (piece, fixed.last_mut()) {
                (Piece::Merged(text), Some(last)) => last.extend_from_slice(text),
                _ => fixed.push(BString::default()),
            }
        }
        let inner = fixed.get(1..fixed.len() - 1)?;
        (fixed.len() > 1 && inner.iter().all(|text| !text.is_empty())).then_some(fixed)
    }
}

/// Checks whether `before` ends with a whole line, or one of both is empty.
fn ends_a_line(before: &[u8], after: &[u8]) -> bool {
    before.is_empty() || after.is_empty() || before.ends_with(b"\n")
}

/// Returns where `lines` are in `text` as whole lines; `None` when they are not, or more than once.
fn only_place(text: &[u8], lines: &[u8]) -> Option<Range<usize>> {
    let begins_line = |at: &usize| *at == 0 || text[at - 1] == b'\n';
    let ends_line = |at: &usize| ends_a_line(lines, &text[at + lines.len()..]);
    let mut places = (0..text.len()).filter(begins_line).filter(|at| text[*at..].starts_with(lines)).filter(ends_line);
    let at = places.next()?;
    places.next().is_none().then_some(at..at + lines.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::super::text::{Hunk, Lines};
    use super::*;

    fn hunk() -> Piece {
        let side = |text: &str| Lines { start: 1, text: text.into() };
        Piece::Hunk(Hunk {
            base: side("b\n"),
            upstream: side("u\n"),
            patch: side("p\n"),
            nth: 0,
            alike: Default::default(),
        })
    }

    fn merge(texts: &[&str]) -> TextMerge {
        let merged = |text: &&str| (!text.is_empty()).then(|| Piece::Merged((*text).into()));
        let mut pieces: Vec<Piece> = Vec::new();
        for (n, text) in texts.iter().enumerate() {
            pieces.extend((n > 0).then(hunk));
            pieces.extend(merged(text));
        }
        TextMerge { pieces }
    }

    fn split(texts: &[&str], result: &str) -> Option<Vec<String>> {
        merge(texts).split(result.as_bytes()).map(|texts| texts.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_stands_in_the_place_of_each_hunk_is_found() {
        assert_eq!(split(&["a\n", "b\n", "c\n"], "a\nx\ny\nb\nc\n").unwrap(), ["x\ny\n", ""]);
        assert_eq!(split(&["", ""], "all of it").unwrap(), ["all of it"]);
        assert_eq!(split(&["a\n", ""], "a\nno end").unwrap(), ["no end"]);
        // The text left by one of two decided hunks is part of the text around it.
        let mut merged = merge(&["a\n", "c\n"]);
        merged.pieces.insert(1, Piece::Merged("b\n".into()));
        assert_eq!(merged.split(b"a\nb\nx\nc\n").unwrap(), ["x\n"]);
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        assert_eq!(split(&["a\n", "b\n", "c\n"], "a\nb\nx\nb\nc\n"), None);
        assert_eq!(split(&["a\n", "b\n", "c\n"], "a\nx\nc\n"), None, "a line that merged is gone");
        assert_eq!(split(&["a\n", "c\n"], "A\nx\nc\n"), None, "a line that merged was changed");
        assert_eq!(split(&["a\n", "a\n"], "a\n"), None, "one line is not two");
        assert_eq!(split(&["a\n", "c\n"], "a\nxc\n"), None, "half a line");
        assert_eq!(split(&["a\n"], "a\n"), None, "no hunk");
        let mut touching = merge(&["a\n", "b\n"]);
        touching.pieces.insert(1, hunk());
        assert_eq!(touching.split(b"a\nx\nb\n"), None);
    }

    proptest! {
        #[test]
        fn whatever_is_found_makes_the_result_again(
            fixed in proptest::collection::vec("([a-c]\n){0,3}", 1..4),
            result in "([a-c]\n){0,9}[a-c]?",
        ) {
            let texts: Vec<&str> = fixed.iter().map(String::as_str).collect();
            if let Some(found) = split(&texts, &result) {
                let mut again = texts[0].to_owned();
                found.iter().zip(&texts[1..]).for_each(|(text, fixed)| again.extend([text.as_str(), fixed]));
                prop_assert_eq!(again, result);
            }
        }
    }
}
