//! What becomes of a queue on another pin, on the screen.

use super::failure::shown;
use crate::path::printable_line;
use crate::report::{ConflictReport, FileReport, HunkReport, LinesReport, PatchReport};
use crate::ui::{Look, Paint, count};

/// The words are at most this wide.
const WORD: usize = 10;

/// One line a patch, and below it those of its files of which there is something to say.
pub(super) fn table(look: &Look, patches: &[PatchReport]) -> String {
    let mut out = String::new();
    for patch in patches {
        let word = look.paint(paint(patch.outcome), &format!("{:<WORD$}", patch.outcome));
        let remark = patch_remark(patch);
        let remark = if remark.is_empty() { remark } else { format!("  {}", look.paint(Paint::Faint, &remark)) };
        out.push_str(&format!("  {word}  {}{remark}\n", look.paint(Paint::Strong, &patch.file)));
        for file in &patch.files {
            let remark = file_remark(look, file);
            if !remark.is_empty() {
                out.push_str(&format!("  {:WORD$}    {remark}\n", ""));
            }
        }
    }
    out
}

/// How many patches came to what, in one sentence.
pub(super) fn summary(patches: &[PatchReport]) -> String {
    if patches.is_empty() {
        return "no patches".to_owned();
    }
    let of = |outcome: &str| patches.iter().filter(|patch| patch.outcome == outcome).count();
    let goes = of("unchanged") + of("merged") + of("moved");
    let mut parts = Vec::new();
    if goes > 0 {
        let how = [("merged", of("merged")), ("moved", of("moved"))];
        let how: Vec<String> = how.iter().filter(|(_, n)| *n > 0).map(|(word, n)| format!("{n} {word}")).collect();
        let how = if how.is_empty() { String::new() } else { format!(" ({})", how.join(", ")) };
        parts.push(format!("{goes} {} over{how}", if goes == 1 { "goes" } else { "go" }));
    }
    for (outcome, one, many) in [
        ("upstreamed", "is upstream already", "are upstream already"),
        ("conflict", "is in conflict", "are in conflict"),
        ("blocked", "waits for it", "wait for them"),
    ] {
        match of(outcome) {
            0 => {}
            1 => parts.push(format!("1 {one}")),
            n => parts.push(format!("{n} {many}")),
        }
    }
    format!("{}: {}", count(patches.len(), "patch", "patches"), parts.join(", "))
}

/// The lines that do not go together, conflict by conflict.
pub(super) fn hunks(look: &Look, patches: &[PatchReport]) -> String {
    let mut out = String::new();
    for patch in patches {
        for conflict in patch.files.iter().filter_map(|file| file.conflict.as_ref()) {
            for hunk in &conflict.hunks {
                let at = format!("{}:{}", shown(&conflict.path.0), hunk.upstream.start);
                out.push_str(&format!("\n{}  {}\n", look.paint(Paint::Strong, &at), patch.file));
                out.push_str(&hunk_lines(look, hunk));
            }
        }
    }
    out
}

fn hunk_lines(look: &Look, hunk: &HunkReport) -> String {
    let mut out = String::new();
    let bar = if look.unicode { "│" } else { "|" };
    let mut line = |side: &str, paint: Paint, text: &[u8]| {
        let text = printable_line(text.strip_suffix(b"\n").unwrap_or(text));
        let row = format!("  {side:<8} {bar} {text}");
        out.push_str(&look.paint(paint, row.trim_end()));
        out.push('\n');
    };
    hunk.before.iter().for_each(|text| line("", Paint::Faint, &text.0));
    let sides: [(&str, Paint, &LinesReport); 3] = [
        ("base", Paint::Plain, &hunk.base),
        ("upstream", Paint::Careful, &hunk.upstream),
        ("patch", Paint::Good, &hunk.patch),
    ];
    for (side, paint, lines) in sides {
        if lines.lines.is_empty() {
            line(side, Paint::Faint, b"(no line)");
        }
        for (n, text) in lines.lines.iter().enumerate() {
            line(if n == 0 { side } else { "" }, paint, &text.0);
        }
    }
    hunk.after.iter().for_each(|text| line("", Paint::Faint, &text.0));
    out
}

fn paint(outcome: &str) -> Paint {
    match outcome {
        "conflict" => Paint::Bad,
        "blocked" => Paint::Careful,
        "upstreamed" | "moved" => Paint::Hint,
        "merged" => Paint::Good,
        _ => Paint::Plain,
    }
}

fn patch_remark(patch: &PatchReport) -> String {
    if patch.emptied {
        return "a clean merge leaves nothing of it; is it upstream?".to_owned();
    }
    if !patch.dropped {
        return String::new();
    }
    let identical = patch.files.iter().all(|file| file.upstream_has.as_ref().is_some_and(|has| has.identical));
    let has = if identical { "upstream has it byte for byte" } else { "a clean merge leaves nothing of it" };
    format!("leaves the queue: {has}")
}

/// What there is to say of a file; empty where all is plain.
fn file_remark(look: &Look, file: &FileReport) -> String {
    let (arrow, path) = (if look.unicode { "→" } else { "->" }, shown(&file.path.0));
    let place = match (&file.moved_to, file.similarity) {
        (Some(to), Some(100)) => format!("{path} {arrow} {}", shown(&to.0)),
        (Some(to), Some(percent)) => format!("{path} {arrow} {} ({percent} % alike)", shown(&to.0)),
        (Some(to), None) => format!("{path} {arrow} {}", shown(&to.0)),
        (None, _) => path,
    };
    if let Some(earlier) = &file.waits_for {
        return format!("{place}: needs {earlier}");
    }
    if let Some(conflict) = &file.conflict {
        return format!("{}: {}{}{}", at(conflict), conflict.message, candidates(conflict), evidence(file));
    }
    match (file.outcome, &file.moved_to) {
        (_, Some(_)) => place,
        ("merged", None) if !evidence(file).is_empty() => format!("{place}{}", evidence(file)),
        _ => String::new(),
    }
}

/// Path and lines of a conflict.
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
    if named.is_empty() { String::new() } else { format!(" to {}", named.join(" or ")) }
}

fn evidence(file: &FileReport) -> String {
    let Some(has) = &file.upstream_has else { return String::new() };
    let standing = has.hunks.iter().filter(|stands| **stands).count();
    match (standing, has.hunks.len()) {
        (0, _) => String::new(),
        (n, all) => format!(" ({n} of {all} hunks of the patch stand there already)"),
    }
}
