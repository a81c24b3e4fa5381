//! Opens the user's editor on a text.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;

use super::context::PAGING;
use crate::git::{GitProgram, ProgramError, neutral_name};
use crate::path::RepoPath;
use crate::ui::{Edited, HunkPage, read_file_back};

/// The user's editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editor(OsString);

/// How an edit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EditEnd {
    /// The editor exited successfully.
    Done(Edited),
    /// It failed, or could not be started: its exit status, `None` after a signal. The result is not used.
    GaveUp(Option<i32>),
}

/// An edit that ended: how, and the content of the file now, which must not be lost.
pub type Ended = (EditEnd, Vec<u8>);

impl Editor {
    /// Returns the editor that git would open in `folder`: GIT_EDITOR, git's `core.editor`, VISUAL, EDITOR, `vi`, in
    /// this order. `None`: the terminal cannot show an editor, and the user configured none.
    ///
    /// # Errors
    /// [`ProgramError`] when git cannot be run.
    pub fn of_git(git: &GitProgram, folder: &Path) -> Result<Option<Editor>, ProgramError> {
        let Some(mut command) = git.ask_for_user(folder, &["var", "GIT_EDITOR"])? else { return Ok(None) };
        if command.last() == Some(&b'\n') {
            command.pop();
        }
        Ok((!command.is_empty()).then(|| Editor(OsString::from_vec(command))))
    }

    /// Opens a hunk of the file `path`, with the text of `page` or an unfinished edit of it. `scratch` is a folder for
    /// temporary files.
    ///
    /// # Errors
    /// [`io::Error`] when the private file cannot be written or read.
    pub fn hunk(&self, scratch: &Path, path: &RepoPath, page: &HunkPage, draft: Option<&[u8]>) -> io::Result<Ended> {
        self.edit(scratch, &neutral_name(path), draft.unwrap_or(page.text()), |after| page.read(after))
    }

    /// Opens the whole text of the file `path`, with markers of `marker_size` in it.
    ///
    /// # Errors
    /// As [`Editor::hunk`].
    pub fn file(&self, scratch: &Path, path: &RepoPath, text: &[u8], marker_size: usize) -> io::Result<Ended> {
        self.edit(scratch, &neutral_name(path), text, |after| read_file_back(text, after.to_vec(), marker_size))
    }

    /// Opens a message, with `text` as the initial text; the whole text is the result.
    ///
    /// # Errors
    /// As [`Editor::hunk`].
    pub fn message(&self, scratch: &Path, text: &[u8]) -> io::Result<Ended> {
        self.edit(scratch, "COMMIT_EDITMSG", text, |after| Edited::Text(after.to_vec()))
    }

    /// Returns its command, as the user configured it.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        &self.0
    }

    fn edit(&self, scratch: &Path, name: &str, text: &[u8], read: impl FnOnce(&[u8]) -> Edited) -> io::Result<Ended> {
        fs::create_dir_all(scratch)?;
        let private = fs::Permissions::from_mode(0o700);
        let folder = tempfile::Builder::new().prefix("edit-").permissions(private).tempdir_in(scratch)?;
        let file = folder.path().join(name);
        fs::write(&file, text)?;
        let code = self.open(&file)?;
        // An editor that failed may have removed the file.
        let after = if code == Some(0) { fs::read(&file)? } else { fs::read(&file).unwrap_or_default() };
        let end = match code {
            Some(0) if after == text => EditEnd::Done(Edited::Unchanged),
            Some(0) => EditEnd::Done(read(&after)),
            code => EditEnd::GaveUp(code),
        };
        Ok((end, after))
    }

    /// Runs the editor as git does: the value is a shell command, the file its last argument. The editor handles ctrl-C
    /// while it runs.
    fn open(&self, file: &Path) -> io::Result<Option<i32>> {
        let mut script = self.0.clone();
        script.push(" \"$@\"");
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg(&self.0).arg(file);
        PAGING.store(true, Ordering::SeqCst);
        let ended = command.status();
        PAGING.store(false, Ordering::SeqCst);
        Ok(ended?.code())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::stack::{Hunk, Lines};
    use crate::ui::HunkText;

    fn git(vars: &[(&str, &str)], config: &str) -> Option<Editor> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".gitconfig"), config).unwrap();
        let mut env: Vec<(OsString, OsString)> =
            vec![("HOME".into(), dir.path().into()), ("GIT_CONFIG_NOSYSTEM".into(), "1".into())];
        env.extend(std::env::var_os("PATH").map(|path| ("PATH".into(), path)));
        env.extend(vars.iter().map(|(key, value)| ((*key).into(), (*value).into())));
        Editor::of_git(&GitProgram::new("git", env), dir.path()).unwrap()
    }

    #[test]
    fn the_editor_is_the_one_that_git_would_open() {
        let term = ("TERM", "xterm");
        let named = |name: &str| Some(Editor(name.into()));
        let config = "[core]\n\teditor = of-git\n";
        let all = [term, ("GIT_EDITOR", "a -w"), ("VISUAL", "v"), ("EDITOR", "e")];
        assert_eq!(git(&all, config), named("a -w"));
        assert_eq!(git(&[term, all[2], all[3]], config), named("of-git"));
        assert_eq!(git(&[term, all[2], all[3]], ""), named("v"));
        assert_eq!(git(&[term, all[3]], ""), named("e"));
        assert!(git(&[term], "").is_some());
        assert_eq!(git(&[("TERM", "dumb")], ""), None);
    }

    #[test]
    fn a_script_edits_a_hunk_and_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let (scratch, path) = (dir.path().join("scratch"), RepoPath::new("app/ma in.py").unwrap());
        let editor = |script: &str| Editor(script.into());
        let side = |text: &str| Lines { start: 1, text: text.into() };
        let hunk =
            Hunk { base: side("b\n"), upstream: side("u\n"), patch: side("p\n"), nth: 0, alike: Default::default() };
        let (title, sides, around) = ("x", ["u", "b", "p"], (&[][..], &[][..]));
        let page = HunkPage::new(&HunkText { title, hunk: &hunk, sides, around, start: b"u\n", marker_size: 7 });
        let edited = |script: &str| editor(script).hunk(&scratch, &path, &page, None).unwrap().0;
        assert_eq!(edited("sed -i 's/^u$/both of them/'"), EditEnd::Done(Edited::Text(b"both of them\n".to_vec())));
        assert_eq!(edited(":"), EditEnd::Done(Edited::Unchanged));
        // Like editors that save by replacing the file with another one.
        let save = "f() { grep '^#' \"$1\" >\"$1~\"; mv \"$1~\" \"$1\"; }; f";
        assert_eq!(edited(save), EditEnd::Done(Edited::Text(Vec::new())));
        assert_eq!(edited("sed -i d \"$@\"; false"), EditEnd::GaveUp(Some(1)));
        assert_eq!(edited("patchq-no-such-editor 2>/dev/null"), EditEnd::GaveUp(Some(127)));
        let out = dir.path().join("out");
        let look = format!("f() {{ stat -c %a \"$(dirname \"$1\")\" >{0}; basename \"$1\" >>{0}; }}; f", out.display());
        let text = b"a\n<<<<<<< u\nb\n";
        let ended = |script: &str| editor(script).file(&scratch, &path, text, 7).unwrap();
        let whole = |script: &str| ended(script).0;
        assert_eq!(whole(&look), EditEnd::Done(Edited::Unchanged));
        let half = b"a\n<<<<<<< u\nB\n".to_vec();
        assert_eq!(ended("sed -i s/b/B/"), (EditEnd::Done(Edited::LeftMarkers(2)), half.clone()));
        assert_eq!(ended("f() { sed -i s/b/B/ \"$1\"; false; }; f"), (EditEnd::GaveUp(Some(1)), half));
        assert_eq!(fs::read_to_string(out).unwrap(), "700\nconflict.py\n");
        assert_eq!(whole("sed -i '/^<</d'"), EditEnd::Done(Edited::Text(b"a\nb\n".to_vec())));
        assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "something was left behind");
    }
}
