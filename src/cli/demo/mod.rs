//! The demo's data: two small upstreams with a few releases, built by our own code, and a queue for each. The texts are
//! ours; the structure is that of Kubeflow's component tree and Ray's docker folder.

mod history;
mod kubeflow;
mod play;
mod ray;
mod story;

pub use history::{DemoError, Releases};

use std::path::{Path, PathBuf};

use history::Step;

/// One of the demo's upstreams.
#[derive(Debug, Clone, Copy)]
pub struct DemoUpstream {
    /// Its name in the demo's manifest.
    pub name: &'static str,
    /// Its track.
    pub track: &'static str,
    /// The release that the queue is based on.
    pub pinned: &'static str,
    /// The next release, the target of the refresh.
    pub next: &'static str,
    /// The `sparse` entries of the manifest.
    pub sparse: &'static [&'static str],
    /// The registry for its images.
    pub registry: &'static str,
    /// Its images: name, build context, Dockerfile.
    pub images: &'static [(&'static str, &'static str, &'static str)],
    /// The queue: file name and content, in canonical form.
    pub patches: &'static [(&'static str, &'static str)],
    /// The history, from the first commit on.
    history: &'static [Step],
    /// The branch of HEAD.
    head: &'static str,
}

/// The upstream like Kubeflow. A refresh of its queue to the next release has a patch with each of these outcomes:
/// `unchanged`, `merged`, `conflict`, `upstreamed`.
pub const KUBEFLOW_LIKE: DemoUpstream = kubeflow::UPSTREAM;

/// The upstream like Ray. Its queue moves to the next release without a conflict.
pub const RAY_LIKE: DemoUpstream = ray::UPSTREAM;

impl DemoUpstream {
    /// Makes the upstream as a bare repository in `dir`, which must be empty or not exist. Every id is the same on
    /// every machine.
    ///
    /// # Errors
    /// [`DemoError`] when the repository cannot be written.
    pub fn build(&self, dir: &Path) -> Result<Releases, DemoError> {
        history::build(dir, self.head, self.history)
    }
}

/// Take a guided tour, without network
///
/// Makes two small upstreams (one like Kubeflow's component tree, one like Ray's
/// docker folder) and a workspace on them, and shows every command of the daily
/// loop with its output. It needs only git. The folder is kept, so that you can
/// experiment.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// An empty or new folder (default: patchq-demo)
    #[arg(value_name = "DIR")]
    pub(super) dir: Option<PathBuf>,
}

pub(super) use play::run;

#[cfg(test)]
mod tests;
