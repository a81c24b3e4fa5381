//! Makes the build descriptions of an image.

use std::path::Path;

use super::bake::secret_option;
use super::finish::FINISH;
use super::plan::ShipImage;
use super::stage::{CONTEXT, DOCKERFILE};
use crate::container::BuildSpec;
use crate::image::Network;

impl ShipImage<'_> {
    /// Returns the first build of the image, for the recipe at `at`, staged in `folder`; `root` is the workspace's
    /// root.
    #[must_use]
    pub fn build_spec(&self, at: usize, folder: &Path, root: &Path) -> BuildSpec {
        let recipe = self.recipes.get(at);
        let network = self.entry.network;
        BuildSpec {
            dockerfile: shown(&folder.join(DOCKERFILE)),
            context: shown(&folder.join(CONTEXT)),
            tags: recipe.map(|(_, recipe)| self.local_reference(*recipe)).into_iter().collect(),
            args: self.planned.args.clone(),
            target: self.planned.target.clone(),
            platform: recipe.and_then(|(platform, _)| platform.as_ref()).map(ToString::to_string),
            network: (network != Network::Default).then(|| network.word().to_owned()),
            secrets: self.entry.secrets.iter().map(|(id, source)| secret_option(id, source, root)).collect(),
        }
    }

    /// Returns the build that adds the labels and names the image by `references`.
    #[must_use]
    pub fn finish_spec(&self, at: usize, folder: &Path, references: &[String]) -> BuildSpec {
        let platform = self.recipes.get(at).and_then(|(platform, _)| platform.as_ref());
        BuildSpec {
            dockerfile: shown(&folder.join(FINISH).join(DOCKERFILE)),
            context: shown(&folder.join(FINISH)),
            tags: references.to_vec(),
            platform: platform.map(ToString::to_string),
            ..BuildSpec::default()
        }
    }
}

/// Formats a path. Folders of staged images are patchq's own, and their names are text.
fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
