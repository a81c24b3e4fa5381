//! Checks the project's own workspace at the top of the repository, as far as its files show: `patchq verify` must not
//! complain about it.

use std::path::Path;

use bstr::ByteSlice;
use patchq::image::{Stability, TagInput, Template, queue_digest, references};
use patchq::patch::{HeaderForm, Patch, parse, print};
use patchq::workspace::files::ignore_files::{missing_attributes, missing_ignores};
use patchq::workspace::files::pins::{read_pin, read_version};
use patchq::workspace::files::queue::Queue;
use patchq::workspace::manifest::{Manifest, Track, Upstream};

type Failure = Box<dyn std::error::Error>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifest() -> Result<Manifest, Failure> {
    Ok(Manifest::parse(&std::fs::read(root().join("upstreams.toml"))?, Path::new("upstreams.toml"))?)
}

/// Returns the patches of an upstream in their order: name, bytes, and parsed content.
fn queue(upstream: &Upstream) -> Result<Vec<(String, Vec<u8>, Patch)>, Failure> {
    let folder = format!("patches/{}", upstream.name);
    let queue = Queue::read(&root().join(&folder), Path::new(&folder))?;
    let read = |file: patchq::workspace::files::queue::QueueFile| {
        let patch = parse(&file.bytes, file.strip).map_err(|error| format!("{}: {error}", file.name))?;
        Ok((file.name, file.bytes, patch))
    };
    queue.files.into_iter().map(read).collect()
}

#[test]
fn the_manifest_has_nothing_to_warn_of() -> Result<(), Failure> {
    let manifest = manifest()?;
    assert_eq!(manifest.warnings, []);
    let images: Vec<_> =
        manifest.upstreams.iter().map(|upstream| (upstream.name.as_str(), upstream.images.len())).collect();
    assert_eq!(images, [("kubeflow", 13), ("ray", 4)]);
    Ok(())
}

#[test]
fn every_patch_is_canonical_and_says_who_and_why() -> Result<(), Failure> {
    for upstream in &manifest()?.upstreams {
        let queue = queue(upstream)?;
        assert!(!queue.is_empty(), "{}: the queue is empty", upstream.name);
        for (name, bytes, patch) in queue {
            let printed = print(&patch);
            assert_eq!(printed.bytes.as_bstr(), bytes.as_bstr(), "{name} is not canonical");
            assert_eq!(patch.header.form, HeaderForm::Mail, "{name}");
            assert!(patch.header.author.is_some() && patch.header.date.is_some(), "{name} has no author or date");
            assert!(patch.header.body.lines().count() > 1, "{name} gives no reason");
            assert!(patch.header.trailers().iter().any(|(key, _)| key == "Upstream-Status"), "{name} has no status");
        }
    }
    Ok(())
}

#[test]
fn every_pin_is_a_full_id_with_a_version() -> Result<(), Failure> {
    for upstream in &manifest()?.upstreams {
        let (pin, version) =
            (format!("commits/{}.txt", upstream.name), format!("commits/{}.version.txt", upstream.name));
        let id = read_pin(&root().join(&pin), Path::new(&pin))?.ok_or(format!("no {pin}"))?;
        assert_eq!(std::fs::read_to_string(root().join(&pin))?, format!("{id}\n"));
        assert!(read_version(&root().join(&version), Path::new(&version))?.is_some(), "no {version}");
    }
    Ok(())
}

#[test]
fn what_a_patch_touches_is_checked_out_anyway() -> Result<(), Failure> {
    for upstream in &manifest()?.upstreams {
        let Some(sparse) = &upstream.sparse else { continue };
        let wanted = |path: &patchq::path::RepoPath| {
            sparse.iter().any(|place| {
                let rest = path.as_bytes().strip_prefix(place.as_bytes());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            })
        };
        for (name, _, patch) in queue(upstream)? {
            for file in &patch.files {
                assert!(wanted(&file.new_path), "{name} touches {}, which sparse leaves out", file.new_path);
            }
        }
        for image in &upstream.images {
            assert!(wanted(&image.dockerfile), "{} is built from a file that is not there", image.name);
        }
    }
    Ok(())
}

/// The references of all images of an upstream.
struct Tags {
    /// The tags as `patchq tag NAME` prints them, with the stability of each.
    all: Vec<(String, Stability)>,
    pin: String,
    queue: String,
}

fn tags(name: &str) -> Result<Tags, Failure> {
    let manifest = manifest()?;
    let upstream = manifest.upstream(name).ok_or("no such upstream")?;
    let queue = queue(upstream)?;
    let pin = read_pin(&root().join(format!("commits/{name}.txt")), Path::new("pin"))?.ok_or("no pin")?;
    let version =
        read_version(&root().join(format!("commits/{name}.version.txt")), Path::new("version"))?.ok_or("no version")?;
    let digest = queue_digest(pin, queue.iter().map(|(_, _, patch)| patch))?.short();
    let branch = match &upstream.track {
        Some(Track::Ref(name)) => Some(name.as_str()),
        _ => None,
    };
    let wheels = upstream.wheels.iter().map(|(name, wheel)| (name.clone(), wheel.tags())).collect();
    let input = TagInput {
        version: &version,
        pin,
        queue: &digest,
        date: None,
        branch,
        build: Err(""),
        built: None,
        wheels: &wheels,
    };
    let images: Vec<_> = upstream.images.iter().map(|image| (image.name.as_str(), input)).collect();
    let templates: Vec<Template> =
        upstream.tags.iter().map(|template| template.as_str().parse()).collect::<Result<_, _>>()?;
    let all = references(upstream.registry.as_deref(), &images, &templates)?;
    assert_eq!(all.len(), images.len() * templates.len());
    let all = all.iter().map(|reference| (reference.to_string(), reference.tag.stability)).collect();
    Ok(Tags { all, pin: pin.short(8), queue: digest.to_string() })
}

#[test]
fn the_tags_follow_from_the_files_alone() -> Result<(), Failure> {
    for (upstream, stem) in [
        ("kubeflow", "charmedkubeflow/jupyter-scipy:v1.6.1"),
        ("ray", "registry.patchq.example/ray/base-deps:1.11.0-cp38-manylinux2014_x86_64"),
    ] {
        let Tags { all, pin, queue } = tags(upstream)?;
        let wanted = [
            (stem.to_owned(), Stability::Moving),
            (format!("{stem}-{pin}"), Stability::Moving),
            (format!("{stem}-{pin}-{queue}"), Stability::Fixed),
        ];
        assert_eq!(all[..3], wanted);
    }
    Ok(())
}

#[test]
fn the_version_that_the_manifest_states_is_the_one_in_the_file() -> Result<(), Failure> {
    let manifest = manifest()?;
    let ray = manifest.upstream("ray").ok_or("no ray")?;
    assert_eq!(ray.version.as_deref(), Some("1.11.0"));
    let stored = read_version(&root().join("commits/ray.version.txt"), Path::new("version"))?;
    assert_eq!(stored.as_deref(), ray.version.as_deref());
    Ok(())
}

#[test]
fn git_keeps_off_the_checkouts_and_the_patches_bytes() -> Result<(), Failure> {
    let manifest = manifest()?;
    let ignores = std::fs::read(root().join(".gitignore"))?;
    let names = manifest.upstreams.iter().map(|upstream| &upstream.name);
    assert_eq!(missing_ignores(&ignores, names, false), Vec::<String>::new());
    assert_eq!(missing_attributes(&std::fs::read(root().join(".gitattributes"))?), Vec::<String>::new());
    Ok(())
}
