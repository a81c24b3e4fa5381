//! External base images, each looked up once before a run: what is built on must not move while it is built.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use super::plan::ShipPlan;
use crate::container::{Builder, CallError, StoredImage, full_name, untagged};
use crate::image::ContentDigest;
use crate::image::dockerfile::Role;

/// An external image as the builder's store has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedBase {
    /// A registry knows it by this digest.
    Digest(ContentDigest),
    /// Only the store has it, under this id.
    StoreOnly(String),
}

/// Why a base cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BaseError {
    /// It cannot be pulled.
    #[error("the base '{name}' cannot be pulled")]
    Pull {
        /// Its name in the Dockerfile.
        name: String,
        /// Whether the store has it, so that `--offline` builds on that.
        in_store: bool,
        /// Why not.
        source: CallError,
    },
    /// The store does not have it, and the network is not to be used.
    #[error("the base '{0}' is not in the builder's store")]
    NotInStore(String),
    /// The builder.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// Returns the external images of `plan` without a digest, neither in the Dockerfile nor in the manifest. `# syntax=` is
/// left out.
#[must_use]
pub fn unpinned(plan: &ShipPlan<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let bases = plan.images.iter().flat_map(super::plan::ShipImage::bases);
    for (base, digest) in bases.filter(|(base, _)| base.role != Role::Frontend) {
        if digest.is_none() && !names.contains(&base.image) {
            names.push(base.image.clone());
        }
    }
    names
}

/// Looks up the base `name`. Unless `offline`, it is pulled first, so that the newest image of its registry is used.
///
/// # Errors
/// [`BaseError`].
pub fn resolve_base(
    builder: &Builder,
    name: &str,
    offline: bool,
    cancel: &AtomicBool,
) -> Result<ResolvedBase, BaseError> {
    if !offline {
        match builder.pull(name, cancel) {
            Ok(()) => {}
            Err(CallError::Cancelled) => return Err(CallError::Cancelled.into()),
            Err(source) => {
                return match builder.image(name, cancel)? {
                    // Made on this machine, and never in a registry.
                    Some(image) if digest_of(name, &image).is_none() => Ok(ResolvedBase::StoreOnly(image.id)),
                    found => Err(BaseError::Pull { name: name.to_owned(), in_store: found.is_some(), source }),
                };
            }
        }
    }
    let image = builder.image(name, cancel)?.ok_or_else(|| BaseError::NotInStore(name.to_owned()))?;
    Ok(digest_of(name, &image).map_or(ResolvedBase::StoreOnly(image.id), ResolvedBase::Digest))
}

/// Returns the digests among `bases`, by name.
#[must_use]
pub fn digests(bases: &BTreeMap<String, ResolvedBase>) -> BTreeMap<String, ContentDigest> {
    let digest = |(name, base): (&String, &ResolvedBase)| match base {
        ResolvedBase::Digest(digest) => Some((name.clone(), digest.clone())),
        ResolvedBase::StoreOnly(_) => None,
    };
    bases.iter().filter_map(digest).collect()
}

/// Returns the digest that the registry of `name` has for `image`.
fn digest_of(name: &str, image: &StoredImage) -> Option<ContentDigest> {
    let wanted = full_name(untagged(name));
    image.digests.iter().find_map(|digest| {
        let (repository, digest) = digest.rsplit_once('@')?;
        // buildah has digests for what was only made here, too.
        let is_it = !repository.starts_with("localhost/") && full_name(repository) == wanted;
        is_it.then(|| digest.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::ImageConfig;

    fn stored(digests: &[&str]) -> StoredImage {
        StoredImage {
            id: "sha256:1".to_owned(),
            platform: "linux/amd64".to_owned(),
            digests: digests.iter().map(ToString::to_string).collect(),
            size: None,
            config: ImageConfig::default(),
        }
    }

    #[test]
    fn the_digest_is_the_one_of_the_names_own_registry() {
        let [one, two] = ["1", "2"].map(|digit| format!("sha256:{}", digit.repeat(64)));
        let image = stored(&[&format!("mirror.example/ubuntu@{one}"), &format!("ubuntu@{two}")]);
        let digest = |name: &str| digest_of(name, &image).map(|digest| digest.to_string());
        assert_eq!(digest("ubuntu:20.04"), Some(two.clone()));
        assert_eq!(digest("docker.io/library/ubuntu:20.04"), Some(two));
        assert_eq!((digest("mirror.example/ubuntu:20.04"), digest("debian")), (Some(one.clone()), None));
        let here = stored(&[&format!("localhost/local/base@{one}")]);
        assert_eq!((digest_of("localhost/local/base:1", &here), digest_of("local/base:1", &here)), (None, None));
    }
}
