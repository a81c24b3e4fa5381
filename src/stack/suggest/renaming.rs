//! Applies upstream's replacements of words to the patch's lines, wherever the words are.
//!
//! If `S(base) = upstream`, then `S(patch)` is proposed. Unlike a merge word by word, this also changes words that the
//! patch added.

use std::collections::BTreeMap;

use bstr::BString;

use super::merge::edits;
use super::said::{names, pairs};
use super::words::{Kind, Word, owners, words};
use crate::stack::text::Hunk;

/// Upstream's replacements of words: each is replaced by one other, wherever it is.
struct Renaming<'t> {
    /// By the old word; only those that changed.
    by: BTreeMap<Word<'t>, Word<'t>>,
    /// For each changed number, the names that it belongs to.
    of: BTreeMap<Word<'t>, Vec<Option<&'t [u8]>>>,
}

/// Proposes a renaming if upstream's edit consists only of renamed words.
pub(super) fn renaming(hunk: &Hunk) -> Option<(String, BString)> {
    let [base, upstream, patch] = [&hunk.base, &hunk.upstream, &hunk.patch].map(|side| words(&side.text));
    if base.len() != upstream.len() {
        return None;
    }
    let renamed: Vec<_> = base.iter().copied().zip(upstream).map(|(old, new)| (old, Some(new))).collect();
    let renaming = Renaming::of(&renamed)?;
    let text = renaming.apply(&patch)?;
    Some((format!("upstream renamed {} here; the same in the patch's lines", renaming.said()), text))
}

/// Proposes a renaming if upstream renamed words and removed others, and the patch has none of the removed ones.
pub(super) fn with_removal(hunk: &Hunk) -> Option<(String, BString)> {
    let [base, upstream, patch] = [&hunk.base, &hunk.upstream, &hunk.patch].map(|side| words(&side.text));
    let mut became: Vec<_> = base.iter().map(|word| (*word, Some(*word))).collect();
    let mut removed = Vec::new();
    for edit in edits(&base, &upstream)? {
        let new = &upstream[edit.new];
        if new.len() == edit.old.len() {
            for (at, new) in edit.old.zip(new) {
                became[at].1 = Some(*new);
            }
        } else if new.is_empty() {
            for at in edit.old {
                became[at].1 = None;
                removed.push(base[at]);
            }
        } else {
            return None;
        }
    }
    // A removed line is more than a removed word.
    if removed.iter().any(|word| word.kind == Kind::LineEnd) {
        return None;
    }
    removed.retain(|word| word.speaks());
    if removed.is_empty() || removed.iter().any(|word| patch.contains(word)) {
        return None;
    }
    let renaming = Renaming::of(&became)?;
    let text = renaming.apply(&patch)?;
    let (said, gone) = (renaming.said(), names(&removed));
    Some((
        format!("upstream renamed {said} here and removed {gone}, which the patch replaced; the rename in its lines"),
        text,
    ))
}

impl<'t> Renaming<'t> {
    /// Returns the renaming from pairs of old and new words; `None`: removed. Conditions: a word has only one
    /// replacement, a new word is not renamed itself, neither punctuation nor a lone digit is replaced, at least half
    /// of the words stay.
    fn of(became: &[(Word<'t>, Option<Word<'t>>)]) -> Option<Renaming<'t>> {
        let olds: Vec<_> = became.iter().map(|(old, _)| *old).collect();
        let owners = owners(&olds);
        let (mut by, mut of) = (BTreeMap::new(), BTreeMap::<_, Vec<_>>::new());
        for ((old, new), owner) in became.iter().zip(owners) {
            let Some(new) = new else { continue };
            if *by.entry(*old).or_insert(*new) != *new {
                return None;
            }
            if old != new {
                of.entry(*old).or_default().push(owner);
            }
        }
        by.retain(|old, new| old != new);
        let wrong = |word: &Word<'_>| !word.speaks() || word.is_lone_digit();
        if by.is_empty() || by.iter().any(|(old, new)| wrong(old) || wrong(new) || by.contains_key(new)) {
            return None;
        }
        let spoken = became.iter().filter(|(old, _)| old.speaks());
        let (mut kept, mut all) = (0, 0);
        for (old, new) in spoken {
            all += 1;
            kept += usize::from(Some(*old) == *new);
        }
        (kept * 2 >= all).then_some(Renaming { by, of })
    }

    /// Applies the renaming; `None` when there is nothing to rename, or a number belongs to something else.
    fn apply(&self, patch: &[Word<'_>]) -> Option<BString> {
        let mut text = BString::default();
        let mut any = false;
        for (word, owner) in patch.iter().zip(owners(patch)) {
            match self.by.get(word) {
                Some(_) if word.is_number() && !self.of[word].contains(&owner) => return None,
                Some(new) => {
                    any = true;
                    text.extend_from_slice(new.text);
                }
                None => text.extend_from_slice(word.text),
            }
        }
        any.then_some(text)
    }

    fn said(&self) -> String {
        pairs(&self.by.iter().map(|(old, new)| (*old, *new)).collect::<Vec<_>>())
    }
}
