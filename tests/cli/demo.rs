//! Tests `patchq demo` on machines of all kinds: it runs to its end, changes nothing outside its folder, and leaves
//! workspaces that work.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

type Failure = Box<dyn std::error::Error>;

/// Returns the program on a machine whose home is `home`, with only the variables that a login would set.
fn patchq(home: &Path, cwd: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_patchq"));
    clean(&mut command, home, cwd);
    command
}

fn git(home: &Path, cwd: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let mut command = Command::new("git");
    clean(&mut command, home, cwd);
    let output = command.env("GIT_CONFIG_GLOBAL", "/dev/null").args(arguments).output()?;
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

fn clean(command: &mut Command, home: &Path, cwd: &Path) {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home).env("LANG", "C.UTF-8").current_dir(cwd);
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Checks that the demo ran to its end, and that its workspaces are in order.
fn told(home: &Path, dir: &Path, output: &Output) -> Result<(), Failure> {
    assert!(output.status.success(), "{}", text(output));
    let workspace = dir.join("workspace");
    assert_eq!(git(home, &workspace, &["status", "--porcelain"])?, "");
    assert_eq!(git(home, &workspace.join("kubeflow"), &["status", "--porcelain"])?, "");
    let log = git(home, &workspace.join("kubeflow"), &["log", "--format=%s", "-7"])?;
    let log: Vec<&str> = log.lines().collect();
    assert_eq!(log[0], "Raise gunicorn to 22.0.0");
    assert_eq!(log[1], "Run the controller from distroless/static");
    assert_eq!(log[6], "Release 1.6.1");
    assert_eq!(fs::read_dir(workspace.join("patches/kubeflow"))?.count(), 6);
    assert_eq!(fs::read_dir(workspace.join("patches/ray"))?.count(), 2);
    assert_eq!(fs::read_dir(dir)?.count(), 3, "something was left in the folder");
    Ok(())
}

#[test]
fn the_story_reads_well_and_its_folder_is_there_to_play_in() -> Result<(), Failure> {
    let (home, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let output = patchq(home.path(), place.path()).arg("demo").output()?;
    let dir = place.path().join("patchq-demo");
    told(home.path(), &dir, &output)?;
    assert_eq!(fs::read_dir(home.path())?.count(), 0, "something was left in the home");
    let screen = String::from_utf8(output.stdout)?;
    // git's output of long paths is not wrapped.
    let of_git = |line: &&str| ["diff --git ", "index ", "@@ "].iter().any(|start| line.starts_with(start));
    for line in screen.lines().filter(|line| !of_git(line)) {
        assert!(line.chars().count() <= 80, "too long: {line}");
    }
    for command in
        ["setup", "status", "tag", "save", "export", "apply", "verify", "outdated", "diff-upstream", "refresh", "undo"]
    {
        assert!(screen.contains(&format!("\n$ patchq {command}")), "the story has no {command}");
    }
    assert!(!screen.contains('\u{1b}'));
    // The commands that the demo suggests next work too, for a user without a git identity.
    let workspace = dir.join("workspace");
    for arguments in [&["save", "--into", "0002"] as &[&str], &["undo", "--list"], &["setup", "."]] {
        let output = patchq(home.path(), &workspace).args(arguments).output()?;
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
    assert_eq!(
        git(home.path(), &workspace, &["diff", "--name-only"])?,
        "patches/ray/0002-keep-protobuf-below-4.patch\n"
    );
    Ok(())
}

#[test]
fn the_tags_before_and_after_a_change_differ_in_the_queue_alone() -> Result<(), Failure> {
    let (home, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let output = patchq(home.path(), place.path()).args(["demo", "d"]).output()?;
    let screen = String::from_utf8(output.stdout)?;
    let stem = "registry.example/notebooks/notebook-controller:v1.6.1";
    let tags: Vec<&str> = screen.lines().filter(|line| line.starts_with(stem)).collect();
    assert_eq!(tags.len(), 6, "{screen}");
    assert_eq!(tags[..2], tags[3..5]);
    assert_ne!(tags[2], tags[5]);
    Ok(())
}

#[test]
fn a_user_s_settings_have_no_say_in_it() -> Result<(), Failure> {
    let (home, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let hooks = home.path().join("hooks");
    fs::create_dir_all(&hooks)?;
    for hook in ["pre-commit", "post-checkout", "reference-transaction"] {
        let file = hooks.join(hook);
        fs::write(&file, "#!/bin/sh\ntouch \"$HOME/a-hook-ran\"\nexit 1\n")?;
        let mut mode = fs::metadata(&file)?.permissions();
        std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
        fs::set_permissions(&file, mode)?;
    }
    let settings = format!(
        "[core]\n\thooksPath = {0}\n\tautocrlf = true\n\teditor = false\n\tpager = false\n\tfsmonitor = {0}/pre-commit\n\
         [commit]\n\tgpgsign = true\n\tcleanup = verbatim\n\ttemplate = /nowhere\n[user]\n\tuseConfigOnly = true\n\
         [init]\n\tdefaultBranch = other\n\ttemplateDir = {0}\n\tdefaultRefFormat = reftable\n\
         [diff]\n\texternal = false\n\tnoprefix = true\n\tmnemonicPrefix = true\n[color]\n\tui = always\n\
         [log]\n\tshowSignature = true\n[format]\n\tpretty = fuller\n[protocol \"file\"]\n\tallow = never\n\
         [url \"https://elsewhere.invalid/\"]\n\tinsteadOf = /\n\tinsteadOf = ../\n[pull]\n\trebase = interactive\n\
         [status]\n\tshowUntrackedFiles = no\n\tbranch = true\n[safe]\n\tbareRepository = explicit\n",
        hooks.display()
    );
    fs::write(home.path().join(".gitconfig"), &settings)?;
    let global = place.path().join("global");
    fs::write(&global, &settings)?;
    let output = patchq(home.path(), place.path())
        .args(["demo", "d"])
        .env("GIT_CONFIG_GLOBAL", &global)
        .envs([("GIT_DIR", "/nowhere"), ("GIT_INDEX_FILE", "/nowhere/index"), ("GIT_EXTERNAL_DIFF", "false")])
        .envs([("GIT_AUTHOR_DATE", "never"), ("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "no key")])
        .output()?;
    told(home.path(), &place.path().join("d"), &output)?;
    assert!(!home.path().join("a-hook-ran").exists());
    Ok(())
}

#[test]
fn it_needs_no_network() -> Result<(), Failure> {
    // If the system does not allow a network namespace, urls that lead nowhere are the only check.
    let alone = Command::new("unshare").args(["-rn", "true"]).status().is_ok_and(|status| status.success());
    let (home, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let mut command = if alone { Command::new("unshare") } else { Command::new("env") };
    clean(&mut command, home.path(), place.path());
    if alone {
        command.arg("-rn");
    }
    let output = command.args([OsStr::new(env!("CARGO_BIN_EXE_patchq")), "demo".as_ref(), "d".as_ref()]).output()?;
    told(home.path(), &place.path().join("d"), &output)
}

#[test]
fn json_is_one_document() -> Result<(), Failure> {
    let (home, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let output = patchq(home.path(), place.path()).args(["demo", "d", "--json"]).output()?;
    told(home.path(), &place.path().join("d"), &output)?;
    let document: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((&document["schema"], &document["ok"]), (&"patchq.demo/1".into(), &true.into()));
    let steps = document["steps"].as_array().ok_or("no steps")?;
    assert!(steps.iter().any(|step| step["command"] == "patchq setup ."), "{document}");
    Ok(())
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() -> Result<(), Failure> {
    let (home, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    fs::write(place.path().join("mine"), "precious")?;
    let output = patchq(home.path(), place.path()).args(["demo", "."]).output()?;
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).starts_with("error: '.' is not empty"), "{}", text(&output));
    assert_eq!(fs::read_dir(place.path())?.count(), 1);
    Ok(())
}

#[test]
fn a_step_that_fails_fails_the_demo() -> Result<(), Failure> {
    let (home, place) = (tempfile::tempdir()?, tempfile::tempdir()?);
    // A git that cannot commit.
    let bad = place.path().join("git");
    fs::write(&bad, "#!/bin/sh\n[ \"$1\" != commit ] || { echo 'no commits today' >&2; exit 7; }\nexec git \"$@\"\n")?;
    let mut mode = fs::metadata(&bad)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o755);
    fs::set_permissions(&bad, mode)?;
    let output = patchq(home.path(), place.path()).env("PATCHQ_GIT", &bad).args(["demo", "d"]).output()?;
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("error: 'git commit") && said.contains("no commits today"), "{said}");
    Ok(())
}
