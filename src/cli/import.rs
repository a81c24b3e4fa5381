//! `patchq import`.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::context::Context;
use super::entry::{Entry, Said, entry, find, rev, write};
use super::failure::{CliError, Exit, shown};
use super::hint;
use super::setup::say_moved;
use crate::git::{Id, Rev};
use crate::patch::ParseErrorKind;
use crate::report::FailureKind;
use crate::ui::{Message, count};
use crate::workspace::files::pins;
use crate::workspace::files::queue::SERIES;
use crate::workspace::manifest::Name;
use crate::workspace::{
    AddError, AddedUpstream, FilesError, QueueError, ResolvedPin, Source, SourceError, Workspace, refuse_patches,
};

/// The largest size of a file that names a commit, in bytes.
const COMMIT_FILE: u64 = 64 << 10;

/// Import existing patches
///
/// PATH is a patch file (from `git diff` or `git format-patch`), a mailbox, a
/// folder of patch files, or a quilt series (the folder with `series` in it, or
/// the file itself). The files are copied byte for byte into `patches/NAME/`, and
/// the commit they were made on becomes the pin. Before anything is written, the
/// queue is applied to the pin as a test. The original files are not modified.
///
/// The upstream is an entry of `upstreams.toml` without patches, or a new entry
/// with --url (asked for on a terminal). If the entry has a pin, the commit can be
/// omitted. `patchq undo` undoes the import.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq import kubeflow.patch --commit-file kubeflow-patch-commit.txt \\
         --url https://github.com/kubeflow/kubeflow.git
  patchq import ray ../old/patches --commit ray-1.11.0"
)]
pub(super) struct Args {
    /// The upstream (default: the name of PATH without its ending, in lower case), then PATH
    #[arg(value_name = "[NAME] PATH", num_args = 1..=2, required = true)]
    pub(super) name_and_path: Vec<PathBuf>,
    /// The URL of the upstream's repository, for a new upstream
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// What refresh follows, for a new upstream
    #[arg(long, value_name = "T")]
    pub(super) track: Option<String>,
    /// A file whose only line is the commit the patches were made on (may be abbreviated)
    #[arg(long, value_name = "F", conflicts_with = "commit")]
    pub(super) commit_file: Option<PathBuf>,
    /// The commit the patches were made on: an id (may be abbreviated), a tag, a branch
    #[arg(long, value_name = "ID")]
    pub(super) commit: Option<String>,
    /// Strip N leading folders from the paths in each patch, unless a `series` says how many
    #[arg(short = 'p', long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(super) strip: Option<u32>,
}

#[derive(Debug, Serialize)]
struct Document {
    name: String,
    url: String,
    track: Option<String>,
    pin: Id,
    version: String,
    /// Whether the entry is new.
    added: bool,
    patches: Vec<String>,
    moved_hunks: usize,
    files: Vec<String>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let rev = commit(context, &args)?;
    let (name, path) = name_and_path(context, args.name_and_path)?;
    let source = Source::read(&context.cwd.join(&path), &path, args.strip).map_err(unreadable)?;
    let said = Said { name: &name, url: args.url.as_deref(), track: args.track.as_deref(), url_argument: "--url" };
    let entry = entry(context, &workspace, &said)?;
    refuse_patches(&workspace.layout, &entry.name).map_err(|error| CliError::add(&name, error))?;
    let rev = match (rev, entry.pin) {
        (Some(rev), _) => rev,
        (None, Some(pin)) => Rev::Id(pin),
        (None, None) => ask_commit(context, &name)?,
    };
    context.git()?;
    let (found, prompts) = find(context, &workspace, &entry, Some(&rev))?;
    let files = source.on(found.pin, found.version.clone());
    let failed = |error| not_taken(&name, &source, error);
    let adopted = write(context, &workspace, &entry, (&found, &files), prompts, failed)?;
    tell(context, &workspace, &source, &entry, &found, &adopted);
    if context.json {
        let (url, track) = entry.url_and_track(&workspace, &found)?;
        let patches = source.names().map(str::to_owned).collect();
        let (pin, version, added) = (found.pin, found.version, entry.new.is_some());
        let moved_hunks = adopted.applied.moved.len();
        let files = adopted.files;
        context.document(Document { name, url, track, pin, version, added, patches, moved_hunks, files }, None)?;
    }
    Ok(Exit::Done)
}

/// Reports what was imported, what was not, and what to do next.
fn tell(
    context: &Context,
    workspace: &Workspace,
    source: &Source,
    entry: &Entry,
    found: &ResolvedPin,
    adopted: &AddedUpstream,
) {
    let name = entry.name.as_str();
    say_moved(context, name, &adopted.applied);
    for (old, new) in source.renamed() {
        let why = if old.ends_with(".patch") { "a patch file contains one mail" } else { "patch files end in .patch" };
        context.tell(&format!("{name}: '{old}' was renamed to {new}, because {why}"));
    }
    if !source.left_out().is_empty() {
        context.tell(&format!("{name}: not imported, because they are not patches: {}", source.left_out().join(", ")));
    }
    let patches = count(adopted.applied.stack.items.len(), "patch", "patches");
    let (pin, version) = (found.pin.short(12), &found.version);
    context.tell(&format!("{name}: {patches} in patches/{name}/, on {pin} ({version})"));
    let next = if adopted.has_checkout {
        Message::note("the checkout has not been updated yet").hint(hint::patchq(&["apply", name]))
    } else {
        Message::note("nothing is checked out yet").hint(hint::patchq(&["setup", "--only", name]))
    };
    context.say(&next);
    let old = source.file.as_ref().unwrap_or(&source.folder);
    if let Ok(old) = old.strip_prefix(workspace.layout.root()) {
        let (what, words): (_, &[&str]) =
            if source.file.is_some() { ("file was", &["rm", "--"]) } else { ("files were", &["rm", "-r", "--"]) };
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).chain([old.as_os_str()]).collect();
        let old = shown(old.as_os_str().as_encoded_bytes());
        let note = Message::note(format!("the {what} copied; the original is no longer needed: {old}"));
        context.say(&note.hint(hint::git_here(&words)));
    }
}

/// Returns the upstream's name and the path; without a name, the path suggests one.
fn name_and_path(context: &Context, mut given: Vec<PathBuf>) -> Result<(String, PathBuf), CliError> {
    let path = given.pop();
    match (given.pop(), path) {
        (Some(name), Some(path)) => {
            let text = shown(name.as_os_str().as_encoded_bytes());
            Ok((text.trim_end_matches('/').to_owned(), path))
        }
        (None, Some(path)) => {
            let name = name_in(&context.cwd.join(&path)).ok_or_else(|| {
                let text = format!(
                    "cannot derive a name for the upstream from '{}'",
                    shown(path.as_os_str().as_encoded_bytes())
                );
                CliError::usage(text).hint(hint::patchq(&[
                    "import".as_ref(),
                    "NAME".as_ref(),
                    hint::argument(&path).as_os_str(),
                ]))
            })?;
            Ok((name, path))
        }
        (_, None) => Err(CliError::usage("PATH is missing").hint(hint::patchq(&["import", "PATH"]))),
    }
}

/// Returns the name that a path suggests: for a file the part before its extension, for a series or a folder the
/// folder's name, in lower case.
fn name_in(path: &Path) -> Option<String> {
    let is_series = path.file_name().is_some_and(|name| name == SERIES) && !path.is_dir();
    let folder = if is_series { path.parent()? } else { path };
    let text = if folder.is_dir() {
        folder.canonicalize().ok()?.file_name()?.to_str()?.to_owned()
    } else {
        folder.file_stem()?.to_str()?.to_owned()
    };
    Name::parse(&text.to_ascii_lowercase()).ok().map(|name| name.to_string())
}

/// Returns the commit that the command line or its file names.
fn commit(context: &Context, args: &Args) -> Result<Option<Rev>, CliError> {
    if let Some(text) = &args.commit {
        return one_commit(rev(text)?).map(Some);
    }
    let Some(path) = &args.commit_file else { return Ok(None) };
    let name = shown(path.as_os_str().as_encoded_bytes());
    let real = context.cwd.join(path);
    // It may be a pipe, and has one line.
    let mut bytes = Vec::new();
    let file = std::fs::File::open(&real).map_err(|error| CliError::io("cannot read", path, &error))?;
    let read = file.take(COMMIT_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|error| CliError::io("cannot read", path, &error))?;
    if bytes.len() as u64 > COMMIT_FILE {
        return Err(CliError::plain(
            FailureKind::Pin,
            format!("{name} is larger than {COMMIT_FILE} bytes, so it is not a commit id"),
        ));
    }
    let at = |error: CliError| error.exit(Exit::Failed).at(name.clone(), Some(1));
    let text = pins::parse_reference(&bytes, path).map_err(|error| at(CliError::of(FailureKind::Pin, &error)))?;
    let rev = Rev::parse(&text).map_err(|error| at(CliError::plain(FailureKind::Pin, format!("{name}:1: {error}"))))?;
    one_commit(rev).map(Some).map_err(at)
}

/// Refuses a glob: it may name another commit later, so patches cannot be based on it.
fn one_commit(rev: Rev) -> Result<Rev, CliError> {
    match rev {
        Rev::Glob(glob) => Err(CliError::usage(format!("'{glob}' is a glob, not a commit"))
            .hint("use an id (it may be abbreviated) or a tag")),
        rev => Ok(rev),
    }
}

fn ask_commit(context: &Context, name: &str) -> Result<Rev, CliError> {
    match context.ask(&format!("which commit were the patches of '{name}' made on?"), None)? {
        Some(answer) => one_commit(rev(&answer)?),
        None => Err(CliError::usage(format!("{name}: the commit that the patches were made on is missing"))
            .hint("use --commit ID or --commit-file FILE")),
    }
}

fn unreadable(error: SourceError) -> CliError {
    match error {
        SourceError::Nothing { .. } => CliError::of(FailureKind::Queue, &error),
        SourceError::Order { .. } => {
            CliError::of(FailureKind::Queue, &error).hint("rename one, or list them in a file 'series'")
        }
        SourceError::Patch(error) => {
            let no_prefix = matches!(&error, FilesError::Patch { error, .. } if is_no_prefix(&error.kind));
            let error = CliError::from(error);
            if no_prefix { error.hint("if the paths have no a/ and b/ in front, import with -p0") } else { error }
        }
        SourceError::Queue(_) => CliError::of(FailureKind::Queue, &error),
        SourceError::File(_) => CliError::of(FailureKind::Files, &error),
        SourceError::Name(_) => CliError::of(FailureKind::Queue, &error).hint("rename it"),
    }
}

fn is_no_prefix(kind: &ParseErrorKind) -> bool {
    matches!(kind, ParseErrorKind::NoPrefix(_) | ParseErrorKind::NoPath { strip: 1, .. })
}

/// Returns the error that prevents the import; a patch that does not apply is shown at its original path.
fn not_taken(name: &str, source: &Source, error: AddError) -> CliError {
    match error {
        AddError::Queue(QueueError::Apply { patch, failure, applied }) => {
            let file = shown(source.shown(&patch).as_os_str().as_encoded_bytes());
            let before = if applied > 0 { format!(" (after {applied} that do)") } else { String::new() };
            let text = format!("{file}:{}: does not apply{before}: {}: {}", failure.line, failure.path, failure.reason);
            CliError::plain(FailureKind::Apply, text)
                .at(file, Some(failure.line))
                .hint("check that the patches were made on this commit (--commit, --commit-file)")
                .in_upstream(name)
        }
        error => CliError::add(name, error),
    }
}

#[cfg(test)]
mod tests {
    use super::name_in;
    use std::path::Path;

    #[test]
    fn a_path_suggests_a_name() {
        for (path, name) in [
            ("/x/kubeflow.patch", Some("kubeflow")),
            ("/x/Kubeflow.diff", Some("kubeflow")),
            ("/x/ray/series", Some("ray")),
            ("/x/my patch.patch", None),
            ("/x/patches.patch", None),
        ] {
            assert_eq!(name_in(Path::new(path)).as_deref(), name, "{path}");
        }
    }
}
