//! Merges two edits that touch or share a line, but change different lines or words.

use bstr::BString;

use super::merge::{edits, merge};
use super::words::{Word, words};
use crate::stack::regions::lines;
use crate::stack::text::Hunk;

/// Proposes a merge if no line is changed by both.
pub(super) fn adjacent(hunk: &Hunk) -> Option<(String, BString)> {
    let [base, upstream, patch] = [&hunk.base, &hunk.upstream, &hunk.patch].map(|side| lines(&side.text));
    let merged = merge(&base, [&upstream, &patch], |line| !line.trim_ascii().is_empty())?;
    // Only the last line may lack its end.
    let (_, but_last) = merged.split_last()?;
    if !but_last.iter().all(|line| line.ends_with(b"\n")) {
        return None;
    }
    let reason = "upstream and the patch changed neighbouring lines, and no line was changed by both";
    Some((reason.to_owned(), BString::from(merged.concat())))
}

/// Proposes a merge word by word if no word of a line is changed by both. All sides must have the same number of lines,
/// and each line keeps at least half of its words: across lines words would be paired wrongly.
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
