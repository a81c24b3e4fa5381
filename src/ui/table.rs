//! Makes tables that fit the screen.
//!
//! Every column is as wide as its widest cell. If the table is wider than the screen, first the widest of the columns
//! that may be cut is cut, cell by cell, down to its least width; then columns are left out, the least important first.
//! A line never ends in blanks.

use std::borrow::Cow;

use console::{measure_text_width, truncate_str};

use super::{Look, Paint};
use crate::path::printable;

/// Blanks between two columns.
const GAP: usize = 2;

/// The least number of columns of a cut folder, with its slash.
const LEAST_FOLDER: usize = 6;

/// A column of a table.
#[derive(Debug, Clone)]
pub struct Column {
    title: &'static str,
    right: bool,
    least: Option<usize>,
    order: u8,
    path: bool,
}

impl Column {
    /// Makes a column that is never cut and never left out, aligned left.
    #[must_use]
    pub const fn new(title: &'static str) -> Column {
        Column { title, right: false, least: None, order: 0, path: false }
    }

    /// Aligns right, for numbers.
    #[must_use]
    pub const fn right(mut self) -> Column {
        self.right = true;
        self
    }

    /// Allows cutting down to `least` columns of the screen.
    #[must_use]
    pub const fn cut_to(mut self, least: usize) -> Column {
        self.least = Some(least);
        self
    }

    /// For paths: they are cut in the middle, because a file is recognized by its name and its nearest folders.
    #[must_use]
    pub const fn path(mut self) -> Column {
        self.path = true;
        self
    }

    /// Allows leaving it out; the highest `order` is left out first.
    #[must_use]
    pub const fn optional(mut self, order: u8) -> Column {
        self.order = order;
        self
    }
}

/// One field: text without line breaks, and its colour.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// Makes a cell with `text`; it is made printable here.
    #[must_use]
    pub fn new(text: impl AsRef<[u8]>) -> Cell {
        Cell { text: printable(text.as_ref()), paint: Paint::Plain }
    }

    /// Returns the same in a colour.
    #[must_use]
    pub const fn paint(mut self, paint: Paint) -> Cell {
        self.paint = paint;
        self
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell::new(text.as_ref())
    }
}

/// Columns and rows.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Makes a table without rows.
    #[must_use]
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Table {
        Table { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row, one cell per column; missing cells are empty, extra ones are ignored.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut row: Vec<Cell> = cells.into_iter().take(self.columns.len()).collect();
        row.resize_with(self.columns.len(), || Cell::new(""));
        self.rows.push(row);
    }

    /// Checks whether there are only titles.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the titles and the rows, each line ended by a line feed. Columns that are empty in every row are left
    /// out, and so are the titles if all are empty.
    #[must_use]
    pub fn render(&self, look: &Look) -> String {
        let layout = self.layout(look);
        let mut out = String::new();
        if self.columns.iter().any(|column| !column.title.is_empty()) {
            let titles: Vec<Cell> =
                self.columns.iter().map(|column| Cell::new(column.title).paint(Paint::Strong)).collect();
            self.line(&mut out, look, &layout, &titles);
        }
        for row in &self.rows {
            self.line(&mut out, look, &layout, row);
        }
        out
    }

    /// Returns the shown columns with their widths.
    fn layout(&self, look: &Look) -> Vec<(usize, usize)> {
        let mut shown: Vec<(usize, usize)> = (0..self.columns.len())
            .filter_map(|at| {
                let widest = self.rows.iter().map(|row| measure_text_width(&row[at].text)).max().unwrap_or(0);
                let empty = widest == 0 && !self.rows.is_empty();
                (!empty).then(|| (at, widest.max(measure_text_width(self.columns[at].title))))
            })
            .collect();
        if look.width == 0 {
            return shown;
        }
        loop {
            if self.cut(&mut shown, look.width) {
                return shown;
            }
            let last = shown.iter().enumerate().filter(|(_, (at, _))| self.columns[*at].order > 0);
            let Some(goes) =
                last.max_by_key(|(place, (at, _))| (self.columns[*at].order, *place)).map(|(place, _)| place)
            else {
                return shown;
            };
            shown.remove(goes);
        }
    }

    /// Cuts columns until the table fits into `width`. If that is impossible, all columns become as narrow as allowed
    /// if none can be left out; otherwise they stay as they were.
    fn cut(&self, shown: &mut [(usize, usize)], width: usize) -> bool {
        let gaps = GAP * shown.len().saturating_sub(1);
        let total = |shown: &[(usize, usize)]| shown.iter().map(|(_, wide)| wide).sum::<usize>() + gaps;
        let before = shown.to_vec();
        while total(shown) > width {
            let spare = |(at, wide): &(usize, usize)| self.columns[*at].least.is_some_and(|least| *wide > least.max(1));
            let Some(widest) = shown.iter_mut().filter(|column| spare(column)).max_by_key(|(_, wide)| *wide) else {
                if before.iter().any(|(at, _)| self.columns[*at].order > 0) {
                    shown.copy_from_slice(&before);
                }
                return false;
            };
            widest.1 -= 1;
        }
        true
    }

    fn line(&self, out: &mut String, look: &Look, layout: &[(usize, usize)], row: &[Cell]) {
        let mut pending = 0;
        for (place, (at, wide)) in layout.iter().enumerate() {
            if place > 0 {
                pending += GAP;
            }
            let cell = &row[*at];
            let text = if self.columns[*at].path {
                shortened_path(&cell.text, *wide, look.ellipsis())
            } else {
                truncate_str(&cell.text, *wide, look.ellipsis())
            };
            let text = text.trim_end();
            let blanks = wide.saturating_sub(measure_text_width(text));
            if text.is_empty() {
                pending += blanks;
                continue;
            }
            let (front, back) = if self.columns[*at].right { (blanks, 0) } else { (0, blanks) };
            out.push_str(&" ".repeat(pending + front));
            out.push_str(&look.paint(cell.paint, text));
            pending = back;
        }
        out.push('\n');
    }
}

/// Shortens `path` to at most `wide` columns: first folders are cut from the middle, then from the front, the file's
/// name last.
fn shortened_path<'p>(path: &'p str, wide: usize, ellipsis: &str) -> Cow<'p, str> {
    if measure_text_width(path) <= wide {
        return path.into();
    }
    let parts: Vec<&str> = path.split('/').collect();
    let cut = |head: usize, tail: usize| {
        let kept = [&parts[..head], &[ellipsis], &parts[parts.len() - tail..]].concat().join("/");
        (head + tail < parts.len() && measure_text_width(&kept) <= wide).then_some(kept)
    };
    let tails = || (2..parts.len()).rev();
    let found = tails().find_map(|tail| cut(1, tail)).or_else(|| tails().find_map(|tail| cut(0, tail)));
    // The nearest folder, even a part of it, distinguishes files of one name.
    let file = measure_text_width(parts[parts.len() - 1]);
    let front = || {
        let ends = path.char_indices().map(|(at, _)| &path[at..]);
        let room = wide.saturating_sub(measure_text_width(ellipsis));
        let end = ends.into_iter().find(|end| measure_text_width(end) <= room)?;
        (measure_text_width(end) >= file + LEAST_FOLDER).then(|| format!("{ellipsis}{end}"))
    };
    let found = found.or_else(front).or_else(|| cut(0, 1));
    found.map_or_else(|| truncate_str(parts[parts.len() - 1], wide, ellipsis), Cow::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new([
            Column::new("upstream"),
            Column::new("version").cut_to(8),
            Column::new("patches").right(),
            Column::new("news").cut_to(12).optional(2),
            Column::new("state").cut_to(10).optional(1),
        ]);
        table.row(["kubeflow", "v1.6.1", "4", "v1.6-branch is 12 commits ahead, 3 days old", "clean"].map(Cell::from));
        table.row(["ray", "1.11.0-254-g0611aa04", "12", "", "3 files changed, 1 commit not exported"].map(Cell::from));
        table
    }

    fn at(width: usize) -> String {
        sample().render(&Look { width, ..Look::plain() })
    }

    #[test]
    fn wide_screens_show_everything() {
        assert_eq!(
            at(140),
            "upstream  version               patches  news                                         state\n\
             kubeflow  v1.6.1                      4  v1.6-branch is 12 commits ahead, 3 days old  clean\n\
             ray       1.11.0-254-g0611aa04       12                                               \
             3 files changed, 1 commit not exported\n"
        );
        assert_eq!(at(140), at(0));
    }

    #[test]
    fn eighty_columns_cut_the_widest() {
        assert_eq!(
            at(80),
            "upstream  version              patches  news                 state\n\
             kubeflow  v1.6.1                     4  v1.6-branch is 12 …  clean\n\
             ray       1.11.0-254-g0611aa…       12                       3 files changed, 1…\n"
        );
        for width in [20, 40, 60, 80, 100, 140] {
            let text = at(width);
            let fits = text.lines().all(|line| measure_text_width(line) <= width.max(27));
            assert!(fits && text.lines().all(|line| !line.ends_with(' ')), "{width}:\n{text}");
        }
    }

    #[test]
    fn narrow_screens_lose_what_matters_least() {
        let text = at(46);
        assert!(text.contains("state") && !text.contains("news"), "{text}");
        let text = at(30);
        assert!(text.contains("patches") && !text.contains("state"), "{text}");
    }

    #[test]
    fn wide_characters_colours_and_controls_keep_the_columns() {
        let mut table = Table::new([Column::new("a"), Column::new("b")]);
        table.row([Cell::new("日本").paint(Paint::Good), Cell::new("x")]);
        table.row([Cell::new("\u{1b}["), Cell::new("y")]);
        let plain = table.render(&Look::plain());
        assert_eq!(plain, "a      b\n日本   x\n\\x1b[  y\n");
        let coloured = table.render(&Look { colour: true, ..Look::plain() });
        assert_eq!(console::strip_ansi_codes(&coloured), plain);
    }

    #[test]
    fn empty_columns_are_left_out() {
        let mut table = Table::new([Column::new("a"), Column::new("b"), Column::new("c").right()]);
        table.row(["1", "", "22"].map(Cell::from));
        table.row(["1", "", ""].map(Cell::from));
        assert_eq!(table.render(&Look::plain()), "a   c\n1  22\n1\n");
    }

    #[test]
    fn paths_lose_their_middle() {
        let cut = |wide| shortened_path("components/example/jupyter/Makefile", wide, "…").into_owned();
        assert_eq!(cut(35), "components/example/jupyter/Makefile");
        assert_eq!(cut(34), "components/…/jupyter/Makefile");
        assert_eq!(cut(28), "…/example/jupyter/Makefile");
        assert_eq!(cut(20), "…/jupyter/Makefile");
        assert_eq!(cut(16), "…upyter/Makefile");
        assert_eq!(cut(12), "…/Makefile");
        assert_eq!(cut(6), "Makef…");
        assert_eq!(shortened_path("README.md", 4, "…"), "REA…");
    }
}
