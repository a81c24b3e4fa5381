//! The JSON schema of the manifest, for editors. The types here only describe the manifest; the parser reads it. A test
//! compares the parser's keys with these types.

use std::collections::BTreeMap;

use schemars::JsonSchema;

/// The manifest of a patchq workspace (`upstreams.toml`).
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Manifest")]
struct ManifestForm {
    /// The upstreams, by name: `[a-z0-9][a-z0-9._-]*`, at most 64 characters, quoted where it has a dot.
    #[schemars(default)]
    #[expect(dead_code, reason = "only its description is used")]
    upstream: BTreeMap<String, UpstreamForm>,
}

/// An upstream git repository, pinned to a commit.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Upstream", rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its description is used")]
struct UpstreamForm {
    /// Where it is fetched from: https, ssh, git, file, http (with a warning), or a path (relative: from the workspace's root). No password.
    url: String,
    /// Tried in order when `url` fails.
    #[schemars(default, extend("uniqueItems" = true))]
    mirrors: Vec<String>,
    /// What `patchq refresh` moves to: a branch, a tag, or a glob over tag names (`v1.6.*`).
    track: Option<String>,
    /// Folders and files of the checkout. No key: everything. `[]`: only what the queue touches.
    #[schemars(extend("uniqueItems" = true))]
    sparse: Option<Vec<String>>,
    /// Globs of the files that `patchq diff-upstream` puts first.
    #[schemars(default = "default_review", extend("uniqueItems" = true))]
    review: Vec<String>,
    /// The registry that images are named under: `[HOST[:PORT]/]PATH`.
    registry: Option<String>,
    /// Templates of the images' tags, with {version} {semver} {commit} {queue} {date} {branch}.
    #[schemars(default = "default_tags", extend("uniqueItems" = true))]
    tags: Vec<String>,
    /// A version that overrides the pin's own.
    #[schemars(length(min = 1, max = 128))]
    version: Option<String>,
    /// Where decisions on conflicts are remembered: in this clone, or in `resolutions/` for everybody.
    #[schemars(default = "default_remember")]
    remember: RememberForm,
    /// The key under which decisions are remembered (the form of a name); entries with one key share them. No key: the first entry with the same url.
    memory: Option<String>,
    /// Labels of all images, with {version} {semver} {commit} {queue}.
    #[schemars(default)]
    labels: BTreeMap<String, String>,
    /// A file in each image that says where it comes from, from the image's root: `/etc/image.metadata`.
    metadata_file: Option<String>,
    /// The prefix of a second set of labels: `org.example.image`.
    label_prefix: Option<String>,
    /// Who gives the images out.
    vendor: Option<String>,
    /// The images' licences, as an SPDX expression.
    licenses: Option<String>,
    /// Where the images are described.
    documentation: Option<String>,
    /// Who looks after the images.
    team: Option<String>,
    /// Images from elsewhere, by the name that a Dockerfile has for them: `[upstream.NAME.base."ubuntu:20.04"]`.
    #[schemars(default)]
    base: BTreeMap<String, BaseForm>,
    /// Wheels that go into images, by name.
    #[schemars(default)]
    wheel: BTreeMap<String, WheelForm>,
    /// The images built from the checkout.
    #[schemars(default)]
    image: Vec<ImageForm>,
}

/// An image from elsewhere.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Base")]
#[expect(dead_code, reason = "only its description is used")]
struct BaseForm {
    /// The digest that is built on: `sha256:` and 64 digits.
    #[schemars(regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    digest: Option<String>,
    /// The day until which it gets updates (a date, without quotes).
    until: Option<String>,
}

/// A Python wheel.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Wheel")]
#[expect(dead_code, reason = "only its description is used")]
struct WheelForm {
    /// The package.
    package: String,
    /// Its version, with {version} and {semver}.
    version: String,
    /// The python tag of the file's name: `cp38`.
    python: String,
    /// The ABI tag. No key: what goes with the python tag.
    abi: Option<String>,
    /// The platform tag: `manylinux2014_x86_64`.
    platform: String,
    /// The SHA-256 of the file.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    sha256: String,
    /// The upstream commit that the wheel is said to be made of.
    commit: Option<String>,
}

#[derive(JsonSchema, serde::Serialize)]
#[schemars(rename = "Network", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its description is used")]
enum NetworkForm {
    /// The builder's own.
    Default,
    /// None.
    None,
    /// The machine's.
    Host,
}

#[derive(JsonSchema, serde::Serialize)]
#[schemars(rename = "Remember", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its description is used")]
enum RememberForm {
    /// In the store of this clone.
    Local,
    /// In `resolutions/` of the workspace.
    Shared,
}

/// An image built from the checkout.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Image", rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its description is used")]
struct ImageForm {
    /// The image's name below the registry.
    name: String,
    /// The folder that is sent to the build; `.` is the whole checkout.
    #[schemars(default = "default_context")]
    context: String,
    /// The Dockerfile, from the checkout's root. No key: `Dockerfile` in the context.
    dockerfile: Option<String>,
    /// The stage to build. No key: the last one.
    target: Option<String>,
    /// Build arguments, with {version} {semver} {commit} {queue}, {wheel:NAME} and {image:NAME}, which also makes that image a need.
    #[schemars(default)]
    args: BTreeMap<String, String>,
    /// Build arguments that are not secrets although their names look so.
    #[schemars(default, extend("uniqueItems" = true))]
    plain_args: Vec<String>,
    /// Images to build first, where neither FROM lines nor `args` say so: `NAME` or `UPSTREAM:NAME`.
    #[schemars(default, extend("uniqueItems" = true))]
    needs: Vec<String>,
    /// Added to the context: PATH = SOURCE, a path of the upstream's tree, `workspace:PATH` or `{wheel:NAME}`. A PATH with `/` at its end is a folder.
    #[schemars(default)]
    files: BTreeMap<String, String>,
    /// What it is built for (`linux/amd64`). No key: the builder's own platform.
    #[schemars(default, extend("uniqueItems" = true))]
    platforms: Vec<String>,
    /// Secrets of the build: ID = `env:NAME` or `file:PATH`.
    #[schemars(default)]
    secrets: BTreeMap<String, String>,
    /// The network of RUN instructions.
    #[schemars(default = "default_network")]
    network: NetworkForm,
    /// Labels beside the entry's, with {version} {semver} {commit} {queue}.
    #[schemars(default)]
    labels: BTreeMap<String, String>,
    /// Whether the context may hold submodules and pointers to large files.
    #[schemars(default)]
    allow_pointers: bool,
    /// Whether it is published; `false`: only built on.
    #[schemars(default = "default_publish")]
    publish: bool,
}

fn default_review() -> [&'static str; 3] {
    super::DEFAULT_REVIEW
}

fn default_tags() -> [&'static str; 3] {
    crate::image::DEFAULT_TEMPLATES
}

fn default_remember() -> RememberForm {
    RememberForm::Local
}

fn default_network() -> NetworkForm {
    NetworkForm::Default
}

fn default_publish() -> bool {
    true
}

fn default_context() -> &'static str {
    "."
}

/// Returns the JSON schema (draft 2020-12) of `upstreams.toml`, indented, with a line feed at the end.
#[must_use]
pub fn manifest_schema() -> String {
    let mut schema = schemars::schema_for!(ManifestForm).to_value();
    without_null(&mut schema);
    format!("{schema:#}\n")
}

/// Removes `null` from every list of types: TOML has no null, a key exists or not.
fn without_null(schema: &mut serde_json::Value) {
    match schema {
        serde_json::Value::Object(object) => {
            if let Some(serde_json::Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            object.values_mut().for_each(without_null);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::workspace::manifest::parse::UPSTREAM_KEYS;
    use crate::workspace::manifest::parse::image::IMAGE_KEYS;
    use crate::workspace::manifest::parse::image_tables::{BASE_KEYS, WHEEL_KEYS};

    #[test]
    fn the_schema_has_the_parsers_keys() {
        let schema: serde_json::Value = serde_json::from_str(&manifest_schema()).unwrap();
        let keys = |of: &str| {
            let mut keys: Vec<String> =
                schema["$defs"][of]["properties"].as_object().unwrap().keys().cloned().collect();
            keys.sort();
            keys
        };
        let sorted = |mut known: Vec<&'static str>| {
            known.sort_unstable();
            known
        };
        assert_eq!(keys("Upstream"), sorted(UPSTREAM_KEYS.to_vec()));
        assert_eq!(keys("Image"), sorted(IMAGE_KEYS.to_vec()));
        assert_eq!(keys("Base"), sorted(BASE_KEYS.to_vec()));
        assert_eq!(keys("Wheel"), sorted(WHEEL_KEYS.to_vec()));
    }

    #[test]
    fn the_schema_in_the_documentation_is_current() {
        let kept = include_str!("../../../docs/manifest.schema.json");
        assert_eq!(kept, manifest_schema(), "docs/manifest.schema.json is not what manifest_schema() gives");
    }
}
