//! `patchq refresh --abort`.

use super::super::context::Context;
use super::super::failure::{CliError, Exit, shown};
use super::super::hint;
use super::super::refresh::{Args, failed};
use super::checkout::tell_kept;
use crate::report::FailureKind;
use crate::workspace::conflict::session::is_open;
use crate::workspace::manifest::Upstream;
use crate::workspace::ops::refresh::RefreshError;
use crate::workspace::{Aborted, abort};
use crate::workspace::{UpstreamStore, Workspace};

/// Aborts the open session of `upstream`, and restores its checkout.
pub(in crate::cli) fn give_up(context: &Context, workspace: &Workspace, upstream: &Upstream) -> Result<Exit, CliError> {
    let name = upstream.name.as_str();
    let args = Args { abort: true, ..Args::default() };
    let wrong = |error: RefreshError| failed(name, &args, error);
    let upstream = match context.upstream_store(workspace, upstream)? {
        Some(upstream) => upstream,
        // A session came with the repository, and nothing was set up yet.
        None if is_open(&workspace.layout, &upstream.name)
            .map_err(|error| CliError::of(FailureKind::Io, &error))? =>
        {
            UpstreamStore::make(workspace, upstream).map_err(|error| CliError::from(error).in_upstream(name))?
        }
        None => return Err(wrong(RefreshError::NoSession)),
    };
    let ended = context.step_context("refresh --abort", |ctx| abort(&upstream, ctx)).map_err(wrong)?;
    match &ended {
        Aborted::Nothing => return Err(wrong(RefreshError::NoSession)),
        Aborted::Session | Aborted::SetAside(_) => {}
        Aborted::HandedOver(kept) => {
            context.tell(&format!("{name}: the checkout is restored to its state before the conflict"));
            tell_kept(context, name, kept);
        }
    }
    let kept = match &ended {
        Aborted::SetAside(file) => {
            Some(format!("its decisions are kept in {}", shown(file.as_os_str().as_encoded_bytes())))
        }
        Aborted::HandedOver(kept) => kept
            .set_aside
            .as_ref()
            .map(|commit| format!("what was in the checkout is kept: {}", hint::git_in(name, &["show", commit]))),
        Aborted::Nothing | Aborted::Session => None,
    };
    let kept = kept.unwrap_or_else(|| format!("'{}' restores its decisions", hint::patchq(&["undo", name])));
    context.tell(&format!("{name}: the refresh is abandoned; {kept}"));
    if context.json {
        context.document(serde_json::json!({ "name": name, "aborted": true }), None)?;
    }
    Ok(Exit::Done)
}
