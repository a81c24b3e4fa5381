//! Folds many folders with numbers into a few lines: large folders are opened, small ones stay closed.

use std::collections::BTreeMap;

use super::Look;

/// A folder with folders in it.
#[derive(Default)]
struct Node {
    /// The number directly in it.
    direct: usize,
    below: BTreeMap<Vec<u8>, Node>,
}

/// A future line.
struct Group<'n> {
    path: Vec<u8>,
    count: usize,
    /// The folder that it can be opened to; `None` if it stands for direct files.
    node: Option<&'n Node>,
}

impl Node {
    fn count(&self) -> usize {
        self.direct + self.below.values().map(Node::count).sum::<usize>()
    }

    /// Returns the content of this folder, each part as a group.
    fn parts(&self, path: &[u8]) -> Vec<Group<'_>> {
        let mut parts: Vec<Group<'_>> = self.below.iter().map(|(name, node)| node.group(joined(path, name))).collect();
        if self.direct > 0 {
            parts.push(Group { path: joined(path, b"*"), count: self.direct, node: None });
        }
        parts
    }

    /// Returns this folder as one group. If it contains only another folder, that one is used.
    fn group(&self, mut path: Vec<u8>) -> Group<'_> {
        let (mut node, count) = (self, self.count());
        while let (0, 1, Some((name, only))) = (node.direct, node.below.len(), node.below.first_key_value()) {
            path = joined(&path, name);
            node = only;
        }
        path.push(b'/');
        Group { path, count, node: (!node.below.is_empty()).then_some(node) }
    }
}

fn joined(path: &[u8], name: &[u8]) -> Vec<u8> {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

/// Returns `folders` (the path of each, `None` for the top, with the number of files directly in it) as at most `lines`
/// lines, the largest first: a path ending in `/` counts everything below it, one ending in `*` the files directly
/// there, one ending in an ellipsis the rest below it. The second number says how many folders did not fit, and the
/// third their total.
#[must_use]
pub fn fold_folders<'p>(
    look: &Look,
    folders: impl IntoIterator<Item = (Option<&'p [u8]>, usize)>,
    lines: usize,
) -> (Vec<(Vec<u8>, usize)>, usize, usize) {
    let mut root = Node::default();
    for (path, count) in folders {
        let parts = path.into_iter().flat_map(|path| path.split(|byte| *byte == b'/'));
        parts.fold(&mut root, |node, part| node.below.entry(part.to_vec()).or_default()).direct += count;
    }
    let all = root.count();
    let mut groups = root.parts(b"");
    loop {
        sort(&mut groups);
        let room = (lines + 1).saturating_sub(groups.len());
        // The parts of a small share of the whole say little, and so do two parts of many.
        let opens = |group: &Group<'_>| {
            let parts = group.node.map_or(0, |node| node.parts(&group.path).len());
            group.count * 10 >= all && parts > 0 && (parts <= room || room > 3)
        };
        let Some(at) = groups.iter().position(opens) else { break };
        let group = groups.remove(at);
        groups.extend(opened(look, &group, room));
    }
    let shown = if groups.len() > lines { lines.saturating_sub(1) } else { groups.len() };
    let (left, count) = (groups.len() - shown, groups[shown..].iter().map(|group| group.count).sum());
    (groups.into_iter().take(shown).map(|group| (group.path, group.count)).collect(), left, count)
}

fn sort(groups: &mut [Group<'_>]) {
    groups.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.path.cmp(&b.path)));
}

/// Returns the parts of a group; the smallest are joined if there is not room for all.
fn opened<'n>(look: &Look, group: &Group<'n>, room: usize) -> Vec<Group<'n>> {
    let mut parts = group.node.map_or_else(Vec::new, |node| node.parts(&group.path));
    sort(&mut parts);
    if parts.len() > room {
        let small = parts.split_off(room - 1);
        let count = small.iter().map(|part| part.count).sum();
        parts.push(Group { path: joined(&group.path, look.ellipsis().as_bytes()), count, node: None });
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(folders: &[(&str, usize)], lines: usize) -> (Vec<String>, usize, usize) {
        let folders = folders.iter().map(|(path, n)| (Some(path.as_bytes()).filter(|path| !path.is_empty()), *n));
        let (shown, left, count) = fold_folders(&Look::plain(), folders, lines);
        (shown.iter().map(|(path, n)| format!("{n} {}", String::from_utf8_lossy(path))).collect(), left, count)
    }

    #[test]
    fn large_folders_are_opened_as_far_as_there_is_room() {
        let folders = [("", 2), ("a/b/c", 5), ("a/b/d", 90), ("x", 1), ("x/y", 1)];
        assert_eq!(folded(&folders, 10).0, ["90 a/b/d/", "5 a/b/c/", "2 *", "2 x/"]);
        assert_eq!(folded(&folders, 3).0, ["95 a/b/", "2 *", "2 x/"]);
        let folders = [("a/b", 9), ("a/c", 8), ("a/d", 2), ("a/e", 2), ("a/f", 1), ("g", 1)];
        assert_eq!(folded(&folders, 5).0, ["9 a/b/", "8 a/c/", "3 a/…", "2 a/d/", "1 g/"]);
        assert_eq!(folded(&[("a", 3), ("a/b", 4)], 10).0, ["4 a/b/", "3 a/*"]);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let folders: Vec<(String, usize)> = (1..=20).map(|n| (format!("f{n:02}"), n)).collect();
        let folders: Vec<(&str, usize)> = folders.iter().map(|(path, n)| (path.as_str(), *n)).collect();
        let (shown, left, count) = folded(&folders, 4);
        assert_eq!((shown, left, count), (vec!["20 f20/".into(), "19 f19/".into(), "18 f18/".into()], 17, 153));
        assert_eq!(folded(&[], 4), (Vec::new(), 0, 0));
    }
}
