//! `patchq outdated`.

use serde::Serialize;

use super::context::Context;
use super::failure::{CliError, Exit};
use crate::git::{Id, Prompts};
use crate::report::{TrackState, UpstreamOutdated};
use crate::ui::{Cell, Column, Message, Paint, Table};
use crate::workspace::files::pins;
use crate::workspace::manifest::Upstream;
use crate::workspace::{FilesError, Newest, UpstreamStore, Workspace, cache_tip, is_exact, newest};

/// Check whether a track has moved past its pin
///
/// For CI: exits with 4 if upstream has something newer than the pin, or has moved
/// a pinned tag, and with 0 otherwise. It asks each upstream once for its branches
/// and tags. It fetches nothing else and changes no file.
///
/// The states:
///   up to date     the pin is the tip of the track
///   moved          the tip of the track is another commit
///   tag moved      upstream has moved a tag that was pinned
///   pin is ahead   the pin is newer than the track (as far as tags and fetched
///                  history tell)
///   no track       `track` in upstreams.toml is not set
///   no pin         run `patchq add NAME --pin REV`
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq outdated
  patchq outdated kubeflow --json"
)]
pub(super) struct Args {
    /// The upstreams (default: all)
    #[arg(value_name = "NAME")]
    pub(super) names: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Document {
    upstreams: Vec<UpstreamOutdated>,
}

/// The pin, and the state of the upstream.
struct Found {
    pin: Option<Id>,
    version: Option<String>,
    newest: Option<Newest>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let upstreams = context.upstreams(&workspace, &args.names)?;
    context.git()?;
    let ask = |upstream: &Upstream, prompts| look(context, &workspace, upstream, prompts);
    let all = context.each_at_once(&workspace, &upstreams, ask, |upstream, found| {
        let Found { pin, version, newest } = found;
        for moved in newest.iter().flat_map(|newest| &newest.moved) {
            let text = format!("{}: {moved}", upstream.name);
            context.say(&Message::warning(text).hint("find out why before you use the new target"));
        }
        let row = UpstreamOutdated::new(upstream, pin, version, newest.as_ref());
        Ok((if row.is_outdated() { Exit::CheckSaidNo } else { Exit::Done }, row))
    });
    if context.json {
        context.document(Document { upstreams: all.results }, all.failed.as_ref())?;
    } else if upstreams.is_empty() {
        context.say_no_upstream();
    } else if !all.results.is_empty() {
        context.out(&table(&all.results).render(&context.look));
    }
    Ok(all.exit)
}

/// Asks one upstream, if needed.
fn look(context: &Context, workspace: &Workspace, upstream: &Upstream, prompts: Prompts) -> Result<Found, CliError> {
    let (layout, name) = (&workspace.layout, upstream.name.as_str());
    let (pin, version) = (layout.pin(&upstream.name), layout.version(&upstream.name));
    let broken = |error| CliError::from(FilesError::Pin(error)).in_upstream(name);
    let version = pins::read_version(&version, layout.shown(&version)).map_err(broken)?;
    let pin = pins::read_pin(&pin, layout.shown(&pin)).map_err(broken)?;
    // Without a track the tag that the pin was taken by is still checked.
    let has_tag = |pin| upstream.version.is_none() && version.as_deref().is_some_and(|text| is_exact(text, pin));
    let Some(at) = pin.filter(|pin| upstream.track.is_some() || has_tag(*pin)) else {
        return Ok(Found { pin, version, newest: None });
    };
    context.check_stop()?;
    let upstream = UpstreamStore::make(workspace, upstream).map_err(|error| CliError::from(error).in_upstream(name))?;
    let found = context.with_fetcher(&upstream, false, prompts, |fetcher| {
        newest(fetcher, at, version.as_deref()).map_err(|error| CliError::target(name, error))
    });
    let newest = found.map_err(|error| error.in_upstream(name))?;
    if let Some(tip) = &newest.tip {
        cache_tip(&upstream, tip, pin, newest.ahead, context.now());
    }
    Ok(Found { pin, version, newest: Some(newest) })
}

fn table(all: &[UpstreamOutdated]) -> Table {
    let mut table = Table::new([
        Column::new("upstream").cut_to(12),
        Column::new("pinned").cut_to(12),
        Column::new("track").cut_to(8),
        Column::new("newest").cut_to(12),
        Column::new("state"),
    ]);
    let or_none = |text: Option<String>| Cell::from(text.unwrap_or_else(|| "-".to_owned()));
    for row in all {
        let paint = match row.state {
            TrackState::TagMoved => Paint::Bad,
            TrackState::UpToDate => Paint::Good,
            _ => Paint::Careful,
        };
        // A version without a pin is a leftover.
        let pinned = row.pin.map(|pin| row.version.clone().unwrap_or_else(|| pin.short(12)));
        table.row([
            Cell::from(&row.name).paint(Paint::Strong),
            or_none(pinned),
            or_none(row.track.clone()),
            or_none(row.newest.as_ref().map(|tip| tip.short())),
            Cell::from(row.words).paint(paint),
        ]);
    }
    table
}
