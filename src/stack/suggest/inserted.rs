//! Makes proposals for lines that both sides inserted.

use bstr::BString;

use super::Choice;
use crate::path::RepoPath;
use crate::stack::regions::lines;
use crate::stack::text::Hunk;

/// Proposes the text if both sides are equal.
pub(super) fn same(hunk: &Hunk) -> Option<(String, BString)> {
    let same = hunk.upstream.text == hunk.patch.text;
    same.then(|| ("upstream and the patch made the same of these lines".to_owned(), hunk.patch.text.clone()))
}

/// If both sides insert, and one has all lines of the other in their order, proposes that one.
pub(super) fn superset(hunk: &Hunk) -> Option<(String, BString)> {
    let [upstream, patch] = inserted(hunk)?;
    let (more, reason) = if contains(&patch, &upstream) {
        (&hunk.patch, "both sides insert lines here, and the patch's lines contain all of upstream's")
    } else if contains(&upstream, &patch) {
        (&hunk.upstream, "both sides insert lines here, and upstream's hold all of the patch's")
    } else {
        return None;
    };
    Some((reason.to_owned(), more.text.clone()))
}

/// Returns both orders (the patch's lines first, then upstream's first) if both sides insert and neither has the
/// other's lines. Either order is right about as often (20 to 15), so they are offered and never suggested. `None` for
/// a [`super::generated`] file.
#[must_use]
pub fn orders(path: &RepoPath, hunk: &Hunk) -> Option<[BString; 2]> {
    if super::generated(path).is_some() {
        return None;
    }
    let [upstream, patch] = inserted(hunk)?;
    let apart = !contains(&upstream, &patch) && !contains(&patch, &upstream);
    apart.then(|| [Choice::PatchFirst, Choice::UpstreamFirst].map(|choice| choice.text(hunk)))
}

/// Returns the lines that upstream and the patch insert, if the base has none.
fn inserted(hunk: &Hunk) -> Option<[Vec<&[u8]>; 2]> {
    hunk.base.text.is_empty().then(|| [lines(&hunk.upstream.text), lines(&hunk.patch.text)])
}

/// Checks whether `all` has the lines of `some` in their order.
fn contains(all: &[&[u8]], some: &[&[u8]]) -> bool {
    let mut rest = all.iter();
    some.iter().all(|line| rest.any(|other| other == line))
}

#[cfg(test)]
mod tests {
    use super::super::Rule;
    use super::super::tests::{hunk, path, suggested};
    use super::*;

    #[test]
    fn the_same_on_both_sides() {
        assert_eq!(suggested(&hunk("a\n", "b\n", "b\n")), Some((Rule::Same, "b\n".to_owned())));
        assert_eq!(same(&hunk("a\n", "b\n", "b \n")), None);
        assert_eq!(same(&hunk("a\n", "b\n", "b")), None);
    }

    #[test]
    fn the_side_that_has_all_of_the_other() {
        let rows = [
            ("x\n", "x\ny\n", Some("x\ny\n")),
            ("a\nx\nb\ny\n", "x\ny\n", Some("a\nx\nb\ny\n")),
            ("", "x\n", Some("x\n")),
            ("x\ny\n", "y\nx\n", None),
            ("x\n", " x\ny\n", None),
            ("x\nx\n", "x\ny\n", None),
        ];
        for (upstream, patch, expected) in rows {
            let found = superset(&hunk("", upstream, patch)).map(|(_, text)| text.to_string());
            assert_eq!(found.as_deref(), expected, "{upstream:?} {patch:?}");
        }
        assert_eq!(superset(&hunk("a\n", "x\n", "x\ny\n")), None);
    }

    #[test]
    fn both_orders_are_offered_and_none_is_suggested() {
        let both = hunk("", "u\n", "p\n");
        assert_eq!(orders(&path("a"), &both), Some(["p\nu\n".into(), "u\np\n".into()]));
        assert_eq!(suggested(&both), None);
        assert_eq!(orders(&path("go.sum"), &both), None);
        assert_eq!(orders(&path("a"), &hunk("b\n", "u\n", "p\n")), None);
        assert_eq!(orders(&path("a"), &hunk("", "u\n", "u\np\n")), None);
    }
}
