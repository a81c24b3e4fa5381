//! The data of `image list`: the images of a workspace.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::ImageTag;
use crate::image::{BaseImage, ContentDigest, ImageId, Platform, RecipeDigest};
use crate::ship::ShipImage;

/// One image.
#[derive(Debug, Clone, Serialize)]
pub struct ImageReport {
    /// The upstream's name.
    pub upstream: String,
    /// The image's name.
    pub image: String,
    /// The Dockerfile, from the root of the upstream's tree.
    pub dockerfile: String,
    /// The built stage; `None`: the last one.
    pub target: Option<String>,
    /// The images that are built before it, as `UPSTREAM:NAME`.
    pub needs: Vec<String>,
    /// The external images that it is built on.
    pub bases: Vec<BaseReport>,
    /// The build arguments, with images by their local names.
    pub args: BTreeMap<String, String>,
    /// The digest of everything that it is built from, for each platform.
    pub recipes: Vec<RecipeReport>,
    /// The value of `{build}`; `None` while a base has no digest.
    pub build: Option<String>,
    /// Whether it is published.
    pub publish: bool,
    /// Where it is published; empty if it is not.
    pub references: Vec<ImageTag>,
}

/// What an image is built from, on one platform.
#[derive(Debug, Clone, Serialize)]
pub struct RecipeReport {
    /// The platform; `None`: the builder's own.
    pub platform: Option<Platform>,
    /// The 64 digits.
    pub recipe: String,
}

/// An external image.
#[derive(Debug, Clone, Serialize)]
pub struct BaseReport {
    /// Its name in the Dockerfile.
    pub image: String,
    /// Its use: `from`, `copy`, `mount` or `frontend`.
    pub role: &'static str,
    /// The Dockerfile, from the root of the upstream's tree.
    pub file: String,
    /// The line in it, from 1.
    pub line: usize,
    /// The patch that introduced it; `None`: upstream.
    pub patch: Option<String>,
    /// Its digest, if the Dockerfile or the manifest has one.
    pub digest: Option<ContentDigest>,
    /// The day in the manifest until which it gets updates.
    pub until: Option<String>,
}

impl ImageReport {
    /// Makes the report of `image`, published as `references`.
    #[must_use]
    pub fn new(image: &ShipImage<'_>, references: Vec<ImageTag>) -> ImageReport {
        let planned = &image.planned;
        let file = planned.dockerfile.to_string();
        let base = |((base, digest), patch): ((&BaseImage, Option<&ContentDigest>), Option<String>)| BaseReport {
            image: base.image.clone(),
            role: base.role.word(),
            file: file.clone(),
            line: base.line,
            patch,
            digest: digest.cloned(),
            until: image.upstream.bases.get(&base.image).and_then(|base| base.until.clone()),
        };
        let recipe = |(platform, recipe): &(Option<Platform>, RecipeDigest)| RecipeReport {
            platform: platform.clone(),
            recipe: recipe.to_string(),
        };
        ImageReport {
            upstream: planned.id.upstream.clone(),
            image: planned.id.image.clone(),
            dockerfile: file.clone(),
            target: planned.target.clone(),
            needs: planned.needs.iter().map(ToString::to_string).collect(),
            bases: image.bases().zip(image.origins()).map(base).collect(),
            args: planned.args.clone(),
            recipes: image.recipes.iter().map(recipe).collect(),
            build: image.build.clone().ok(),
            publish: planned.publish,
            references,
        }
    }

    fn id(&self) -> ImageId {
        ImageId { upstream: self.upstream.clone(), image: self.image.clone() }
    }
}

/// Returns a matrix for a GitHub job (`strategy.matrix`): a row for each group of images that are built on one another,
/// because those must be built on one machine. `images` is the argument list of `patchq image`, separated by blanks.
#[must_use]
pub fn matrix(images: &[ImageReport]) -> Value {
    let ids: Vec<String> = images.iter().map(|image| image.id().to_string()).collect();
    // The group of each image, as the index of the first image in it.
    let mut group: Vec<usize> = (0..images.len()).collect();
    for (at, image) in images.iter().enumerate() {
        for need in image.needs.iter().filter_map(|need| ids.iter().position(|id| id == need)) {
            let (one, other) = (group[at].min(group[need]), group[at].max(group[need]));
            group.iter_mut().filter(|of| **of == other).for_each(|of| *of = one);
        }
    }
    let mut rows: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for (id, of) in ids.iter().zip(&group) {
        rows.entry(*of).or_default().push(id);
    }
    let row = |ids: Vec<&str>| json!({ "name": ids[0], "images": ids.join(" ") });
    json!({ "include": rows.into_values().map(row).collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(name: &str, needs: &[&str]) -> ImageReport {
        ImageReport {
            upstream: "up".to_owned(),
            image: name.to_owned(),
            dockerfile: String::new(),
            target: None,
            needs: needs.iter().map(|need| format!("up:{need}")).collect(),
            bases: Vec::new(),
            args: BTreeMap::new(),
            recipes: Vec::new(),
            build: None,
            publish: true,
            references: Vec::new(),
        }
    }

    #[test]
    fn images_that_need_each_other_share_a_row() {
        let all = [image("a", &[]), image("b", &[]), image("c", &["b"]), image("d", &["a", "c"]), image("e", &[])];
        assert_eq!(
            matrix(&all),
            json!({ "include": [
                { "name": "up:a", "images": "up:a up:b up:c up:d" },
                { "name": "up:e", "images": "up:e" },
            ] })
        );
    }
}
