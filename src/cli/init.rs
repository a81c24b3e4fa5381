//! `patchq init`.

use std::path::PathBuf;

use serde::Serialize;

use super::context::Context;
use super::failure::CliError;
use super::failure::Exit;
use super::hint;
use crate::report::{Bytes, FailureKind};
use crate::ui::Message;
use crate::workspace::{InitError, init};

/// Create a workspace
///
/// Writes an `upstreams.toml` to fill in, and lines in `.gitignore` and
/// `.gitattributes` that keep checkouts out of your commits and patch files byte
/// for byte. Never overwrites existing files. In an existing workspace it only
/// adds missing lines to those two files.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// The folder, created if it does not exist (default: the current folder)
    #[arg(value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Document {
    root: Bytes,
    existed: bool,
    created: Vec<String>,
    extended: Vec<String>,
    git: bool,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    use std::os::unix::ffi::OsStrExt;
    let dir = args.dir.map_or_else(|| context.cwd.clone(), |dir| context.cwd.join(dir));
    let made = context.step_context("init", |ctx| init(&dir, ctx)).map_err(failed)?;
    hint::note_root(&made.root);
    for file in &made.created {
        context.tell(&format!("created   {file}"));
    }
    for file in &made.extended {
        context.tell(&format!("extended  {file}"));
    }
    if made.existed && made.created.is_empty() && made.extended.is_empty() {
        context.tell("this is already a workspace; nothing changed");
    }
    if !made.in_git {
        let note = "this is not a git repository; make it one to keep a history of your patches";
        context.say(&Message::note(note).hint(hint::git_here(&["init".as_ref()])));
    }
    if !made.existed {
        let note = Message::note("next: add an upstream, or import existing patches");
        context.say(&note.hint(hint::patchq(&["add", "NAME", "URL"])).hint(hint::patchq(&[
            "import",
            "NAME.patch",
            "--commit",
            "ID",
            "--url",
            "URL",
        ])));
    }
    if context.json {
        let root = Bytes::from(made.root.as_os_str().as_bytes());
        let (existed, git) = (made.existed, made.in_git);
        context.document(Document { root, existed, created: made.created, extended: made.extended, git }, None)?;
    }
    Ok(Exit::Done)
}

fn failed(error: InitError) -> CliError {
    match error {
        InitError::Checkout { .. } => CliError::of(FailureKind::Usage, &error)
            .exit(Exit::Usage)
            .hint(hint::noted(hint::patchq(&["init", "DIR"]), "use a DIR outside every checkout")),
        InitError::Manifest(errors) => CliError::from(&errors),
        InitError::Git(error) => error.into(),
        InitError::Lock(error) => error.into(),
        InitError::Publish(error) => error.into(),
        InitError::File(_) => CliError::of(FailureKind::Files, &error),
    }
}
