//! `patchq image`.

use serde_json::json;

use super::support::{Env, in_both_worlds};

/// The usual workspace with a chain of images: `tool` on `app` on an external image.
const MANIFEST: &str = "\
[upstream.up]
url = \"../up.git\"
track = \"main\"
sparse = [\"app\", \"docs\"]
registry = \"example\"
[[upstream.up.image]]
name = \"tool\"
dockerfile = \"app/tool.Dockerfile\"
args = { BASE = \"{image:app}\", VERSION = \"{version}\" }
[[upstream.up.image]]
name = \"app\"
dockerfile = \"app/Dockerfile\"
publish = false
";

/// A patch adds the second image's Dockerfile.
const TOOL: &str = "\
--- /dev/null
+++ b/app/tool.Dockerfile
@@ -0,0 +1,5 @@
+ARG BASE=<app>
+FROM golang:1.19 AS build
+FROM $BASE
+ARG VERSION
+COPY --from=build /x /x
";

/// Makes a workspace with `manifest`, checked out.
fn images(env: &Env, manifest: &str) {
    env.workspace();
    env.write("ws/upstreams.toml", manifest);
    env.write("ws/patches/up/0004-add-the-tool.patch", TOOL);
    env.patchq(&["setup"]).ok();
}

in_both_worlds! {
    fn images_come_in_the_order_in_which_they_can_be_built(env) {
        images(env, MANIFEST);
        let run = env.changes_nothing(&["image", "list", "--offline"]).ok();
        let lines: Vec<Vec<&str>> = run.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0], ["image", "needs", "base", "published"]);
        assert_eq!(lines[1], ["app", "-", "python:3.8-bullseye", "no"]);
        assert_eq!(lines[2][..3], ["tool", "app", "golang:1.19"]);
        assert!(lines[2][3].starts_with("v1.0-"), "{}", run.shown());
        assert_eq!(run.stderr, "");
    }

    fn json_has_the_whole_plan(env) {
        images(env, MANIFEST);
        let document = env.patchq(&["--json", "image", "list"]).ok().json();
        assert_eq!(document["schema"], json!("patchq.image-list/1"));
        let tool = &document["images"][1];
        assert_eq!(tool["needs"], json!(["up:app"]));
        assert_eq!(tool["args"], json!({ "BASE": "patchq.invalid/up/app", "VERSION": "v1.0" }));
        let base = json!({ "image": "golang:1.19", "role": "from", "file": "app/tool.Dockerfile", "line": 2,
            "patch": "0004-add-the-tool.patch", "digest": null, "until": null });
        assert_eq!(tool["bases"], json!([base]));
        assert_eq!(tool["references"].as_array().unwrap().len(), 3);
        assert_eq!(document["images"][0]["references"], json!([]));
    }

    fn each_base_says_who_put_it_there(env) {
        images(env, MANIFEST);
        let run = env.patchq(&["image", "list", "--bases"]).ok();
        let row = |start: &str| run.stdout.lines().find(|line| line.starts_with(start)).unwrap().to_owned();
        assert!(row("golang:1.19").contains("up/app/tool.Dockerfile:2"), "{}", run.shown());
        assert!(row("python:3.8-bullseye").contains("0001-Build-on-bullseye.patch"), "{}", run.shown());
        // Without the patch it is upstream's own.
        std::fs::remove_file(env.path("ws/patches/up/0001-Build-on-bullseye.patch")).unwrap();
        env.patchq(&["apply"]).ok();
        let run = env.patchq(&["image", "list", "--bases"]).ok();
        let row = run.stdout.lines().find(|line| line.starts_with("python:")).unwrap();
        assert!(row.contains(" upstream "), "{}", run.shown());
    }

    fn a_name_brings_what_it_needs(env) {
        images(env, MANIFEST);
        for (name, lines) in [("app", 2), ("tool", 3), ("up:tool", 3), ("up", 3)] {
            assert_eq!(env.patchq(&["image", "list", name]).ok().stdout.lines().count(), lines, "{name}");
        }
        env.changes_nothing(&["image", "list", "tol"]).exits(2).one_error()
            .says("there is no image 'tol' in upstreams.toml").hints("patchq image list tool");
    }

    fn a_matrix_has_a_row_for_images_on_one_another(env) {
        images(env, MANIFEST);
        let run = env.patchq(&["image", "list", "--format", "github-matrix"]).ok();
        assert_eq!(run.stdout, "{\"include\":[{\"images\":\"up:app up:tool\",\"name\":\"up:app\"}]}\n");
        env.patchq(&["--json", "image", "list", "--format", "github-matrix"]).exits(2).one_error()
            .says("use either --format or --json");
    }

    fn what_is_only_built_on_has_no_tags(env) {
        images(env, MANIFEST);
        assert!(env.patchq(&["tag"]).ok().stdout.lines().all(|line| line.starts_with("example/tool:")));
        env.changes_nothing(&["tag", "--image", "app"]).exits(2).one_error()
            .says("the image 'app' has no tags: it is not published").hints("publish = false");
    }
}

/// The error, the replaced text of the manifest, the replacement, the message, and a hint.
const WRONG: &[[&str; 5]] = &[
    [
        "a base without a value",
        "args = { BASE = \"{image:app}\", VERSION = \"{version}\" }",
        "",
        "up/app/tool.Dockerfile:3: image 'tool': '<app>' names no image",
        "args = { ARG = \"{image:NAME}\" }",
    ],
    [
        "an argument that the Dockerfile does not know",
        "VERSION =",
        "VERSON =",
        "upstreams.toml:6: image 'tool': the Dockerfile declares no ARG 'VERSON'; did you mean 'VERSION'?",
        "",
    ],
    [
        "an image that does not exist",
        "{image:app}",
        "{image:ap}",
        "upstreams.toml:6: image 'tool': there is no image 'ap'; did you mean 'app'?",
        "",
    ],
    [
        "images that need each other",
        "publish = false",
        "needs = [\"tool\"]",
        "upstreams.toml:6: image 'tool': images that need each other: tool needs app needs tool",
        "",
    ],
    [
        "a Dockerfile that is not there",
        "app/Dockerfile",
        "app/dockerfile",
        "upstreams.toml:10: image 'app': the patched tree has no file 'app/dockerfile'",
        "set 'dockerfile' of the image in upstreams.toml",
    ],
    [
        "a stage that is not there",
        "publish = false",
        "target = \"prod\"",
        "up/app/Dockerfile:1: image 'app': there is no stage 'prod'; none has a name",
        "",
    ],
    ["an argument that looks like a secret", "VERSION =", "NPM_TOKEN =", "'args': 'NPM_TOKEN' looks like a secret", ""],
    [
        "an unknown placeholder",
        "{version}",
        "{verison}",
        "'args.VERSION': '{verison}': unknown placeholder '{verison}'; did you mean '{version}'?",
        "",
    ],
    [
        "a key of another type",
        "publish = false",
        "publish = \"no\"",
        "'publish' is a string; expected true or false",
        "",
    ],
    [
        "arguments that are a list",
        "args = { BASE = \"{image:app}\", VERSION = \"{version}\" }",
        "args = [\"x\"]",
        "'args' is a list; expected a table of strings",
        "",
    ],
];

#[test]
fn each_mistake_has_one_clear_error() {
    let env = Env::new();
    images(&env, MANIFEST);
    for [what, old, new, says, hint] in WRONG {
        assert!(MANIFEST.contains(old), "{what}");
        env.write("ws/upstreams.toml", MANIFEST.replace(old, new));
        let run = env.changes_nothing(&["image", "list"]).exits(1).one_error().says(says);
        if !hint.is_empty() {
            run.hints(hint);
        }
    }
}

#[test]
fn without_a_store_the_hint_is_setup() {
    let env = Env::new();
    env.workspace();
    env.write("ws/upstreams.toml", MANIFEST);
    env.write("ws/patches/up/0004-add-the-tool.patch", TOOL);
    env.changes_nothing(&["image", "list"]).exits(1).one_error().says("is not in the store").hints("patchq setup");
}
