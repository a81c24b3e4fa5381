//! Checks paths inside a repository: bytes, relative, and safe to join to a folder.
//!
//! Patches, manifests and upstream trees are untrusted. A [`RepoPath`] can only be made from bytes that stay inside the
//! tree they are joined to and that no file system folds into git's own folder, so its users need not check again. The
//! rules are those of git's `verify_path` with `core.protectHFS` and `core.protectNTFS` on, on every system.

use std::fmt;
use std::path::{Path, PathBuf};

use bstr::{BStr, BString, ByteSlice};
use unicode_normalization::UnicodeNormalization;

/// A relative path with `/` between its parts, never empty, never absolute, without `.`, `..`, empty parts, NUL,
/// or anything that a file system could take for `.git`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(BString);

/// Why some bytes are not a valid path in a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// Empty, or empty between two slashes.
    #[error("the path '{0}' has an empty part")]
    Empty(String),
    /// Starts at the root of the file system.
    #[error("the path '{0}' is absolute")]
    Absolute(String),
    /// Has a part that is `.` or `..`.
    #[error("the path '{0}' contains '.' or '..'")]
    Dots(String),
    /// Has a part that some file system would open as `.git`.
    #[error("the path '{0}' reaches into '.git'")]
    DotGit(String),
    /// Contains a NUL byte.
    #[error("the path '{0}' contains a NUL byte")]
    Nul(String),
}

impl RepoPath {
    /// Checks `bytes` and keeps them unchanged.
    ///
    /// # Errors
    /// [`BadPath`], with the path made printable.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<RepoPath, BadPath> {
        let bytes = bytes.as_ref();
        let shown = || printable(bytes);
        if bytes.first() == Some(&b'/') {
            return Err(BadPath::Absolute(shown()));
        }
        if bytes.contains(&0) {
            return Err(BadPath::Nul(shown()));
        }
        for part in bytes.split(|b| *b == b'/') {
            match part {
                b"" => return Err(BadPath::Empty(shown())),
                b"." | b".." => return Err(BadPath::Dots(shown())),
                _ if is_dot_git(part) => return Err(BadPath::DotGit(shown())),
                _ => {}
            }
        }
        Ok(RepoPath(BString::from(bytes)))
    }

    /// Returns the bytes as git stores them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as a byte string.
    #[must_use]
    pub fn as_bstr(&self) -> &BStr {
        self.0.as_bstr()
    }

    /// Returns the parts between the slashes, at least one.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|b| *b == b'/')
    }

    /// Returns the folder that contains this path; `None` at the top.
    #[must_use]
    pub fn parent(&self) -> Option<RepoPath> {
        self.0.rfind_byte(b'/').map(|at| RepoPath(BString::from(&self.0[..at])))
    }

    /// Returns the last part.
    #[must_use]
    pub fn file_name(&self) -> &[u8] {
        self.0.rsplit(|b| *b == b'/').next().unwrap_or(&self.0)
    }

    /// Returns this path with one more part below it.
    ///
    /// # Errors
    /// [`BadPath`] when `part` is not a safe part.
    pub fn join(&self, part: &[u8]) -> Result<RepoPath, BadPath> {
        let mut bytes = self.0.to_vec();
        bytes.push(b'/');
        bytes.extend_from_slice(part);
        RepoPath::new(bytes)
    }

    /// Checks whether this path is `folder` or is below it.
    #[must_use]
    pub fn is_within(&self, folder: &RepoPath) -> bool {
        self.0.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    }

    /// Returns a value that sorts before every path below this one and after all paths that sort before those; it is
    /// not a path itself.
    #[must_use]
    pub(crate) fn before_all_below(&self) -> RepoPath {
        let mut bytes = self.0.clone();
        bytes.push(b'/');
        RepoPath(bytes)
    }

    /// Returns this path below `root`, for the file system.
    #[must_use]
    pub fn below(&self, root: &Path) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        root.join(std::ffi::OsStr::from_bytes(&self.0))
    }

    /// Returns the key under which two paths collide on a file system that folds case and Unicode form (lower case of
    /// the NFC form; bytes that are not UTF-8 are kept).
    #[must_use]
    pub fn fold_key(&self) -> Vec<u8> {
        match self.0.to_str() {
            Ok(text) if text.is_ascii() => text.to_ascii_lowercase().into_bytes(),
            Ok(text) => text.nfc().flat_map(char::to_lowercase).nfc().collect::<String>().into_bytes(),
            Err(_) => self.0.to_ascii_lowercase(),
        }
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.0))
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

/// Returns the one of `known` that `text` most likely means, ignoring case: at most a third of the letters differ
/// (Damerau-Levenshtein), or one.
#[must_use]
pub fn nearest<'k>(text: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let text = text.to_lowercase();
    let length = |text: &str| text.chars().count();
    let near = known.into_iter().map(|known| (strsim::damerau_levenshtein(&text, &known.to_lowercase()), known));
    let near = near.filter(|(distance, known)| *distance <= (length(&text).max(length(known)) / 3).max(1));
    near.min().map(|(_, known)| known)
}

/// Returns `bytes` as text that cannot control a terminal: control characters, bidirectional overrides and bytes that
/// are not UTF-8 are escaped (`\n` as `\n`, others as `\xNN` or `\u{…}`).
#[must_use]
pub fn printable(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                c if c.is_control() && (c as u32) < 0x100 => out.push_str(&format!("\\x{:02x}", c as u32)),
                c if steers_the_terminal(c) => out.push_str(&format!("\\u{{{:x}}}", c as u32)),
                c => out.push(c),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// Returns a line of a file as text that cannot control a terminal: as [`printable`], but tabs are kept.
#[must_use]
pub fn printable_line(bytes: &[u8]) -> String {
    bytes.split(|byte| *byte == b'\t').map(printable).collect::<Vec<_>>().join("\t")
}

/// Makes a whole text safe for a terminal or a log, whatever its source; this is the last step before output. Lines and
/// tabs stay, and with `colours` the colour sequences (SGR). Everything else that could control a terminal is escaped
/// as by [`printable`]. So are the forms that the log of a CI service takes as a command: `::` at the beginning of a
/// line, `##[` and `##vso[` anywhere (documented by GitHub, Azure and TeamCity).
#[must_use]
pub fn on_screen(text: &str, colours: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for (n, line) in text.split('\n').enumerate() {
        if n > 0 {
            out.push('\n');
        }
        let mut at = 0;
        let mut begun = false;
        while let Some(c) = line[at..].chars().next() {
            let rest = &line[at..];
            if let Some(length) = colour_sequence(rest).filter(|_| colours) {
                out.push_str(&rest[..length]);
                at += length;
                continue;
            }
            match c {
                '\t' => out.push('\t'),
                ':' if !begun && rest.starts_with("::") => out.push_str("\\x3a"),
                '#' if is_log_command(rest) => out.push_str("\\x23"),
                c if steers_the_terminal(c) => out.push_str(&printable(c.encode_utf8(&mut [0; 4]).as_bytes())),
                c => out.push(c),
            }
            begun |= !c.is_whitespace();
            at += c.len_utf8();
        }
    }
    out
}

/// Returns the length of the colour sequence at the beginning of `text`, if there is one.
fn colour_sequence(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("\u{1b}[")?;
    let end = inside.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    inside[end..].starts_with('m').then_some(2 + end + 1)
}

/// Checks whether `text` begins with `##[`, `##vso[` or the like.
pub(crate) fn is_log_command(text: &str) -> bool {
    text.strip_prefix("##")
        .is_some_and(|rest| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('['))
}

/// Checks for characters that are not control characters in Unicode but move or hide text on a screen: bidirectional
/// marks, overrides and isolates, zero-width characters, line and paragraph separators.
pub(crate) fn steers_the_terminal(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
        || c.is_control()
}

/// Checks whether a file system could open `part` as `.git`: any case, HFS+ ignorable characters, NTFS short names,
/// trailing dots, spaces and alternate streams, or after a backslash.
fn is_dot_git(part: &[u8]) -> bool {
    part.split(|b| *b == b'\\').any(|piece| is_ntfs_dot_git(piece) || is_hfs_dot_git(piece))
}

/// Checks for `.git` or `git~1` in any case, followed only by dots and spaces, or by a `:` (an alternate stream).
fn is_ntfs_dot_git(part: &[u8]) -> bool {
    let lower = part.to_ascii_lowercase();
    let rest = lower.strip_prefix(b".git".as_slice()).or_else(|| lower.strip_prefix(b"git~1".as_slice()));
    rest.is_some_and(|rest| {
        let end = rest.iter().position(|b| !matches!(b, b' ' | b'.')).unwrap_or(rest.len());
        matches!(rest.get(end), None | Some(b':'))
    })
}

/// Checks for `.git` in any case after removing the code points that HFS+ ignores.
fn is_hfs_dot_git(part: &[u8]) -> bool {
    let Ok(text) = part.to_str() else { return false };
    let seen: String = text
        .chars()
        .filter(
            |c| !matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}'),
        )
        .flat_map(char::to_lowercase)
        .collect();
    seen == ".git"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant() {
        let known = ["semver", "version", "ab"];
        assert_eq!(nearest("Verison", known), Some("version"));
        assert_eq!(nearest("a", known), Some("ab"));
        assert_eq!((nearest("sha", known), nearest("x", [])), (None, None));
    }

    #[test]
    fn ordinary_paths_are_kept_as_they_are() {
        for ok in [
            "a",
            "a/b.c",
            ".gitignore",
            ".github/workflows/x.yml",
            "git",
            "a/.gitmodules",
            "git~2",
            "x\\y",
            "jupyter-ä/ö",
        ] {
            assert_eq!(RepoPath::new(ok).map(|p| p.as_bytes().to_vec()), Ok(ok.as_bytes().to_vec()));
        }
    }

    #[test]
    fn paths_that_leave_the_tree_or_reach_git_are_refused() {
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a/./b",
            "a//b",
            "a/",
            ".git",
            ".GIT/config",
            "a/.Git/hooks/x",
            "git~1",
            "GIT~1/x",
            ".git.",
            ".git ",
            ".git. .",
            ".git::$INDEX_ALLOCATION",
            "a\\.git\\config",
            ".g\u{200c}it",
            "\u{feff}.git/x",
            "a\0b",
        ] {
            assert!(RepoPath::new(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn errors_cannot_steer_the_terminal() {
        let error = RepoPath::new("../\x1b[31mred\u{202e}").map_err(|e| e.to_string());
        assert_eq!(error, Err("the path '../\\x1b[31mred\\u{202e}' contains '.' or '..'".to_owned()));
    }

    #[test]
    fn a_text_steers_neither_terminal_nor_log() {
        let text = "a\u{1b}[31mred\u{1b}[0m\tb\u{9b}2J\u{1b}[2J\r\n  ::error::x\nstd::x ::y\n\u{1b}[1m::debug::z\n- ##vso[task.x]##[group]# ##\n\0";
        let escaped = "\tb\\x9b2J\\x1b[2J\\r\n  \\x3a:error::x\nstd::x ::y\n";
        let end = "- \\x23#vso[task.x]\\x23#[group]# ##\n\\x00";
        assert_eq!(on_screen(text, true), format!("a\u{1b}[31mred\u{1b}[0m{escaped}\u{1b}[1m\\x3a:debug::z\n{end}"));
        assert_eq!(on_screen(text, false), format!("a\\x1b[31mred\\x1b[0m{escaped}\\x1b[1m::debug::z\n{end}"));
    }

    #[test]
    fn collisions_fold_case_and_unicode_form() {
        let key = |s: &str| RepoPath::new(s).map(|p| p.fold_key());
        assert_eq!(key("README.md"), key("readme.MD"));
        assert_eq!(key("caf\u{e9}"), key("CAFE\u{301}"));
        assert_ne!(key("a"), key("b"));
    }

    #[test]
    fn parts_and_parents() -> Result<(), BadPath> {
        let path = RepoPath::new("a/b/c")?;
        assert_eq!(path.parent(), Some(RepoPath::new("a/b")?));
        assert_eq!(path.file_name(), b"c");
        assert!(path.is_within(&RepoPath::new("a/b")?) && !path.is_within(&RepoPath::new("a/bb")?));
        assert_eq!(RepoPath::new("a")?.parent(), None);
        assert!(path.join(b"..").is_err());
        Ok(())
    }
}
