//! Where an open session goes, and who says so. Its file comes with a pull, from whoever can commit: commit, version and track in it
//! are claims. They hold where this clone wrote them itself; else the target must be where the manifest's track leads, or somebody
//! here names it, and its version is taken anew.

use super::{Drift, RefreshError};
use crate::git::Rev;
use crate::workspace::conflict::session::To;
use crate::workspace::files::digest::Sum;
use crate::workspace::files::disk;
use crate::workspace::files::pins;
use crate::workspace::files::queue_files::Files;
use crate::workspace::manifest::Track;
use crate::workspace::upstream::fetcher::Supply;
use crate::workspace::upstream::store::Site;
use crate::workspace::upstream::target::{Target, TargetError, TargetWish, find_target};

/// Keeps that this clone leads its queue to `to`, before a session says so.
pub(super) fn keep_target(site: &Site<'_>, to: &To) -> Result<(), RefreshError> {
    let file = site.workspace.layout.target(site.name());
    let text = format!("{}\n", digest(to));
    match disk::read_at_most(&file, disk::ONE_LINE)? {
        Some(old) if old == text.as_bytes() => Ok(()),
        _ => Ok(disk::put(&file, text.as_bytes())?),
    }
}

/// Whether this clone leads its queue to `to`.
fn is_kept(site: &Site<'_>, to: &To) -> Result<bool, RefreshError> {
    let kept = disk::read_at_most(&site.workspace.layout.target(site.name()), disk::ONE_LINE)?;
    Ok(kept.is_some_and(|kept| kept.trim_ascii() == digest(to).to_string().as_bytes()))
}

fn digest(to: &To) -> Sum {
    let To { pin, version, track, found_by } = to;
    let track = track.as_ref().map(Track::as_str).unwrap_or_default();
    Sum::of(
        format!("patchq-target-1\n{pin}\n{version}\n{track}\n{}\n", found_by.as_deref().unwrap_or_default()).as_bytes(),
    )
}

/// The target of a session that goes to `to`, and what of it is not as its file says. `wish` is what is said now.
///
/// # Errors
/// [`RefreshError::Elsewhere`] where neither the track nor `wish` leads there.
pub(super) fn target_of(
    site: &Site<'_>,
    supply: &Supply<'_>,
    (from, moved): (&Files, bool),
    to: To,
    wish: &TargetWish,
) -> Result<(Target, Option<Drift>), RefreshError> {
    let id = Rev::parse(&to.pin.to_string()).ok();
    if *wish == TargetWish::default() && is_kept(site, &to)? {
        if moved {
            // The pin was moved meanwhile, perhaps past where this goes.
            find_target(site, supply, from, &TargetWish { to: id, once: true, ..TargetWish::default() })?;
        }
        let within: Vec<String> = to.found_by.iter().cloned().collect();
        supply.commits(&site.store, &[to.pin], &within).map_err(RefreshError::of)?;
        let To { pin, version, track, found_by } = to;
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
    let named = TargetWish { to: wish.to.clone().or(id), lenient: false, ..wish.clone() };
    let target = find_target(site, supply, from, &named).map_err(|error| match error {
        error @ TargetError::Outside { .. } => elsewhere(Some(error)),
        error => error.into(),
    })?;
    if target.pin != to.pin {
        return Err(RefreshError::OtherTarget { session: to.pin, named: target.pin });
    }
    if target.track != to.track {
        return Err(elsewhere(None));
    }
    // A manifest that says the version says it of every commit.
    let other = target.version != to.version && site.upstream.version.is_none();
    let drift = other.then(|| Drift::Version(to.version.clone()));
    // It becomes a file: what a server calls a commit is no more to be believed than what a session does.
    pins::parse_version(&pins::print_version(&target.version), &site.workspace.layout.version(site.name()))
        .map_err(|error| RefreshError::of(crate::workspace::files::queue_files::FilesError::from(error)))?;
    Ok((target, drift))
}
