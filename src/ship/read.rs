//! One upstream as its images need it: the states of their Dockerfiles, and their contexts.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{BuildContext, Sources};
use super::dockerfiles::{DockerfileVersion, dockerfiles};
use super::pin_values::PinValues;
use crate::git::{Objects, Tracked};
use crate::path::RepoPath;
use crate::stack::{Lazy, Stack};
use crate::workspace::{Fetcher, Files, QueueError, stack_of};

/// What an image is built of.
#[derive(Debug, Clone)]
pub struct ImageSource {
    /// The states of its Dockerfile: upstream's, then one for each patch that changed it. The last one is what is built.
    pub states: Vec<DockerfileVersion>,
    /// Its context.
    pub context: BuildContext,
}

/// An upstream as its images need it.
#[derive(Debug, Clone)]
pub struct UpstreamSource {
    /// What placeholders of tags stand for.
    pub values: PinValues,
    /// What placeholders of build arguments and labels stand for.
    pub named: BTreeMap<String, String>,
    /// The pin's commit date, in seconds since 1970.
    pub seconds: i64,
    /// The images, by name.
    pub images: BTreeMap<String, ImageSource>,
}

/// The queue of `files` applied, as a stack.
///
/// # Errors
/// [`QueueError`]: objects that are missing, a patch that does not apply.
pub(super) fn whole_stack(
    fetcher: &Fetcher<'_>,
    objects: &mut Objects<'_>,
    files: &Files,
) -> Result<Stack, QueueError> {
    let applied = stack_of(fetcher, objects, files, false)?;
    match applied.failure {
        None => Ok(applied.stack),
        Some((n, failure)) => {
            let patch = files.patches[n].queued.name.clone();
            Err(QueueError::Apply { patch, failure: Box::new(failure), applied: n })
        }
    }
}

/// The paths that the queue touches.
fn touched(files: &Files) -> Vec<RepoPath> {
    let files = files.patches.iter().flat_map(|patch| &patch.queued.patch.files);
    files.flat_map(|file| [file.old_path.clone(), file.new_path.clone()]).collect()
}

/// Reads the images of `upstream`. `tracked`: what the workspace's repository tracks; `None`: it is no repository.
///
/// # Errors
/// [`QueueError`]: objects that are missing, a patch that does not apply.
pub fn read_images(
    fetcher: &Fetcher<'_>,
    files: &Files,
    values: PinValues,
    tracked: Option<&Tracked>,
) -> Result<UpstreamSource, QueueError> {
    let upstream = fetcher.upstream;
    let mut objects = Objects::new(&upstream.store)?;
    let stack = whole_stack(fetcher, &mut objects, files)?;
    let states = dockerfiles(fetcher, &mut objects, &stack)?;
    let sparse = upstream.sparse(stack.base.tree, &touched(files))?;
    let named = values.named(upstream.entry);
    let layout = &upstream.workspace.layout;
    let contexts = fetcher.run(&mut objects, |objects| {
        let mut sources = Sources {
            root: layout.root().to_owned(),
            wheels: layout.wheels(),
            tracked,
            upstream: upstream.entry,
            values: &named,
            tree: stack.tree(),
            sparse: &sparse,
            objects,
        };
        let mut missing = BTreeSet::new();
        let contexts = upstream.entry.images.iter().map(|image| sources.context(image, &mut missing));
        let contexts = contexts.collect::<Result<Vec<_>, _>>()?;
        Ok(if missing.is_empty() { Lazy::Done(contexts) } else { Lazy::Need(missing) })
    })?;
    let names = upstream.entry.images.iter().map(|image| image.name.clone());
    let sources = states.into_iter().zip(contexts).map(|(states, context)| ImageSource { states, context });
    Ok(UpstreamSource { values, named, seconds: stack.base.date.seconds, images: names.zip(sources).collect() })
}
