//! Runs the user's merge tool, as configured in git: `git mergetool` in a private repository that holds one conflict
//! under a neutral name. Settings, attributes and file names from the upstream have no effect.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::{GitError, GitProgram, Interactive, ProgramError, Setting};
use crate::path::RepoPath;

/// The longest file extension that a neutral name keeps.
const LONGEST_ENDING: usize = 16;

/// The texts of a conflict.
#[derive(Debug, Clone, Copy)]
pub struct ToMerge<'a> {
    /// The path of the file; only its extension counts, or a name that has none.
    pub path: &'a RepoPath,
    /// The base; `None`: both sides added the file.
    pub base: Option<&'a [u8]>,
    /// Upstream's text: `LOCAL` for the tool.
    pub upstream: &'a [u8],
    /// The patch's text: `REMOTE` for the tool.
    pub patch: &'a [u8],
    /// The merge with markers: `MERGED` for the tool.
    pub work: &'a [u8],
}

/// The result of a run of the tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolOutcome {
    /// The tool wrote this text, and the tool or the user said that the merge is done. The text may still contain
    /// markers.
    Merged(Vec<u8>),
    /// The tool ended without a merge, and git restored the file; this is git's exit status.
    NotResolved(Option<i32>),
    /// No merge tool is configured (`merge.tool`, `merge.guitool`).
    NotConfigured,
}

/// Why the tool could not run.
#[derive(Debug, thiserror::Error)]
pub enum MergeToolError {
    /// The git program failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// The private repository could not be used.
    #[error(transparent)]
    Git(#[from] GitError),
}

/// Returns the name under which the user's programs see the file at `path`, so that they recognize its kind: `conflict`
/// with the same extension, or a name without one (`Dockerfile`) if it has only letters, digits, `-` and `_`.
#[must_use]
pub fn neutral_name(path: &RepoPath) -> String {
    let harmless = |text: &[u8]| -> Option<String> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        let fits = !text.is_empty() && text.iter().all(plain) && text[0] != b'-';
        if fits { String::from_utf8(text.to_vec()).ok() } else { None }
    };
    let name = path.file_name();
    let usual = "conflict".to_owned();
    match name.iter().rposition(|byte| *byte == b'.') {
        None => harmless(name).unwrap_or(usual),
        // A dotfile has no extension.
        Some(0) => usual,
        Some(dot) => {
            let ending = harmless(&name[dot + 1..]).filter(|ending| ending.len() <= LONGEST_ENDING);
            ending.map_or(usual.clone(), |ending| format!("{usual}.{ending}"))
        }
    }
}

/// Opens the merge tool that the user has configured in `folder` on a conflict, on the terminal, and waits for it.
/// `scratch` is a folder for temporary files; the private folder in it is readable only by the user and is removed when
/// this returns.
///
/// # Errors
/// [`MergeToolError`] when git cannot be run or the private repository cannot be made.
pub fn merge_tool(
    git: &GitProgram,
    scratch: &Path,
    folder: &Path,
    texts: &ToMerge<'_>,
) -> Result<ToolOutcome, MergeToolError> {
    fs::create_dir_all(scratch).map_err(GitError::io("cannot make the folder", scratch))?;
    let found = git.settings_of_user(folder, r"^(merge\.(tool|guitool)|mergetool\..*)$")?;
    let has = |key: &str| found.iter().rev().find(|(name, _)| name == key).is_some_and(|(_, value)| is_set(value));
    let (tool, gui) = (has("merge.tool"), has("merge.guitool"));
    if !tool && !gui {
        return Ok(ToolOutcome::NotConfigured);
    }
    let folder = tempfile::Builder::new()
        .prefix("merge-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(scratch)
        .map_err(GitError::io("cannot make a folder in", scratch))?;
    // git finds the working tree by its current folder, and passes its path to the tool.
    let top = folder.path().canonicalize().map_err(GitError::io("cannot look at", folder.path()))?;
    let (git_dir, name) = (top.join(".git"), neutral_name(texts.path));
    make(&top, &name, texts)?;
    let mut args: Vec<&OsStr> = vec!["mergetool".as_ref(), "--no-prompt".as_ref()];
    if !tool {
        args.push("--gui".as_ref());
    }
    args.extend(["--".as_ref(), name.as_ref()] as [&OsStr; 2]);
    let mut settings: Vec<String> = found.iter().filter_map(as_option).collect();
    settings.extend(["mergetool.keepBackup=false".to_owned(), "core.quotePath=false".to_owned()]);
    let code = git.interactive(&Interactive { git_dir: &git_dir, folder: &top, settings: &settings, args: &args })?;
    let file = top.join(&name);
    match fs::symlink_metadata(&file) {
        Ok(found) if code == Some(0) && found.is_file() => {
            Ok(ToolOutcome::Merged(fs::read(&file).map_err(GitError::io("cannot read", file))?))
        }
        _ => Ok(ToolOutcome::NotResolved(code)),
    }
}

fn is_set(value: &Option<OsString>) -> bool {
    value.as_ref().is_some_and(|value| value.as_encoded_bytes().iter().any(|byte| !byte.is_ascii_whitespace()))
}

/// Returns a setting as an option of git. The private repository gets only the user's own settings, and none of the
/// workspace. A key that contains `=` cannot be passed in this way.
fn as_option((key, value): &Setting) -> Option<String> {
    match value {
        _ if key.contains('=') => None,
        Some(value) => Some(format!("{key}={}", value.to_str()?)),
        None => Some(key.clone()),
    }
}

/// Makes a repository without commits whose index holds the conflict.
fn make(top: &Path, name: &str, texts: &ToMerge<'_>) -> Result<(), GitError> {
    let failed = || GitError::lib("cannot make a repository for the merge tool");
    let mut options = git2::RepositoryInitOptions::new();
    options.external_template(false).no_reinit(true).initial_head("conflict");
    let repo = git2::Repository::init_opts(top, &options).map_err(failed())?;
    let mut config = git2::Config::open(&top.join(".git/config")).map_err(failed())?;
    for key in ["core.autocrlf", "core.splitIndex", "index.sparse", "core.sparseCheckout", "core.untrackedCache"] {
        config.set_bool(key, false).map_err(failed())?;
    }
    // These attributes have the highest priority: the tool gets the bytes as they are, and no filter of the user runs.
    let info = top.join(".git/info");
    fs::create_dir_all(&info)
        .and_then(|()| fs::write(info.join("attributes"), "* -text -ident -filter -working-tree-encoding\n"))
        .map_err(GitError::io("cannot write", &info))?;
    let mut index = git2::Index::open(&top.join(".git/index")).map_err(failed())?;
    let sides = [(1, texts.base), (2, Some(texts.upstream)), (3, Some(texts.patch))];
    for (stage, text) in sides.into_iter().filter_map(|(stage, text)| Some((stage, text?))) {
        let id = repo.blob(text).map_err(failed())?;
        index.add(&entry(name, id, stage)).map_err(failed())?;
    }
    index.write().map_err(failed())?;
    let file = top.join(name);
    fs::write(&file, texts.work).map_err(GitError::io("cannot write", file))
}

fn entry(name: &str, id: git2::Oid, stage: u16) -> git2::IndexEntry {
    git2::IndexEntry {
        ctime: git2::IndexTime::new(0, 0),
        mtime: git2::IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: super::Mode::File.bits(),
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: stage << 12,
        flags_extended: 0,
        path: name.as_bytes().to_vec(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::ffi::OsString;
    use std::path::PathBuf;

    use super::*;

    struct World {
        dir: tempfile::TempDir,
        git: GitProgram,
    }

    impl World {
        fn new(config: &str) -> World {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(".gitconfig"), config).unwrap();
            let mut env: Vec<(OsString, OsString)> = vec![
                ("HOME".into(), dir.path().into()),
                ("GIT_CONFIG_NOSYSTEM".into(), "1".into()),
                ("OUT".into(), dir.path().into()),
                // A hook would set these.
                ("GIT_DIR".into(), "/nowhere".into()),
                ("GIT_INDEX_FILE".into(), "/nowhere/index".into()),
            ];
            env.extend(std::env::var_os("PATH").map(|path| ("PATH".into(), path)));
            let git = GitProgram::new("git", env);
            World { dir, git }
        }

        fn scratch(&self) -> PathBuf {
            self.dir.path().join("scratch")
        }

        fn run(&self, path: &str, base: Option<&[u8]>) -> ToolOutcome {
            let path = RepoPath::new(path).unwrap();
            let (upstream, patch) = (b"up\r\nz".as_slice(), b"pa\r\nz".as_slice());
            let work = b"<<<<<<< u\r\nup\r\n=======\r\npa\r\n>>>>>>> p\r\nz";
            let texts = ToMerge { path: &path, base, upstream, patch, work };
            let outcome = merge_tool(&self.git, &self.scratch(), self.dir.path(), &texts).unwrap();
            assert_eq!(fs::read_dir(self.scratch()).unwrap().count(), 0, "something was left behind");
            outcome
        }

        fn read(&self, name: &str) -> String {
            fs::read_to_string(self.dir.path().join(name)).unwrap()
        }
    }

    /// A tool that records everything that it gets and merges to both sides.
    const TOOL: &str = "[merge]\n\ttool = mine\n[core]\n\tautocrlf = true\n\tattributesFile = ~/attributes\n\
        [filter \"f\"]\n\tclean = touch $OUT/filtered\n\tsmudge = touch $OUT/filtered\n\
        [mergetool \"mine\"]\n\ttrustExitCode = true\n\tcmd = \"cp \\\"$BASE\\\" $OUT/base; cp \\\"$LOCAL\\\" $OUT/local; \
        cp \\\"$REMOTE\\\" $OUT/remote; cp \\\"$MERGED\\\" $OUT/merged; echo \\\"$MERGED\\\" >$OUT/name; \
        stat -c %a . >$OUT/mode; git rev-parse --absolute-git-dir >$OUT/dir; cat $OUT/local $OUT/remote >\\\"$MERGED\\\"\"\n";

    #[test]
    fn the_tool_gets_the_three_sides_and_gives_the_merge() {
        let world = World::new(TOOL);
        fs::write(world.dir.path().join("attributes"), "* filter=f text eol=crlf\n").unwrap();
        let outcome = world.run("app/$(touch evil)/-x.py", Some(b"ba\r\nz"));
        assert_eq!(outcome, ToolOutcome::Merged(b"up\r\nzpa\r\nz".to_vec()));
        let sides = ["base", "local", "remote"].map(|side| world.read(side));
        assert_eq!(sides, ["ba\r\nz", "up\r\nz", "pa\r\nz"]);
        assert!(world.read("merged").starts_with("<<<<<<< u\r\nup\r\n"));
        assert_eq!(world.read("name"), "conflict.py\n");
        assert_eq!(world.read("mode"), "700\n");
        assert!(Path::new(&world.read("dir")).starts_with(world.scratch().canonicalize().unwrap()));
        assert!(!world.dir.path().join("filtered").exists());
        // Both added the file: the tool gets an empty base.
        assert!(matches!(world.run("Dockerfile", None), ToolOutcome::Merged(_)));
        assert_eq!((world.read("base"), world.read("name")), (String::new(), "Dockerfile\n".to_owned()));
    }

    #[test]
    fn a_tool_that_gives_up_and_none_at_all_are_values() {
        let gives_up =
            "[merge]\n\ttool = no\n[mergetool \"no\"]\n\ttrustExitCode = true\n\tcmd = \"echo x >$MERGED; false\"\n";
        assert_eq!(World::new(gives_up).run("a", Some(b"")), ToolOutcome::NotResolved(Some(1)));
        assert_eq!(World::new("").run("a", Some(b"")), ToolOutcome::NotConfigured);
        let gui = "[merge]\n\tguitool = g\n[mergetool \"g\"]\n\ttrustExitCode = true\n\tcmd = echo g >\"$MERGED\"\n";
        assert_eq!(World::new(gui).run("a", Some(b"")), ToolOutcome::Merged(b"g\n".to_vec()));
    }

    #[test]
    fn the_tool_of_the_workspaces_repository_counts_and_so_do_variables() {
        let world = World::new("");
        git2::Repository::init(world.dir.path()).unwrap();
        let settings = "[merge]\n\ttool = h\n[mergetool \"h\"]\n\ttrustExitCode\n\tcmd = echo h >\"$MERGED\"\n";
        fs::write(world.dir.path().join(".git/config"), settings).unwrap();
        assert_eq!(world.run("a", Some(b"")), ToolOutcome::Merged(b"h\n".to_vec()));
        let World { dir, git } = World::new("");
        let mut env = git.user_env().to_vec();
        let count = ["merge.tool", "v", "mergetool.v.trustExitCode", "true", "mergetool.v.cmd", "echo v >\"$MERGED\""];
        env.push(("GIT_CONFIG_COUNT".into(), "3".into()));
        for (n, pair) in count.chunks(2).enumerate() {
            env.push((format!("GIT_CONFIG_KEY_{n}").into(), pair[0].into()));
            env.push((format!("GIT_CONFIG_VALUE_{n}").into(), pair[1].into()));
        }
        let world = World { dir, git: GitProgram::new("git", env) };
        assert_eq!(world.run("a", Some(b"")), ToolOutcome::Merged(b"v\n".to_vec()));
    }

    #[test]
    fn names_keep_their_kind_and_nothing_else() {
        let name = |path: &str| neutral_name(&RepoPath::new(path).unwrap());
        for (path, expected) in [
            ("a/b.py", "conflict.py"),
            ("Dockerfile", "Dockerfile"),
            ("a/Dockerfile.cpu", "conflict.cpu"),
            (".gitattributes", "conflict"),
            ("a/.env.yaml", "conflict.yaml"),
            ("-rf", "conflict"),
            ("a b", "conflict"),
            ("x.$(y)", "conflict"),
            ("x.aaaaaaaaaaaaaaaaa", "conflict"),
        ] {
            assert_eq!(name(path), expected, "{path}");
        }
    }
}
