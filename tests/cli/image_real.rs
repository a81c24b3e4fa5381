//! `patchq image build` with real builders. `.ci/run` installs them and names them in variables; elsewhere the tests say that they
//! did nothing:
//!
//! ```text
//! PATCHQ_TEST_DOCKER=/usr/bin/docker DOCKER_HOST=unix:///…    a docker whose daemon answers
//! PATCHQ_TEST_BUILDAH=/usr/bin/buildah                        buildah, with runc; its images go to a folder of the test
//! ```
//!
//! The base images are made of `busybox`, which must be a static program.

#![allow(clippy::print_stderr, reason = "a test that cannot do its work says so")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::support::{Env, Run};

/// A builder, the variables that it needs, and the name of the base image.
struct Real {
    env: Env,
    name: &'static str,
    program: OsString,
    vars: Vec<(String, String)>,
    base: String,
}

const MANIFEST: &str = "\
[upstream.up]
url = \"../up.git\"
track = \"main\"
sparse = [\"app\", \"docs\"]
registry = \"registry.invalid/team\"
vendor = \"Us\"
metadata-file = \"/etc/up.metadata\"
[[upstream.up.image]]
name = \"one\"
context = \"docs\"
dockerfile = \"app/one.Dockerfile\"
network = \"none\"
publish = false
[[upstream.up.image]]
name = \"two\"
context = \"docs\"
dockerfile = \"app/two.Dockerfile\"
args = { BASE = \"{image:one}\" }
network = \"none\"
[[upstream.up.image]]
name = \"three\"
context = \"docs\"
dockerfile = \"app/three.Dockerfile\"
args = { BASE = \"{image:two}\" }
network = \"none\"
";

const PATCH: &str = "ws/patches/up/0004-add-three-images.patch";

impl Real {
    /// The builder called `name`, if the environment has it.
    fn get(name: &'static str) -> Option<Real> {
        let Some(program) = std::env::var_os(format!("PATCHQ_TEST_{}", name.to_uppercase())) else {
            eprintln!("SKIPPED: there is no {name} to test with (PATCHQ_TEST_{})", name.to_uppercase());
            return None;
        };
        let env = Env::new();
        env.workspace();
        let base = format!("localhost/patchq-test-{}-{name}:1", std::process::id());
        let mut vars = vec![(format!("PATCHQ_{}", name.to_uppercase()), program.to_str().unwrap().to_owned())];
        if let Ok(host) = std::env::var("DOCKER_HOST") {
            vars.push(("DOCKER_HOST".to_owned(), host));
        }
        let (graph, run) = (env.path("graph"), env.path("run"));
        let storage = format!("[storage]\ndriver = \"vfs\"\ngraphroot = {graph:?}\nrunroot = {run:?}\n");
        env.write("storage.conf", storage);
        env.write("containers.conf", "[engine]\nruntime = \"runc\"\n");
        for (variable, file) in [("CONTAINERS_STORAGE_CONF", "storage.conf"), ("CONTAINERS_CONF", "containers.conf")] {
            vars.push((variable.to_owned(), env.path(file).to_str().unwrap().to_owned()));
        }
        let real = Real { env, name, program, vars, base };
        real.make_base("first");
        real.env.write("ws/upstreams.toml", MANIFEST);
        real.patch("RUN cat /one.txt guide.md > /two.txt");
        real.env.patchq(&["setup"]).ok();
        Some(real)
    }

    fn vars(&self) -> Vec<(&str, &str)> {
        self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn call(&self, args: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        let output =
            command.env_clear().envs(self.env.vars()).envs(self.vars()).env("DOCKER_BUILDKIT", "1").args(args).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// A base image with a file, a shell of its own and a health check.
    fn make_base(&self, text: &str) {
        let folder = self.env.path("base");
        fs::create_dir_all(&folder).unwrap();
        fs::copy("/bin/busybox", folder.join("busybox")).expect("busybox-static is installed");
        self.env.write("base/passwd", "root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n");
        self.env.write("base/group", "root:x:0:\nuser:x:1000:\n");
        self.env.write("base/text", text);
        self.env.write(
            "base/Dockerfile",
            "FROM scratch\nCOPY busybox /bin/busybox\nCOPY passwd group /etc/\nRUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n\
             ENV PATH=/bin\nCOPY text /text\nSHELL [\"/bin/sh\", \"-e\", \"-c\"]\nHEALTHCHECK CMD true\n",
        );
        let mut args = vec!["build", "-q", "--network", "none", "-t", self.base.as_str()];
        if self.name == "buildah" {
            args.extend(["--format", "docker"]);
        }
        self.call(&[&args[..], &[folder.to_str().unwrap()]].concat());
    }

    /// Writes the patch with the Dockerfiles of the three images.
    fn patch(&self, run: &str) {
        let file = |name: &str, lines: &[&str]| {
            let text: String = lines.iter().map(|line| format!("+{line}\n")).collect();
            format!("--- /dev/null\n+++ b/app/{name}.Dockerfile\n@@ -0,0 +1,{} @@\n{text}", lines.len())
        };
        let from = format!("FROM {}", self.base);
        let text = [
            file("one", &[&from, "RUN cat /text > /one.txt"]),
            file(
                "two",
                &["ARG BASE", "FROM $BASE", "COPY guide.md guide.md", run, "USER 1000", "ENTRYPOINT [\"/bin/cat\"]"],
            ),
            file("three", &["ARG BASE", "FROM $BASE", "ENV THREE=3"]),
        ];
        self.env.write(PATCH, text.concat());
    }

    fn build(&self, args: &[&str]) -> Run {
        self.env.patchq_with(
            &self.env.ws(),
            &self.vars(),
            &[&["image", "build", "--builder", self.name], args].concat(),
        )
    }

    /// The configuration of the image `name`, as docker writes it.
    fn config(&self, name: &str) -> Value {
        match self.name {
            "docker" => {
                serde_json::from_str::<Value>(&self.call(&["image", "inspect", name])).unwrap()[0]["Config"].clone()
            }
            _ => {
                let text = self.call(&["inspect", "--type", "image", name]);
                serde_json::from_str::<Value>(&text).unwrap()["Docker"]["config"].clone()
            }
        }
    }

    /// What `command` prints in a container of the image `name`.
    fn printed(&self, name: &str, command: &[&str]) -> String {
        if self.name == "docker" {
            let run = ["run", "--rm", "--network", "none", "--entrypoint", command[0], name];
            return self.call(&[&run[..], &command[1..]].concat());
        }
        let container = self.call(&["from", name]);
        let container = container.trim();
        let printed = self.call(&[&["run", "--network", "none", container, "--"], command].concat());
        self.call(&["rm", container]);
        printed
    }

    fn fixed(&self, image: &str) -> String {
        let document = self.env.patchq(&["tag", "up", "--image", image, "--json"]).ok().json();
        let references = document["upstreams"][0]["references"].as_array().unwrap().clone();
        let fixed = references.iter().find(|one| one["stability"] == "fixed").unwrap();
        fixed["reference"].as_str().unwrap().to_owned()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ =
            self.env.patchq_with(&self.env.ws(), &self.vars(), &["image", "clean", "--all", "--builder", self.name]);
        let mut command = Command::new(&self.program);
        let _ = command.env_clear().envs(self.env.vars()).envs(self.vars()).args(["rmi", self.base.as_str()]).output();
    }
}

fn a_cascade(real: &Real) {
    real.build(&[]).ok().says("3 images: 3 built");
    let (two, three) = (real.fixed("two"), real.fixed("three"));
    assert!(real.printed(&two, &["/bin/cat", "/two.txt"]).starts_with("first"));
    let config = real.config(&three);
    assert_eq!((&config["User"], &config["Entrypoint"]), (&json!("1000"), &json!(["/bin/cat"])));
    assert_eq!(
        (&config["Shell"], &config["Healthcheck"]["Test"]),
        (&json!(["/bin/sh", "-e", "-c"]), &json!(["CMD-SHELL", "true"]))
    );
    let labels = &config["Labels"];
    assert_eq!(labels["org.opencontainers.image.title"], json!("three"));
    assert_eq!(labels["org.opencontainers.image.vendor"], json!("Us"));
    let metadata = real.printed(&three, &["/bin/cat", "/etc/up.metadata"]);
    assert!(metadata.contains("org.opencontainers.image.title=three\n"), "{metadata}");
    real.build(&[]).ok().says("3 images: 3 current");
    // One patch builds what it touches, and what is built on that.
    real.patch("RUN cat /one.txt guide.md > /two.txt && echo more >> /two.txt");
    real.env.patchq(&["apply"]).ok();
    real.build(&[]).ok().says("one    current").says("two    built").says("three  built");
    assert!(real.printed(&real.fixed("three"), &["/bin/cat", "/two.txt"]).ends_with("more\n"));
    // The base moves.
    real.make_base("second");
    real.build(&[]).ok().says("3 images: 3 built");
    assert!(real.printed(&real.fixed("three"), &["/bin/cat", "/two.txt"]).starts_with("second"));
    let clean = || {
        let args = ["image", "clean", "--all", "--builder", real.name];
        real.env.patchq_with(&real.env.ws(), &real.vars(), &args).ok()
    };
    clean().prints("up:three");
    clean().says("nothing to remove");
    assert!(!real.call(&["images", "--no-trunc"]).contains("registry.invalid/team/three"), "an image is left");
}

fn a_failure(real: &Real) {
    real.build(&[]).ok();
    let (name, before) = (real.fixed("two"), real.config(&real.fixed("two")));
    real.patch("RUN echo it is broken && false");
    real.env.patchq(&["apply"]).ok();
    let run = real.build(&[]).exits(1);
    run.says("error: two: up/app/two.Dockerfile:4 (from 0004-add-three-images.patch): exit code 1")
        .says("| it is broken")
        .says("three  blocked    needs up:two");
    assert_eq!(real.config(&name), before);
}

fn signals(real: &Real) {
    real.build(&["one"]).ok();
    // The builders are tested at the same time.
    let sleep = if real.name == "docker" { "sleep 6541" } else { "sleep 6542" };
    real.patch(&format!("RUN {sleep}"));
    real.env.patchq(&["apply"]).ok();
    for signal in ["INT", "TERM"] {
        let mut command = real.env.command(&real.env.ws(), &["image", "build", "two", "--builder", real.name]);
        command.envs(real.vars()).process_group(0).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        let sleeps = || {
            let found = Command::new("pgrep").args(["-f", sleep]).output();
            found.is_ok_and(|found| !found.stdout.is_empty())
        };
        let began = std::time::Instant::now();
        while !sleeps() {
            assert!(began.elapsed() < Duration::from_secs(120), "it never got to the step");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
        let began = std::time::Instant::now();
        while sleeps() {
            assert!(began.elapsed() < Duration::from_secs(20), "the step still runs");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(fs::read_dir(real.env.path("ws/.git/patchq/scratch")).unwrap().count(), 0);
        if real.name == "buildah" {
            assert_eq!(real.call(&["containers", "-q"]), "", "a container is left");
        }
    }
}

/// All of it with one builder, one after the other: they share processes and a store.
fn with(name: &'static str) {
    for scenario in [a_cascade, a_failure, signals] {
        let Some(real) = Real::get(name) else { return };
        scenario(&real);
    }
}

#[test]
fn docker_with_buildkit() {
    with("docker");
}

#[test]
fn buildah() {
    with("buildah");
}
