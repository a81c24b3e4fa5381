//! Makes command lines for hints: quoted for a shell, and valid in the current folder of the user's shell, which may
//! not be the workspace's root.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

pub(super) use crate::process::{command_line as command, quoted};

/// The current folder of the user's shell, absolute, and the `-C` option; set once by the command line.
static SHELL: OnceLock<(PathBuf, Option<PathBuf>)> = OnceLock::new();

/// The workspace's root, absolute; set when the workspace is found.
static ROOT: OnceLock<PathBuf> = OnceLock::new();

/// Records the shell's folder and the `-C` option. Only the first call counts.
pub(super) fn note_shell(here: &Path, directory: Option<&Path>) {
    let _ = SHELL.set((here.to_owned(), directory.map(Path::to_owned)));
}

/// Records where the workspace is. Only the first call counts.
pub(super) fn note_root(root: &Path) {
    let _ = ROOT.set(root.to_owned());
}

/// Returns `patchq WORDS`, as [`line`]; if an open session would refuse it, the session is aborted first.
pub(super) fn patchq<W: AsRef<OsStr>>(words: &[W]) -> String {
    let waits = |word: &&W| is_there(session_file(word.as_ref()));
    match words.iter().find(|word| refused_by_session(words) && waits(word)) {
        Some(name) => {
            let first = line(&[OsStr::new("refresh"), name.as_ref(), OsStr::new("--abort")]);
            format!("{first} && {}", line(words))
        }
        None => line(words),
    }
}

/// Returns the path of the session of the upstream `name`.
fn session_file(name: &OsStr) -> PathBuf {
    let mut file = name.to_owned();
    file.push(".toml");
    Path::new("sessions").join(file)
}

/// Checks whether an open session refuses the command.
fn refused_by_session<W: AsRef<OsStr>>(words: &[W]) -> bool {
    let has = |option: &str| words.iter().any(|word| word.as_ref() == option);
    match words.first().and_then(|word| word.as_ref().to_str()) {
        Some("save" | "export") => true,
        Some("refresh") => !has("--continue") && !has("--abort") && !has("--dry-run"),
        Some("verify") => has("--fix"),
        _ => false,
    }
}

/// Returns `patchq WORDS`, with the `-C` that was given or that leads to a workspace elsewhere.
fn line<W: AsRef<OsStr>>(words: &[W]) -> String {
    let rest = command(words);
    let directory = match (SHELL.get(), ROOT.get()) {
        (Some((_, Some(directory))), _) => directory.clone(),
        (Some((here, None)), Some(root)) if !here.starts_with(root) => place(""),
        _ => return format!("patchq {rest}"),
    };
    format!("patchq -C {} {rest}", quoted(directory.as_os_str()))
}

/// Returns `patchq save NAME`, which needs a message.
pub(super) fn save(name: &str) -> String {
    format!("{} -m \"why\"", patchq(&["save", name]))
}

/// Adds the options to the command line `hint` that allow each of `patches` to leave the queue.
pub(super) fn dropping(hint: &str, patches: &[String]) -> String {
    let drops: Vec<String> = patches.iter().flat_map(|patch| option("--allow-drop", patch)).collect();
    format!("{hint} {}", command(&drops))
}

/// Returns the two commands for the open session of the upstream `name`: continue and abort, with their effects.
pub(super) fn ways(name: &str, what: [&str; 2]) -> [String; 2] {
    let ways = ["--continue", "--abort"].map(|way| line(&["refresh", name, way]));
    let width = ways[0].len();
    let [go_on, give_up] = ways;
    [noted(go_on, what[0]), noted(format!("{give_up:<width$}"), what[1])]
}

/// Returns `git WORDS` in the checkout of the upstream `name`.
pub(super) fn git_in(name: &str, words: &[&str]) -> String {
    format!("git -C {} {}", quoted(place(name).as_os_str()), command(words))
}

/// Returns `git WORDS` in the workspace.
pub(super) fn git_here(words: &[&OsStr]) -> String {
    match place("") {
        root if root == Path::new(".") => format!("git {}", command(words)),
        root => format!("git -C {} {}", quoted(root.as_os_str()), command(words)),
    }
}

/// Returns the command that moves aside what is at the path of the checkout of the upstream `name`.
pub(super) fn aside(name: &str) -> String {
    command([OsStr::new("mv"), place(name).as_os_str(), place(format!("{name}.old")).as_os_str()])
}

/// Returns the command that removes the file `path`.
pub(super) fn remove(path: &Path) -> String {
    command([OsStr::new("rm"), path.as_os_str()])
}

/// Returns the two commands that end a git operation in the checkout of the upstream `name`.
pub(super) fn operation(name: &str, operation: &str) -> [String; 2] {
    // A bisection has no `--continue`.
    let go_on = if operation == "bisect" { "log" } else { "--continue" };
    let end = if operation == "bisect" { "reset" } else { "--abort" };
    [git_in(name, &[operation, go_on]), git_in(name, &[operation, end])]
}

/// Returns `hint` with a note about its effect; the note is not part of the command.
pub(super) fn noted(hint: impl AsRef<str>, note: impl AsRef<str>) -> String {
    format!("{}     ({})", hint.as_ref(), note.as_ref())
}

/// Returns an option with its value, which may begin with a `-`.
pub(super) fn option(name: &str, value: &str) -> Vec<String> {
    if value.starts_with('-') { vec![format!("{name}={value}")] } else { vec![name.to_owned(), value.to_owned()] }
}

/// Returns `path` as an argument that no program takes as an option.
pub(super) fn argument(path: &Path) -> PathBuf {
    if path.as_os_str().as_encoded_bytes().starts_with(b"-") { Path::new(".").join(path) } else { path.to_owned() }
}

/// Returns a path of the workspace, relative to the shell's folder.
pub(super) fn place(below: impl AsRef<Path>) -> PathBuf {
    let below = below.as_ref();
    match (SHELL.get(), ROOT.get()) {
        (Some((here, _)), Some(root)) => argument(&relative(here, &root.join(below))),
        _ if below == Path::new("") => PathBuf::from("."),
        _ => argument(below),
    }
}

/// Checks whether there is a file `below` in the workspace.
pub(super) fn is_there(below: impl AsRef<Path>) -> bool {
    ROOT.get().is_some_and(|root| root.join(below).is_file())
}

/// Returns the relative path from the folder `from` to `to`, both absolute.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let common = from.components().zip(to.components()).take_while(|(one, other)| one == other).count();
    let up = from.components().skip(common).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(common)).collect();
    if way == Path::new("") { PathBuf::from(".") } else { way }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{argument, command, option, place, relative};

    #[test]
    fn nothing_is_taken_for_an_option() {
        assert_eq!(command(option("--allow-drop", "-x.patch")), "--allow-drop=-x.patch");
        assert_eq!(command(option("--to", "v 1")), "--to 'v 1'");
        assert_eq!(argument(Path::new("-x/y")), Path::new("./-x/y"));
        assert_eq!(place("up"), Path::new("up"));
    }

    #[test]
    fn a_place_is_named_from_where_the_shell_stands() {
        for (from, to, way) in [
            ("/ws", "/ws/up", "up"),
            ("/ws/up", "/ws/up", "."),
            ("/ws/up/app", "/ws/commits/up.txt", "../../commits/up.txt"),
            ("/home", "/ws/up", "../ws/up"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(way), "{from} {to}");
        }
    }
}
