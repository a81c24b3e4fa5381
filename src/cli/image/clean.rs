//! `patchq image clean`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::context::Context;
use super::super::failure::{CliError, Exit};
use super::build::lock;
use super::builder::{Wanted, choose, of_call};
use super::load::{LoadOptions, load};
use crate::container::{Builder, CallError};
use crate::report::FailureKind;
use crate::ship::{BaseError, BuildRecord, Labelled, Records, ShipPlan, digests, resolve_base, unpinned};
use crate::ui::{Cell, Column, Message, Paint, Table, age, count, size};
use crate::workspace::Workspace;

/// Remove images that were built here
///
/// Removes the images of builds that are no longer what the plan would build:
/// those of an earlier queue or pin, or of an image that is not in the manifest
/// any more. --all removes the current ones too.
///
/// Only images that `image build` recorded in this workspace are removed. Images
/// of other workspaces, base images, and images that you gave another name stay.
#[derive(clap::Args, Debug)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  patchq image clean --dry-run
  patchq image clean --older-than 30d
  patchq image clean kubeflow --all"
)]
pub(super) struct Args {
    /// Images (NAME or UPSTREAM:NAME) or upstreams (default: all)
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Remove current images too
    #[arg(long)]
    all: bool,
    /// Remove only images built longer ago than this (12h, 30d)
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    older_than: Option<i64>,
    /// Only list what would be removed
    #[arg(long)]
    dry_run: bool,
    /// Remove images of this builder
    #[arg(long, value_name = "BUILDER")]
    builder: Option<Wanted>,
}

/// One build, and what became of it.
#[derive(Debug, Serialize)]
struct Cleaned {
    image: String,
    recipe: String,
    /// The id without labels.
    id: String,
    /// The names that it had.
    names: Vec<String>,
    /// Its bytes, with those that it shares; none where the builder does not say.
    size: Option<u64>,
    /// When it was built, in seconds since 1970.
    created: i64,
    removed: bool,
    /// Why it stays.
    kept_because: Option<String>,
}

#[derive(Debug, Serialize)]
struct Document {
    builder: &'static str,
    builds: Vec<Cleaned>,
}

/// Reads `30d`, `12h`, `2 weeks`.
fn seconds(text: &str) -> Result<i64, String> {
    let span: jiff::Span = text.parse().map_err(|_| "expected a time such as 12h or 30d".to_owned())?;
    let total = span.total((jiff::Unit::Second, jiff::SpanRelativeTo::days_are_24_hours()));
    let total = total.map_err(|_| "expected hours, days or weeks, such as 12h or 30d".to_owned())?;
    if total < 0.0 { Err("expected a time that is not negative".to_owned()) } else { Ok(total as i64) }
}

pub(super) fn run(context: &Context, args: Args) -> Result<Exit, CliError> {
    let workspace = context.workspace()?;
    let _lock = lock(context, &workspace)?;
    let builder = choose(context, args.builder)?;
    let records = Records::new(workspace.layout.build_records());
    let current = if args.all { None } else { Some(current(context, &workspace, &builder)?) };
    let mut builds: Vec<(PathBuf, BuildRecord)> = records
        .all()
        .into_iter()
        .filter(|(_, record)| record.builder == builder.kind.word())
        .filter(|(_, record)| is_meant(&args.names, &record.image))
        .filter(|(_, record)| current.as_ref().is_none_or(|current| !current.has(record)))
        .filter(|(_, record)| args.older_than.is_none_or(|age| context.now() - record.created > age))
        .collect();
    // The newest first.
    builds.sort_by_key(|(_, record)| std::cmp::Reverse(record.created));
    let mut done = Vec::new();
    for build in &builds {
        context.check_stop()?;
        done.push(
            clean(context, &builder, workspace.layout.root(), build, args.dry_run).map_err(|error| of_call(&error))?,
        );
    }
    if args.names.is_empty() && args.older_than.is_none() && !args.dry_run {
        remove_logs(&workspace, &records);
    }
    let kept = done.iter().filter(|one| one.kept_because.is_some()).count();
    let error = (kept > 0).then(|| {
        CliError::plain(FailureKind::Builder, format!("{} not removed", count(kept, "image was", "images were")))
    });
    if context.json {
        context.document(Document { builder: builder.kind.word(), builds: done }, error.as_ref())?;
        return Ok(error.map_or(Exit::Done, |error| error.exit));
    }
    if done.is_empty() {
        context.say(&Message::note("nothing to remove"));
        return Ok(Exit::Done);
    }
    context.out(&table(context, &done, args.dry_run).render(&context.look));
    error.map_or(Ok(Exit::Done), Err)
}

/// Checks whether `names` (none: all) has the image `UPSTREAM:NAME`, or its upstream.
fn is_meant(names: &[String], image: &str) -> bool {
    let (upstream, name) = image.split_once(':').unwrap_or(("", image));
    names.is_empty() || names.iter().any(|wanted| wanted == image || wanted == upstream || wanted == name)
}

/// The builds that the plan would make now.
struct Current {
    /// Image and recipe.
    builds: BTreeSet<(String, String)>,
    /// Images whose recipe is not known, because a base is not in the store.
    unknown: BTreeSet<String>,
}

impl Current {
    fn has(&self, record: &BuildRecord) -> bool {
        self.unknown.contains(&record.image) || self.builds.contains(&(record.image.clone(), record.recipe.clone()))
    }
}

/// Returns what the plan would build now. Bases are those of the builder's store: the network is not used.
fn current(context: &Context, workspace: &Workspace, builder: &Builder) -> Result<Current, CliError> {
    let missing = RefCell::new(BTreeSet::new());
    let resolve = |plan: &ShipPlan<'_>| {
        let mut bases = BTreeMap::new();
        for name in unpinned(plan) {
            match resolve_base(builder, &name, true, context.stop()) {
                Ok(base) => drop(bases.insert(name, base)),
                Err(BaseError::Call(error)) => return Err(of_call(&error)),
                Err(_) => drop(missing.borrow_mut().insert(name)),
            }
        }
        Ok(digests(&bases))
    };
    let options = LoadOptions { fetch: false, day: None, resolve: Some(&resolve) };
    let plan = load(context, workspace, &[], options)?.plan;
    let missing = missing.into_inner();
    let mut current = Current { builds: BTreeSet::new(), unknown: BTreeSet::new() };
    for image in &plan.images {
        let id = image.planned.id.to_string();
        let lacks = image.bases().any(|(base, _)| missing.contains(&base.image));
        if lacks || image.planned.needs.iter().any(|need| current.unknown.contains(&need.to_string())) {
            current.unknown.insert(id.clone());
        }
        current.builds.extend(image.recipes.iter().map(|(_, recipe)| (id.clone(), recipe.to_string())));
    }
    Ok(current)
}

/// Removes what `record` says was built, and then the record; with `dry_run` it only looks.
fn clean(
    context: &Context,
    builder: &Builder,
    root: &Path,
    (path, record): &(PathBuf, BuildRecord),
    dry_run: bool,
) -> Result<Cleaned, CallError> {
    let stop = context.stop();
    let mut cleaned = Cleaned {
        image: record.image.clone(),
        recipe: record.recipe.clone(),
        id: record.id.clone(),
        names: Vec::new(),
        size: None,
        created: record.created,
        removed: false,
        kept_because: None,
    };
    let given =
        |labelled: &Labelled| labelled.references.iter().map(|name| (name.clone(), labelled.id.clone())).collect();
    let mut given: Vec<(String, String)> = record.labelled.iter().rev().flat_map::<Vec<_>, _>(given).collect();
    given.push((record.local.clone(), record.id.clone()));
    for (name, id) in &given {
        // The name may belong to a newer image now.
        let Some(image) = builder.image(name, stop)?.filter(|image| image.id == *id) else { continue };
        cleaned.size = cleaned.size.or(image.size);
        if !cleaned.names.contains(name) {
            cleaned.names.push(name.clone());
        }
        if !dry_run && let Err(error) = builder.remove(name, stop) {
            return kept(cleaned, error);
        }
    }
    if dry_run {
        return Ok(cleaned);
    }
    // Images that have lost their names to newer ones. One with a name from the user stays.
    let ids: BTreeSet<&String> = given.iter().map(|(_, id)| id).chain(&record.former).collect();
    for id in ids {
        let is_nameless = builder.image(id, stop)?.is_some() && builder.names(id, stop)?.is_empty();
        if is_nameless && let Err(error) = builder.remove(id, stop) {
            return kept(cleaned, error);
        }
    }
    match fs::remove_file(path) {
        Ok(()) => cleaned.removed = true,
        Err(error) => cleaned.kept_because = Some(format!("cannot remove the record: {error}")),
    }
    let _ = fs::remove_file(root.join(&record.log));
    Ok(cleaned)
}

/// Removes the logs that no record names: those of builds that failed. One that cannot be removed only takes room.
fn remove_logs(workspace: &Workspace, records: &Records) {
    let layout = &workspace.layout;
    let named: BTreeSet<PathBuf> =
        records.all().into_iter().map(|(_, record)| layout.root().join(record.log)).collect();
    let logs = fs::read_dir(layout.build_logs()).into_iter().flatten().flatten().map(|entry| entry.path());
    for log in logs.filter(|log| log.extension().is_some_and(|end| end == "log") && !named.contains(log)) {
        let _ = fs::remove_file(log);
    }
}

/// The image stays: something needs it.
fn kept(cleaned: Cleaned, error: CallError) -> Result<Cleaned, CallError> {
    match error {
        CallError::Failed { .. } => Ok(Cleaned { kept_because: Some(error.to_string()), ..cleaned }),
        _ => Err(error),
    }
}

fn table(context: &Context, builds: &[Cleaned], dry_run: bool) -> Table {
    let mut table = Table::new([
        Column::new("image"),
        Column::new("recipe"),
        Column::new("size"),
        Column::new("built"),
        Column::new("").cut_to(20),
    ]);
    for build in builds {
        let (word, paint) = match &build.kept_because {
            Some(why) => (why.clone(), Paint::Careful),
            None if dry_run => ("would be removed".to_owned(), Paint::Faint),
            None => ("removed".to_owned(), Paint::Good),
        };
        table.row([
            Cell::from(build.image.as_str()).paint(Paint::Strong),
            Cell::from(build.recipe.get(..8).unwrap_or_default()),
            Cell::from(build.size.map_or_else(|| "-".to_owned(), size)),
            Cell::from(age(build.created, context.now())),
            Cell::from(word).paint(paint),
        ]);
    }
    table
}
