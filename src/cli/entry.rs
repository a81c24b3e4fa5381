//! The shared parts of `add` and `import`: finding or making the entry, asking its upstream, and the step that writes
//! everything.

use std::path::{Component, Path, PathBuf};

use super::context::{Context, interrupted};
use super::failure::{CliError, shown};
use super::hint;
use crate::git::{Id, Prompts, Rev, UrlKind};
use crate::report::FailureKind;
use crate::ui::{Message, PromptError};
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::files::pins;
use crate::workspace::manifest::{BadName, EditError, Name, NewUpstream, Track, Upstream, UpstreamUrl};
use crate::workspace::{
    AddError, AddedUpstream, Fetcher, Files, NewEntry, NewPin, PinRequest, ResolvedPin, UpstreamStore, Workspace,
    add_entry, cache_tip, look_up,
};

/// An upstream that will get a pin.
pub(super) struct Entry {
    pub(super) name: Name,
    /// The new entry for the manifest; `None`: the entry exists.
    pub(super) new: Option<NewUpstream>,
    /// Its present pin.
    pub(super) pin: Option<Id>,
}

impl Entry {
    /// Returns its url and its track, for documents: from `found` if the entry is new, else from the manifest.
    pub(super) fn url_and_track(
        &self,
        workspace: &Workspace,
        found: &ResolvedPin,
    ) -> Result<(String, Option<String>), CliError> {
        let (url, track) = match &self.new {
            Some(new) => (&new.url, found.track()),
            None => {
                let upstream = workspace.upstream(self.name.as_str())?;
                (&upstream.url, upstream.track.as_ref())
            }
        };
        Ok((url.to_string(), track.map(ToString::to_string)))
    }
}

/// The values from the command line.
pub(super) struct Said<'a> {
    pub(super) name: &'a str,
    pub(super) url: Option<&'a str>,
    pub(super) track: Option<&'a str>,
    /// How the url is given, for messages.
    pub(super) url_argument: &'a str,
}

impl Context {
    /// Asks for a value that the command line leaves out, if someone can answer.
    pub(super) fn ask(&self, question: &str, default: Option<&str>) -> Result<Option<String>, CliError> {
        if !self.asker.can_ask() || self.json {
            return Ok(None);
        }
        match self.progress.suspend(|| self.asker.text(question, default)) {
            Ok(answer) => Ok(Some(answer)),
            Err(PromptError::NoTerminal(_)) => Ok(None),
            Err(PromptError::Interrupted) => Err(interrupted()),
            Err(error @ PromptError::Terminal { .. }) => Err(CliError::of(FailureKind::Io, &error)),
        }
    }

    /// Asks whether to do something; returns `default` if no one can answer.
    pub(super) fn confirm(&self, question: &str, default: bool) -> Result<bool, CliError> {
        if !self.asker.can_ask() || self.json {
            return Ok(default);
        }
        match self.progress.suspend(|| self.asker.confirm(question, default)) {
            Ok(answer) => Ok(answer),
            Err(PromptError::NoTerminal(_)) => Ok(default),
            Err(PromptError::Interrupted) => Err(interrupted()),
            Err(error @ PromptError::Terminal { .. }) => Err(CliError::of(FailureKind::Io, &error)),
        }
    }
}

/// Finds the entry, or makes a new one.
pub(super) fn entry(context: &Context, workspace: &Workspace, said: &Said<'_>) -> Result<Entry, CliError> {
    let url = said.url.map(|url| url_from(context, workspace, url)).transpose()?;
    let track = said.track.map(track).transpose()?;
    if let Some(upstream) = workspace.manifest.upstream(said.name) {
        same(upstream, url.as_ref(), track.as_ref())?;
        let pin = pin_of(workspace, &upstream.name)?;
        return Ok(Entry { name: upstream.name.clone(), new: None, pin });
    }
    let name = new_name(context, workspace, said.name)?;
    let url = match url {
        Some(url) => url,
        None => match context.ask(&format!("what is the URL of the repository of '{name}'?"), None)? {
            Some(answer) => url_from(context, workspace, &answer)?,
            None => return Err(no_url(workspace, &name, said.url_argument)),
        },
    };
    let (sparse, registry, version, remember) = (None, None, None, None);
    let new = NewUpstream { name: name.clone(), url, mirrors: Vec::new(), track, sparse, registry, version, remember };
    let pin = pin_of(workspace, &name)?;
    Ok(Entry { name, new: Some(new), pin })
}

/// Returns the pin of the upstream `name`.
pub(super) fn pin_of(workspace: &Workspace, name: &Name) -> Result<Option<Id>, CliError> {
    let file = workspace.layout.pin(name);
    let pin = pins::read_pin(&file, workspace.layout.shown(&file));
    pin.map_err(|error| CliError::of(FailureKind::Pin, &error).in_upstream(name.as_str()))
}

/// Checks a name for a new entry: the workspace's repository must not track it.
pub(super) fn new_name(context: &Context, workspace: &Workspace, text: &str) -> Result<Name, CliError> {
    let name = Name::parse(text).map_err(|error| CliError::usage(error.to_string()))?;
    if workspace.tracked_names(context.git()?)?.contains(name.as_str().as_bytes()) {
        let error = CliError::usage(BadName::Tracked(name.to_string()).to_string());
        return Err(error.hint("use another name"));
    }
    Ok(name)
}

fn no_url(workspace: &Workspace, name: &Name, argument: &str) -> CliError {
    let error = CliError::usage(format!("there is no upstream '{name}' in {MANIFEST}, and no {argument} was given"));
    match workspace.manifest.nearest(name.as_str()) {
        Some(near) => error.hint(format!("did you mean '{}'?", near.name)),
        None => error.hint(format!("give its {argument}, for example https://github.com/OWNER/REPOSITORY.git")),
    }
}

/// What is given once more must be what the manifest says.
fn same(upstream: &Upstream, url: Option<&UpstreamUrl>, track: Option<&Track>) -> Result<(), CliError> {
    let differs = |what: &str, has: &str, given: &str| {
        let text = format!("{}: the {what} in {MANIFEST} is {has}, not '{given}'", upstream.name);
        Err(CliError::usage(text)
            .at(MANIFEST, Some(upstream.line))
            .hint(format!("leave it out, or change '{what}' in {MANIFEST}:{}", upstream.line)))
    };
    if let Some(url) = url.filter(|url| **url != upstream.url) {
        return differs("url", &format!("'{}'", upstream.url), url.as_str());
    }
    match (track, &upstream.track) {
        (Some(given), Some(has)) if given != has => differs("track", &format!("'{has}'"), given.as_str()),
        (Some(given), None) => differs("track", "not set", given.as_str()),
        _ => Ok(()),
    }
}

/// A url of the command line. A relative path is one from the current folder there, and one from the root in the
/// manifest.
fn url_from(context: &Context, workspace: &Workspace, text: &str) -> Result<UpstreamUrl, CliError> {
    let parse = |text: &str| UpstreamUrl::parse(text).map_err(|error| CliError::usage(error.to_string()));
    let url = parse(text)?;
    if url.kind() != UrlKind::Path || Path::new(text).is_absolute() || context.cwd == workspace.layout.root() {
        return Ok(url);
    }
    let mut path = PathBuf::new();
    for part in workspace.inside.join(text).components() {
        match part {
            Component::ParentDir if path.file_name().is_some() => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    match path.to_str() {
        Some("") => parse("."),
        Some(path) => parse(path),
        None => Err(CliError::usage(format!("the path '{}' is not UTF-8 text", shown(text)))),
    }
}

/// Asks the upstream; a second time, with git asking on the terminal, if credentials were missing.
pub(super) fn find(
    context: &Context,
    workspace: &Workspace,
    entry: &Entry,
    pin: Option<&Rev>,
) -> Result<(ResolvedPin, Prompts), CliError> {
    let found = find_with(context, workspace, entry, pin, Prompts::Never);
    match found {
        Err(error) if error.lacks_credentials() && context.asker.can_ask() && !context.json => {
            Ok((find_with(context, workspace, entry, pin, Prompts::Terminal)?, Prompts::Terminal))
        }
        other => Ok((other?, Prompts::Never)),
    }
}

fn find_with(
    context: &Context,
    workspace: &Workspace,
    entry: &Entry,
    pin: Option<&Rev>,
    prompts: Prompts,
) -> Result<ResolvedPin, CliError> {
    let new = entry.new.clone().map(NewEntry::Written);
    with_upstream(context, workspace, (&entry.name, new.as_ref()), prompts, |fetcher| {
        let upstream = fetcher.upstream;
        let (track, version) = (upstream.entry.track.clone(), upstream.entry.version.clone());
        let wanted = PinRequest { track, follow: entry.new.is_some(), pin: pin.cloned(), version };
        let found = look_up(fetcher, &wanted);
        let found = found.map_err(|error| CliError::look_up(entry.name.as_str(), error))?;
        if let Some(tip) = &found.tip {
            cache_tip(upstream, tip, Some(found.pin), false, context.now());
        }
        Ok(found)
    })
}

/// Writes everything in one step; `failed` converts its error.
pub(super) fn write(
    context: &Context,
    workspace: &Workspace,
    entry: &Entry,
    (found, files): (&ResolvedPin, &Files),
    prompts: Prompts,
    failed: impl Fn(AddError) -> CliError,
) -> Result<AddedUpstream, CliError> {
    let new = entry.new.clone().map(|new| NewUpstream { track: found.track().cloned(), ..new });
    let new = new.map(NewEntry::Written);
    let adopted = with_upstream(context, workspace, (&entry.name, new.as_ref()), prompts, |fetcher| {
        let upstream = fetcher.upstream;
        let adoption = NewPin { entry: new.as_ref(), files, pin_now: entry.pin };
        let adopted = context.step_context(context.command(), |ctx| add_entry(fetcher, &adoption, ctx));
        for warning in upstream.workspace.manifest.warnings.iter().filter(|warning| warning.line >= upstream.entry.line)
        {
            if new.is_some() {
                context.say(&Message::warning(super::errors::mistake(warning)));
            }
        }
        adopted.map_err(&failed)
    })?;
    in_the_way(context, workspace, &entry.name, &adopted);
    Ok(adopted)
}

/// Warns about something at the path of the checkout.
pub(super) fn in_the_way(context: &Context, workspace: &Workspace, name: &Name, adopted: &AddedUpstream) {
    let folder = workspace.layout.checkout(name);
    if !adopted.has_checkout && folder.read_dir().map_or(folder.exists(), |mut inside| inside.next().is_some()) {
        let text = format!("{name}: '{name}' exists and is not a patchq checkout; setup will not touch it");
        context.say(&Message::warning(text).hint(hint::aside(name.as_str())));
    }
}

/// Runs `work` with the store of the upstream `name`, whose entry (`new`) may not be in the manifest yet.
pub(super) fn with_upstream<T>(
    context: &Context,
    workspace: &Workspace,
    (name, new): (&Name, Option<&NewEntry>),
    prompts: Prompts,
    work: impl FnOnce(&Fetcher<'_>) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let name = name.as_str();
    let made;
    let workspace = match new {
        None => workspace,
        Some(new) => {
            made = workspace.with_entry(new).map_err(|error| CliError::edit(name, &error))?;
            &made
        }
    };
    let upstream = workspace.upstream(name)?;
    context.check_stop()?;
    let upstream = UpstreamStore::make(workspace, upstream).map_err(|error| CliError::from(error).in_upstream(name))?;
    context.mend_index(&upstream)?;
    let supplied = context.with_fetcher(&upstream, false, prompts, |fetcher| {
        fetcher.remote.store_url(&upstream.store)?;
        work(fetcher)
    });
    supplied.map_err(|error| error.in_upstream(name))
}

/// Parses a track from the command line.
pub(super) fn track(text: &str) -> Result<Track, CliError> {
    Track::parse(text).map_err(|error| CliError::usage(error.to_string()))
}

/// Parses a revision from the command line.
pub(super) fn rev(text: &str) -> Result<Rev, CliError> {
    Rev::parse(text).map_err(|error| CliError::usage(error.to_string()))
}

impl CliError {
    pub(super) fn edit(name: &str, error: &EditError) -> CliError {
        match error {
            EditError::Manifest(errors) => CliError::from(errors),
            _ => CliError::of(FailureKind::Manifest, error).at(MANIFEST, None),
        }
        .in_upstream(name)
    }

    /// Converts an error of adding the pin or the patches of the upstream `name`.
    pub(super) fn add(name: &str, error: AddError) -> CliError {
        match error {
            AddError::Edit(EditError::Exists(_)) => {
                CliError::of(FailureKind::Changed, &error).hint("run the command again").in_upstream(name)
            }
            AddError::Edit(error) => CliError::edit(name, &error),
            AddError::HasPatches { .. } => has_patches(name, &error),
            AddError::Queue(error) => CliError::queue(name, error),
        }
    }
}

/// Returns the error for an upstream that already has patches.
fn has_patches(name: &str, error: &AddError) -> CliError {
    let made = CliError::of(FailureKind::HasPatches, error).in_upstream(name);
    let away = "import under another name, or remove those patches first";
    // If there is a pin, `add` cannot do anything.
    if hint::is_there(format!("commits/{name}.txt")) {
        return made.hint(away);
    }
    let add = hint::patchq(&["add", name, "--pin", "ID"]);
    made.hint(hint::noted(add, "if these are the right patches and only the pin is missing")).hint(format!("or {away}"))
}
