//! Tests of the demo's data with the git program: it has the expected properties, and is the same on every machine.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use bstr::ByteSlice;

use super::*;

/// What git says in `dir`, whatever the user's own configuration.
fn git(dir: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new("git");
    // These are removed by name, because a hook may have set any of them to another repository.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_COMMON_DIR"] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    command.args(["-C".as_ref(), dir.as_os_str()]).args(["-c", "user.name=T", "-c", "user.email=t@example.org"]);
    let output = command.args(arguments).output()?;
    ensure!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_ids_are_the_same_everywhere() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let ids = [
        (KUBEFLOW_LIKE, "v1.6.1", "3fca8caa139343ca2dc3c4e24986d9d02dfab6fd"),
        (KUBEFLOW_LIKE, "v1.7.0", "cd8493beab6e63bfa65d0ecb255c7d7e46d2771c"),
        (RAY_LIKE, "ray-1.11.0", "6669f9635391e4f8ca80e3afa01065a7d83bfa88"),
        (RAY_LIKE, "ray-1.12.0", "519f415f69c38676af5924c846a0811b9923a272"),
    ];
    for (upstream, tag, id) in ids {
        let releases = upstream.build(&dir.path().join(tag))?;
        assert_eq!(releases.commit(tag).map(|id| id.to_string()).as_deref(), Some(id), "{tag}");
    }
    Ok(())
}

#[test]
fn git_finds_nothing_wrong_with_them() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    for (upstream, tags) in [(KUBEFLOW_LIKE, "v1.6.0 v1.6.1 v1.7.0 v1.7.0-rc.0"), (RAY_LIKE, "ray-1.11.0 ray-1.12.0")] {
        let bare = dir.path().join(upstream.name);
        let releases = upstream.build(&bare)?;
        git(&bare, &["fsck", "--strict"])?;
        assert_eq!(git(&bare, &["tag"])?.split_whitespace().collect::<Vec<_>>().join(" "), tags);
        let pinned = git(&bare, &["rev-parse", &format!("{}^{{commit}}", upstream.pinned)])?;
        assert_eq!(releases.commit(upstream.pinned).map(|id| id.to_string()).as_deref(), Some(pinned.trim()));
        let files = git(&bare, &["ls-tree", "-r", "--name-only", upstream.pinned])?;
        for path in upstream.sparse.iter().chain(upstream.images.iter().map(|(_, _, dockerfile)| dockerfile)) {
            let found = files.lines().any(|file| file == *path || file.starts_with(&format!("{path}/")));
            assert!(found, "{}: no {path}", upstream.name);
        }
    }
    Ok(())
}

/// A clone with the queue applied on its pin by `git am`.
fn applied(upstream: &DemoUpstream, dir: &Path) -> anyhow::Result<std::path::PathBuf> {
    let (bare, clone) = (dir.join("bare"), dir.join("clone"));
    upstream.build(&bare)?;
    git(dir, &["clone", "--quiet", "bare", "clone"])?;
    git(&clone, &["checkout", "--quiet", upstream.pinned])?;
    for (name, text) in upstream.patches {
        let file = dir.join(name);
        std::fs::write(&file, text)?;
        git(&clone, &["am", "--quiet", "--keep-cr", file.to_str().context("a path that is not UTF-8")?])?;
    }
    Ok(clone)
}

#[test]
fn the_queues_apply_and_come_back_byte_by_byte() -> anyhow::Result<()> {
    for upstream in [KUBEFLOW_LIKE, RAY_LIKE] {
        let dir = tempfile::tempdir()?;
        let clone = applied(&upstream, dir.path())?;
        let form = ["--full-index", "--binary", "--zero-commit", "--no-signature", "--no-stat", "-N"];
        let mut arguments = vec!["format-patch", "--output-directory", "out"];
        arguments.extend(form);
        arguments.push(upstream.pinned);
        let written = git(&clone, &arguments)?;
        let written: Vec<&str> = written.lines().collect();
        assert_eq!(written.len(), upstream.patches.len());
        for (file, (name, text)) in written.iter().zip(upstream.patches) {
            assert_eq!(file.to_lowercase(), format!("out/{name}"));
            // Without the stat git leaves out the line `---` too.
            let written =
                std::fs::read_to_string(clone.join(file))?.replacen("\n\ndiff --git", "\n---\n\ndiff --git", 1);
            assert_eq!(written, *text, "{name}");
            let parsed = crate::patch::parse(text.as_bytes(), crate::patch::Strip::Default)?;
            assert_eq!(crate::patch::print(&parsed).bytes.as_bstr(), text.as_bytes().as_bstr(), "{name}");
        }
    }
    Ok(())
}

/// What becomes of one patch alone on the next release: clean or not, and whether anything of it is left.
fn alone(upstream: &DemoUpstream, clone: &Path, back: usize) -> anyhow::Result<(bool, bool)> {
    let commit = git(clone, &["rev-parse", &format!("queue~{back}")])?;
    git(clone, &["checkout", "--quiet", "--force", upstream.next])?;
    let clean = git(clone, &["cherry-pick", "--no-commit", commit.trim()]).is_ok();
    let left = !git(clone, &["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    git(clone, &["reset", "--quiet", "--hard"])?;
    Ok((clean, left))
}

#[test]
fn the_next_release_has_something_of_everything() -> anyhow::Result<()> {
    for (upstream, wanted) in [
        (KUBEFLOW_LIKE, vec![(true, true), (false, true), (true, false), (true, true)]),
        (RAY_LIKE, vec![(true, true), (true, true)]),
    ] {
        let dir = tempfile::tempdir()?;
        let clone = applied(&upstream, dir.path())?;
        git(&clone, &["branch", "queue"])?;
        let count = upstream.patches.len();
        let found: Result<Vec<_>, _> = (0..count).map(|at| alone(&upstream, &clone, count - 1 - at)).collect();
        assert_eq!(found?, wanted, "{}", upstream.name);
    }
    Ok(())
}
