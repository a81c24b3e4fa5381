//! Lays out a conflict for a screen of a given size: a header and the keys, which stay, and between them the body,
//! which scrolls.

use std::rc::Rc;

use unicode_width::UnicodeWidthStr;

use super::body::{Body, BodyRow, body};
use super::ink::{Ink, write};
use super::prose::{cut, name_and_text, wrap};
use super::question::Question;
use crate::ui::Look;

/// How many lines of context to show, from the wanted to the least number.
const CONTEXT: [usize; 3] = [3, 2, 1];

/// How many rows less context can save: four lines, folded.
const MOST_GAINED: usize = 12;

/// A screen with fewer rows than this has no room for rules.
const LOW: usize = 12;

/// A question laid out for a screen.
pub(super) struct View {
    look: Look,
    columns: usize,
    rows: usize,
    header: Vec<String>,
    body: Vec<BodyRow>,
    /// Replaces the lower rule, so that nothing moves when it comes or goes.
    message: Vec<String>,
    footer: Vec<String>,
}

impl View {
    /// Lays out `question` on a screen of `columns` and `rows`, with `message` above the keys.
    pub(super) fn new(look: &Look, columns: usize, rows: usize, question: &Question, message: Option<&str>) -> View {
        let most = (rows / 3).max(1);
        let mut footer = keys(look, columns, most, question);
        footer.truncate(rows);
        let mut message = message.map_or(Vec::new(), |message| wrap(look, message, columns));
        message.iter_mut().for_each(|row| *row = write(look, Ink::Careful, row));
        message.truncate(most.min(rows - footer.len()));
        let mut header = header(look, columns, most, question);
        header.truncate(rows - footer.len() - message.len());
        let mut view = View { look: *look, columns, rows, header, body: Vec::new(), message, footer };
        let page = view.page();
        let laid_out = |context: usize| body(look, columns, context, question);
        let all = laid_out(CONTEXT[0]);
        // Less context is better than a proposal that is not visible; if it is far out of sight anyway, the context
        // stays.
        let enough = |body: &Body| body.first_sight <= page;
        let fewer = || match all.first_sight <= page + MOST_GAINED {
            true => CONTEXT[1..].iter().map(|context| laid_out(*context)).find(enough),
            false => None,
        };
        view.body = if enough(&all) { all } else { fewer().unwrap_or(all) }.rows;
        view
    }

    /// Returns how many rows of the body are on the screen at once.
    pub(super) fn page(&self) -> usize {
        self.rows.saturating_sub(self.header.len() + self.below() + usize::from(self.has_rules()))
    }

    /// Returns the furthest that the body can be scrolled: the rows that are above the screen then.
    pub(super) fn furthest(&self) -> usize {
        self.body.len().saturating_sub(self.page())
    }

    /// Returns the rows of the screen, as many as it has, while `scroll` rows of the body are above it.
    pub(super) fn frame(&self, scroll: usize) -> Vec<String> {
        let scroll = scroll.min(self.furthest());
        let page = self.page();
        let shown = &self.body[scroll..(scroll + page).min(self.body.len())];
        let mut frame = self.header.clone();
        if self.has_rules() {
            frame.push(self.rule_above(shown.first()));
        }
        for (at, row) in shown.iter().enumerate() {
            let side = row.side.map_or(String::new(), |side| side.shown(&self.look, at == 0));
            frame.push(format!("{side}{}", row.text).trim_end().to_owned());
        }
        frame.resize(self.rows - self.below(), String::new());
        if self.has_rules() && self.message.is_empty() {
            frame.push(rule(&self.look, self.columns, &self.position(scroll, shown.len())));
        }
        frame.extend(self.message.iter().chain(&self.footer).cloned());
        frame
    }

    /// Checks whether there are rules above and below the body: only if it has room for rows itself.
    const fn has_rules(&self) -> bool {
        self.rows >= LOW && self.header.len() + self.message.len() + self.footer.len() + 2 < self.rows
    }

    /// Returns the number of rows below the body.
    fn below(&self) -> usize {
        self.message.len().max(usize::from(self.has_rules())) + self.footer.len()
    }

    fn rule_above(&self, topmost: Option<&BodyRow>) -> String {
        match topmost.and_then(|row| row.above.as_ref().map(Rc::clone)) {
            Some(above) => above.to_string(),
            None => rule(&self.look, self.columns, ""),
        }
    }

    /// Returns which rows are on the screen, if not all are.
    fn position(&self, scroll: usize, shown: usize) -> String {
        let all = self.body.len();
        if shown == all {
            return String::new();
        }
        let more = if scroll + shown < all { "space: more" } else { "the end" };
        format!(" {}-{} of {all} rows, {more} ", scroll + 1, scroll + shown)
    }
}

/// Returns a rule with `text` near its right end.
pub(super) fn rule(look: &Look, columns: usize, text: &str) -> String {
    let line = if look.unicode { "─" } else { "-" };
    let text = if text.width() + 4 > columns { "" } else { text };
    let right = if text.is_empty() { 0 } else { 2 };
    let left = columns - text.width() - right;
    let paint = |text: &str| write(look, Ink::Faint, text);
    format!("{}{text}{}", paint(&line.repeat(left)), paint(&line.repeat(right)))
}

/// Returns the place in the refresh, the patch, the file and the kind of conflict.
fn header(look: &Look, columns: usize, most: usize, question: &Question) -> Vec<String> {
    let heading = &question.heading;
    let place = question.where_it_is();
    let progress = progress(look, columns, question);
    let mut rows = vec![progress.clone()];
    rows.extend(name_and_text(look, &heading.patch_file, &heading.subject, columns));
    rows.extend(name_and_text(look, &place, &question.what, columns));
    if rows.len() <= most {
        return rows;
    }
    // There is no room for sentences: the names are shown, one row each, and the end of a path rather than its
    // beginning.
    let strong = |text: &str| write(look, Ink::Strong, &cut(look, text, columns));
    let mut rows = vec![progress, strong(&tail(look, &place, columns)), strong(&heading.patch_file)];
    if most > 3 {
        rows.push(cut(look, &question.what, columns));
    }
    rows.truncate(most);
    rows
}

/// Returns the end of a path that fits.
fn tail(look: &Look, path: &str, columns: usize) -> String {
    let mut path = path;
    while path.width() > columns {
        match path.split_once('/') {
            Some((_, rest)) => path = rest,
            None => return cut(look, path, columns),
        }
    }
    path.to_owned()
}

/// Returns `kubeflow  v1.6.0 → v1.7.0` at the left, `patch 3 of 7, conflict 2 of 5` at the right.
fn progress(look: &Look, columns: usize, question: &Question) -> String {
    let heading = &question.heading;
    let ((patch, patches), (conflict, conflicts)) = (heading.patch, heading.conflict);
    let arrow = if look.unicode { "→" } else { "->" };
    let moves = format!("  {} {arrow} {}", heading.from, heading.to);
    let decided = || ["everything is decided", "decided", ""].map(str::to_owned);
    let counted = || {
        [
            format!("patch {patch} of {patches}, conflict {conflict} of {conflicts}"),
            format!("patch {patch}/{patches}, conflict {conflict}/{conflicts}"),
            format!("{patch}/{patches} {conflict}/{conflicts}"),
        ]
    };
    let right = if conflicts == 0 { decided() } else { counted() };
    // The versions are more important than the words of the progress, and less than the name.
    let fits = |left: &str, right: &&String| left.width() + 2 + right.width() <= columns;
    let whole = format!("{}{moves}", heading.upstream);
    let fitting = right.iter().find(|right| fits(&whole, right));
    let moves = if fitting.is_some() { cut(look, &moves, columns) } else { String::new() };
    let fitting = fitting.or_else(|| right.iter().find(|right| fits(&heading.upstream, right)));
    let right = cut(look, fitting.unwrap_or(&right[2]), columns);
    let room = columns - right.width();
    let name = cut(look, &heading.upstream, room.saturating_sub(moves.width() + 2));
    let gap = " ".repeat(room.saturating_sub(name.width() + moves.width()));
    format!("{}{moves}{gap}{right}", write(look, Ink::Strong, &name))
}

/// Returns the keys with their meanings, in at most `most` rows; if there is no room, only the keys.
fn keys(look: &Look, columns: usize, most: usize, question: &Question) -> Vec<String> {
    let proposals = question.proposals.iter().map(|proposal| (proposal.key, proposal.label.as_str()));
    let choices = question.choices.iter().map(|choice| (choice.key, choice.label.as_str()));
    let all: Vec<(char, &str)> = proposals.chain(choices).chain([('?', "explain")]).collect();
    let rows = flow(look, columns, &all, |key, label| (format!("[{key}]"), format!(" {label}")), 3);
    if rows.len() <= most {
        return rows;
    }
    flow(look, columns, &all, |key, _| (key.to_string(), String::new()), 1)
}

/// Puts as many entries in a row as fit.
fn flow(
    look: &Look,
    columns: usize,
    entries: &[(char, &str)],
    shown: impl Fn(char, &str) -> (String, String),
    gap: usize,
) -> Vec<String> {
    let mut rows: Vec<(String, usize)> = Vec::new();
    for (key, label) in entries {
        let (key, label) = shown(*key, label);
        let label = cut(look, &label, columns.saturating_sub(key.width()));
        let width = key.width() + label.width();
        let entry = format!("{}{label}", write(look, Ink::Key, &key));
        match rows.last_mut().filter(|(_, used)| used + gap + width <= columns) {
            Some((row, used)) => {
                row.push_str(&" ".repeat(gap));
                row.push_str(&entry);
                *used += gap + width;
            }
            None => rows.push((entry, width)),
        }
    }
    rows.into_iter().map(|(row, _)| row).collect()
}
