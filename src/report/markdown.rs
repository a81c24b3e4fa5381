//! Formats the outcomes of a refresh as Markdown for a pull request. All text from patches and upstreams is in code
//! spans and fences: there it can neither mention a person, nor link, nor end its section.

use std::fmt::Write;

use bstr::ByteSlice;

use super::{Bytes, ConflictReport, DecidedReport, FileReport, HunkReport, PatchReport};
use crate::path::{on_screen, printable, printable_line};
use crate::stack::Outcome;

/// The largest size of a report, in bytes, without some fixed sentences: GitHub accepts 65,536 characters for the text
/// of a pull request.
const MOST: usize = 60_000;
/// The largest size of the table in it.
const MOST_TABLE: usize = MOST / 2;
/// How many lines of each side of a hunk are shown.
const LINES: usize = 40;
/// How many characters of each line are shown.
const CHARACTERS: usize = 500;
/// How many lines of a patch's difference are shown.
const MOST_DIFFERENCE: usize = 200;
/// How many items of any other list are shown.
const ITEMS: usize = 20;

/// The move of a queue.
#[derive(Debug, Clone)]
pub struct Heading<'a> {
    /// The upstream's name.
    pub name: &'a str,
    /// Version or id of the old pin.
    pub from: &'a str,
    /// Version or id of the new pin.
    pub to: &'a str,
    /// What was done, or is to be done, in a sentence.
    pub state: &'a str,
    /// The notes at the beginning.
    pub notes: &'a [String],
    /// A web page with all upstream changes in between.
    pub compare: Option<&'a str>,
}

/// An upstream commit that touched a path of a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamCommit {
    /// Its short id.
    pub id: String,
    /// Its day, YYYY-MM-DD.
    pub date: String,
    /// Its subject.
    pub subject: String,
    /// Its web page.
    pub link: Option<String>,
}

/// Returns which upstream commits touched the lines of the hunk with an index (from 0) of a conflict; `None`: the path
/// as a whole.
pub type TouchedBy<'a> = &'a dyn Fn(&ConflictReport, Option<usize>) -> Vec<UpstreamCommit>;

/// How patches differ from their files: the patch file's name, and the lines of the difference, of which the first
/// gives the amount. They are printable.
pub type Differences<'a> = &'a [(&'a str, String)];

/// Returns the report of a refresh.
#[must_use]
pub fn markdown(
    heading: &Heading<'_>,
    patches: &[PatchReport],
    summary: &str,
    differences: Differences<'_>,
    touched_by: TouchedBy<'_>,
) -> String {
    let Heading { name, from, to, state, notes, compare } = heading;
    let mut out = format!("# {name}: {} → {}\n\n{state}\n\n", code(from), code(to));
    if let Some(link) = compare {
        let _ = write!(out, "[What upstream changed]({link})\n\n");
    }
    for note in *notes {
        let _ = write!(out, "> **Note:** {}\n\n", code(note));
    }
    if patches.is_empty() {
        return on_screen(&out, false);
    }
    let _ = write!(out, "{summary}.\n\n");
    table(&mut out, patches);
    decided(&mut out, patches);
    conflicts(&mut out, patches, touched_by);
    differing(&mut out, differences);
    // The report is also written to a log.
    on_screen(&out, false)
}

/// Writes how the changed patches differ, as far as there is room.
fn differing(out: &mut String, differences: Differences<'_>) {
    if differences.is_empty() {
        return;
    }
    out.push_str("\n## Changed patches\n\n");
    let mut left_out = 0;
    for (name, text) in differences {
        let (counts, text) = text.split_once('\n').unwrap_or((text, ""));
        let mut lines = text.lines();
        // Nothing inside can end the fence: each line begins with a mark, and no run of backticks is as long.
        let mut shown: String = lines.by_ref().take(MOST_DIFFERENCE).map(|line| format!("{}\n", cut(line))).collect();
        let left = lines.count();
        if left > 0 {
            let _ = writeln!(shown, " … {}", more(left, "line", "lines"));
        }
        let fence = "`".repeat(longest_run(&shown).max(2) + 1);
        let item = format!(
            "{}\n\n<details><summary>{counts}</summary>\n\n{fence}diff\n{shown}{fence}\n\n</details>\n\n",
            code(name)
        );
        if out.len() + item.len() > MOST {
            left_out += 1;
            continue;
        }
        out.push_str(&item);
    }
    if left_out > 0 {
        let _ = write!(out, "… {}, left out because the report is full.\n\n", more(left_out, "patch", "patches"));
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
}

/// Writes the decisions that were made without asking: each rule, and the lines that are there now.
fn decided(out: &mut String, patches: &[PatchReport]) {
    let files = patches.iter().flat_map(|patch| patch.files.iter().map(move |file| (patch, file)));
    let all: Vec<(&PatchReport, &FileReport, &DecidedReport)> =
        files.flat_map(|(patch, file)| file.decided.iter().map(move |decided| (patch, file, decided))).collect();
    if all.is_empty() {
        return;
    }
    out.push_str("\n## Decided\n\n");
    // Text that a person wrote comes first: the reviewer has not seen it yet.
    let (written, sides): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, _, decided)| decided.own_lines().is_some());
    let (mut left_out, mut unseen) = (0, 0);
    for (patch, file, decided) in written.into_iter().chain(sides) {
        let line = decided.hunk.as_ref().map(|hunk| format!(", line {}", hunk.upstream.start)).unwrap_or_default();
        let (path, name) = (code(&printable(&file.path.0)), code(&patch.file));
        let mut item = format!("{path}{line} ({name}), by {}: {}\n\n", code(decided.by.word()), code(&decided.reason));
        let own = decided.own_lines();
        let mut rows = Rows::default();
        if let Some(hunk) = &decided.hunk {
            rows.sides(hunk);
        }
        match (&own, &decided.text) {
            (Some(own), _) => rows.all("taken", own),
            (None, Some(text)) => rows.lines("taken", text),
            (None, None) => {}
        }
        if !rows.0.is_empty() {
            let _ = write!(item, "<details><summary>the lines</summary>\n\n```\n{}```\n\n</details>\n\n", rows.0);
        }
        if out.len() + item.len() > MOST {
            left_out += 1;
            unseen += usize::from(own.is_some());
            continue;
        }
        out.push_str(&item);
    }
    if unseen > 0 {
        let _ = write!(
            out,
            "**… {}, whose lines are neither side's and are not shown here.** ",
            more(unseen, "decision", "decisions")
        );
    }
    if left_out > unseen {
        let _ = write!(out, "… {}. ", more(left_out - unseen, "decision", "decisions"));
    }
    if left_out > 0 {
        out.push_str("`--json` has everything.\n\n");
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
}

fn table(out: &mut String, patches: &[PatchReport]) {
    let most = out.len() + MOST_TABLE;
    out.push_str("| patch | outcome | |\n|---|---|---|\n");
    for (n, patch) in patches.iter().enumerate() {
        let subject = if patch.subject.0.is_empty() { String::new() } else { format!(" {}", cell(&patch.subject.0)) };
        let outcome = match patch.outcome {
            outcome @ (Outcome::Conflict | Outcome::Blocked) => format!("**{}**", outcome.word()),
            outcome => outcome.word().to_owned(),
        };
        let row = format!("| {}{subject} | {outcome} | {} |\n", cell(patch.file.as_bytes()), remarks(patch));
        if out.len() + row.len() > most {
            let _ = writeln!(out, "| … {} | | |", more(patches.len() - n, "patch", "patches"));
            return;
        }
        out.push_str(&row);
    }
}

/// Writes every conflict that fits, complete, and how many did not fit.
fn conflicts(out: &mut String, patches: &[PatchReport], touched_by: TouchedBy<'_>) {
    let mut left_out = 0;
    for patch in patches.iter().filter(|patch| patch.outcome == Outcome::Conflict) {
        let mut title = title(patch);
        let conflicts = patch.files.iter().filter_map(|file| file.conflict.as_ref());
        let mut sections: Vec<String> = conflicts.map(|conflict| section(conflict, touched_by)).collect();
        if sections.is_empty() {
            sections.push(String::new());
        }
        for section in sections {
            if out.len() + title.len() + section.len() > MOST {
                left_out += 1;
                continue;
            }
            out.push_str(&std::mem::take(&mut title));
            out.push_str(&section);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    if left_out > 0 {
        let what = more(left_out, "conflict", "conflicts");
        let _ = write!(out, "\n**… {what}**, left out because the report is full; `--json` has everything.\n");
    }
}

fn title(patch: &PatchReport) -> String {
    let mut out = format!("\n## {}\n\n", code(&patch.file));
    if !patch.subject.0.is_empty() {
        let _ = write!(out, "{}\n\n", code(&printable(&patch.subject.0)));
    }
    if patch.emptied {
        out.push_str(
            "After merging, nothing is left of this patch, although upstream does not have it byte for byte.\n\n",
        );
    }
    if let Some(found) = &patch.suggestion {
        let _ = write!(out, "Proposal ({}): drop the patch: {}\n\n", found.confidence.word(), code(&found.reason));
    }
    out
}

/// Checks whether a file is such a report, by its first line.
#[must_use]
pub fn is_markdown(text: &[u8]) -> bool {
    let line = text.lines().next().unwrap_or_default();
    line.starts_with(b"# ") && line.contains_str(": `") && line.contains_str("` → `")
}

fn remarks(patch: &PatchReport) -> String {
    let mut all: Vec<String> = Vec::new();
    if patch.dropped {
        let why = match &patch.dropped_because {
            Some(why) => format!("leaves the queue: {}", cell(format!("'{why}'").as_bytes())),
            None if patch.is_identical() => "leaves the queue: upstream has it byte for byte".to_owned(),
            None => "leaves the queue, as allowed; upstream does not have it byte for byte".to_owned(),
        };
        all.push(why);
    }
    for file in &patch.files {
        let path = cell(&file.path.0);
        if let Some(to) = &file.moved_to {
            all.push(format!("{path} → {}", cell(&to.0)));
        }
        if let Some(earlier) = &file.waits_for {
            all.push(format!("{path} needs {}", cell(earlier.as_bytes())));
        }
        if let Some(conflict) = &file.conflict {
            all.push(format!("{path}: {}", conflict.message));
        }
        all.extend(file.refused.iter().map(|why| format!("{path}, not decided: {}", cell(why.as_bytes()))));
    }
    let left = all.len().saturating_sub(ITEMS);
    all.truncate(ITEMS);
    if left > 0 {
        all.push(format!("… {}", more(left, "remark", "remarks")));
    }
    all.join("<br>")
}

fn section(conflict: &ConflictReport, touched_by: TouchedBy<'_>) -> String {
    let mut out = format!("### {}: {}\n\n", code(&printable(&conflict.path.0)), conflict.message);
    list(&mut out, &conflict.candidates, |candidate| {
        let percent = candidate.similarity.map(|percent| format!(", {percent} % alike")).unwrap_or_default();
        format!("perhaps it is {} now{percent}", code(&printable(&candidate.path.0)))
    });
    if let Some(what) = conflict.generated {
        let _ = write!(out, "This is {what}: regenerate it yourself.\n\n");
    }
    if let Some(found) = &conflict.suggestion {
        let _ = write!(out, "Proposal ({}): {}\n\n", found.confidence.word(), code(&found.reason));
    }
    if conflict.hunks.is_empty() {
        list(&mut out, &touched_by(conflict, None), commit);
    }
    for (n, hunk) in conflict.hunks.iter().take(ITEMS).enumerate() {
        let _ = write!(out, "<details><summary>line {} upstream</summary>\n\n", hunk.upstream.start);
        // Nothing inside can end the fence: no line begins with text from outside.
        let _ = write!(out, "```\n{}```\n\n</details>\n\n", sides(hunk));
        list(&mut out, &touched_by(conflict, Some(n)), commit);
    }
    let left = conflict.hunks.len().saturating_sub(ITEMS);
    if left > 0 {
        let _ = write!(out, "… {}\n\n", more(left, "place", "places"));
    }
    out
}

/// Returns the lines of a hunk as on the screen: the context once, with the merged lines in it, then each side's own
/// lines, and the proposal.
fn sides(hunk: &HunkReport) -> String {
    let mut rows = Rows::default();
    hunk.before.iter().for_each(|line| rows.row("", &cut(&line_of(line))));
    rows.sides(hunk);
    hunk.after.iter().for_each(|line| rows.row("", &cut(&line_of(line))));
    if let Some(found) = &hunk.suggestion {
        rows.lines("proposal", found.text.as_deref().unwrap_or_default());
        rows.row(found.confidence.word(), &found.reason);
    }
    rows.0
}

/// Lines with a word in front that names their side.
#[derive(Default)]
struct Rows(String);

impl Rows {
    fn row(&mut self, side: &str, text: &str) {
        let row = format!("{side:<8} │ {text}");
        let _ = writeln!(self.0, "{}", row.trim_end());
    }

    fn sides(&mut self, hunk: &HunkReport) {
        for (side, lines) in [("base", &hunk.base), ("upstream", &hunk.upstream), ("patch", &hunk.patch)] {
            self.lines(side, &lines.lines);
        }
    }

    /// Adds all lines, not shortened.
    fn all(&mut self, side: &str, lines: &[Bytes]) {
        if lines.is_empty() {
            self.row(side, "(no line)");
        }
        lines.iter().for_each(|line| self.row(side, &line_of(line)));
    }

    fn lines(&mut self, side: &str, lines: &[Bytes]) {
        if lines.is_empty() {
            self.row(side, "(no line)");
        }
        lines.iter().take(LINES).for_each(|line| self.row(side, &cut(&line_of(line))));
        let left = lines.len().saturating_sub(LINES);
        if left > 0 {
            self.row(side, &format!("… {}", more(left, "line", "lines")));
        }
    }
}

fn line_of(line: &Bytes) -> String {
    let line = line.0.strip_suffix(b"\n").unwrap_or(&line.0);
    printable_line(line.strip_suffix(b"\r").unwrap_or(line))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_owned(),
    }
}

fn commit(commit: &UpstreamCommit) -> String {
    let id = match &commit.link {
        Some(link) => format!("[{}]({link})", code(&commit.id)),
        None => code(&commit.id),
    };
    format!("{id} {} {}", commit.date, code(&commit.subject))
}

fn list<T>(out: &mut String, items: &[T], shown: impl Fn(&T) -> String) {
    for item in items.iter().take(ITEMS) {
        let _ = writeln!(out, "- {}", shown(item));
    }
    let left = items.len().saturating_sub(ITEMS);
    if left > 0 {
        let _ = writeln!(out, "- … {left} more");
    }
    if !items.is_empty() {
        out.push('\n');
    }
}

fn more(n: usize, one: &str, many: &str) -> String {
    format!("{n} more {}", if n == 1 { one } else { many })
}

/// Returns a code span with any `text`: printable, in one line, with backticks in it.
fn code(text: &str) -> String {
    let text = printable(text.as_bytes());
    if text.trim().is_empty() {
        // Two backticks alone would open a span that ends at the next two.
        return "` `".to_owned();
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// Returns a code span in a table, in which a bar would end the cell. After a backslash a bar is escaped numerically,
/// because Markdown readers differ there.
fn cell(text: &[u8]) -> String {
    code(&printable(text).replace("\\|", "\\\\x7c")).replace('|', "\\|")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
#[path = "markdown_tests.rs"]
mod tests;
