//! Continues a session, which may come from anyone.

use super::super::context::Context;
use super::super::failure::CliError;
use super::super::refresh::{Args, failed};
use super::run::prompt;
use crate::git::Rev;
use crate::ui::Message;
use crate::workspace::ops::refresh::{RefreshError, RefreshOptions};
use crate::workspace::{Fetcher, Moving, TargetRequest};

/// Continues the session of `upstream`. If its target is not in the track, and was not named here, the user is asked.
pub(in crate::cli) fn resume<'a>(
    context: &Context,
    fetcher: &'a Fetcher<'a>,
    args: &Args,
    options: &RefreshOptions,
) -> Result<Moving<'a>, CliError> {
    let upstream = fetcher.upstream;
    let name = upstream.name().as_str();
    let wrong = |error| failed(name, args, error);
    let error = match Moving::resume(fetcher, options) {
        Err(error @ RefreshError::Elsewhere { .. }) if context.asker.can_ask() && !context.json => error,
        done => return done.map_err(wrong),
    };
    let RefreshError::Elsewhere { pin, track, .. } = &error else { return Err(wrong(error)) };
    let message = Message::warning(format!("{name}: {error}"));
    context.say(&message.caused_by_sources(&error));
    let question = format!("continue to {} anyway?", pin.short(12));
    if !context.progress.suspend(|| context.asker.confirm(&question, false)).map_err(prompt)? {
        return Err(wrong(error));
    }
    let to = Rev::parse(&pin.to_string()).ok();
    let target = TargetRequest { to, track: track.clone(), once: track.is_none(), ..options.target.clone() };
    Moving::resume(fetcher, &RefreshOptions { target, ..options.clone() }).map_err(wrong)
}
