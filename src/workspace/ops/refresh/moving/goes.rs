//! Determines whether the target of an open session can be trusted. Its file may come from anyone who can commit:
//! commit, version and track in it are claims. They are trusted if this clone wrote them itself; otherwise the target
//! must be in the manifest's track, or be named here, and its version is determined again.

use super::{Drift, RefreshError};
use crate::git::Rev;
use crate::workspace::conflict::session::SessionTarget;
use crate::workspace::files::digest::Sum;
use crate::workspace::files::disk;
use crate::workspace::files::pins;
use crate::workspace::files::queue_files::Files;
use crate::workspace::manifest::Track;
use crate::workspace::upstream::fetcher::Fetcher;
use crate::workspace::upstream::store::UpstreamStore;
use crate::workspace::upstream::target::{Target, TargetError, TargetRequest, find_target};

/// Records that this clone moves its queue to `to`, before a session says so.
pub(super) fn keep_target(upstream: &UpstreamStore<'_>, to: &SessionTarget) -> Result<(), RefreshError> {
    let file = upstream.workspace.layout.target(upstream.name());
    let text = format!("{}\n", digest(to));
    match disk::read_at_most(&file, disk::ONE_LINE)? {
        Some(old) if old == text.as_bytes() => Ok(()),
        _ => Ok(disk::put(&file, text.as_bytes())?),
    }
}

/// Checks whether this clone moves its queue to `to`.
fn is_kept(upstream: &UpstreamStore<'_>, to: &SessionTarget) -> Result<bool, RefreshError> {
    let kept = disk::read_at_most(&upstream.workspace.layout.target(upstream.name()), disk::ONE_LINE)?;
    Ok(kept.is_some_and(|kept| kept.trim_ascii() == digest(to).to_string().as_bytes()))
}

fn digest(to: &SessionTarget) -> Sum {
    let SessionTarget { pin, version, track, found_by } = to;
    let track = track.as_ref().map(Track::as_str).unwrap_or_default();
    Sum::of(
        format!("patchq-target-1\n{pin}\n{version}\n{track}\n{}\n", found_by.as_deref().unwrap_or_default()).as_bytes(),
    )
}

/// Returns the target of a session with the target `to`, and where it differs from its file. `options` are the present
/// ones.
///
/// # Errors
/// [`RefreshError::Elsewhere`] when neither the track nor `options` leads there.
pub(super) fn target_of(
    fetcher: &Fetcher<'_>,
    from: &Files,
    moved: bool,
    to: SessionTarget,
    options: &TargetRequest,
) -> Result<(Target, Option<Drift>), RefreshError> {
    let upstream = fetcher.upstream;
    let id = Rev::parse(&to.pin.to_string()).ok();
    if *options == TargetRequest::default() && is_kept(upstream, &to)? {
        if moved {
            // The pin has moved meanwhile, perhaps past this target.
            find_target(fetcher, from, &TargetRequest { to: id, once: true, ..TargetRequest::default() })?;
        }
        let within: Vec<String> = to.found_by.iter().cloned().collect();
        fetcher.commits(&upstream.store, &[to.pin], &within).map_err(RefreshError::of)?;
        let SessionTarget { pin, version, track, found_by } = to;
        return Ok((
            Target {
                pin,
                version,
                ref_name: found_by,
                track,
                same: false,
                ahead: false,
                called: None,
                tip: None,
                notes: Vec::new(),
            },
            None,
        ));
    }
    let elsewhere = |why: Option<TargetError>| RefreshError::Elsewhere {
        pin: to.pin,
        track: to.track.clone(),
        why: why.map(Box::new),
    };
    let named = TargetRequest { to: options.to.clone().or(id), lenient: false, ..options.clone() };
    let target = find_target(fetcher, from, &named).map_err(|error| match error {
        error @ TargetError::Outside { .. } => elsewhere(Some(error)),
        error => error.into(),
    })?;
    if target.pin != to.pin {
        return Err(RefreshError::OtherTarget { session: to.pin, named: target.pin });
    }
    if target.track != to.track {
        return Err(elsewhere(None));
    }
    // A version in the manifest applies to every commit.
    let other = target.version != to.version && upstream.entry.version.is_none();
    let drift = other.then(|| Drift::Version(to.version.clone()));
    // It is written to a file: a version from a server is not trusted more than one from a session.
    pins::parse_version(&pins::print_version(&target.version), &upstream.workspace.layout.version(upstream.name()))
        .map_err(|error| RefreshError::of(crate::workspace::files::queue_files::FilesError::from(error)))?;
    Ok((target, drift))
}
