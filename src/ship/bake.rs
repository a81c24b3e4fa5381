//! Writes the staged images as a file for `docker buildx bake`: for each image a target that builds it, and one that
//! adds its labels.
//!
//! Source: docs.docker.com/build/bake/reference.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use super::finish::FINISH;
use super::plan::ShipImage;
use super::stage::{CONTEXT, DOCKERFILE};
use crate::image::{ImageId, Network, SecretSource};

/// The name of the file.
pub const BAKE_FILE: &str = "docker-bake.json";

/// An image with settings that bake does not support.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("image '{}': network = \"{}\" cannot be set in a bake file", .id.image, .network.word())]
pub struct BakeError {
    /// The image.
    pub id: ImageId,
    /// The requested network.
    pub network: Network,
}

/// Returns the folder of an image below the folder of all staged images.
#[must_use]
pub fn image_folder(id: &ImageId) -> String {
    // A name may contain slashes, and an image name may be equal to a folder of another one; no name contains `+`.
    format!("{}/{}", id.upstream, id.image.replace('/', "+"))
}

/// Returns the bake file of `images` with their references; `root` is the workspace's root, for secrets in files. Paths
/// are relative to the file's folder.
///
/// # Errors
/// [`BakeError`].
pub fn bake(images: &[(&ShipImage<'_>, Vec<String>)], root: &Path) -> Result<Value, BakeError> {
    let names = target_names(images);
    let (mut targets, mut group) = (BTreeMap::new(), Vec::new());
    for (image, references) in images {
        let id = &image.planned.id;
        if image.entry.network != Network::Default {
            return Err(BakeError { id: id.clone(), network: image.entry.network });
        }
        let Some(name) = names.get(id) else { continue };
        let folder = image_folder(id);
        let needs = image.needs.first().into_iter().flatten();
        let contexts: BTreeMap<String, String> = needs
            .filter(|(need, _)| image.planned.built_on.iter().any(|(on, _)| on == *need))
            .filter_map(|(need, recipe)| {
                let other = images.iter().find(|(other, _)| other.planned.id == *need)?;
                Some((other.0.local_reference(*recipe), format!("target:{}", names.get(need)?)))
            })
            .collect();
        let mut target = json!({
            "context": format!("{folder}/{CONTEXT}"),
            "dockerfile": format!("../{DOCKERFILE}"),
            "args": image.planned.args,
            "contexts": contexts,
        });
        if let Some(stage) = &image.planned.target {
            target["target"] = json!(stage);
        }
        if !image.entry.secrets.is_empty() {
            let secret = |(id, source): (&String, &SecretSource)| secret_option(id, source, root);
            target["secret"] = image.entry.secrets.iter().map(secret).collect();
        }
        let platforms = &image.entry.platforms;
        if !platforms.is_empty() {
            target["platforms"] = json!(platforms);
        }
        targets.insert(name.clone(), target);
        let (Some((_, recipe)), false) = (image.recipes.first(), references.is_empty()) else { continue };
        let finish = format!("{name}-labelled");
        let mut target = json!({
            "context": format!("{folder}/{FINISH}"),
            "contexts": { image.local_reference(*recipe): format!("target:{name}") },
            "tags": references,
        });
        if !platforms.is_empty() {
            target["platforms"] = json!(platforms);
        }
        targets.insert(finish.clone(), target);
        group.push(finish);
    }
    if group.is_empty() {
        group = targets.keys().cloned().collect();
    }
    Ok(json!({ "group": { "default": { "targets": group } }, "target": targets }))
}

/// Returns `id=…,env=…` or `id=…,src=…`, the form for buildx.
#[must_use]
pub fn secret_option(id: &str, source: &SecretSource, root: &Path) -> String {
    match source {
        SecretSource::Env(name) => format!("id={id},env={name}"),
        SecretSource::File(path) => format!("id={id},src={}", root.join(path).display()),
    }
}

/// Returns a valid bake target name for each image: letters, digits, `_` and `-`.
fn target_names(images: &[(&ShipImage<'_>, Vec<String>)]) -> BTreeMap<ImageId, String> {
    let mut taken = BTreeSet::new();
    let mut names = BTreeMap::new();
    for (image, _) in images {
        let id = &image.planned.id;
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let wanted: String = format!("{}_{}", id.upstream, id.image).chars().map(plain).collect();
        let mut name = wanted.clone();
        let mut number = 2;
        while !taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        names.insert(id.clone(), name);
    }
    names
}
