//! Computes the lines that `.gitignore` and `.gitattributes` of a workspace need: a checkout is never added to the
//! workspace's repository, and no line end setting changes a patch. Both files are also written while the workspace is
//! not in a git repository, so that it can become one safely.

use bstr::ByteSlice;

use crate::workspace::manifest::Name;

/// The folders whose files must be kept byte for byte.
const KEPT_AS_THEY_ARE: [&str; 3] = ["patches", "resolutions", "sessions"];

/// Returns the lines that `.gitignore` lacks so that the checkouts of `names`, and `.patchq/` if `private_in_root` is
/// set, are ignored. `old`: the file's bytes, empty if there is none.
#[must_use]
pub fn missing_ignores<'a>(
    old: &[u8],
    names: impl IntoIterator<Item = &'a Name>,
    private_in_root: bool,
) -> Vec<String> {
    let private = private_in_root.then_some(".patchq");
    let folders = names.into_iter().map(Name::as_str).chain(private);
    folders.filter(|folder| !is_ignored(old, folder)).map(|folder| format!("/{folder}/")).collect()
}

/// Returns the lines that `.gitattributes` lacks. `old`: the file's bytes, empty if there is none.
#[must_use]
pub fn missing_attributes(old: &[u8]) -> Vec<String> {
    let lacks = |folder: &&str| !is_kept_as_it_is(old, folder);
    KEPT_AS_THEY_ARE.into_iter().filter(lacks).map(|folder| format!("/{folder}/** -text")).collect()
}

/// Returns `old` with `lines` at the end, with the line ends of `old`; `None` when there is nothing to add.
#[must_use]
pub fn with_lines(old: &[u8], lines: &[String]) -> Option<Vec<u8>> {
    if lines.is_empty() {
        return None;
    }
    let end: &[u8] =
        if old.lines_with_terminator().next().is_some_and(|line| line.ends_with(b"\r\n")) { b"\r\n" } else { b"\n" };
    let mut new = old.to_vec();
    if !new.is_empty() && !new.ends_with(b"\n") {
        new.extend_from_slice(end);
    }
    for line in lines {
        new.extend_from_slice(line.as_bytes());
        new.extend_from_slice(end);
    }
    Some(new)
}

/// Checks whether the last line of a `.gitignore` that names exactly `folder` ignores it (a later `!` reverts that).
fn is_ignored(old: &[u8], folder: &str) -> bool {
    let mut verdict = old.lines().filter_map(|line| {
        let line = line.trim_end();
        let (ignores, pattern) = line.strip_prefix(b"!").map_or((true, line), |rest| (false, rest));
        let pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
        let pattern = pattern.strip_suffix(b"/").unwrap_or(pattern);
        (pattern == folder.as_bytes()).then_some(ignores)
    });
    verdict.next_back().unwrap_or(false)
}

/// Checks whether the last line of a `.gitattributes` that matches all of `folder` and mentions `text` unsets it.
fn is_kept_as_it_is(old: &[u8], folder: &str) -> bool {
    let covers = |pattern: &[u8]| {
        let pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
        matches!(pattern, b"*" | b"**") || pattern == format!("{folder}/**").as_bytes()
    };
    let mut verdict = old.lines().filter_map(|line| {
        let mut words = line.split(|b| b.is_ascii_whitespace()).filter(|word| !word.is_empty());
        let pattern = words.next()?;
        // A later `*.patch text` would override it for the patch files.
        let (all, some) = (covers(pattern), folder == "patches" && pattern.ends_with(b"*.patch"));
        let mut spoken = words.filter_map(|word| match word {
            b"-text" | b"binary" => all.then_some(true),
            b"text" | b"text=auto" | b"!text" => (all || some).then_some(false),
            _ => None,
        });
        spoken.next_back()
    });
    verdict.next_back().unwrap_or(false)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names() -> Vec<Name> {
        ["kubeflow", "ray-2.1"].map(|name| Name::parse(name).unwrap()).to_vec()
    }

    fn ignored(old: &str) -> Option<String> {
        let new = with_lines(old.as_bytes(), &missing_ignores(old.as_bytes(), &names(), false));
        new.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn only_missing_ignores_are_added() {
        assert_eq!(ignored("").as_deref(), Some("/kubeflow/\n/ray-2.1/\n"));
        assert_eq!(ignored("*.o\n/kubeflow/\n").as_deref(), Some("*.o\n/kubeflow/\n/ray-2.1/\n"));
        assert_eq!(ignored("ray-2.1\nkubeflow/").as_deref(), None);
        assert_eq!(ignored("/kubeflow/\r\n# x").as_deref(), Some("/kubeflow/\r\n# x\r\n/ray-2.1/\r\n"));
        assert_eq!(
            ignored("/kubeflow/\n!kubeflow\n/ray-2.1 \n").as_deref(),
            Some("/kubeflow/\n!kubeflow\n/ray-2.1 \n/kubeflow/\n")
        );
        assert_eq!(missing_ignores(b"", &[], true), ["/.patchq/"]);
    }

    #[test]
    fn what_was_added_is_no_longer_missing() {
        for old in ["", "* text=auto\n", "* -text\n*.patch text\n", "/patches/** -text\n/patches/** text=auto\n"] {
            let new = with_lines(old.as_bytes(), &missing_attributes(old.as_bytes())).unwrap();
            assert_eq!(missing_attributes(&new), Vec::<String>::new(), "{old:?}");
        }
    }

    #[test]
    fn only_missing_attributes_are_added() {
        let all = ["/patches/** -text", "/resolutions/** -text", "/sessions/** -text"];
        assert_eq!(missing_attributes(b""), all);
        assert_eq!(missing_attributes(b"patches/** -text\n* text=auto\n"), all);
        assert_eq!(missing_attributes(b"* text=auto\npatches/** -text diff\r\n/sessions/** binary\n"), all[1..2]);
        assert_eq!(missing_attributes(b"* -text\n"), Vec::<String>::new());
        assert_eq!(missing_attributes(b"* -text\n*.patch text\n"), all[..1]);
        assert_eq!(missing_attributes(b"*.patch -text\n"), all);
        assert_eq!(missing_attributes(b"* -text\n*.patch -text eol=crlf\n"), Vec::<String>::new());
    }
}
