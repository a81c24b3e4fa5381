//! Shows the outcomes of a refresh on the screen.

use console::measure_text_width;

use super::failure::shown;
use crate::path::printable_line;
use crate::report::{Bytes, ConflictReport, FileReport, HunkReport, LinesReport, PatchReport, WholeReport};
use crate::stack::suggest::Action;
use crate::stack::{ConflictKind, Outcome};
use crate::ui::{Look, Paint, count};

/// The width of the outcome's name.
const WORD: usize = 10;
/// How many columns are before a hunk's lines.
const BEFORE_BAR: usize = 13;

/// Returns one line per patch, and below it lines about its files if needed. Text that does not fit continues on the
/// next line.
pub(super) fn table(look: &Look, patches: &[PatchReport]) -> String {
    let indent = " ".repeat(WORD + 6);
    let mut out = String::new();
    for patch in patches {
        let paint = if patch.dropped_because.is_some() { Paint::Faint } else { paint(patch.outcome) };
        let word = look.paint(paint, &format!("{:<WORD$}", patch.outcome.word()));
        out.push_str(&format!("  {word}  {}", look.paint(Paint::Strong, &patch.file)));
        let remark = patch_remark(patch);
        if !remark.is_empty() {
            let faint = |line: &String| look.paint(Paint::Faint, line);
            if look.fits(&format!("  {:WORD$}  {}  {remark}", "", patch.file)) {
                out.push_str(&format!("  {}", faint(&remark)));
            } else {
                let lines = wrapped(&remark, look.width.saturating_sub(indent.len()));
                lines.iter().for_each(|line| out.push_str(&format!("\n{indent}{}", faint(line))));
            }
        }
        out.push('\n');
        if let Some(found) = &patch.suggestion {
            let text = format!("proposal ({}): drop the patch: {}", found.confidence.word(), found.reason);
            for line in wrapped(&text, look.width.saturating_sub(indent.len())) {
                out.push_str(&format!("{indent}{line}\n"));
            }
        }
        for Remark { place, rest, lines } in patch.files.iter().flat_map(|file| file_remarks(look, file)) {
            let line = format!("{indent}{place}{rest}");
            if look.fits(&line) || rest.is_empty() {
                out.push_str(&format!("{line}\n"));
            } else {
                let (end, rest) = rest.strip_prefix(": ").map_or(("", rest.trim_start()), |rest| (":", rest));
                out.push_str(&format!("{indent}{place}{end}\n"));
                for line in wrapped(rest, look.width.saturating_sub(indent.len() + 2)) {
                    out.push_str(&format!("{indent}  {line}\n"));
                }
            }
            // All lines, because no one has seen them yet.
            out.extend(lines.iter().map(|lines| side(look, "taken", Paint::Careful, lines)));
        }
    }
    out
}

/// Counts the patches by outcome, in one sentence.
pub(super) fn summary(patches: &[PatchReport]) -> String {
    if patches.is_empty() {
        return "no patches".to_owned();
    }
    let stays = || patches.iter().filter(|patch| patch.dropped_because.is_none());
    let of = |outcome: Outcome| stays().filter(|patch| patch.outcome == outcome).count();
    let goes = of(Outcome::Unchanged) + of(Outcome::Merged) + of(Outcome::Moved);
    let mut parts = Vec::new();
    if goes > 0 {
        let how = [("merged", of(Outcome::Merged)), ("moved", of(Outcome::Moved))];
        let how: Vec<String> = how.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")).collect();
        let how = if how.is_empty() { String::new() } else { format!(" ({})", how.join(", ")) };
        parts.push(format!("{goes} {}{how}", if goes == 1 { "applies" } else { "apply" }));
    }
    let (upstream, allowed): (Vec<&PatchReport>, Vec<&PatchReport>) = patches
        .iter()
        .filter(|patch| patch.dropped)
        .partition(|patch| patch.dropped_because.is_none() && patch.is_identical());
    for (n, one, many) in [
        (upstream.len(), "upstreamed", "upstreamed"),
        (allowed.len(), "dropped", "dropped"),
        (of(Outcome::Conflict), "conflicts", "conflict"),
        (of(Outcome::Blocked), "blocked", "blocked"),
    ] {
        match n {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            n => parts.push(format!("{n} {many}")),
        }
    }
    format!("{}: {}", count(patches.len(), "patch", "patches"), parts.join(", "))
}

/// Returns the lines in conflict, conflict by conflict.
pub(super) fn hunks(look: &Look, patches: &[PatchReport]) -> String {
    let mut out = String::new();
    for patch in patches {
        for conflict in patch.files.iter().filter_map(|file| file.conflict.as_ref()) {
            for hunk in &conflict.hunks {
                let at = format!("{}:{}", shown(&conflict.path.0), hunk.upstream.start);
                let between = if look.fits(&format!("{at}  {}", patch.file)) { "  " } else { "\n  " };
                out.push_str(&format!("\n{}{between}{}\n", look.paint(Paint::Strong, &at), patch.file));
                out.push_str(&hunk_lines(look, hunk));
            }
        }
    }
    out
}

fn hunk_lines(look: &Look, hunk: &HunkReport) -> String {
    let mut out = String::new();
    hunk.before.iter().for_each(|text| out.push_str(&row(look, "", Paint::Faint, &text.0)));
    let sides: [(&str, Paint, &LinesReport); 3] = [
        ("base", Paint::Plain, &hunk.base),
        ("upstream", Paint::Careful, &hunk.upstream),
        ("patch", Paint::Good, &hunk.patch),
    ];
    for (name, paint, lines) in sides {
        out.push_str(&side(look, name, paint, &lines.lines));
    }
    let mut line = |side: &str, paint: Paint, text: &[u8]| out.push_str(&row(look, side, paint, text));
    hunk.after.iter().for_each(|text| line("", Paint::Faint, &text.0));
    if let Some(suggestion) = &hunk.suggestion {
        for (n, text) in suggestion.text.iter().flatten().enumerate() {
            line(if n == 0 { "proposal" } else { "" }, Paint::Hint, &text.0);
        }
        for (n, text) in wrapped(&suggestion.reason, look.width.saturating_sub(BEFORE_BAR)).iter().enumerate() {
            line(if n == 0 { suggestion.confidence.word() } else { "" }, Paint::Faint, text.as_bytes());
        }
    }
    out
}

/// Returns the lines of one side, with its name before the first of them.
pub(super) fn side(look: &Look, name: &str, paint: Paint, lines: &[Bytes]) -> String {
    if lines.is_empty() {
        return row(look, name, Paint::Faint, b"(no line)");
    }
    // The name is before each of them, so that the last one is distinguished from the context.
    lines.iter().map(|text| row(look, name, paint, &text.0)).collect()
}

/// Returns a line of a file, after the name of its side.
fn row(look: &Look, side: &str, paint: Paint, text: &[u8]) -> String {
    let bar = if look.unicode { "│" } else { "|" };
    let text = printable_line(text.strip_suffix(b"\n").unwrap_or(text));
    let row = format!("  {side:<8} {bar} {text}");
    format!("{}\n", look.paint(paint, row.trim_end()))
}

/// Wraps `text` at `width` columns, between words; 0: one line.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if width == 0 || measure_text_width(line) + 1 + measure_text_width(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Returns the colour of an outcome.
pub(super) fn paint(outcome: Outcome) -> Paint {
    match outcome {
        Outcome::Conflict => Paint::Bad,
        Outcome::Blocked => Paint::Careful,
        Outcome::Upstreamed | Outcome::Moved => Paint::Hint,
        Outcome::Merged => Paint::Good,
        Outcome::Unchanged => Paint::Plain,
    }
}

/// A remark about a file.
struct Remark {
    /// The place.
    place: String,
    /// The text after that.
    rest: String,
    /// Chosen lines that neither side has.
    lines: Option<Vec<Bytes>>,
}

impl From<(String, String)> for Remark {
    fn from((place, rest): (String, String)) -> Remark {
        Remark { place, rest, lines: None }
    }
}

fn patch_remark(patch: &PatchReport) -> String {
    if let Some(why) = &patch.dropped_because {
        return format!("leaves the queue: '{why}'");
    }
    let decided = patch.files.iter().any(|file| !file.decided.is_empty());
    match (patch.emptied, patch.dropped) {
        (true, _) if decided => "nothing is left of the patch after these decisions",
        (true, _) => "nothing is left of it after merging; does upstream have it?",
        (_, true) if patch.is_identical() => "leaves the queue: upstream has it byte for byte",
        (_, true) => "leaves the queue, as allowed; upstream does not have it byte for byte",
        _ => "",
    }
    .to_owned()
}

/// Returns all remarks about a file, in order.
fn file_remarks(look: &Look, file: &FileReport) -> Vec<Remark> {
    let path = shown(&file.path.0);
    let decided = file.decided.iter().map(|decided| {
        let line = decided.hunk.as_ref().map(|hunk| format!(":{}", hunk.upstream.start)).unwrap_or_default();
        let mode = match (&decided.made, decided.whole) {
            (Some(made), _) => format!(" (mode {})", made.mode),
            (None, Some(WholeReport::Made)) => " (it is gone)".to_owned(),
            (None, _) => String::new(),
        };
        let rest = format!(": {}: {}{mode}", decided.by_sentence(), decided.reason);
        Remark { place: format!("{path}{line}"), rest, lines: decided.own_lines() }
    });
    let proposal = file.conflict.as_ref().and_then(|conflict| conflict.suggestion.as_ref()).map(|found| {
        let action = match found.action {
            Some(Action::Delete) => "delete it",
            _ => "drop the patch's change to it",
        };
        Remark::from((path.clone(), format!(": proposal ({}): {action}", found.confidence.word())))
    });
    let refused = file.refused.iter().map(|why| Remark::from((path.clone(), format!(": not decided: {why}"))));
    file_remark(look, file).map(Remark::from).into_iter().chain(proposal).chain(decided).chain(refused).collect()
}

/// Returns the remark about a file's outcome, if there is one.
fn file_remark(look: &Look, file: &FileReport) -> Option<(String, String)> {
    let (arrow, path) = (if look.unicode { "→" } else { "->" }, shown(&file.path.0));
    let moved = file.moved_to.as_ref().map(|to| match file.similarity {
        Some(100) | None => format!(" {arrow} {}", shown(&to.0)),
        Some(percent) => format!(" {arrow} {} ({percent} % alike)", shown(&to.0)),
    });
    if let Some(earlier) = &file.waits_for {
        return Some((format!("{path}{}", moved.unwrap_or_default()), format!(": needs {earlier}")));
    }
    if let Some(conflict) = &file.conflict {
        let generated = conflict.generated.map(|what| format!(" ({what}: regenerate it yourself)")).unwrap_or_default();
        let said = [candidates(conflict), generated, evidence(file), not_run(file)].concat();
        let what = format!(": {}{said}", conflict.message);
        return Some((at(conflict), what));
    }
    match moved {
        Some(moved) => Some((path, moved)),
        None if file.outcome == Outcome::Merged => {
            Some((path, evidence(file) + &not_run(file))).filter(|(_, rest)| !rest.is_empty())
        }
        None => None,
    }
}

/// Returns path and lines of a conflict.
fn at(conflict: &ConflictReport) -> String {
    let path = shown(&conflict.path.0);
    let lines: Vec<String> = conflict.hunks.iter().map(|hunk| hunk.upstream.start.to_string()).collect();
    if lines.is_empty() { path } else { format!("{path}:{}", lines.join(",")) }
}

fn candidates(conflict: &ConflictReport) -> String {
    let named: Vec<String> = conflict
        .candidates
        .iter()
        .map(|candidate| match candidate.similarity {
            Some(percent) => format!("{} ({percent} % alike)", shown(&candidate.path.0)),
            None => shown(&candidate.path.0),
        })
        .collect();
    let between = if conflict.kind == ConflictKind::Collision { ": " } else { " to " };
    if named.is_empty() { String::new() } else { format!("{between}{}", named.join(" or ")) }
}

/// Returns a remark about upstream's merge driver, which patchq never runs.
fn not_run(file: &FileReport) -> String {
    file.not_run.as_ref().map(|driver| format!(" (the merge driver '{driver}' was not run)")).unwrap_or_default()
}

fn evidence(file: &FileReport) -> String {
    let Some(has) = &file.upstream_has else { return String::new() };
    let standing = has.hunks.iter().filter(|stands| **stands).count();
    match (standing, has.hunks.len()) {
        (0, _) => String::new(),
        (1, 1) => " (upstream already has the patch's hunk)".to_owned(),
        (n, all) => format!(" (upstream already has {n} of {all} hunks of the patch)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::Id;

    fn patch(outcome: Outcome, dropped: bool, files: Vec<FileReport>) -> PatchReport {
        PatchReport {
            file: "0002-use-debian-bullseye-below-the-jupyter-web-app.patch".to_owned(),
            subject: "Use".into(),
            outcome,
            dropped,
            dropped_because: None,
            emptied: false,
            suggestion: None,
            old_commit: Id::EMPTY_TREE,
            new_commit: None,
            files,
        }
    }

    fn file(moved_to: Option<&str>) -> FileReport {
        FileReport {
            path: "components/crud-web-apps/jupyter/Dockerfile".into(),
            from: None,
            moved_to: moved_to.map(Into::into),
            similarity: Some(71),
            outcome: Outcome::Moved,
            waits_for: None,
            upstream_has: None,
            conflict: None,
            not_run: None,
            decided: Vec::new(),
            refused: Vec::new(),
        }
    }

    #[test]
    fn what_does_not_fit_goes_on_the_next_line() {
        let patches = [
            patch(Outcome::Upstreamed, true, vec![]),
            patch(Outcome::Moved, false, vec![file(Some("apps/jupyter/Dockerfile"))]),
        ];
        let wide = "  upstreamed  0002-use-debian-bullseye-below-the-jupyter-web-app.patch  leaves the queue: upstream has it byte for byte
  moved       0002-use-debian-bullseye-below-the-jupyter-web-app.patch
                components/crud-web-apps/jupyter/Dockerfile → apps/jupyter/Dockerfile (71 % alike)
";
        assert_eq!(table(&Look { width: 140, ..Look::plain() }, &patches), wide);
        assert_eq!(table(&Look::plain(), &patches), wide);
        let narrow = "  upstreamed  0002-use-debian-bullseye-below-the-jupyter-web-app.patch
                leaves the queue: upstream has it byte for byte
  moved       0002-use-debian-bullseye-below-the-jupyter-web-app.patch
                components/crud-web-apps/jupyter/Dockerfile
                  → apps/jupyter/Dockerfile (71 % alike)
";
        assert_eq!(table(&Look { width: 80, ..Look::plain() }, &patches), narrow);
    }

    #[test]
    fn the_summary_is_one_sentence() {
        assert_eq!(summary(&[]), "no patches");
        let patches = [
            patch(Outcome::Moved, false, vec![]),
            patch(Outcome::Blocked, false, vec![]),
            patch(Outcome::Blocked, false, vec![]),
        ];
        assert_eq!(summary(&patches), "3 patches: 1 applies (1 moved), 2 blocked");
    }
}
