//! Complete outputs of commands, stored as files below `tests/cli/snapshots` and reviewed like code.
//! `SNAPSHOTS=overwrite cargo test --test cli` writes them again; check the difference before committing it.

use std::path::{Path, PathBuf};

use snapbox::data::DataFormat;
use snapbox::{Assert, Data};

use super::run::Run;
use super::world::Env;

/// The variables of a command in addition to the world's: a screen of 80 columns.
const VARS: [(&str, &str); 1] = [("PATCHQ_COLUMNS", "80")];

/// Checks that the text is equal to that of the file (from the root of the repository).
#[track_caller]
pub(crate) fn assert_kept(file: impl AsRef<Path>, text: String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let kept = Data::read_from(&path, Some(DataFormat::Text)).raw();
    Assert::new().action_env("SNAPSHOTS").eq(Data::text(text), kept);
}

/// Returns the file of a complete output.
fn file(case: &str) -> PathBuf {
    Path::new("tests/cli/snapshots").join(format!("{case}.txt"))
}

impl Env {
    /// Runs patchq in the workspace, and compares all its output with `snapshots/CASE.txt`.
    #[track_caller]
    pub(crate) fn shows(&self, case: &str, args: &[&str]) -> Run {
        self.shows_in(&self.ws(), case, args)
    }

    /// Does the same in the folder `dir`.
    #[track_caller]
    pub(crate) fn shows_in(&self, dir: &Path, case: &str, args: &[&str]) -> Run {
        let run = self.patchq_with(dir, &VARS, args);
        self.kept(case, args, &run);
        run
    }

    /// Compares the output for these arguments with `snapshots/CASE.txt`.
    #[track_caller]
    pub(crate) fn kept(&self, case: &str, args: &[&str], run: &Run) {
        let words = shlex::try_join(std::iter::once("patchq").chain(args.iter().copied())).unwrap();
        let code = run.code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        let mut text = format!("$ {words}\n");
        for (name, stream) in [("stdout", &run.stdout), ("stderr", &run.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("--- {name}\n{stream}"));
            }
        }
        text.push_str(&format!("--- exit code {code}\n"));
        assert_kept(file(case), stable(&text, &self.root));
    }
}

/// Returns the text without parts that differ between machines and runs: the world's folder, git's own messages, and
/// times.
pub(crate) fn stable(text: &str, root: &Path) -> String {
    let mut text = text.replace(root.to_str().unwrap(), "/world");
    // Which of the two ends of a transfer reports first is random.
    if let Some((before, rest)) = text.split_once("(fatal: ")
        && let Some((_, after)) = rest.split_once(")\n")
    {
        text = format!("{before}(fatal: [GIT])\n{after}");
    }
    // Seconds since 1970: ten digits alone.
    let mut stable = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let word = &rest[start..];
        let end = word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(word.len());
        let is_time = end == 10 && word.starts_with("17") && word[..end].bytes().all(|byte| byte.is_ascii_digit());
        stable.push_str(&rest[..start]);
        stable.push_str(if is_time { "[TIME]" } else { &word[..end] });
        rest = &word[end..];
    }
    stable + rest
}
