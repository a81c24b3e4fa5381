//! What becomes of a queue, as Markdown for a pull request. Whatever comes from patches and upstreams stands in code spans and
//! fences: there it can neither mention anybody, nor link, nor end the section it is in.

use std::fmt::Write;

use bstr::ByteSlice;

use super::{Bytes, ConflictReport, FileReport, HunkReport, LinesReport, PatchReport};
use crate::path::{printable, printable_line};

/// Where a queue goes.
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
    /// What is worth saying beforehand.
    pub notes: &'a [String],
    /// A web page with all that upstream changed in between.
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

/// Says which upstream commits touched the lines of the hunk with a number (from 0) of a conflict; `None`: the path as a whole.
pub type TouchedBy<'a> = &'a dyn Fn(&ConflictReport, Option<usize>) -> Vec<UpstreamCommit>;

/// The report of a refresh.
#[must_use]
pub fn markdown(heading: &Heading<'_>, patches: &[PatchReport], summary: &str, touched_by: TouchedBy<'_>) -> String {
    let Heading { name, from, to, state, notes, compare } = heading;
    let mut out = format!("# {name}: {} → {}\n\n{state}\n\n", code(from), code(to));
    if let Some(link) = compare {
        let _ = write!(out, "[What upstream changed]({link})\n\n");
    }
    for note in *notes {
        let _ = write!(out, "> **Note:** {}\n\n", code(note));
    }
    if patches.is_empty() {
        return out;
    }
    let _ = write!(out, "{summary}.\n\n| patch | outcome | |\n|---|---|---|\n");
    for patch in patches {
        let subject = if patch.subject.0.is_empty() { String::new() } else { format!(" {}", cell(&patch.subject.0)) };
        let outcome = match patch.outcome {
            word @ ("conflict" | "blocked") => format!("**{word}**"),
            word => word.to_owned(),
        };
        let _ = writeln!(out, "| {}{subject} | {outcome} | {} |", cell(patch.file.as_bytes()), remarks(patch));
    }
    for patch in patches.iter().filter(|patch| patch.outcome == "conflict") {
        let _ = write!(out, "\n## {}\n\n", code(&patch.file));
        if !patch.subject.0.is_empty() {
            let _ = write!(out, "{}\n\n", code(&printable(&patch.subject.0)));
        }
        if patch.emptied {
            out.push_str(
                "A clean merge leaves nothing of this patch, though upstream does not have it byte for byte.\n\n",
            );
        }
        for conflict in patch.files.iter().filter_map(|file| file.conflict.as_ref()) {
            section(&mut out, conflict, touched_by);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out
}

/// Whether a file holds such a report, by its first line.
#[must_use]
pub fn is_markdown(text: &[u8]) -> bool {
    let line = text.lines().next().unwrap_or_default();
    line.starts_with(b"# ") && line.contains_str(": `") && line.contains_str("` → `")
}

fn remarks(patch: &PatchReport) -> String {
    let mut all: Vec<String> = Vec::new();
    if patch.dropped {
        let identical = |file: &FileReport| file.upstream_has.as_ref().is_some_and(|has| has.identical);
        let same = patch.files.iter().all(identical);
        let why = if same { "upstream has it byte for byte" } else { "a clean merge leaves nothing of it" };
        all.push(format!("leaves the queue: {why}"));
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
    }
    all.join("<br>")
}

fn section(out: &mut String, conflict: &ConflictReport, touched_by: TouchedBy<'_>) {
    let _ = write!(out, "### {}: {}\n\n", code(&printable(&conflict.path.0)), conflict.message);
    for candidate in &conflict.candidates {
        let percent = candidate.similarity.map(|percent| format!(", {percent} % alike")).unwrap_or_default();
        let _ = writeln!(out, "- perhaps it is {} now{percent}", code(&printable(&candidate.path.0)));
    }
    if !conflict.candidates.is_empty() {
        out.push('\n');
    }
    if conflict.hunks.is_empty() {
        commits(out, &touched_by(conflict, None));
    }
    for (n, hunk) in conflict.hunks.iter().enumerate() {
        let _ = write!(out, "<details><summary>line {} upstream</summary>\n\n", hunk.upstream.start);
        sides(out, hunk);
        out.push_str("</details>\n\n");
        commits(out, &touched_by(conflict, Some(n)));
    }
}

fn sides(out: &mut String, hunk: &HunkReport) {
    let sides: [(&str, &LinesReport); 3] = [("base", &hunk.base), ("upstream", &hunk.upstream), ("patch", &hunk.patch)];
    for (side, lines) in sides {
        if lines.lines.is_empty() {
            let _ = write!(out, "{side}: no line\n\n");
            continue;
        }
        let text = |lines: &[Bytes]| lines.iter().map(|line| line_of(&line.0)).collect::<String>();
        let text = format!("{}{}{}", text(&hunk.before), text(&lines.lines), text(&hunk.after));
        let fence = "`".repeat(longest_run(&text).max(2) + 1);
        let _ = write!(out, "{side}, at line {}:\n\n{fence}\n{text}{fence}\n\n", lines.start);
    }
}

fn line_of(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    format!("{}\n", printable_line(line.strip_suffix(b"\r").unwrap_or(line)))
}

fn commits(out: &mut String, commits: &[UpstreamCommit]) {
    for commit in commits {
        let id = match &commit.link {
            Some(link) => format!("[{}]({link})", code(&commit.id)),
            None => code(&commit.id),
        };
        let _ = writeln!(out, "- {id} {} {}", commit.date, code(&commit.subject));
    }
    if !commits.is_empty() {
        out.push('\n');
    }
}

/// A code span that holds `text`, whatever backticks are in it.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text) + 1);
    let blank = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

/// A code span in a table, where a bar would end the field.
fn cell(text: &[u8]) -> String {
    code(&printable(text)).replace('|', "\\|")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_its_code_span() {
        assert_eq!(code("a `b` @c"), "``a `b` @c``");
        assert_eq!(code("`x"), "`` `x ``");
        assert_eq!(cell(b"a|b"), "`a\\|b`");
    }
}
