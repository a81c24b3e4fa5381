//! Shows upstream's changes on the screen.

use crate::cli::failure::shown;
use crate::cli::outcomes::{self, paint};
use crate::report::{Bytes, LinesChanged, PatchReport, RestReport, ReviewReport, UpstreamDiffReport};
use crate::ui::{Cell, Column, Look, Paint, Table, count, fold_folders};
use crate::workspace::ChangeKind;

/// How many lines show where the other files are.
const FOLDERS: usize = 10;
/// The least width of paths.
const PATH: usize = 24;

/// Returns the text for one upstream, section by section. `stat`: the contents of the files to review were read too.
pub(super) fn text(look: &Look, verbose: bool, stat: bool, report: &UpstreamDiffReport) -> String {
    let name = look.paint(Paint::Strong, &format!("{}:", report.name));
    let from = report.version.as_ref().map_or_else(|| report.pin.short(8), shown);
    if report.target.same {
        return format!("{name} nothing new since {from}\n");
    }
    let (mut from, mut to) = (from, shown(&report.target.version));
    // A version in the manifest applies to every commit.
    if from == to {
        from.push_str(&format!(" ({})", report.pin.short(8)));
        to.push_str(&format!(" ({})", report.target.pin.short(8)));
    }
    let commits = report.commits.map_or_else(String::new, |n| format!(" ({})", count(n, "commit", "commits")));
    let mut out = format!("{name} {from} {} {to}{commits}\n", arrow(look));
    out.push_str(&touched(look, report));
    out.push_str(&review(look, stat, &report.review, report.rest.in_sparse.is_some()));
    out.push_str(&rest(look, verbose, &report.rest));
    out.push_str(&patches(look, &report.patches));
    out
}

fn arrow(look: &Look) -> &'static str {
    if look.unicode { "→" } else { "->" }
}

fn section(look: &Look, title: &str) -> String {
    format!("\n{}\n", look.paint(Paint::Strong, title))
}

fn touched(look: &Look, report: &UpstreamDiffReport) -> String {
    let files = count(report.queue_files, "file", "files");
    let title = format!("upstream changed {} of {files} that the queue touches", report.touched.len());
    let mut out = section(look, &title);
    let mut table = Table::new([
        Column::new(""),
        Column::new("file").cut_to(PATH).path(),
        Column::new("upstream").right(),
        Column::new("queue").right(),
        Column::new("patch").cut_to(8),
        Column::new(""),
    ]);
    let names: Vec<&str> = report.patches.iter().map(|patch| patch.file.as_str()).collect();
    for file in &report.touched {
        let mut patches = file.patches.iter().map(|patch| {
            [Cell::from(short_name(&patch.file, &names)), Cell::from(patch.outcome.word()).paint(paint(patch.outcome))]
        });
        rows(look, &mut table, (file.change, &file.path, file.old_path.as_ref()), Paint::Plain, |cells| {
            cells.push(Cell::from(upstream_lines(file.upstream, file.change)));
            cells.push(Cell::from(lines(file.queue)));
            cells.extend(patches.next().into_iter().flatten());
        });
        for patch in patches {
            table.row(std::iter::repeat_n(Cell::from(""), 4).chain(patch));
        }
    }
    out.push_str(&indented(look, &table));
    out
}

/// Shows the files to review. `sparse`: whether the checkout leaves anything out.
fn review(look: &Look, stat: bool, review: &[ReviewReport], sparse: bool) -> String {
    if review.is_empty() {
        return String::new();
    }
    let inside = review.iter().filter(|file| file.in_sparse).count();
    let inside = if sparse { format!(", {inside} of them within 'sparse'") } else { String::new() };
    let mut out = section(look, &format!("{} to review{inside}", count(review.len(), "other file", "other files")));
    let mut table =
        Table::new([Column::new(""), Column::new("").cut_to(PATH).path(), Column::new("").right(), Column::new("")]);
    for file in review {
        let paint = if file.in_sparse { Paint::Plain } else { Paint::Faint };
        rows(look, &mut table, (file.change, &file.path, file.old_path.as_ref()), paint, |cells| {
            cells.push(Cell::from(if stat { upstream_lines(file.upstream, file.change) } else { String::new() }));
        });
    }
    out.push_str(&indented(look, &table));
    out
}

/// Adds a file's row; two if upstream moved it.
fn rows(
    look: &Look,
    table: &mut Table,
    (change, path, old): (ChangeKind, &Bytes, Option<&Bytes>),
    paint: Paint,
    more: impl FnOnce(&mut Vec<Cell>),
) {
    let letter = match change {
        ChangeKind::Added => "A",
        ChangeKind::Deleted => "D",
        ChangeKind::Renamed => "R",
        ChangeKind::Type => "T",
        ChangeKind::Modified => "M",
    };
    let letter = Cell::from(letter).paint(Paint::Careful);
    let mut cells = match old {
        None => vec![letter, Cell::new(&path.0).paint(paint)],
        Some(old) => {
            table.row([letter, Cell::new(&old.0).paint(paint)]);
            vec![Cell::from(""), Cell::new([arrow(look).as_bytes(), b" ", &path.0].concat()).paint(paint)]
        }
    };
    more(&mut cells);
    table.row(cells);
}

fn rest(look: &Look, verbose: bool, rest: &RestReport) -> String {
    if rest.files == 0 {
        return String::new();
    }
    let files = count(rest.files, "file", "files");
    let folders = count(rest.folders.len(), "folder", "folders");
    let inside = rest.in_sparse.map_or_else(String::new, |n| format!(", {n} of them within 'sparse'"));
    let mut out = section(look, &format!("not shown: {files} in {folders}{inside}"));
    let mut table = Table::new([Column::new("").right(), Column::new("").cut_to(PATH).path()]);
    let path = |path: &Option<Bytes>| path.as_ref().map(|path| path.0.to_vec());
    if verbose {
        for folder in &rest.folders {
            let shown = path(&folder.path).map_or_else(|| b"*".to_vec(), |path| [&path, b"/*".as_slice()].concat());
            table.row([Cell::from(folder.files.to_string()), Cell::new(shown)]);
        }
    } else {
        let folders: Vec<_> = rest.folders.iter().map(|folder| (path(&folder.path), folder.files)).collect();
        let folders = folders.iter().map(|(path, files)| (path.as_deref(), *files));
        let (lines, left, files) = fold_folders(look, folders, FOLDERS);
        for (folder, files) in lines {
            table.row([Cell::from(files.to_string()), Cell::new(folder)]);
        }
        if left > 0 {
            table.row([
                Cell::from(files.to_string()),
                Cell::from(format!("in {left} more folders")).paint(Paint::Faint),
            ]);
        }
    }
    out.push_str(&indented(look, &table));
    out
}

fn patches(look: &Look, patches: &[PatchReport]) -> String {
    if patches.is_empty() {
        return String::new();
    }
    section(look, &outcomes::summary(patches)) + &outcomes::table(look, patches)
}

/// Returns the number of a patch as its name, if no other has the same.
fn short_name(name: &str, all: &[&str]) -> String {
    let number = |name: &str| name.bytes().take_while(u8::is_ascii_digit).count();
    let digits = &name[..number(name)];
    let alone = all.iter().filter(|other| &other[..number(other)] == digits).count() == 1;
    let short = if digits.is_empty() || !alone { name.strip_suffix(".patch").unwrap_or(name) } else { digits };
    short.to_owned()
}

fn upstream_lines(changed: Option<LinesChanged>, change: ChangeKind) -> String {
    let none = LinesChanged { added: 0, removed: 0 };
    match (changed, change) {
        (Some(changed), ChangeKind::Renamed) if changed == none => String::new(),
        (Some(changed), ChangeKind::Modified) if changed == none => "mode".to_owned(),
        (changed, _) => lines(changed),
    }
}

fn lines(changed: Option<LinesChanged>) -> String {
    changed.map_or_else(|| "binary".to_owned(), |LinesChanged { added, removed }| format!("+{added} -{removed}"))
}

/// Indents a table by two columns.
fn indented(look: &Look, table: &Table) -> String {
    if table.is_empty() {
        return String::new();
    }
    let narrower = Look { width: look.width.saturating_sub(2), ..*look };
    table.render(&narrower).lines().map(|line| format!("  {line}\n")).collect()
}
