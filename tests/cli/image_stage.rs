//! Tests the inputs of images: contexts, recipes, `{build}`, bake files.

use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::support::{Env, in_both_worlds};

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000001";

/// The keys of the entry after its `url`.
const MANIFEST: &str = "\
version = \"1.0\"
registry = \"example\"
sparse = [\"app\", \"tool\"]
tags = [\"{version}\", \"{version}-{build}\"]
metadata-file = \"/etc/image.metadata\"
label-prefix = \"org.example.image\"
vendor = \"We & \\\"They\\\"\"
labels = { \"org.example.queue\" = \"{queue}\" }
[upstream.up.base.\"busybox:1\"]
digest = \"sha256:0000000000000000000000000000000000000000000000000000000000000001\"
until = 2030-01-31
[[upstream.up.image]]
name = \"tool\"
context = \"tool\"
args = { BASE = \"{image:app}\" }
files = { \"extra/\" = \"lists\", \"note\" = \"workspace:note.txt\" }
secrets = { npm = \"env:NPM_TOKEN\" }
[[upstream.up.image]]
name = \"app\"
context = \"app\"
publish = false
";

const TREE: &[(&str, &[u8])] = &[
    ("app/Dockerfile", b"FROM busybox:1\nCOPY run.sh /\n"),
    ("app/run.sh", b"true\n"),
    ("tool/Dockerfile", b"ARG BASE=<app>\nFROM $BASE AS run\nCOPY . /\nCOPY --from=busybox:1 /bin/sh /\n"),
    ("tool/.dockerignore", b"*.md\n"),
    ("lists/one.txt", b"one\n"),
    ("other/x", b"x\n"),
];

const PATCH: &[u8] = b"--- a/app/run.sh\n+++ b/app/run.sh\n@@ -1 +1 @@\n-true\n+exec true\n";

fn staged(env: &Env, manifest: &str) {
    env.workspace_with(manifest, TREE, &[("0001-exec.patch", PATCH)]);
    env.write("ws/note.txt", "noted\n");
    env.git(&env.ws(), &["add", "note.txt"]);
    env.patchq(&["setup"]).ok();
}

fn bake(env: &Env) -> Value {
    env.patchq(&["image", "list", "--format", "bake", "--out", "../out"]).ok();
    serde_json::from_str(&env.read("out/docker-bake.json")).unwrap()
}

fn images(env: &Env) -> Value {
    env.patchq(&["--json", "image", "list"]).ok().json()["images"].clone()
}

in_both_worlds! {
    fn a_bake_file_has_all_that_a_builder_needs(env) {
        staged(env, MANIFEST);
        let file = bake(env);
        let app = images(env)[0]["recipes"][0]["recipe"].as_str().unwrap().to_owned();
        let local = format!("patchq.invalid/up/app:{app}");
        assert_eq!(env.read("out/up/app/Dockerfile"), format!("FROM busybox:1@{DIGEST}\nCOPY run.sh /\n"));
        let wanted = format!("ARG BASE=<app>\nFROM {local} AS run\nCOPY . /\nCOPY --from=busybox:1@{DIGEST} /bin/sh /\n");
        assert_eq!(env.read("out/up/tool/Dockerfile"), wanted);
        assert_eq!(env.read("out/up/app/context/run.sh"), "exec true\n");
        assert_eq!(env.read("out/up/tool/context/extra/lists/one.txt"), "one\n");
        assert_eq!(env.read("out/up/tool/context/note"), "noted\n");
        assert_eq!(env.read("out/up/tool/context/.dockerignore"), "*.md\n");
        let mode = std::fs::metadata(env.path("out/up/app/context/run.sh")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        let tool = &file["target"]["up_tool"];
        assert_eq!(tool["context"], "up/tool/context");
        assert_eq!(tool["args"], json!({ "BASE": "patchq.invalid/up/app" }));
        assert_eq!(tool["contexts"], json!({ local: "target:up_app" }));
        assert_eq!(tool["secret"], json!(["id=npm,env=NPM_TOKEN"]));
        assert_eq!(file["group"]["default"]["targets"], json!(["up_tool-labelled"]));
        let tags = file["target"]["up_tool-labelled"]["tags"].as_array().unwrap().clone();
        let build = images(env)[1]["build"].as_str().unwrap().to_owned();
        assert_eq!(tags, [format!("example/tool:1.0-{build}"), "example/tool:1.0".to_owned()]);
        let finish = env.read("out/up/tool/finish/Dockerfile");
        assert!(finish.contains("\"org.opencontainers.image.vendor\"=\"We & \\\"They\\\"\""), "{finish}");
        assert!(finish.contains(&format!("\"org.opencontainers.image.base.digest\"=\"{DIGEST}\"")), "{finish}");
        assert!(finish.contains("COPY patchq.metadata /etc/image.metadata\n"), "{finish}");
        let metadata = env.read("out/up/tool/finish/patchq.metadata");
        assert!(metadata.contains(&format!("org.example.image.version=1.0-{build}\n")), "{metadata}");
        assert!(metadata.contains("patchq.patches=0001-exec.patch="), "{metadata}");
        env.patchq(&["image", "list", "--format", "bake", "--out", "../out"]).exits(2).one_error()
            .says("'../out' is not empty").hints("--out DIR");
    }

    fn a_recipe_follows_what_can_change_the_image_and_nothing_else(env) {
        staged(env, MANIFEST);
        let recipes = |env: &Env| {
            let images = images(env);
            [0, 1].map(|at| (images[at]["recipes"].clone(), images[at]["build"].clone()))
        };
        let first = recipes(env);
        // A patch of another file, a label: other builds, the same recipes.
        env.write("ws/patches/up/0002-x.patch", "--- a/other/x\n+++ b/other/x\n@@ -1 +1 @@\n-x\n+y\n");
        env.patchq(&["setup"]).ok();
        let second = recipes(env);
        assert_eq!(first[0].0, second[0].0);
        assert_eq!(first[1].0, second[1].0);
        assert_ne!(first[1].1, second[1].1);
        // A change of the lower image's input changes both.
        env.write("ws/patches/up/0001-exec.patch", String::from_utf8_lossy(PATCH).replace("exec true", "exec false"));
        env.patchq(&["setup"]).ok();
        let third = recipes(env);
        assert_ne!(second[0].0, third[0].0);
        assert_ne!(second[1].0, third[1].0);
        // A file that the manifest adds changes its own image.
        env.write("ws/note.txt", "other\n");
        let fourth = recipes(env);
        assert_eq!(third[0].0, fourth[0].0);
        assert_ne!(third[1].0, fourth[1].0);
    }

    fn a_build_is_known_once_every_base_has_a_digest(env) {
        staged(env, MANIFEST);
        let tags = env.patchq(&["tag"]).ok().stdout;
        assert!(tags.lines().nth(1).unwrap().starts_with("example/tool:1.0-"), "{tags}");
        assert_eq!(env.patchq(&["--json", "tag"]).ok().json()["upstreams"][0]["references"][1]["stability"], "fixed");
        let base = env.patchq(&["--json", "image", "list"]).ok().json()["images"][0]["bases"][0].clone();
        assert_eq!((&base["digest"], &base["until"]), (&json!(DIGEST), &json!("2030-01-31")));
        env.write("ws/upstreams.toml", env.read("ws/upstreams.toml").replace("base.\"busybox:1\"", "base.\"busybox:2\""));
        env.changes_nothing(&["tag"]).exits(1).one_error()
            .says("{build}: the base 'busybox:1' (up/tool/Dockerfile:4) has no digest").hints("digest =");
    }

    fn a_plan_is_commands_that_can_be_typed(env) {
        staged(env, MANIFEST);
        let run = env.changes_nothing(&["image", "list", "--plan"]).ok();
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert_eq!(lines[..2], ["patchq image list --format bake --out build", "cd build"]);
        assert!(lines[2].starts_with("docker build --file up/app/Dockerfile --tag patchq.invalid/up/app:"), "{}", run.shown());
        assert!(lines[3].ends_with("--build-arg BASE=patchq.invalid/up/app --secret id=npm,env=NPM_TOKEN up/tool/context"), "{}", run.shown());
        assert!(lines[4].contains("--file up/tool/finish/Dockerfile --tag example/tool:1.0-"), "{}", run.shown());
        assert_eq!(lines.len(), 5);
    }
}

/// The error, the replaced text of the manifest, the replacement, the message, and a hint.
const WRONG: &[[&str; 5]] = &[
    [
        "a file over one of the context",
        "\"note\" =",
        "\"Dockerfile\" =",
        "upstreams.toml:18: image 'tool': 'files': the context has 'Dockerfile' already",
        "'files' only adds",
    ],
    [
        "a file that is not there",
        "\"lists\"",
        "\"list\"",
        "upstreams.toml:18: image 'tool': 'files': the patched tree has no 'list'",
        "",
    ],
    [
        "a file that is not tracked",
        "workspace:note.txt",
        "workspace:upstreams.toml.bak",
        "'files': the workspace's repository does not track 'upstreams.toml.bak'",
        "",
    ],
    [
        "a file that is left out again",
        "\"note\" =",
        "\"note.md\" =",
        "'files': 'note.md' is left out again by line 1 of .dockerignore",
        "patch .dockerignore",
    ],
    [
        "a context that is not there",
        "context = \"tool\"",
        "context = \"tol\"\ndockerfile = \"tool/Dockerfile\"",
        "image 'tool': the patched tree has no folder 'tol'",
        "set 'context'",
    ],
    [
        "a source of COPY outside of the checkout",
        "sparse = [\"app\", \"tool\"]",
        "sparse = [\"app/Dockerfile\", \"tool\"]",
        "up/app/Dockerfile:2: image 'app': 'app/run.sh' is in the tree, but outside of 'sparse'",
        "sparse = [\"app/run.sh\", …]",
    ],
    ["a platform", "secrets =", "platforms = [\"amd64\"]\nsecrets =", "'platforms': 'amd64' is not a platform", ""],
    ["a network", "secrets =", "network = \"bridge\"\nsecrets =", "'network': 'bridge' is unknown", ""],
    ["a secret's source", "env:NPM_TOKEN", "NPM_TOKEN", "'secrets.npm': 'NPM_TOKEN' is not a source of a secret", ""],
    [
        "a label of patchq's own",
        "org.example.queue",
        "patchq.queue",
        "'labels': 'patchq.queue' is set by patchq itself",
        "",
    ],
    [
        "a label's placeholder",
        "{queue}\" }",
        "{quue}\" }",
        "'labels.org.example.queue': '{quue}': unknown placeholder",
        "",
    ],
    ["a digest", "sha256:00", "sha256:0", "'digest': 'sha256:0", ""],
    ["a day", "2030-01-31", "\"2030-01-31\"", "'until' is a string; expected a date without a time", ""],
    ["a base by its digest", "busybox:1\"]", "busybox@sha256:1\"]", "is not an image without a digest", ""],
    [
        "a key of a base",
        "until =",
        "untill =",
        "unknown key 'untill' in a base of upstream 'up'; did you mean 'until'?",
        "",
    ],
    [
        "a metadata file",
        "/etc/image.metadata",
        "etc/x",
        "'metadata-file': 'etc/x' is not a path of a file in an image",
        "",
    ],
    [
        "a prefix of labels",
        "org.example.image\"",
        "Org Example\"",
        "'label-prefix': 'Org Example' is not a prefix of labels",
        "",
    ],
    ["an unknown wheel", "\"lists\"", "\"{wheel:ray}\"", "'files': 'ray' is not a wheel of this upstream", ""],
    [
        "an unknown wheel in a tag",
        "{version}-{build}",
        "{wheel:ray.tags}",
        "'tags': 'ray' is not a wheel of this upstream",
        "",
    ],
];

#[test]
fn each_mistake_has_one_clear_error() {
    let env = Env::new();
    staged(&env, MANIFEST);
    let manifest = env.read("ws/upstreams.toml");
    for [what, old, new, says, hint] in WRONG {
        assert!(manifest.contains(old), "{what}");
        env.write("ws/upstreams.toml", manifest.replacen(old, new, 1));
        if *what == "a source of COPY outside of the checkout" {
            std::fs::remove_file(env.path("ws/patches/up/0001-exec.patch")).unwrap();
        }
        let run = env.changes_nothing(&["image", "list"]).exits(1).says(says);
        if !hint.is_empty() {
            run.hints(hint);
        }
        env.write("ws/patches/up/0001-exec.patch", PATCH);
    }
}

#[test]
fn a_wheel_is_taken_only_if_it_is_the_one_that_is_meant() {
    let env = Env::new();
    // The SHA-256 of "wheel\n".
    let wheel = "[upstream.up.wheel.x]\npackage = \"x\"\nversion = \"{semver}\"\npython = \"py3\"\nplatform = \"any\"\n\
        sha256 = \"1f148121b804b2d30f7b87856b0840eba32af90607328a5756802771f8dbff57\"\n";
    let manifest =
        MANIFEST.replace("\"lists\"", "\"{wheel:x}\"").replace("[upstream.up.base", "WHEEL[upstream.up.base");
    staged(&env, &manifest.replace("WHEEL", wheel));
    let run = || env.patchq(&["image", "list", "--format", "bake", "--out", "../out"]);
    run()
        .exits(1)
        .one_error()
        .says("the wheel '")
        .says("x-1.0-py3-none-any.whl' is missing")
        .hints("pip download --no-deps --only-binary=:all: --dest .git/patchq/wheels x==1.0");
    std::fs::remove_dir_all(env.path("out")).unwrap();
    env.write("ws/.git/patchq/wheels/x-1.0-py3-none-any.whl", "other\n");
    run().exits(1).one_error().says("has another SHA-256 than the manifest: ");
    std::fs::remove_dir_all(env.path("out")).unwrap();
    env.write("ws/.git/patchq/wheels/x-1.0-py3-none-any.whl", "wheel\n");
    run().ok();
    assert_eq!(env.read("out/up/tool/context/extra/x-1.0-py3-none-any.whl"), "wheel\n");
}
