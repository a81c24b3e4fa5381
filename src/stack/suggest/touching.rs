//! Two edits that touch or share a line, but no line or no word.

use bstr::BString;

use super::merge::{edits, merge};
use super::words::{Word, words};
use crate::stack::regions::lines;
use crate::stack::text::Hunk;

/// No line is changed by both.
pub(super) fn adjacent(hunk: &Hunk) -> Option<(String, BString)> {
    let [base, upstream, patch] = [&hunk.base, &hunk.upstream, &hunk.patch].map(|side| lines(&side.text));
    let merged = merge(&base, [&upstream, &patch], |line| !line.trim_ascii().is_empty())?;
    // Only the last line may be open.
    let (_, but_last) = merged.split_last()?;
    if !but_last.iter().all(|line| line.ends_with(b"\n")) {
        return None;
    }
    let reason = "upstream and the patch changed neighbouring lines, and no line was changed by both";
    Some((reason.to_owned(), BString::from(merged.concat())))
}

/// No word of a line is changed by both, where lines stay lines: all sides have as many, and each keeps at least half of
/// the words. Across lines words find the wrong partners.
pub(super) fn word_by_word(hunk: &Hunk) -> Option<(String, BString)> {
    let sides = [&hunk.base, &hunk.upstream, &hunk.patch].map(|side| &side.text);
    let [base, upstream, patch] = sides.map(|text| words(text));
    if !keeps_half(&base, &upstream)? || !keeps_half(&base, &patch)? {
        return None;
    }
    let [base, upstream, patch] = sides.map(|text| lines(text));
    if base.len() != upstream.len() || base.len() != patch.len() {
        return None;
    }
    let mut text = BString::default();
    for ((base, upstream), patch) in base.into_iter().zip(upstream).zip(patch) {
        let [base, upstream, patch] = [base, upstream, patch].map(words);
        let merged = merge(&base, [&upstream, &patch], |word| word.speaks())?;
        merged.iter().for_each(|word| text.extend_from_slice(word.text));
    }
    let reason = "upstream and the patch changed different words of these lines";
    Some((reason.to_owned(), text))
}

/// Checks whether at least half of the words of `old` are kept in `new`.
fn keeps_half(old: &[Word<'_>], new: &[Word<'_>]) -> Option<bool> {
    let speaking = |words: &[Word<'_>]| words.iter().filter(|word| word.speaks()).count();
    let changed: usize = edits(old, new)?.into_iter().map(|edit| speaking(&old[edit.old])).sum();
    Some(changed * 2 <= speaking(old))
}
