//! The builds of a run, one image after the other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::super::context::Context;
use super::super::failure::CliError;
use super::builder::of_call;
use super::load::Loaded;
use super::output::Output;
use super::staging::Published;
use crate::container::{BuildError, Builder, CallError, StoredImage};
use crate::image::{ContentDigest, ImageId};
use crate::report::{BuildBase, BuildReport, BuildState, FailureKind, StepReport};
use crate::ship::{
    BuildRecord, FailedStep, ImageBuild, RecordedBase, Records, ResolvedBase, ShipError, ShipImage, Todo, failed_step,
};
use crate::ui::{Message, Paint};
use crate::workspace::Workspace;

/// A run of builds.
pub(super) struct Run<'a> {
    pub(super) context: &'a Context,
    pub(super) workspace: &'a Workspace,
    pub(super) loaded: &'a Loaded<'a>,
    pub(super) builder: &'a Builder,
    /// The external images that nothing pins, by name.
    pub(super) bases: &'a BTreeMap<String, ResolvedBase>,
    pub(super) published: &'a BTreeMap<ImageId, Published>,
    /// The folder that the images are staged in.
    pub(super) folder: &'a Path,
    pub(super) secrets: &'a [Vec<u8>],
    pub(super) no_cache: bool,
    /// The time of the run, in seconds since 1970.
    pub(super) created: i64,
    /// The time that the user set for files and history.
    pub(super) seconds: Option<i64>,
    /// The ids of the images that are there.
    pub(super) done: BTreeMap<ImageId, String>,
}

/// An image that is there.
struct Made {
    state: BuildState,
    record: BuildRecord,
}

/// An image that is not.
struct NotMade {
    error: CliError,
    step: Option<FailedStep>,
}

impl From<CliError> for NotMade {
    fn from(error: CliError) -> NotMade {
        NotMade { error, step: None }
    }
}

impl<'a> Run<'a> {
    fn records(&self) -> Records {
        Records::new(self.workspace.layout.build_records())
    }

    /// The record of `image`, built as the plan has it.
    fn record(&self, image: &ShipImage<'_>) -> Option<BuildRecord> {
        let (_, recipe) = image.recipes.first()?;
        self.records().read(&image.planned.id, self.builder.kind.word(), &recipe.to_string())
    }

    /// The build of `image` on the images of the workspace that `needs` has.
    fn build<'b>(
        &'b self,
        image: &'b ShipImage<'b>,
        folder: &'b Path,
        needs: &'b BTreeMap<ImageId, String>,
    ) -> ImageBuild<'b> {
        let published = self.published.get(&image.planned.id);
        ImageBuild {
            builder: self.builder,
            image,
            folder,
            root: self.workspace.layout.root(),
            labels: published.map(|published| &published.labels),
            references: published.map_or(&[], |published| published.references.as_slice()),
            needs,
            no_cache: self.no_cache,
            seconds: self.seconds,
            cancel: self.context.stop(),
        }
    }

    fn folder(&self, id: &ImageId) -> PathBuf {
        self.folder.join(crate::ship::image_folder(id))
    }

    /// Plans what is to be done for each image. If an image below it is to be built, an image is planned to be built too.
    pub(super) fn todo(&self) -> Result<BTreeMap<ImageId, Todo>, CliError> {
        let mut all: BTreeMap<ImageId, Todo> = BTreeMap::new();
        for image in &self.loaded.plan.images {
            let id = &image.planned.id;
            let below = |need: &ImageId| all.get(need) == Some(&Todo::Build);
            let todo = if image.planned.needs.iter().any(below) {
                Todo::Build
            } else {
                // Nothing below it is built: its needs have the ids of their records.
                let planned = |need: &ImageId| self.loaded.plan.images.iter().find(|other| other.planned.id == *need);
                let known = |need: &ImageId| Some((need.clone(), self.record(planned(need)?)?.id));
                let needs = image.planned.needs.iter().filter_map(known).collect();
                let folder = self.folder(id);
                self.build(image, &folder, &needs).todo(self.record(image).as_ref()).map_err(|error| of_call(&error))?
            };
            all.insert(id.clone(), todo);
        }
        Ok(all)
    }

    /// Builds all images, each after those that it needs, as `todo` planned it.
    pub(super) fn all(&mut self, todo: &BTreeMap<ImageId, Todo>, fail_fast: bool) -> Vec<BuildReport> {
        let loaded = self.loaded;
        let mut reports: Vec<BuildReport> = Vec::new();
        let mut over = false;
        for image in &loaded.plan.images {
            let id = &image.planned.id;
            let mut report = self.report(image);
            let blocked: Vec<String> = image
                .planned
                .needs
                .iter()
                .filter(|need| !self.done.contains_key(need))
                .map(ToString::to_string)
                .collect();
            over = over || self.context.check_stop().is_err();
            if over {
                report.state = BuildState::NotTried;
            } else if !blocked.is_empty() {
                report.state = BuildState::Blocked;
                self.tell(image, Paint::Careful, "blocked", &format!("needs {}", blocked.join(", ")));
                report.blocked_by = blocked;
            } else {
                let began = Instant::now();
                let made = self.one(image, todo[id]);
                report.seconds = began.elapsed().as_secs();
                report.log = Some(self.log_shown(id))
                    .filter(|_| !matches!(&made, Ok(made) if made.state == BuildState::Current));
                match made {
                    Ok(made) => {
                        report.state = made.state;
                        let labelled = made.record.labelled.last().map(|labelled| labelled.id.clone());
                        report.id = Some(labelled.unwrap_or_else(|| made.record.id.clone()));
                        self.done.insert(id.clone(), made.record.id);
                        self.tell(image, Paint::Good, made.state.words(), &time(report.seconds, made.state));
                    }
                    Err(not) => {
                        self.say_failed(image, &not, &mut report);
                        over = fail_fast;
                    }
                }
            }
            report.needs =
                image.planned.needs.iter().map(|need| (need.to_string(), self.done.get(need).cloned())).collect();
            reports.push(report);
        }
        reports
    }

    /// Does for one image what was `planned`.
    fn one(&self, image: &ShipImage<'_>, planned: Todo) -> Result<Made, NotMade> {
        let id = &image.planned.id;
        let record = self.record(image);
        let needs: BTreeMap<ImageId, String> =
            image.planned.needs.iter().filter_map(|need| Some((need.clone(), self.done.get(need)?.clone()))).collect();
        let folder = self.folder(id);
        let build = self.build(image, &folder, &needs);
        let todo = match planned {
            // An image below it was built, and may have the same id as before.
            Todo::Build => build.todo(record.as_ref()).map_err(|error| of_call(&error))?,
            planned => planned,
        };
        if let (Todo::Nothing, Some(record)) = (todo, &record) {
            return Ok(Made { state: BuildState::Current, record: record.clone() });
        }
        let name = self.name(id);
        let task = self.context.progress.task(&name);
        task.set("starts", 0, 0);
        if !self.context.look.terminal_err {
            self.context.tell(&format!("{name}: building, log in {}", self.log_shown(id)));
        }
        let log = self.log(id);
        let mut output = Output::new(self.context, &name, &task, &log, self.secrets)
            .map_err(|error| CliError::io("cannot write", &log, &error))?;
        let made = self.make(build, todo, record, &mut output);
        if let Some(error) = output.end() {
            self.context.say(&Message::warning(format!("the log {} is incomplete: {error}", self.log_shown(id))));
        }
        let (state, record) = made.map_err(|error| self.failed(image, &error, &output))?;
        self.records().write(id, &record).map_err(|(path, error)| CliError::io("cannot write", &path, &error))?;
        Ok(Made { state, record })
    }

    /// Builds an image, or takes the one of its record if only labels are to be done, and puts the labels on.
    fn make(
        &self,
        build: ImageBuild<'_>,
        todo: Todo,
        before: Option<BuildRecord>,
        output: &mut Output<'_>,
    ) -> Result<(BuildState, BuildRecord), ShipError> {
        let (state, mut record, built) = match (todo, before) {
            (Todo::Label, Some(record)) => {
                let built = self.builder.image(&record.id, self.context.stop())?;
                let built = built.ok_or(BuildError::NoImage(self.builder.kind))?;
                (BuildState::Labelled, record, built)
            }
            (_, before) => {
                let built = build.build(&mut |bytes| output.hear(bytes))?;
                let mut record = self.new_record(build.image, build.needs, &built);
                if let Some(before) = before {
                    // What they were is still in the store, and `image clean` must know of it.
                    record.former.extend(before.former.into_iter().chain([before.id]).filter(|id| *id != built.id));
                    record.labelled = before.labelled;
                }
                (BuildState::Built, record, built)
            }
        };
        let labelled = build.label(&built.config, self.created, &mut |bytes| output.hear(bytes))?;
        record.labelled.retain(|before| labelled.as_ref().is_none_or(|now| now.id != before.id));
        record.labelled.extend(labelled);
        Ok((state, record))
    }

    fn new_record(&self, image: &ShipImage<'_>, needs: &BTreeMap<ImageId, String>, built: &StoredImage) -> BuildRecord {
        let id = &image.planned.id;
        let source = self.loaded.sources.get(&id.upstream);
        let recipe = image.recipes.first().map(|(_, recipe)| *recipe);
        let base = |(base, digest): (&crate::image::BaseImage, Option<&ContentDigest>)| RecordedBase {
            image: base.image.clone(),
            digest: digest.map(ToString::to_string),
            id: match self.bases.get(&base.image) {
                Some(ResolvedBase::StoreOnly(id)) => Some(id.clone()),
                _ => None,
            },
        };
        BuildRecord {
            image: id.to_string(),
            builder: self.builder.kind.to_string(),
            versions: self.builder.shown(),
            platform: built.platform.clone(),
            pin: source.map(|source| source.values.pin.to_string()).unwrap_or_default(),
            queue: source.map(|source| source.values.queue.to_string()).unwrap_or_default(),
            recipe: recipe.map(|recipe| recipe.to_string()).unwrap_or_default(),
            bases: image.bases().map(base).collect(),
            needs: needs.iter().map(|(id, image)| (id.to_string(), image.clone())).collect(),
            local: recipe.map(|recipe| image.local_reference(recipe)).unwrap_or_default(),
            id: built.id.clone(),
            created: self.created,
            log: self.log_shown(id),
            ..BuildRecord::default()
        }
    }

    fn failed(&self, image: &ShipImage<'_>, error: &ShipError, output: &Output<'_>) -> NotMade {
        if error.is_cancelled() {
            return super::super::context::interrupted().into();
        }
        let log = self.workspace.layout.shown(output.path()).display().to_string();
        let hint = format!("the whole output: {log}");
        let ShipError::Build(BuildError::Call(CallError::Failed { status, .. })) = error else {
            return CliError::of(FailureKind::Build, error).hint(hint).into();
        };
        let how = crate::container::ended_badly(*status);
        let step = output.steps().failed_step().and_then(|step| failed_step(&image.states, &step.text));
        let place = step.as_ref().map(|step| {
            let file = format!("{}/{}", image.planned.id.upstream, image.planned.dockerfile);
            (file, step.line, step.patch.as_deref().unwrap_or("upstream"))
        });
        let mut text = match &place {
            Some((file, line, by)) => format!("{file}:{line} (from {by}): {how}"),
            None => format!("{} ended with {how}", self.builder.kind),
        };
        output.steps().last().for_each(|line| text.push_str(&format!("\n  | {line}")));
        let made = CliError::plain(FailureKind::Build, text).hint(hint);
        NotMade { error: place.into_iter().fold(made, |made, (file, line, _)| made.at(file, Some(line))), step }
    }

    fn say_failed(&self, image: &ShipImage<'_>, not: &NotMade, report: &mut BuildReport) {
        let id = &image.planned.id;
        let error = not.error.clone().in_upstream(&self.name(id));
        report.state = BuildState::Failed;
        report.error = Some(error.failure());
        report.step = not.step.as_ref().map(|step| StepReport {
            file: image.planned.dockerfile.to_string(),
            line: step.line,
            patch: step.patch.clone(),
        });
        if self.context.check_stop().is_err() {
            report.state = BuildState::NotTried;
            return;
        }
        self.context.say(&error.message());
    }

    fn report(&self, image: &ShipImage<'_>) -> BuildReport {
        let id = &image.planned.id;
        let base = |(base, digest): (&crate::image::BaseImage, Option<&ContentDigest>)| BuildBase {
            image: base.image.clone(),
            digest: digest.map(ToString::to_string),
        };
        BuildReport {
            upstream: id.upstream.clone(),
            image: id.image.clone(),
            state: BuildState::NotTried,
            id: None,
            recipe: image.recipes.first().map(|(_, recipe)| recipe.to_string()).unwrap_or_default(),
            needs: BTreeMap::new(),
            bases: image.bases().map(base).collect(),
            blocked_by: Vec::new(),
            references: self.published.get(id).map(|published| published.references.clone()).unwrap_or_default(),
            seconds: 0,
            log: None,
            error: None,
            step: None,
        }
    }

    /// One line about an image.
    fn tell(&self, image: &ShipImage<'_>, paint: Paint, word: &str, rest: &str) {
        let look = &self.context.look;
        let name = self.name(&image.planned.id);
        let width = self.loaded.plan.images.iter().map(|image| self.name(&image.planned.id).len()).max().unwrap_or(0);
        let rest = if rest.is_empty() { String::new() } else { format!("  {}", look.paint(Paint::Faint, rest)) };
        let word = look.paint(paint, &format!("{word:<9}"));
        self.context
            .tell(format!("{}  {word}{rest}", look.paint(Paint::Strong, &format!("{name:<width$}"))).trim_end());
    }

    /// The image's name; with its upstream where there are several.
    fn name(&self, id: &ImageId) -> String {
        if self.loaded.files.len() > 1 { id.to_string() } else { id.image.clone() }
    }

    fn log(&self, id: &ImageId) -> PathBuf {
        let name = format!("{}-{}.log", crate::ship::image_folder(id).replace('/', "-"), self.created);
        self.workspace.layout.build_logs().join(name)
    }

    fn log_shown(&self, id: &ImageId) -> String {
        self.workspace.layout.shown(&self.log(id)).display().to_string()
    }
}

/// How long it took, where it took long.
fn time(seconds: u64, state: BuildState) -> String {
    match (state, seconds) {
        (BuildState::Current, _) | (_, 0) => String::new(),
        (_, seconds @ ..60) => format!("{seconds} s"),
        (_, seconds) => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}
