//! `patchq image build`, `patchq image clean` and `patchq doctor`, with a stand-in for docker that is there on every machine.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::support::{Env, Run, executable, in_both_worlds};

/// Three images: `app` on an external one, `tool` on `app`, and `other`.
const MANIFEST: &str = "\
[upstream.up]
url = \"../up.git\"
track = \"main\"
sparse = [\"app\", \"docs\"]
registry = \"r.example/team\"
[[upstream.up.image]]
name = \"tool\"
context = \"app\"
dockerfile = \"app/tool.Dockerfile\"
args = { BASE = \"{image:app}\" }
[[upstream.up.image]]
name = \"app\"
context = \"docs\"
dockerfile = \"app/Dockerfile\"
publish = false
[[upstream.up.image]]
name = \"other\"
context = \"docs\"
dockerfile = \"app/other.Dockerfile\"
";

/// A patch adds the Dockerfiles of two of them.
fn dockerfiles(run: &str) -> String {
    format!(
        "--- /dev/null\n+++ b/app/tool.Dockerfile\n@@ -0,0 +1,3 @@\n+ARG BASE=<app>\n+FROM $BASE\n+{run}\n\
         --- /dev/null\n+++ b/app/other.Dockerfile\n@@ -0,0 +1,2 @@\n+FROM python:3.8-bullseye\n+RUN other\n"
    )
}

const PATCH: &str = "ws/patches/up/0004-add-the-tool.patch";
const BASE: &str = "python:3.8-bullseye";

/// Makes the workspace, and a registry that has the base with the digest of `digit`.
pub(super) fn images(env: &Env, run: &str) {
    env.workspace();
    env.write("ws/upstreams.toml", MANIFEST);
    env.write(PATCH, dockerfiles(run));
    env.patchq(&["setup"]).ok();
    env.write("docker", include_str!("support/docker.sh"));
    executable(&env.path("docker"));
    registry(env, BASE, '1');
}

fn registry(env: &Env, name: &str, digit: char) {
    env.write(
        &format!("store/registry/{}", name.replace('/', "%")),
        format!("sha256:{}", digit.to_string().repeat(64)),
    );
}

/// Runs patchq with the stand-in, which misbehaves as `fake` says.
fn faked(env: &Env, fake: &str, args: &[&str]) -> Run {
    faked_with(env, &[("FAKE", fake)], args)
}

/// Runs patchq with the stand-in, and with more variables.
pub(super) fn faked_with(env: &Env, more: &[(&str, &str)], args: &[&str]) -> Run {
    let (docker, store) = (env.path("docker"), env.path("store"));
    let vars = [
        ("PATCHQ_DOCKER", docker.to_str().unwrap()),
        ("FAKE_STORE", store.to_str().unwrap()),
        ("NPM_TOKEN", "hunter2hunter2"),
    ];
    env.patchq_with(&env.ws(), &[&vars, more].concat(), args)
}

fn build(env: &Env, args: &[&str]) -> Run {
    faked(env, "", &[&["image", "build"], args].concat())
}

/// The calls of docker that build, and forgets them.
fn builds(env: &Env) -> usize {
    let calls = env.read("store/calls");
    fs::remove_file(env.path("store/calls")).unwrap();
    calls.lines().filter(|line| line.starts_with("build ")).count()
}

/// The id of what `name` leads to.
fn id(env: &Env, name: &str) -> Option<String> {
    fs::read_to_string(env.path("store/names").join(name.replace('/', "%"))).ok()
}

/// The fixed reference of `tool`.
fn fixed(env: &Env) -> String {
    let document = env.patchq(&["tag", "up", "--image", "tool", "--json"]).ok().json();
    let references = document["upstreams"][0]["references"].as_array().unwrap().clone();
    let fixed = references.iter().find(|one| one["stability"] == "fixed").unwrap();
    fixed["reference"].as_str().unwrap().to_owned()
}

fn states(document: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let images = document["images"].as_array().unwrap();
    images.iter().map(|image| (text(&image["image"]), text(&image["state"]))).collect()
}

in_both_worlds! {
    fn a_cascade_is_built_once(env) {
        images(env, "RUN tool");
        let run = build(env, &[]).ok();
        run.says("app    built").says("tool   built").says("other  built").says("3 images: 3 built");
        assert_eq!(builds(env), 5, "three images, and labels for the two that are published");
        let tool = id(env, &fixed(env)).expect("it has its name");
        build(env, &[]).ok().says("3 images: 3 current");
        assert_eq!(builds(env), 0);
        // The base has moved: what is built on it is built again, and what is built on that.
        registry(env, BASE, '2');
        build(env, &["tool"]).ok().says("2 images: 2 built");
        assert_ne!(id(env, &fixed(env)), Some(tool));
        let log = fs::read_dir(env.path("ws/.git/patchq/log")).unwrap().count();
        assert!(log >= 3, "{log} logs");
        assert_eq!(fs::read_dir(env.path("ws/.git/patchq/scratch")).unwrap().count(), 0);
    }

    fn json_has_every_image(env) {
        images(env, "RUN boom");
        let document = build(env, &["--json"]).exits(1).json();
        assert_eq!(document["schema"], json!("patchq.image-build/1"));
        assert_eq!(document["builder"], json!({ "name": "docker", "client": "20.10.24", "server": "20.10.24", "buildx": null }));
        let wanted = [("app", "built"), ("tool", "failed"), ("other", "built")];
        assert_eq!(states(&document), wanted.map(|(image, state)| (image.to_owned(), state.to_owned())));
        let tool = &document["images"][1];
        let step = json!({ "file": "app/tool.Dockerfile", "line": 3, "patch": "0004-add-the-tool.patch" });
        assert_eq!(tool["step"], step);
        assert_eq!((&tool["error"]["kind"], &tool["id"]), (&json!("build"), &Value::Null));
        assert_eq!(document["error"]["kind"], json!("build"));
        assert_eq!(document["images"][0]["bases"], json!([{ "image": BASE, "digest": format!("sha256:{}", "1".repeat(64)) }]));
    }

    fn a_patch_builds_what_it_touches(env) {
        images(env, "RUN tool");
        build(env, &[]).ok();
        env.write(PATCH, dockerfiles("RUN tool --better"));
        env.patchq(&["apply"]).ok();
        // All labels name the queue.
        build(env, &[]).ok().says("app    current").says("tool   built").says("other  labelled");
        // Another label is no other content.
        env.write("ws/upstreams.toml", MANIFEST.replace("registry", "vendor = \"Us\"\nregistry"));
        build(env, &[]).ok().says("3 images: 2 labelled, 1 current");
        build(env, &["--no-cache", "app"]).ok().says("1 image: 1 built");
    }

    fn a_failure_names_the_line_and_the_patch(env) {
        images(env, "RUN tool");
        build(env, &[]).ok();
        let before = id(env, &fixed(env));
        let name = fixed(env);
        env.write(PATCH, dockerfiles("RUN boom"));
        env.patchq(&["apply"]).ok();
        let run = build(env, &[]).exits(1);
        run.says("error: tool: up/app/tool.Dockerfile:3 (from 0004-add-the-tool.patch): exit code 1\n    | it broke\n")
            .says("hint: the whole output: .git/patchq/log/up-tool-").says("other  labelled").says("error: 1 image was not built");
        assert_eq!(id(env, &name), before, "the earlier image keeps its names");
        // What needs it is not built.
        let more = MANIFEST.to_owned() + "[[upstream.up.image]]\nname = \"top\"\ncontext = \"app\"\ndockerfile = \"app/tool.Dockerfile\"\n\
            args = { BASE = \"{image:tool}\" }\n";
        env.write("ws/upstreams.toml", more);
        build(env, &[]).exits(1).says("top    blocked    needs up:tool").says("4 images: ");
        build(env, &["--fail-fast"]).exits(1).says("1 failed");
    }

    fn success_is_an_image_and_nothing_less(env) {
        images(env, "RUN tool");
        let run = faked(env, "no-image", &["image", "build", "app"]).exits(1);
        run.says("error: app: docker ended without an error, and without an image").says("error: 1 image was not built");
        build(env, &[]).ok();
        let (name, before) = (fixed(env), id(env, &fixed(env)));
        env.write("ws/upstreams.toml", MANIFEST.replace("registry", "vendor = \"Us\"\nregistry"));
        let run = faked(env, "changes", &["image", "build"]).exits(1);
        run.says("error: tool: adding the labels changed the image: USER was '1000' and is 'root'");
        assert_eq!(id(env, &name), before, "the earlier image keeps its names");
    }

    fn a_base_that_cannot_be_had(env) {
        images(env, "RUN tool");
        fs::remove_file(env.path("store/registry").join(BASE)).unwrap();
        let run = build(env, &[]).exits(1).one_error();
        run.says("the base 'python:3.8-bullseye' cannot be pulled").says("manifest for python:3.8-bullseye not found");
        let run = build(env, &["--offline"]).exits(1).one_error();
        run.says("the base 'python:3.8-bullseye' is not in the builder's store").hints("run the command again without --offline");
        registry(env, BASE, '1');
        build(env, &[]).ok();
        build(env, &["--offline"]).ok().says("3 current");
        // One that was only ever made here.
        fs::remove_file(env.path("store/registry").join(BASE)).unwrap();
        let run = build(env, &[]).ok().says("note: the base 'python:3.8-bullseye' has no registry digest; the image in the store of docker is used");
        run.says("3 built");
        build(env, &[]).ok().says("3 current");
    }

    fn secrets_need_a_yes_and_stay_out_of_the_log(env) {
        images(env, "RUN tool");
        let secret = "dockerfile = \"app/other.Dockerfile\"\nsecrets = { npm = \"env:NPM_TOKEN\" }\nnetwork = \"host\"\n";
        env.write("ws/upstreams.toml", MANIFEST.replace("dockerfile = \"app/other.Dockerfile\"\n", secret));
        let run = build(env, &["other"]).exits(1).one_error();
        run.says("builds need your permission:\n  up:other reads the variable NPM_TOKEN as the secret 'npm'\n  \
            up:other uses the host's network\n")
            .hints("patchq image build --allow secrets,host-network");
        assert_eq!(builds(env), 0);
        build(env, &["other", "--allow", "secrets"]).exits(1).says("uses the host's network");
        build(env, &["other", "--allow", "secrets,host-network", "-v"]).ok().says("other | the secret is ***").says_not("hunter2");
        for file in fs::read_dir(env.path("ws/.git/patchq/log")).unwrap() {
            assert!(!fs::read_to_string(file.unwrap().path()).unwrap().contains("hunter2"));
        }
    }

    fn a_tag_with_the_build_names_what_was_built_on(env) {
        images(env, "RUN tool");
        env.write("ws/upstreams.toml", MANIFEST.replace("registry", "tags = [\"{version}-{build}\"]\nregistry"));
        let reference = |document: &Value| document["images"][1]["references"][0].as_str().unwrap().to_owned();
        let first = reference(&build(env, &["tool", "--json"]).ok().json());
        assert!(first.starts_with("r.example/team/tool:v1.0-") && id(env, &first).is_some(), "{first}");
        registry(env, BASE, '2');
        let second = reference(&build(env, &["tool", "--json"]).ok().json());
        assert_ne!(first, second, "another base is another build");
        // The manifest pins no base, so that without a builder the tag is not known.
        env.changes_nothing(&["image", "list", "tool"]).exits(1).one_error().says("the base 'python:3.8-bullseye'").says("has no digest");
    }

    fn no_builder_is_an_error(env) {
        images(env, "RUN tool");
        let run = env.patchq(&["image", "build"]).exits(1).one_error();
        run.says("no builder works").says("'docker' is not installed").says("'buildah' is not installed")
            .hints("patchq doctor");
        let run = env.patchq(&["image", "build", "--builder", "buildah"]).exits(1).one_error();
        run.says("error: 'buildah' is not installed").hints("patchq doctor");
        let run = env.patchq(&["doctor"]).exits(4);
        run.prints("docker   -        missing").says("warning: no builder works, and the manifest has images");
        let document = faked(env, "", &["doctor", "--json"]).ok().json();
        let programs = document["programs"].as_array().unwrap();
        let named: Vec<_> = programs.iter().map(|one| (one["program"].clone(), one["state"].clone())).collect();
        assert_eq!(json!(named), json!([["git", "works"], ["docker", "works"], ["buildah", "missing"]]));
    }

    fn clean_removes_what_was_built_here(env) {
        images(env, "RUN tool");
        build(env, &[]).ok();
        let first = fixed(env);
        faked(env, "", &["image", "clean"]).ok().says("note: nothing to remove");
        env.write(PATCH, dockerfiles("RUN tool --better"));
        env.patchq(&["apply"]).ok();
        build(env, &[]).ok();
        let second = fixed(env);
        faked(env, "", &["image", "clean", "--dry-run"]).ok().prints("up:tool").prints("would be removed");
        assert!(id(env, &first).is_some());
        faked(env, "", &["image", "clean", "--older-than", "30d"]).ok().says("nothing to remove");
        faked(env, "in-use", &["image", "clean"]).exits(1).says("1 image was not removed").prints("image is being used");
        faked(env, "", &["image", "clean"]).ok().prints("removed");
        assert!(id(env, &first).is_none() && id(env, &second).is_some());
        // Without its base the recipe of an image is not known, so its builds stay.
        let base = id(env, BASE).unwrap();
        fs::remove_file(env.path("store/names").join(BASE)).unwrap();
        faked(env, "", &["image", "clean"]).ok().says("nothing to remove");
        env.write(&format!("store/names/{BASE}"), &base);
        let base = Some(base);
        // What the user named stays, and what was not built here.
        let kept = id(env, &second).unwrap();
        env.write("store/names/mine:1", &kept);
        faked(env, "", &["image", "clean", "--all"]).ok();
        assert_eq!((id(env, &second), id(env, "mine:1"), id(env, BASE)), (None, Some(kept), base));
        assert_eq!(fs::read_dir(env.path("store/names")).unwrap().count(), 2);
        assert_eq!(fs::read_dir(env.path("ws/.git/patchq/log")).unwrap().count(), 0);
        faked(env, "", &["image", "clean", "--older-than", "soon"]).exits(2).says("expected a time such as 12h or 30d");
    }
}

#[test]
fn ctrl_c_ends_the_builder_and_keeps_what_is_there() {
    let env = Env::new();
    images(&env, "RUN tool");
    build(&env, &[]).ok();
    let (name, before) = (fixed(&env), id(&env, &fixed(&env)));
    env.write(PATCH, dockerfiles("RUN slow"));
    env.patchq(&["apply"]).ok();
    for signal in ["INT", "TERM"] {
        let mut command = env.command(&env.ws(), &["image", "build", "tool"]);
        command.env("PATCHQ_DOCKER", env.path("docker"));
        command.env("FAKE_STORE", env.path("store")).env("FAKE", "hang").process_group(0);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let hangs = || fs::read_to_string(env.path("store/calls")).unwrap_or_default().contains("tool:");
        let began = Instant::now();
        while !hangs() {
            assert!(began.elapsed() < Duration::from_secs(60), "it never got to the slow image");
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(300));
        let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(130), "{said}");
        assert!(said.ends_with("error: interrupted\n"), "{said}");
        assert_eq!(id(&env, &name), before);
        assert_eq!(fs::read_dir(env.path("ws/.git/patchq/scratch")).unwrap().count(), 0);
        let left = Command::new("pgrep").args(["-f", env.path("docker").to_str().unwrap()]).output();
        if let Ok(left) = left {
            assert_eq!(String::from_utf8_lossy(&left.stdout), "", "the builder still runs");
        }
        fs::remove_file(env.path("store/calls")).unwrap();
    }
}
