//! Selects images by names.

use crate::image::{BuildArg, ImageId};
use crate::path::{nearest, printable};
use crate::workspace::manifest::Manifest;

/// Why a name selects no image. Texts are printable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// Several upstreams have an image of this name.
    #[error("'{name}' is an image of several upstreams")]
    Ambiguous {
        /// The name.
        name: String,
        /// The images with this name.
        images: Vec<ImageId>,
    },
    /// Nothing has this name.
    #[error("there is no image '{name}' in {}", crate::workspace::files::layout::MANIFEST)]
    Unknown {
        /// The name.
        name: String,
        /// The nearest image, if one is near.
        nearest: Option<String>,
        /// Whether there are images at all.
        has_images: bool,
    },
}

/// Returns the images that `names` select, followed by those that they need: `UPSTREAM:NAME`, an image's name, or an
/// upstream's name for all of its images. No names select all images.
///
/// # Errors
/// [`SelectError`] for the first name that selects no image.
pub fn select(manifest: &Manifest, names: &[String]) -> Result<Vec<ImageId>, SelectError> {
    let all: Vec<ImageId> = manifest
        .upstreams
        .iter()
        .flat_map(|upstream| {
            let of = |name: &String| ImageId { upstream: upstream.name.to_string(), image: name.clone() };
            upstream.images.iter().map(move |image| of(&image.name))
        })
        .collect();
    let mut found: Vec<ImageId> = Vec::new();
    if names.is_empty() {
        found.clone_from(&all);
    }
    for name in names {
        for id in meant(name, &all)? {
            if !found.contains(id) {
                found.push(id.clone());
            }
        }
    }
    Ok(with_needs(manifest, found))
}

fn meant<'a>(name: &str, all: &'a [ImageId]) -> Result<Vec<&'a ImageId>, SelectError> {
    let exact: Vec<&ImageId> = all.iter().filter(|id| id.to_string() == *name).collect();
    let by_image: Vec<&ImageId> = all.iter().filter(|id| id.image == *name).collect();
    let ids = match (exact.as_slice(), by_image.as_slice()) {
        ([one], _) | ([], [one]) => vec![*one],
        ([], [_, _, ..]) => {
            let images = by_image.into_iter().cloned().collect();
            return Err(SelectError::Ambiguous { name: printable(name.as_bytes()), images });
        }
        _ => all.iter().filter(|id| id.upstream == *name).collect(),
    };
    if ids.is_empty() {
        let nearest = nearest(name, all.iter().map(|id| id.image.as_str())).map(str::to_owned);
        return Err(SelectError::Unknown { name: printable(name.as_bytes()), nearest, has_images: !all.is_empty() });
    }
    Ok(ids)
}

/// Returns `ids` and the images that they need by the manifest.
fn with_needs(manifest: &Manifest, mut ids: Vec<ImageId>) -> Vec<ImageId> {
    let mut at = 0;
    while let Some(id) = ids.get(at).cloned() {
        let upstream = manifest.upstream(&id.upstream);
        let image = upstream.and_then(|upstream| upstream.images.iter().find(|image| image.name == id.image));
        let needs =
            image.into_iter().flat_map(|image| image.args.values().flat_map(BuildArg::images).chain(&image.needs));
        for need in needs {
            if !ids.contains(need) {
                ids.push(need.clone());
            }
        }
        at += 1;
    }
    ids
}
