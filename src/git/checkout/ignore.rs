//! Implements git's ignore rules: the rules of one file, and the order of several files.

use bstr::{BString, ByteSlice};

use crate::git::PathPattern;

/// The rules of one `.gitignore`, exclude file or the like.
#[derive(Debug, Default, Clone)]
pub(super) struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: PathPattern,
    negated: bool,
    folder_only: bool,
    /// Matched against the path from the file's own folder; otherwise against the last part only.
    anchored: bool,
}

impl Rules {
    /// Parses the lines of an ignore file.
    pub(super) fn parse(text: &[u8]) -> Rules {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        Rules { rules: text.lines().filter_map(Rule::parse).collect() }
    }

    /// Returns what these rules say about `path` (relative to the folder of the rules): ignored, not ignored, or
    /// nothing.
    pub(super) fn say(&self, path: &[u8], is_folder: bool) -> Option<bool> {
        self.rules.iter().rev().find(|rule| rule.matches(path, is_folder)).map(|rule| !rule.negated)
    }
}

impl Rule {
    fn parse(line: &[u8]) -> Option<Rule> {
        let mut pattern = line.strip_suffix(b"\r").unwrap_or(line);
        if pattern.first() == Some(&b'#') {
            return None;
        }
        while let Some(shorter) = pattern.strip_suffix(b" ") {
            let slashes = shorter.iter().rev().take_while(|byte| **byte == b'\\').count();
            if slashes % 2 == 1 {
                break;
            }
            pattern = shorter;
        }
        let negated = pattern.first() == Some(&b'!');
        pattern = pattern.strip_prefix(b"!").unwrap_or(pattern);
        let folder_only = pattern.last() == Some(&b'/');
        pattern = pattern.strip_suffix(b"/").unwrap_or(pattern);
        let anchored = pattern.contains(&b'/');
        pattern = pattern.strip_prefix(b"/").unwrap_or(pattern);
        let pattern = PathPattern::parse(pattern, anchored).filter(|_| !pattern.is_empty())?;
        Some(Rule { pattern, negated, folder_only, anchored })
    }

    fn matches(&self, path: &[u8], is_folder: bool) -> bool {
        if self.folder_only && !is_folder {
            return false;
        }
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
        self.pattern.matches(if self.anchored { path } else { name })
    }
}

/// Checks whether a pattern of a `.gitattributes` file matches a file, by its path from the folder of that file
/// (gitattributes(5): the patterns are those of ignore files, without negation).
pub(super) fn covers(pattern: &[u8], path: &[u8]) -> bool {
    Rule::parse(pattern).is_some_and(|rule| !rule.negated && rule.matches(path, false))
}

/// The rules for one folder of the working tree: those of its own file, of the files above, and last those of the whole
/// checkout. The nearest file that matches decides.
pub(super) struct Chain {
    /// From the top down: the folder (with a slash at its end; empty for the top) and its rules.
    folders: Vec<(BString, Rules)>,
    /// `info/exclude`, then the user's `core.excludesFile`.
    everywhere: Vec<Rules>,
}

impl Chain {
    pub(super) fn new(everywhere: Vec<Rules>) -> Chain {
        Chain { folders: Vec::new(), everywhere }
    }

    /// Enters a folder (with a slash at its end, or empty for the top).
    pub(super) fn push(&mut self, folder: BString, rules: Rules) {
        self.folders.push((folder, rules));
    }

    /// Leaves the folder entered last.
    pub(super) fn pop(&mut self) {
        self.folders.pop();
    }

    /// Checks whether `path`, which is in the folder entered last, is ignored itself (not by a folder above it).
    pub(super) fn ignores(&self, path: &[u8], is_folder: bool) -> bool {
        let near = self.folders.iter().rev().map(|(folder, rules)| (rules, &path[folder.len().min(path.len())..]));
        let far = self.everywhere.iter().map(|rules| (rules, path));
        near.chain(far).find_map(|(rules, path)| rules.say(path, is_folder)).unwrap_or(false)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use proptest::strategy::ValueTree as _;
    use proptest::test_runner::TestRunner;

    use super::*;

    /// Returns what an ignore file with this one line says about a file, directly or through a folder above it.
    fn said(line: &str, path: &str) -> Option<bool> {
        let rules = Rules::parse(line.as_bytes());
        let above = path.match_indices('/').map(|(at, _)| &path[..at]);
        let folder = above.map(|folder| rules.say(folder.as_bytes(), true)).find(|said| *said == Some(true));
        folder.unwrap_or_else(|| rules.say(path.as_bytes(), false))
    }

    #[test]
    fn patterns_are_read_as_git_check_ignore_reads_them() {
        let piece = prop_oneof![
            8 => prop::sample::select(vec!["a", "b", "c", "/", "a/", "*", "**", "**/", "/**", "?"]).prop_map(str::to_owned),
            2 => "\\[[!^]?[]abc-]{0,3}\\]",
            1 => prop::sample::select(vec!["[[:alpha:]]", "[![:digit:]b]", "[a-c]", "[[:nope:]]", "[a\\]]", "[", "***", "\\*", "\\a", "\\", "!"])
                .prop_map(str::to_owned),
        ];
        let lines = prop::collection::vec(piece, 1..6).prop_map(|pieces| pieces.concat());
        let paths = prop::collection::vec("[abc*]{1,3}(/[abc]{1,2}){0,3}", 12);
        let mut runner = TestRunner::deterministic();
        let dir = tempfile::tempdir().unwrap();
        let git = || {
            let mut command = Command::new("git");
            command.current_dir(dir.path()).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
            command
        };
        assert!(git().args(["init", "-q"]).status().unwrap().success());
        let (mut asked, mut ours) = (Vec::new(), Vec::new());
        for n in 0..600 {
            let line = lines.new_tree(&mut runner).unwrap().current();
            std::fs::create_dir(dir.path().join(n.to_string())).unwrap();
            std::fs::write(dir.path().join(format!("{n}/.gitignore")), format!("{line}\n")).unwrap();
            for path in paths.new_tree(&mut runner).unwrap().current() {
                asked.extend_from_slice(format!("{n}/{path}\0").as_bytes());
                ours.push((said(&line, &path), line.clone(), path));
            }
        }
        let args = ["check-ignore", "--no-index", "--stdin", "-z", "-v", "-n"];
        let mut child = git().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || input.write_all(&asked).unwrap());
        let output = child.wait_with_output().unwrap().stdout;
        writer.join().unwrap();
        let fields: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
        let theirs = fields.chunks_exact(4).map(|found| (!found[0].is_empty()).then(|| !found[2].starts_with(b"!")));
        let theirs: Vec<Option<bool>> = theirs.collect();
        assert_eq!(theirs.len(), ours.len());
        let matched = theirs.iter().flatten().count();
        assert!(matched > 300 && matched < ours.len() - 300, "too tame: {matched} of {}", ours.len());
        let others: Vec<_> = ours.iter().zip(&theirs).filter(|((said, ..), theirs)| said != *theirs).collect();
        assert!(others.is_empty(), "{} differ, the first: {:?}", others.len(), &others[..others.len().min(12)]);
    }

    #[test]
    fn the_last_rule_of_the_nearest_file_decides() {
        let mut chain = Chain::new(vec![Rules::parse(b"*.log\n")]);
        chain.push("".into(), Rules::parse(b"# note\n!keep.log\nbuild/\n/top\nx\\ \ny  \r\n"));
        assert!(chain.ignores(b"a.log", false) && !chain.ignores(b"keep.log", false));
        assert!(chain.ignores(b"build", true) && !chain.ignores(b"build", false));
        assert!(chain.ignores(b"x ", false) && chain.ignores(b"y", false));
        chain.push("sub/".into(), Rules::parse(b"keep.log\n"));
        assert!(chain.ignores(b"sub/keep.log", false) && !chain.ignores(b"sub/top", false));
    }
}
