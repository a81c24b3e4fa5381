//! Tests whether a file system treats two names as one.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use bstr::ByteSlice;
use unicode_normalization::UnicodeNormalization;

use crate::path::RepoPath;

/// A folder that is made for the test and removed again.
const PROBE: &str = ".patchq-probe";
const NAME: &str = "A\u{e9}";
const OTHER_CASE: &str = "a\u{e9}";
const OTHER_FORM: &str = "Ae\u{301}";

/// Which names a file system treats as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folding {
    /// Names that differ by letter case.
    case: bool,
    /// Names that differ by Unicode form.
    form: bool,
}

impl Folding {
    /// Tests the file system of `folder`; both are true if the test fails.
    pub(super) fn of(folder: &Path) -> Folding {
        let probe = folder.join(PROBE);
        let there = |name: &str| fs::symlink_metadata(probe.join(name)).is_ok();
        let asked = make(&probe).map(|()| Folding { case: there(OTHER_CASE), form: there(OTHER_FORM) });
        // If the folder stays, the next test removes it first.
        let _ = clear(&probe);
        asked.unwrap_or(Folding { case: true, form: true })
    }

    /// Checks whether `path` is the same name as `other`, or as the folder above `other` at the same depth.
    pub(super) fn meets(self, path: &RepoPath, other: &RepoPath) -> bool {
        let same = |(one, other): (&[u8], &[u8])| self.key(one) == self.key(other);
        path.parts().count() <= other.parts().count() && path.parts().zip(other.parts()).all(same)
    }

    fn key(self, part: &[u8]) -> Vec<u8> {
        let Ok(text) = part.to_str() else {
            return if self.case { part.to_ascii_lowercase() } else { part.to_vec() };
        };
        let form = |text: &str| if self.form { text.nfc().collect() } else { text.to_owned() };
        let text = form(text);
        if self.case { form(&text.to_lowercase()).into_bytes() } else { text.into_bytes() }
    }
}

fn make(probe: &Path) -> std::io::Result<()> {
    clear(probe)?;
    fs::create_dir(probe)?;
    fs::File::create_new(probe.join(NAME)).map(drop)
}

/// Removes the probe only: a folder of that name with other content stays.
fn clear(probe: &Path) -> std::io::Result<()> {
    let gone = |done: std::io::Result<()>| match done {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    if fs::symlink_metadata(probe).is_ok_and(|meta| !meta.is_dir()) {
        return Err(ErrorKind::AlreadyExists.into());
    }
    gone(fs::remove_file(probe.join(NAME)))?;
    gone(fs::remove_dir(probe))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn meets(case: bool, form: bool, one: &str, other: &str) -> bool {
        Folding { case, form }.meets(&RepoPath::new(one).unwrap(), &RepoPath::new(other).unwrap())
    }

    #[test]
    fn names_meet_as_far_as_the_file_system_folds_them() {
        let rows = [
            ("a/X.h", "a/x.h", [false, true, false, true]),
            ("caf\u{e9}", "cafe\u{301}", [false, false, true, true]),
            ("CAF\u{c9}", "cafe\u{301}", [false, false, false, true]),
            ("A", "a/b", [false, true, false, true]),
            ("a", "a/b", [true; 4]),
            ("A/b", "a", [false; 4]),
        ];
        for (one, other, expected) in rows {
            let found = [(false, false), (true, false), (false, true), (true, true)];
            assert_eq!(found.map(|(case, form)| meets(case, form, one, other)), expected, "{one} {other}");
        }
    }

    #[test]
    fn the_answer_is_what_the_file_system_does_and_nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        // A folder left by a killed run does not disturb.
        fs::create_dir(dir.path().join(PROBE)).unwrap();
        fs::write(dir.path().join(PROBE).join(NAME), "").unwrap();
        let found = Folding::of(dir.path());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
        for name in ["X", "x", "\u{e9}", "e\u{301}"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let kept = |name: &str| fs::read(dir.path().join(name)).unwrap() == name.as_bytes();
        assert_eq!(found, Folding { case: !kept("X"), form: !kept("\u{e9}") });
    }

    #[test]
    fn where_it_cannot_be_asked_it_folds_and_what_is_not_ours_stays() {
        let both = Folding { case: true, form: true };
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Folding::of(&dir.path().join("no folder")), both);
        fs::write(dir.path().join(PROBE), "mine").unwrap();
        assert_eq!(Folding::of(dir.path()), both);
        assert_eq!(fs::read(dir.path().join(PROBE)).unwrap(), b"mine");
    }
}
