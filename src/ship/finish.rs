//! Prepares the second, small build of an image: it adds labels, and a file with the same content.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::pin_values::PinValues;
use super::plan::{ShipImage, ShipPlan};
use super::stage::{DOCKERFILE, StageError, write};
use crate::hex;
use crate::image::{LabelInput, PlanError, PlanFault, finish_dockerfile, labels, local_name, metadata_file};
use crate::workspace::Files;

/// The name of the folder of the second build in the folder of an image.
pub const FINISH: &str = "finish";

/// The name of the file in it that goes into the image.
const METADATA: &str = "patchq.metadata";

/// The data for labels in addition to the plan.
#[derive(Debug, Clone, Copy)]
pub struct LabelSource<'a> {
    /// The upstream's files.
    pub files: &'a Files,
    /// The values of placeholders in tags.
    pub values: &'a PinValues,
    /// The values of placeholders in labels.
    pub named: &'a BTreeMap<String, String>,
    /// When the image is built, in seconds since 1970.
    pub created: i64,
}

impl ShipPlan<'_> {
    /// Returns the external image at the bottom of `image`, and its digest.
    fn base_of<'p>(&'p self, image: &'p ShipImage<'_>) -> Option<(&'p str, Option<&'p str>)> {
        let from = image.planned.from.as_deref()?;
        let below = |other: &&ShipImage<'_>| local_name(&other.planned.id) == from;
        if let Some(below) = self.images.iter().find(below) {
            return self.base_of(below);
        }
        let (base, digest) = image.bases().find(|(base, _)| base.image == from)?;
        Some((&base.image, digest.map(crate::image::ContentDigest::as_str)))
    }

    /// Returns the labels of `image`, whose tags are `tags` (the fixed one first, if there is one).
    ///
    /// # Errors
    /// The placeholder of a label without a value.
    pub fn labels(
        &self,
        image: &ShipImage<'_>,
        tags: &[&str],
        fixed: Option<&str>,
        source: LabelSource<'_>,
    ) -> Result<BTreeMap<String, String>, PlanError> {
        let mut own = BTreeMap::new();
        for (key, text) in image.upstream.labels.iter().chain(&image.entry.labels) {
            let value = text.render(source.named, &local_name).map_err(|placeholder| {
                PlanError::of(&image.planned.id, PlanFault::NoValue { arg: format!("labels.{key}"), placeholder })
            })?;
            own.insert(key.clone(), value);
        }
        let metadata = &image.upstream.metadata;
        let recipes: Vec<String> = image.recipes.iter().map(|(_, recipe)| recipe.to_string()).collect();
        let digest = |bytes: &[u8]| hex::encode(&Sha256::digest(bytes));
        let patches = source.files.patches.iter().map(|patch| (patch.queued.name.clone(), digest(&patch.bytes)));
        let url = image.upstream.url.to_string();
        Ok(labels(&LabelInput {
            created: source.created,
            tags: tags.to_vec(),
            version: fixed.or(source.values.version.as_deref()).unwrap_or_default(),
            revision: source.values.pin.to_string(),
            source: &url,
            title: &image.planned.id.image,
            vendor: metadata.vendor.as_deref(),
            licenses: metadata.licenses.as_deref(),
            documentation: metadata.documentation.as_deref(),
            team: metadata.team.as_deref(),
            base: self.base_of(image),
            queue: source.values.queue.to_string(),
            recipe: recipes.join(","),
            patches: patches.collect(),
            patchq: env!("CARGO_PKG_VERSION"),
            prefix: metadata.label_prefix.as_deref(),
            own,
        }))
    }
}

impl ShipImage<'_> {
    /// Writes the second build of the image, which is based on `built`, into the folder of the image.
    ///
    /// # Errors
    /// [`StageError`].
    pub fn stage_finish(
        &self,
        folder: &Path,
        built: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), StageError> {
        if let Some(line) = self.planned.onbuild {
            let error = PlanError::of(&self.planned.id, PlanFault::OnBuild);
            return Err(error.in_file(&self.planned.dockerfile, line).into());
        }
        let folder = folder.join(FINISH);
        fs::create_dir_all(&folder).map_err(StageError::io("cannot make the folder", &folder))?;
        let file = self.upstream.metadata.file.as_deref();
        let text = finish_dockerfile(built, labels, METADATA, file);
        write(&folder.join(DOCKERFILE), text.as_bytes(), 0o644)?;
        if file.is_some() {
            write(&folder.join(METADATA), metadata_file(labels).as_bytes(), 0o644)?;
        }
        Ok(())
    }
}
