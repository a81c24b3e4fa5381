//! Lines with marks: a sign in front of a whole line, marks on words.

use std::ops::Range;

use bstr::BString;

use super::compare::{Change, Comparison, compare};
use super::glyphs::{Kind, Line};
use super::ink::{Ink, write};
use crate::stack::Lines;
use crate::ui::Look;

/// The mark of a glyph or a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// No mark.
    No,
    /// In the base: a side removed it.
    Gone,
    /// Upstream's side: the base does not have it.
    UpstreamsNew,
    /// The patch's side: the base does not have it.
    PatchsNew,
    /// In a proposal: upstream has it, and the patch does not.
    FromUpstream,
    /// In a proposal: the patch has it, and upstream does not.
    FromPatch,
    /// In a proposal: neither side has it.
    Neither,
}

impl Mark {
    /// Returns its sign, in front of a line or below a word.
    pub(super) const fn sign(self) -> char {
        match self {
            Mark::No => ' ',
            Mark::Gone => '-',
            Mark::UpstreamsNew | Mark::PatchsNew => '+',
            Mark::FromUpstream => 'u',
            Mark::FromPatch => 'p',
            Mark::Neither => '!',
        }
    }

    /// Returns its meaning, if it must be explained.
    pub(super) const fn meaning(self) -> Option<&'static str> {
        match self {
            Mark::FromUpstream => Some("upstream's"),
            Mark::FromPatch => Some("the patch's"),
            Mark::Neither => Some("on neither side"),
            _ => None,
        }
    }

    const fn ink_of_line(self) -> Ink {
        match self {
            Mark::No => Ink::Plain,
            Mark::Gone => Ink::GoneLine,
            Mark::UpstreamsNew | Mark::FromUpstream => Ink::UpstreamLine,
            Mark::PatchsNew | Mark::FromPatch => Ink::PatchLine,
            Mark::Neither => Ink::NeitherLine,
        }
    }

    const fn ink_of_word(self) -> Ink {
        match self {
            Mark::No => Ink::Plain,
            Mark::Gone => Ink::Gone,
            Mark::UpstreamsNew | Mark::FromUpstream => Ink::Upstream,
            Mark::PatchsNew | Mark::FromPatch => Ink::Patch,
            Mark::Neither => Ink::Neither,
        }
    }
}

/// A line to be shown.
#[derive(Debug, Clone)]
pub(super) struct Marked {
    line: Line,
    /// Its number, from 1.
    pub(super) number: Option<usize>,
    /// The mark of the whole line.
    pub(super) whole: Mark,
    marks: Vec<Mark>,
    context: bool,
}

/// The lines of a hunk, each side compared with the base.
#[derive(Debug)]
pub(super) struct Sides {
    /// Lines before it.
    pub(super) before: Vec<Marked>,
    /// Base, upstream, patch.
    pub(super) sides: [Vec<Marked>; 3],
    /// Lines after it.
    pub(super) after: Vec<Marked>,
    /// Which lines of the sides are beside each other, from the top; each line occurs once.
    pub(super) beside: Vec<[Option<usize>; 3]>,
}

impl Sides {
    /// Compares the sides of a hunk; `context` lines are shown around it, if there are so many.
    pub(super) fn new(look: &Look, hunk: [&Lines; 3], around: (&[BString], &[BString]), context: usize) -> Sides {
        let [base, upstream, patch] = hunk.map(|lines| Line::all(look, &lines.text));
        let (by_upstream, by_patch) = (compare(&base, &upstream), compare(&base, &patch));
        let beside = beside(&by_upstream, &by_patch);
        let gone = by_upstream.old.into_iter().zip(by_patch.old).map(|(a, b)| a.or(b)).collect();
        let [from_base, from_upstream, from_patch] = hunk.map(|lines| lines.start);
        let (before, after) = around;
        let before = &before[before.len().saturating_sub(context)..];
        let after = &after[..after.len().min(context)];
        Sides {
            before: unmarked(look, before),
            sides: [
                numbered(base, gone, Mark::Gone, from_base),
                numbered(upstream, by_upstream.new, Mark::UpstreamsNew, from_upstream),
                numbered(patch, by_patch.new, Mark::PatchsNew, from_patch),
            ],
            after: unmarked(look, after),
            beside,
        }
    }

    /// Returns the greatest line number.
    pub(super) fn greatest(&self) -> usize {
        let all = self.sides.iter().flatten();
        all.filter_map(|line| line.number).max().unwrap_or(1)
    }
}

/// Compares a proposal's lines with the sides: marks words from upstream, from the patch, and of neither side.
pub(super) fn proposed(look: &Look, text: &[u8], upstream: &Lines, patch: &Lines) -> Vec<Marked> {
    let lines = Line::all(look, text);
    let against = |side: &Lines| compare(&Line::all(look, &side.text), &lines).new;
    let (upstream, patch) = (against(upstream), against(patch));
    let mark = |not_upstreams: bool, not_patchs: bool| match (not_upstreams, not_patchs) {
        (false, false) => Mark::No,
        (false, true) => Mark::FromUpstream,
        (true, false) => Mark::FromPatch,
        (true, true) => Mark::Neither,
    };
    let marked = lines.into_iter().zip(upstream.into_iter().zip(patch)).map(|(line, (upstream, patch))| {
        let marks: Vec<Mark> = (0..line.glyphs.len()).map(|at| mark(upstream.is_at(at), patch.is_at(at))).collect();
        let of_all = mark(upstream == Change::Whole, patch == Change::Whole);
        let whole = match marks.first() {
            None => of_all,
            Some(first) if marks.iter().all(|mark| mark == first) => *first,
            Some(_) => Mark::No,
        };
        let marks = if whole == Mark::No { marks } else { vec![Mark::No; line.glyphs.len()] };
        Marked { line, number: None, whole, marks, context: false }
    });
    marked.collect()
}

/// Returns the lines around a hunk. They contain merged lines, so they may differ from every side: they have no number.
fn unmarked(look: &Look, lines: &[BString]) -> Vec<Marked> {
    let lines = lines.iter().map(|line| {
        let line = Line::new(look, line);
        let marks = vec![Mark::No; line.glyphs.len()];
        Marked { line, number: None, whole: Mark::No, marks, context: true }
    });
    lines.collect()
}

fn numbered(lines: Vec<Line>, changes: Vec<Change>, mark: Mark, first: usize) -> Vec<Marked> {
    let lines = lines.into_iter().zip(changes).zip(first..).map(|((line, change), number)| {
        let words = matches!(change, Change::Words(_));
        let at = |at: usize| if words && change.is_at(at) { mark } else { Mark::No };
        let marks = (0..line.glyphs.len()).map(at).collect();
        let whole = if change == Change::Whole { mark } else { Mark::No };
        Marked { line, number: Some(number), whole, marks, context: false }
    });
    lines.collect()
}

/// Pairs lines. Lines of a side without a partner in the base come before the next one that has a partner, beside
/// nothing of the base.
fn beside(upstream: &Comparison, patch: &Comparison) -> Vec<[Option<usize>; 3]> {
    let mut rows = Vec::new();
    let mut next = [0, 0];
    for (base, (upstream, patch)) in upstream.partner.iter().zip(&patch.partner).enumerate() {
        alone(next, [upstream.unwrap_or(next[0]), patch.unwrap_or(next[1])], &mut rows);
        rows.push([Some(base), *upstream, *patch]);
        next = [upstream.map_or(next[0], |at| at + 1), patch.map_or(next[1], |at| at + 1)];
    }
    alone(next, [upstream.new.len(), patch.new.len()], &mut rows);
    rows
}

/// Adds lines of upstream and the patch that are beside nothing of the base.
fn alone(from: [usize; 2], to: [usize; 2], rows: &mut Vec<[Option<usize>; 3]>) {
    let at = |side: usize, n: usize| Some(from[side] + n).filter(|at| *at < to[side]);
    let most = (to[0] - from[0]).max(to[1] - from[1]);
    rows.extend((0..most).map(|n| [None, at(0, n), at(1, n)]));
}

/// A row of a line on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Row {
    /// Its text, without blanks at its end.
    pub(super) text: String,
    /// Its columns.
    pub(super) width: usize,
    /// Whether it is the first row of its line.
    pub(super) first: bool,
}

impl Marked {
    /// Returns the marks in it, each once.
    pub(super) fn kinds(&self) -> impl Iterator<Item = Mark> {
        std::iter::once(self.whole).chain(self.marks.iter().copied())
    }

    /// Returns the line in rows of `width` columns.
    ///
    /// Without colours a row of signs is below every row with marked words. Brackets around the words would need no
    /// row, but they are not in the text, and a reader of a `Dockerfile` cannot know that. A proposal always has this
    /// row, because there the sign says more than that the word is new.
    pub(super) fn rows(&self, look: &Look, width: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        for (at, glyphs) in self.line.fold(width.max(1)).into_iter().enumerate() {
            rows.push(Row { first: at == 0, ..self.row(look, glyphs.clone()) });
            let said = self.marks[glyphs.clone()].iter().any(|mark| mark.meaning().is_some());
            if !look.colour || said {
                rows.extend(self.signs(look, glyphs));
            }
        }
        let mut remark = |text: String| {
            let text: String = text.chars().take(width).collect();
            rows.push(Row { width: text.chars().count(), text: write(look, Ink::Faint, &text), first: false });
        };
        if self.line.left_out > 0 {
            remark(format!("{} {} more bytes", look.ellipsis(), self.line.left_out));
        }
        if !self.line.is_ended() && !self.context {
            remark("\\ no newline at the end".to_owned());
        }
        rows
    }

    fn row(&self, look: &Look, glyphs: Range<usize>) -> Row {
        let width = self.line.width(glyphs.clone());
        let mut text = String::new();
        let mut start = glyphs.start;
        while start < glyphs.end {
            let ink = self.ink(start);
            let end = (start..glyphs.end).find(|at| self.ink(*at) != ink).unwrap_or(glyphs.end);
            text.push_str(&write(look, ink, &self.shown(look, start..end)));
            start = end;
        }
        Row { text, width, first: false }
    }

    fn ink(&self, at: usize) -> Ink {
        match (self.marks[at], self.line.glyphs[at].kind) {
            (Mark::No, Kind::Tab | Kind::Escape) => Ink::Faint,
            (Mark::No, _) if self.context => Ink::Faint,
            (Mark::No, _) => self.whole.ink_of_line(),
            (mark, _) => mark.ink_of_word(),
        }
    }

    /// Shows blanks at the end if the line differs there.
    fn shown(&self, look: &Look, glyphs: Range<usize>) -> String {
        let differs = self.whole != Mark::No || self.marks[glyphs.start] != Mark::No;
        let trailing = self.line.trailing().clamp(glyphs.start, glyphs.end);
        if !look.unicode || !differs {
            return self.line.shown(glyphs).to_owned();
        }
        format!("{}{}", self.line.shown(glyphs.start..trailing), "·".repeat(glyphs.end - trailing))
    }

    /// Returns the signs below marked words.
    fn signs(&self, look: &Look, glyphs: Range<usize>) -> Option<Row> {
        let mut plain = String::new();
        for at in glyphs {
            plain.extend(std::iter::repeat_n(self.marks[at].sign(), self.line.glyphs[at].width));
        }
        let plain = plain.trim_end();
        let text = write(look, Ink::Faint, plain);
        (!plain.is_empty()).then_some(Row { width: plain.len(), text, first: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_beside_those_whose_place_they_took() {
        let sides = |base: &str, upstream: &str, patch: &str| {
            let hunk = [base, upstream, patch].map(|text| Lines { start: 1, text: text.into() });
            Sides::new(&Look::plain(), hunk.each_ref(), (&[], &[]), 3).beside
        };
        let all = sides("a\nb\nc\n", "a\nnew\nb\n", "a\nB\nc\nmore\n");
        let rows =
            [[Some(0), Some(0), Some(0)], [None, Some(1), None], [Some(1), Some(2), Some(1)], [Some(2), None, Some(2)]];
        assert_eq!(all, [rows.as_slice(), &[[None, None, Some(3)]]].concat());
        assert_eq!(sides("", "x\ny\n", "z\n"), [[None, Some(0), Some(0)], [None, Some(1), None]]);
        assert!(sides("", "", "").is_empty());
    }
}
