//! `patchq image build`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use serde::Serialize;

use super::super::context::{Context, interrupted};
use super::super::failure::{CliError, Exit};
use super::super::hint;
use super::allow::{self, Allow};
use super::builder::{Wanted, choose, of_call};
use super::load::{LoadOptions, Loaded, load};
use super::run::Run;
use super::staging::{published, stage_all};
use crate::container::{Builder, full_name};
use crate::image::{ContentDigest, SecretSource, build_day};
use crate::report::{BuildReport, BuildState, BuilderReport, FailureKind};
use crate::ship::{BaseError, ResolvedBase, ShipPlan, digests, resolve_base, unpinned};
use crate::ui::{Message, count};
use crate::workspace::Workspace;
use crate::workspace::files::layout::MANIFEST;
use crate::workspace::files::lock::{Holder, Lock, LockError, Mode};

/// How long another build of this workspace is waited for.
const PATIENCE: Duration = Duration::from_secs(3600);

/// How long builders get to end when the user stops a run.
const TIME_TO_END: Duration = Duration::from_secs(25);

/// Build images from the patched sources
///
/// Builds the images and those that they need, in order, from the queue on its
/// pin: from git objects, never from what is in a checkout. Before the first
/// build each external base image without a digest is pulled once, and all builds
/// use what was pulled.
///
/// An image that is up to date is not built again. When one fails, images that do
/// not need it are still built. An earlier image keeps its names until the new one
/// is complete.
///
/// The builder is docker with BuildKit, else buildah. Its output is kept in
/// .git/patchq/log/.
///
/// A build runs the commands of upstream's Dockerfiles and of the patches. Builds
/// with secrets or with the host's network ask for permission, or need --allow.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq image build
  patchq image build kubeflow:jupyter-scipy
  patchq image build ray --builder buildah --no-cache"
)]
pub(super) struct Args {
    /// Images (NAME or UPSTREAM:NAME) or upstreams, with the images they need (default: all)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Build with this program
    #[arg(long, value_name = "BUILDER")]
    builder: Option<Wanted>,
    /// Run every step again
    #[arg(long)]
    no_cache: bool,
    /// Stop at the first image that fails
    #[arg(long)]
    fail_fast: bool,
    /// Allow builds to use this, without asking
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    allow: Vec<Allow>,
}

#[derive(Debug, Serialize)]
struct Document {
    builder: BuilderReport,
    images: Vec<BuildReport>,
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let created = context.build_time()?;
    let _lock = lock(context, &workspace)?;
    context.give_time_to_end(TIME_TO_END);
    let builder = choose(context, args.builder)?;
    let bases = RefCell::new(BTreeMap::new());
    let resolve = |plan: &ShipPlan<'_>| resolve(context, &builder, plan, &bases);
    let day = build_day(created);
    let options = LoadOptions { fetch: true, day: Some(&day), resolve: Some(&resolve) };
    let loaded = load(context, &workspace, &args.names, options)?;
    if loaded.plan.images.is_empty() {
        context
            .say(&Message::note(format!("{MANIFEST} has no images")).hint("docs/manifest.md: [[upstream.NAME.image]]"));
        return Ok(Exit::Done);
    }
    allow::check(context, &workspace, &loaded, &args.allow)?;
    let mut published = published(context, &workspace, &loaded, created)?;
    for reference in published.values_mut().flat_map(|published| &mut published.references) {
        *reference = full_name(reference);
    }
    let (scratch, secrets) = (scratch(&workspace)?, secrets(&workspace, &loaded)?);
    let bases = bases.into_inner();
    let mut run = Run {
        context,
        workspace: &workspace,
        loaded: &loaded,
        builder: &builder,
        bases: &bases,
        published: &published,
        folder: scratch.path(),
        secrets: &secrets,
        no_cache: args.no_cache,
        created,
        seconds: context.source_date_epoch()?,
        done: BTreeMap::new(),
    };
    let todo = run.todo()?;
    stage_all(context, &workspace, &loaded, &published, scratch.path(), &|id| todo[id])?;
    let images = run.all(&todo, args.fail_fast);
    ended(context, &builder, images)
}

/// Says how the run ended.
fn ended(context: &Context, builder: &Builder, images: Vec<BuildReport>) -> Result<Exit, CliError> {
    let failed = images.iter().filter(|image| image.state == BuildState::Failed).count();
    let error = if context.check_stop().is_err() {
        Some(interrupted())
    } else {
        let text = format!("{} not built", count(failed, "image was", "images were"));
        (failed > 0).then(|| CliError::plain(FailureKind::Build, text))
    };
    if error.is_none() || !context.json {
        context.tell(&summary(&images));
    }
    if context.json {
        let Builder { kind, client, server, buildx, .. } = builder.clone();
        let builder = BuilderReport { name: kind.to_string(), client, server, buildx };
        context.document(Document { builder, images }, error.as_ref())?;
        return Ok(error.map_or(Exit::Done, |error| error.exit));
    }
    error.map_or(Ok(Exit::Done), Err)
}

/// How many images came to what, in one sentence.
fn summary(images: &[BuildReport]) -> String {
    let states = [
        BuildState::Built,
        BuildState::Labelled,
        BuildState::Current,
        BuildState::Failed,
        BuildState::Blocked,
        BuildState::NotTried,
    ];
    let number = |state: BuildState| images.iter().filter(|image| image.state == state).count();
    let parts = states.into_iter().map(|state| (number(state), state.words())).filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, words)| format!("{number} {words}")).collect();
    format!("{}: {}", count(images.len(), "image", "images"), parts.join(", "))
}

/// Locks the builds of this workspace.
pub(super) fn lock(context: &Context, workspace: &Workspace) -> Result<Lock, CliError> {
    let path = workspace.layout.images_lock();
    let mut waiting = |holder: &Holder| context.waiting(holder);
    Lock::acquire(&path, Mode::Exclusive, "the images", context.command(), PATIENCE, &mut waiting)
        .map_err(|error: LockError| CliError::of(FailureKind::Locked, &error))
}

/// Looks up the external images of `plan` that nothing pins, and keeps them in `found`.
fn resolve(
    context: &Context,
    builder: &Builder,
    plan: &ShipPlan<'_>,
    found: &RefCell<BTreeMap<String, ResolvedBase>>,
) -> Result<BTreeMap<String, ContentDigest>, CliError> {
    let mut bases = BTreeMap::new();
    for name in unpinned(plan) {
        context.check_stop()?;
        let task = context.progress.task(&name);
        task.set(if context.offline { "looking up the base" } else { "pulling the base" }, 0, 0);
        let base = resolve_base(builder, &name, context.offline, context.stop()).map_err(|error| of_base(&error))?;
        if let ResolvedBase::StoreOnly(_) = base {
            let text =
                format!("the base '{name}' has no registry digest; the image in the store of {} is used", builder.kind);
            context.say(&Message::note(text));
        }
        bases.insert(name, base);
    }
    let digests = digests(&bases);
    *found.borrow_mut() = bases;
    Ok(digests)
}

fn of_base(error: &BaseError) -> CliError {
    match error {
        BaseError::Call(error) => of_call(error),
        BaseError::Pull { in_store: true, .. } => CliError::of(FailureKind::Base, error)
            .hint(hint::noted(hint::patchq(&["image", "build", "--offline"]), "builds on what is in the store")),
        BaseError::Pull { .. } => CliError::of(FailureKind::Base, error).hint(format!(
            "check its name, the network and the login; a base can be patched, or set by 'args' in {MANIFEST}"
        )),
        BaseError::NotInStore(_) => {
            CliError::of(FailureKind::Base, error).hint("run the command again without --offline")
        }
    }
}

/// Makes a folder for the contexts. Those of killed runs are removed: no other build runs now.
fn scratch(workspace: &Workspace) -> Result<tempfile::TempDir, CliError> {
    const PREFIX: &str = "build-";
    let folder = workspace.layout.scratch();
    fs::create_dir_all(&folder).map_err(|error| CliError::io("cannot make the folder", &folder, &error))?;
    let entries = fs::read_dir(&folder).map_err(|error| CliError::io("cannot read the folder", &folder, &error))?;
    for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        // It only takes room.
        let _ = fs::remove_dir_all(entry.path());
    }
    let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(&folder);
    made.map_err(|error| CliError::io("cannot make a folder in", &folder, &error))
}

/// Returns the values of all secrets, line by line: no log may contain them.
fn secrets(workspace: &Workspace, loaded: &Loaded<'_>) -> Result<Vec<Vec<u8>>, CliError> {
    let mut values = Vec::new();
    for image in &loaded.plan.images {
        for (secret, source) in &image.entry.secrets {
            let value = match source {
                SecretSource::Env(name) => {
                    std::env::var_os(name).map(OsString::into_encoded_bytes).ok_or_else(|| {
                        let text =
                            format!("{}: the secret '{secret}': the variable {name} is not set", image.planned.id);
                        CliError::plain(FailureKind::Environment, text)
                    })?
                }
                SecretSource::File(path) => {
                    let path = workspace.layout.root().join(path);
                    fs::read(&path).map_err(|error| CliError::io("cannot read the secret", &path, &error))?
                }
            };
            let lines = value.split(|byte| *byte == b'\n').map(|line| line.trim_ascii().to_vec());
            values.extend(lines.filter(|line| !line.is_empty()));
        }
    }
    Ok(values)
}
