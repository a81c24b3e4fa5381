//! Reads the inputs of one upstream's images: the versions of their Dockerfiles, and their contexts.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{BuildContext, Sources};
use super::dockerfiles::{DockerfileVersion, dockerfiles};
use super::pin_values::PinValues;
use crate::git::{Objects, Tracked};
use crate::path::RepoPath;
use crate::stack::{Lazy, Stack};
use crate::workspace::{Fetcher, Files, QueueError, stack_of};

/// The inputs of an image.
#[derive(Debug, Clone)]
pub struct ImageSource {
    /// The versions of its Dockerfile: upstream's, then one for each patch that changed it. The last one is built.
    pub states: Vec<DockerfileVersion>,
    /// Its context.
    pub context: BuildContext,
}

/// The inputs of all images of an upstream.
#[derive(Debug, Clone)]
pub struct UpstreamSource {
    /// The values of placeholders in tags.
    pub values: PinValues,
    /// The values of placeholders in build arguments and labels.
    pub named: BTreeMap<String, String>,
    /// The pin's commit date, in seconds since 1970.
    pub seconds: i64,
    /// The images, by name.
    pub images: BTreeMap<String, ImageSource>,
}

/// Applies the queue of `files` and returns the stack.
///
/// # Errors
/// [`QueueError`]: missing objects, a patch that does not apply.
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

/// Returns the paths that the queue touches.
fn touched(files: &Files) -> Vec<RepoPath> {
    let files = files.patches.iter().flat_map(|patch| &patch.queued.patch.files);
    files.flat_map(|file| [file.old_path.clone(), file.new_path.clone()]).collect()
}

/// Reads the images of `upstream`. `tracked`: the tracked files of the workspace's repository; `None`: the workspace is
/// not in a repository.
///
/// # Errors
/// [`QueueError`]: missing objects, a patch that does not apply.
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
