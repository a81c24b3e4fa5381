//! The part of the screen that scrolls: the sides, the proposals, and the upstream commits.

use std::rc::Rc;

use unicode_width::UnicodeWidthStr;

use super::ink::{Ink, write};
use super::marked::{Mark, Marked, Row, Sides, proposed};
use super::pages::fold_styled;
use super::prose::{cut, hanging};
use super::question::{self, ChangedBy, Proposal, Question, UpstreamCommitLine};
use crate::ui::Look;

/// From this many columns on the sides are shown side by side.
const SIDE_BY_SIDE: usize = 100;

/// But not if this needs so many more rows than one above the other: long lines in narrow columns are not readable.
const MOST_FOLDED: usize = 6;

/// Below this many columns a side's name is above it instead of before it.
const NARROW: usize = 40;

/// The names of the sides.
const NAMES: [&str; 3] = ["base", "upstream", "patch"];

/// Columns of the longest of [`NAMES`], and the gap after it.
const NAME: usize = 10;

/// Shown if a side has no lines.
const NO_LINES: &str = "(no lines)";

/// A row of the body.
#[derive(Debug, Clone, Default)]
pub(super) struct BodyRow {
    /// The text in the rule above while this is the topmost row; empty for a plain rule.
    pub(super) above: Option<Rc<str>>,
    /// The side of the row, shown before it if the sides are one above the other.
    pub(super) side: Option<Side>,
    /// The text after that.
    pub(super) text: String,
}

/// The name of a side in front of its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    name: &'static str,
    /// Whether it is the first of its rows.
    first: bool,
}

impl Side {
    /// Returns the name; only the first row and the topmost on the screen show it.
    pub(super) fn shown(self, look: &Look, topmost: bool) -> String {
        let name = if self.first || topmost { self.name } else { "" };
        let ink = if self.first { Ink::Strong } else { Ink::Faint };
        format!("{}{}", write(look, ink, name), " ".repeat(NAME - name.len()))
    }
}

impl BodyRow {
    fn plain(text: String) -> BodyRow {
        BodyRow { text, ..BodyRow::default() }
    }
}

/// The rows of the body.
#[derive(Debug)]
pub(super) struct Body {
    /// All rows.
    pub(super) rows: Vec<BodyRow>,
    /// How many of them should be visible without scrolling: those up to the end of the first proposal.
    pub(super) first_sight: usize,
}

/// Returns the body for a screen of `columns`, with up to `context` lines around the lines in question.
pub(super) fn body(look: &Look, columns: usize, context: usize, question: &Question) -> Body {
    let mut indent = 0;
    let mut rows = match &question.body {
        question::Body::Whole(sides) => whole(look, columns, sides),
        question::Body::Text(lines) => fold_styled(look, columns, lines).into_iter().map(BodyRow::plain).collect(),
        question::Body::Lines { before, base, upstream, patch, after } => {
            let sides = Sides::new(look, [base, upstream, patch], (before, after), context);
            let fronts = sides.greatest().to_string().len().max(3);
            let above = stacked(look, columns, fronts, &sides);
            let beside = (columns >= SIDE_BY_SIDE).then(|| side_by_side(look, columns, fronts, &sides));
            match beside.filter(|beside| beside.len() <= above.len() + MOST_FOLDED) {
                Some(beside) => {
                    indent = fronts;
                    beside
                }
                None => {
                    indent = if columns < NARROW { 0 } else { NAME + fronts };
                    above
                }
            }
        }
    };
    let mut first_sight = None;
    for proposal in &question.proposals {
        part(&mut rows, proposal_rows(look, columns, indent, proposal, &question.body));
        first_sight.get_or_insert(rows.len());
    }
    // These come after the proposals: no one should take a proposal that is not visible.
    for note in &question.notes {
        part(&mut rows, hanging(look, ("note: ", Ink::Careful), (note, Ink::Plain), columns));
    }
    part(&mut rows, changed_by(look, columns, &question.changed_by));
    Body { first_sight: first_sight.unwrap_or(rows.len()), rows }
}

/// Adds rows that belong together, after a blank one.
fn part(rows: &mut Vec<BodyRow>, part: Vec<String>) {
    if !part.is_empty() {
        rows.push(BodyRow::default());
        rows.extend(part.into_iter().map(BodyRow::plain));
    }
}

/// Returns the sides of a whole file, one below the other.
fn whole(look: &Look, columns: usize, sides: &[(String, String)]) -> Vec<BodyRow> {
    let width = sides.iter().map(|(name, _)| cut(look, name, columns / 2).width()).max().unwrap_or(0) + 2;
    let rows = sides.iter().flat_map(|(name, what)| {
        let name = cut(look, name, columns / 2);
        let prefix = format!("{name}{}", " ".repeat(width - name.width()));
        hanging(look, (&prefix, Ink::Strong), (what, Ink::Plain), columns)
    });
    rows.map(BodyRow::plain).collect()
}

/// Returns the front of a row: number, sign and blanks, equally wide for every row.
fn front(look: &Look, line: &Marked, row: &Row, digits: usize) -> String {
    let number = line.number.filter(|_| row.first).map_or(String::new(), |number| number.to_string());
    let sign = if row.first { line.whole.sign() } else { ' ' };
    let (number, sign) = (write(look, Ink::Faint, &format!("{number:>digits$}")), sign.to_string());
    format!("{number} {} ", if sign == " " { sign } else { write(look, Ink::Strong, &sign) })
}

/// Returns a line with its front.
fn fronted(look: &Look, line: &Marked, width: usize, digits: usize) -> Vec<Row> {
    let rows = line.rows(look, width.saturating_sub(digits + 3)).into_iter();
    rows.map(|row| Row { text: front(look, line, &row, digits) + &row.text, width: row.width + digits + 3, ..row })
        .collect()
}

/// Shows the sides one above the other.
fn stacked(look: &Look, columns: usize, digits: usize, sides: &Sides) -> Vec<BodyRow> {
    let narrow = columns < NARROW;
    let room = if narrow { columns } else { columns - NAME };
    let mut rows = Vec::new();
    let mut show = |name: &'static str, lines: &[Marked]| {
        let mut first = true;
        if narrow && !name.is_empty() {
            rows.push(BodyRow::plain(write(look, Ink::Strong, name)));
        }
        for row in lines.iter().flat_map(|line| fronted(look, line, room, digits)) {
            let side = (!narrow).then_some(Side { name, first });
            rows.push(BodyRow { side, text: row.text, ..BodyRow::default() });
            first = false;
        }
        if lines.is_empty() && !name.is_empty() {
            let side = (!narrow).then_some(Side { name, first });
            rows.push(BodyRow { side, text: no_lines(look, digits), ..BodyRow::default() });
        }
    };
    show("", &sides.before);
    for (name, lines) in NAMES.iter().zip(&sides.sides) {
        show(name, lines);
    }
    show("", &sides.after);
    rows
}

fn no_lines(look: &Look, digits: usize) -> String {
    format!("{}{}", " ".repeat(digits + 3), write(look, Ink::Faint, NO_LINES))
}

/// The three columns of the screen.
struct Columns {
    widths: [usize; 3],
    /// The rule above them, with the names.
    above: Rc<str>,
    between: String,
    /// The rule below them.
    below: String,
}

impl Columns {
    fn new(look: &Look, columns: usize) -> Columns {
        let each = (columns - 6) / 3;
        let widths = [each, each, columns - 6 - 2 * each];
        let (bar, cross, foot, line) = if look.unicode { ("│", "┬", "┴", "─") } else { ("|", "+", "+", "-") };
        let mut above = String::new();
        for (at, (name, width)) in NAMES.iter().zip(widths).enumerate() {
            // The name is where the column's text begins: at the screen's edge, or one column after the bar.
            if at > 0 {
                above += &format!("{} ", write(look, Ink::Faint, cross));
            }
            let rest = width - name.len() - 1 + usize::from(at < 2);
            above += &write(look, Ink::Strong, name);
            above += &format!(" {}", write(look, Ink::Faint, &line.repeat(rest)));
        }
        let below = widths.map(|width| line.repeat(width)).join(&format!("{line}{foot}{line}"));
        let between = format!(" {} ", write(look, Ink::Faint, bar));
        Columns { widths, above: above.into(), between, below: write(look, Ink::Faint, &below) }
    }

    /// Adds lines of the three sides that begin in the same row.
    fn cells(&self, cells: &[Vec<Row>; 3], out: &mut Vec<BodyRow>) {
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            let mut text = String::new();
            for (side, cell) in cells.iter().enumerate() {
                let row = cell.get(at).cloned().unwrap_or_default();
                text += &row.text;
                if side < 2 {
                    text += &" ".repeat(self.widths[side].saturating_sub(row.width));
                    text += &self.between;
                }
            }
            out.push(BodyRow { above: Some(Rc::clone(&self.above)), side: None, text: text.trim_end().to_owned() });
        }
    }
}

/// Shows the sides side by side; lines that replaced each other begin in one row. The context is not in columns.
fn side_by_side(look: &Look, columns: usize, digits: usize, sides: &Sides) -> Vec<BodyRow> {
    let around = |lines: &[Marked]| -> Vec<BodyRow> {
        let rows = lines.iter().flat_map(|line| fronted(look, line, columns, digits));
        rows.map(|row| BodyRow::plain(row.text)).collect()
    };
    let shape = Columns::new(look, columns);
    let mut rows = around(&sides.before);
    if !rows.is_empty() {
        rows.push(BodyRow::plain(shape.above.to_string()));
    }
    for (row, lines) in sides.beside.iter().enumerate() {
        let cells = [0, 1, 2].map(|side: usize| match lines[side] {
            Some(at) => fronted(look, &sides.sides[side][at], shape.widths[side], digits),
            None if row == 0 && sides.sides[side].is_empty() => {
                vec![Row { text: no_lines(look, digits), width: digits + 3 + NO_LINES.len(), first: true }]
            }
            None => Vec::new(),
        });
        shape.cells(&cells, &mut rows);
    }
    if !sides.after.is_empty() {
        rows.push(BodyRow { above: Some(Rc::clone(&shape.above)), side: None, text: shape.below });
        rows.extend(around(&sides.after));
    }
    rows
}

/// Returns the key, the title, the reason, and the lines with marked words; the lines are indented by `indent` columns,
/// to be below the sides' lines.
fn proposal_rows(
    look: &Look,
    columns: usize,
    indent: usize,
    proposal: &Proposal,
    body: &question::Body,
) -> Vec<String> {
    let key = format!("[{}] ", proposal.key);
    let mut rows = hanging(look, (&key, Ink::Key), (&proposal.title, Ink::Strong), columns);
    if !proposal.reason.is_empty() {
        rows.extend(hanging(look, ("    ", Ink::Plain), (&proposal.reason, Ink::Plain), columns));
    }
    let (Some(text), question::Body::Lines { upstream, patch, .. }) = (&proposal.text, body) else { return rows };
    let lines = proposed(look, text, upstream, patch);
    // Without numbers: how many lines come before them is known only at the end.
    rows.extend(lines.iter().flat_map(|line| fronted(look, line, columns, indent)).map(|row| row.text));
    if lines.is_empty() {
        rows.push(no_lines(look, indent));
    }
    let meant = [Mark::FromUpstream, Mark::FromPatch, Mark::Neither].into_iter();
    let meant = meant.filter(|mark| lines.iter().flat_map(Marked::kinds).any(|kind| kind == *mark));
    let meant = meant.filter_map(|mark| Some(format!("{}: {}", mark.sign(), mark.meaning()?)));
    let legend = meant.collect::<Vec<_>>().join(", ");
    if !legend.is_empty() {
        let blanks = " ".repeat(indent + 3);
        rows.extend(hanging(look, (&blanks, Ink::Plain), (&legend, Ink::Faint), columns));
    }
    rows
}

/// Returns the commits, one row each and one for the link.
fn changed_by(look: &Look, columns: usize, changed_by: &ChangedBy) -> Vec<String> {
    let faint = |text: &str| hanging(look, ("", Ink::Plain), (text, Ink::Faint), columns);
    let mut rows = Vec::new();
    match changed_by {
        ChangedBy::NotAsked => {}
        ChangedBy::Skipped(why) => rows = faint(&format!("the upstream commits behind this are unknown: {why}")),
        ChangedBy::Commits(commits) if commits.is_empty() => {}
        ChangedBy::Commits(commits) => {
            rows = faint("changed upstream by");
            for UpstreamCommitLine { id, date, subject, link } in commits {
                let text = format!("{id} {date} {subject}");
                rows.extend(hanging(look, ("  ", Ink::Plain), (&text, Ink::Plain), columns));
                if let Some(link) = link {
                    rows.extend(hanging(look, ("    ", Ink::Plain), (link, Ink::Faint), columns));
                }
            }
        }
    }
    rows
}
