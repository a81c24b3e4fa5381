//! Shows how two patches differ, in the form and colours of `git range-diff`.

use super::{Look, Paint};
use crate::patch::Side;
use crate::path::printable_line;
use crate::stack::{DifferenceRow, DifferenceSection, Inner, PatchDifference};

/// Writes two columns of marks before each line: which of the patches has it (`-` the old one, `+` the new one), and
/// what it is in the patch. The text cannot control a terminal. It is empty if the patches do not differ.
#[must_use]
pub fn difference_on_screen(look: &Look, difference: &PatchDifference) -> String {
    let mut out = String::new();
    for section in &difference.sections {
        names(look, section, &mut out);
        for place in &section.places {
            if let Some(under) = &place.under {
                let text = format!(" @@ {}", printable_line(under));
                out.push_str(&format!("{}\n", look.paint(Paint::Hint, text.trim_end())));
            }
            place.rows.iter().for_each(|row| out.push_str(&format!("{}\n", line(look, row))));
        }
    }
    out
}

/// Returns how much of the patch differs, in one line.
#[must_use]
pub fn difference_counts(difference: &PatchDifference) -> String {
    match difference.counts() {
        (0, 0) => "the patch does not differ".to_owned(),
        (0, 1) | (1, 0) => {
            let (added, removed) = difference.counts();
            format!("+{added} -{removed} line of the patch differs")
        }
        (added, removed) => format!("+{added} -{removed} lines of the patch differ"),
    }
}

/// Writes the name of a section, or both names.
fn names(look: &Look, section: &DifferenceSection, out: &mut String) {
    let sides: &[(&str, _)] =
        if section.old == section.new { &[(" ", &section.new)] } else { &[("-", &section.old), ("+", &section.new)] };
    for (mark, name) in sides {
        if let Some(name) = name {
            let text = look.paint(Paint::Strong, &format!(" ## {} ##", printable_line(name)));
            out.push_str(&format!("{}{text}\n", outer(look, mark)));
        }
    }
}

/// Writes a row. The outer mark has its own colour; rows of only one patch are bold, and rows of both are as in a diff.
fn line(look: &Look, row: &DifferenceRow) -> String {
    let text = format!("{}{}", row.inner.mark(), printable_line(&row.text));
    let text = text.trim_end();
    let paint = match (row.inner, row.outer) {
        (Inner::Hunk, _) => Paint::Hint,
        (Inner::Added, _) => Paint::Good,
        (Inner::Removed, _) => Paint::Gone,
        (Inner::Words | Inner::Context, _) => Paint::Plain,
    };
    let mark = match row.outer {
        Side::Both => " ",
        Side::Old => "-",
        Side::New => "+",
    };
    format!("{}{}", outer(look, mark), look.paint(paint, text)).trim_end().to_owned()
}

fn outer(look: &Look, mark: &str) -> String {
    match mark {
        "-" => look.paint(Paint::Bad, mark),
        "+" => look.paint(Paint::Careful, mark),
        _ => mark.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::patch::parse;
    use crate::stack::patch_difference;

    fn difference(old: &str, new: &str) -> PatchDifference {
        let read = |text: &str| parse(text.as_bytes(), crate::patch::Strip::Default).unwrap();
        patch_difference(&read(old), &read(new)).unwrap()
    }

    const OLD: &str = "From: A <a@b>\nSubject: [PATCH] Do\n\nWhy.\n---\n\ndiff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@ fn\n keep\n-old\n+new\u{1b}[2J\n";

    #[test]
    fn both_marks_stand_in_front_and_nothing_steers_the_terminal() {
        let new = OLD
            .replace("/x", "/y")
            .replace("-1,2 +1,2", "-9,2 +9,2")
            .replace("keep", "kept")
            .replace("Why.", "Because.");
        let found = difference(OLD, &new);
        let text = difference_on_screen(&Look::plain(), &found);
        let wanted = "  ## Commit message ##\n     Do\n\n-    Why.\n+    Because.\n- ## x ##\n+ ## y ##\n @@ fn\n- keep\n+ kept\n -old\n +new\\x1b[2J\n";
        assert_eq!(text, wanted);
        assert_eq!(difference_counts(&found), "+3 -3 lines of the patch differ");
        let colour = difference_on_screen(&Look { colour: true, ..Look::plain() }, &found);
        assert!(
            colour.contains("\u{1b}[31m-old\u{1b}[0m") && colour.contains("\u{1b}[31m\u{1b}[1m-\u{1b}[0m"),
            "{colour:?}"
        );
    }

    #[test]
    fn places_alone_are_no_difference() {
        let new = OLD.replace("-1,2 +1,2", "-9,2 +9,2").replace("--- a/x", "index 1..2 100644\n--- a/x");
        assert_eq!(difference_on_screen(&Look::plain(), &difference(OLD, &new)), "");
        assert_eq!(difference_counts(&difference(OLD, &new)), "the patch does not differ");
    }
}
