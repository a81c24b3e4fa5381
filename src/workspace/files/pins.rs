//! Reads and writes the pin (`commits/NAME.txt`) and its version (`commits/NAME.version.txt`): one line each.

use std::path::Path;

use super::disk::{self, FileError, shown};
use crate::git::Id;
use crate::path::printable;

/// Why a pin or a version cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PinError {
    /// The file itself cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file has no line.
    #[error("{file}:1: the file is empty; expected {expected}")]
    Empty {
        /// The file for messages.
        file: String,
        /// The expected content, in words.
        expected: &'static str,
    },
    /// The file has more than one line.
    #[error("{file}:{line}: a second line; expected one line with {expected}")]
    SeveralLines {
        /// The file for messages.
        file: String,
        /// The first extra line, from 1.
        line: usize,
        /// The expected content, in words.
        expected: &'static str,
    },
    /// An abbreviated commit id.
    #[error("{file}:1: the commit id '{id}' is abbreviated ({} of 40 digits); write it in full", id.len())]
    Abbreviated {
        /// The file for messages.
        file: String,
        /// The digits that are there.
        id: String,
    },
    /// Text that is not a commit id.
    #[error("{file}:1: '{text}' is not a commit id; expected 40 hexadecimal digits")]
    NotAnId {
        /// The file for messages.
        file: String,
        /// The text, printable.
        text: String,
    },
    /// An id of a SHA-256 repository.
    #[error("{file}:1: '{id}' is the id of a SHA-256 repository, which patchq cannot read")]
    Sha256 {
        /// The file for messages.
        file: String,
        /// The id.
        id: String,
    },
    /// A version with blanks or control characters.
    #[error("{file}:1: '{text}' is not a version; expected one word such as v1.6.1")]
    NotAVersion {
        /// The file for messages.
        file: String,
        /// The text, printable.
        text: String,
    },
}

const ID: &str = "the full commit id (40 hexadecimal digits)";
const VERSION: &str = "a version such as v1.6.1";

/// Reads the pin in the file at `path`; messages show it as `shown_path`. `None`: there is no such file.
///
/// # Errors
/// [`PinError`].
pub fn read_pin(path: &Path, shown_path: &Path) -> Result<Option<Id>, PinError> {
    read(path)?.map(|bytes| parse_pin(&bytes, shown_path)).transpose()
}

/// Reads the version in the file at `path`; messages show it as `shown_path`. `None`: there is no such file.
///
/// # Errors
/// [`PinError`].
pub fn read_version(path: &Path, shown_path: &Path) -> Result<Option<String>, PinError> {
    read(path)?.map(|bytes| parse_version(&bytes, shown_path)).transpose()
}

/// Returns the bytes of a file whose folder is a real folder, not a symlink.
fn read(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match path.parent() {
        Some(folder) if !disk::is_folder(folder)? => Ok(None),
        _ => disk::read_at_most(path, disk::ONE_LINE),
    }
}

/// Parses the pin in a file's `bytes`: one line, with or without its end (LF or CRLF).
///
/// # Errors
/// [`PinError`].
pub fn parse_pin(bytes: &[u8], shown_path: &Path) -> Result<Id, PinError> {
    let file = shown(shown_path);
    let text = only_line(bytes, &file, ID)?;
    let is_hex = text.bytes().all(|b| b.is_ascii_hexdigit());
    match text.len() {
        40 if is_hex => text.parse().map_err(|_| PinError::NotAnId { file, text }),
        64 if is_hex => Err(PinError::Sha256 { file, id: text }),
        4..40 if is_hex => Err(PinError::Abbreviated { file, id: text }),
        _ => Err(PinError::NotAnId { file, text }),
    }
}

/// Parses the version in a file's `bytes`: one line, with or without its end.
///
/// # Errors
/// [`PinError`].
pub fn parse_version(bytes: &[u8], shown_path: &Path) -> Result<String, PinError> {
    let file = shown(shown_path);
    let text = only_line(bytes, &file, VERSION)?;
    // A text that was escaped for display, or contains blanks, is neither a tag name nor an id.
    if text.contains([' ', '\\']) || text.as_bytes() != line_of(bytes) {
        return Err(PinError::NotAVersion { file, text });
    }
    Ok(text)
}

/// Returns the text of a file that names a commit in some way (an abbreviated id, a tag): its only line, without blanks
/// around it, printable.
///
/// # Errors
/// [`PinError::Empty`], [`PinError::SeveralLines`].
pub fn parse_reference(bytes: &[u8], shown_path: &Path) -> Result<String, PinError> {
    only_line(bytes, &shown(shown_path), "a commit: its id, which may be abbreviated, or a tag")
}

/// Returns the content of the pin's file.
#[must_use]
pub fn print_pin(id: &Id) -> Vec<u8> {
    format!("{id}\n").into_bytes()
}

/// Returns the content of the version's file.
#[must_use]
pub fn print_version(version: &str) -> Vec<u8> {
    format!("{version}\n").into_bytes()
}

/// Returns the bytes up to the first line end, without blanks around them.
fn line_of(bytes: &[u8]) -> &[u8] {
    bytes.split(|b| *b == b'\n').next().unwrap_or(bytes).trim_ascii()
}

/// Returns the first line, printable, after checking that only blank lines follow.
fn only_line(bytes: &[u8], file: &str, expected: &'static str) -> Result<String, PinError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf".as_slice()).unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err(PinError::Empty { file: file.to_owned(), expected });
    }
    let further = bytes.split(|b| *b == b'\n').skip(1).position(|line| !line.trim_ascii().is_empty());
    if let Some(at) = further {
        return Err(PinError::SeveralLines { file: file.to_owned(), line: at + 2, expected });
    }
    Ok(printable(line_of(bytes)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const PIN: &str = "0611aa04850cf1fd582806dfe7f6f1fbca69f683";

    fn pin(text: &str) -> Result<String, String> {
        parse_pin(text.as_bytes(), Path::new("commits/x.txt")).map(|id| id.to_string()).map_err(|e| e.to_string())
    }

    #[test]
    fn pins_with_any_line_end() {
        for text in
            [format!("{PIN}\n"), PIN.to_owned(), format!("{PIN}\r\n"), format!("{PIN} \n\n"), PIN.to_uppercase()]
        {
            assert_eq!(pin(&text), Ok(PIN.to_owned()), "{text:?}");
        }
        assert_eq!(print_pin(&PIN.parse().unwrap()), format!("{PIN}\n").into_bytes());
    }

    #[test]
    fn pins_that_are_none() {
        let said = |text: &str| pin(text).unwrap_err();
        let full = "the full commit id (40 hexadecimal digits)";
        assert_eq!(said("\n"), format!("commits/x.txt:1: the file is empty; expected {full}"));
        assert_eq!(
            said("0611aa0\n"),
            "commits/x.txt:1: the commit id '0611aa0' is abbreviated (7 of 40 digits); write it in full"
        );
        assert_eq!(
            said(&format!("{PIN}\n\n{PIN}\n")),
            format!("commits/x.txt:3: a second line; expected one line with {full}")
        );
        assert_eq!(
            said("v1.6\x1b.1\n"),
            "commits/x.txt:1: 'v1.6\\x1b.1' is not a commit id; expected 40 hexadecimal digits"
        );
        assert!(said(&"a".repeat(64)).contains("SHA-256"));
        assert!(said(&"a".repeat(41)).contains("not a commit id"));
    }

    #[test]
    fn versions() {
        let version = |text: &[u8]| parse_version(text, Path::new("commits/x.version.txt")).map_err(|e| e.to_string());
        assert_eq!(version(b"v1.6.1-4-g0611aa04\r\n"), Ok("v1.6.1-4-g0611aa04".to_owned()));
        assert_eq!(version(b"release/2.0"), Ok("release/2.0".to_owned()));
        for bad in [&b""[..], b"a b\n", b"a\x1bb\n", b"a\xff\n", b"a\nb\n"] {
            assert!(version(bad).unwrap_err().starts_with("commits/x.version.txt:"));
        }
    }

    #[test]
    fn a_missing_file_is_no_pin() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read_pin(&dir.path().join("x.txt"), Path::new("x.txt")).unwrap().is_none());
        std::os::unix::fs::symlink("/etc/passwd", dir.path().join("x.txt")).unwrap();
        assert!(matches!(
            read_pin(&dir.path().join("x.txt"), Path::new("x.txt")),
            Err(PinError::File(FileError::Symlink(_)))
        ));
    }
}
