//! The JSON schema of the manifest, for editors. The types here only describe; the reading is done by the parser, whose list of
//! keys a test compares with these.

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

/// An upstream: somebody else's git repository at one place in its history.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Upstream")]
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
    /// The images built from the checkout.
    #[schemars(default)]
    image: Vec<ImageForm>,
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
    /// Build arguments, with {version} {semver} {commit} {queue} and {image:NAME}, which also makes that image a need.
    #[schemars(default)]
    args: BTreeMap<String, String>,
    /// Build arguments that are no secrets although their names look so.
    #[schemars(default, extend("uniqueItems" = true))]
    plain_args: Vec<String>,
    /// Images to build first, where neither FROM lines nor `args` say so: `NAME` or `UPSTREAM:NAME`.
    #[schemars(default, extend("uniqueItems" = true))]
    needs: Vec<String>,
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

fn default_publish() -> bool {
    true
}

fn default_context() -> &'static str {
    "."
}

/// The JSON schema (draft 2020-12) of `upstreams.toml`, indented, with a line feed at the end.
#[must_use]
pub fn manifest_schema() -> String {
    let mut schema = schemars::schema_for!(ManifestForm).to_value();
    without_null(&mut schema);
    format!("{schema:#}\n")
}

/// Takes `null` out of every list of types: TOML has none, a key is there or not.
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
    }

    #[test]
    fn the_schema_in_the_documentation_is_current() {
        let kept = include_str!("../../../docs/manifest.schema.json");
        assert_eq!(kept, manifest_schema(), "docs/manifest.schema.json is not what manifest_schema() gives");
    }
}
