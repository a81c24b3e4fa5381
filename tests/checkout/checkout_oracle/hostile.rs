//! Hostile git settings of the user: none of them may run a program or damage a checkout.

use std::fs;

use patchq::git::checkout::{ChangeKind, Differences, Outcome, Warning, work_files};

use super::moves::turned;
use super::support::{World, executable, home, isolated, put, zoo};

const CONFIG: &str = r#"
[core]
    autocrlf = true
    eol = crlf
    attributesFile = $HOME/attributes
    excludesFile = $HOME/ignore
    fsmonitor = $HOME/marker.sh
    untrackedCache = true
    splitIndex = true
    hooksPath = $HOME/hooks
    safecrlf = true
    logAllRefUpdates = false
[index]
    sparse = true
    version = 4
[feature]
    manyFiles = true
[init]
    templateDir = $HOME/template
    defaultRefFormat = reftable
[safe]
    bareRepository = explicit
[status]
    showUntrackedFiles = no
[filter "lfs"]
    clean = $HOME/marker.sh
    smudge = $HOME/marker.sh
    process = $HOME/marker.sh
    required = true
[diff "x"]
    textconv = $HOME/marker.sh
"#;

#[test]
fn nothing_runs_and_nothing_breaks() {
    if !isolated("hostile::nothing_runs_and_nothing_breaks", CONFIG) {
        return;
    }
    let marker = home().join("marker");
    put(&home().join("marker.sh"), &format!("#!/bin/sh\necho ran >> {}\ncat\n", marker.display()));
    executable(&home().join("marker.sh"));
    for hook in ["post-checkout", "reference-transaction", "post-index-change"] {
        put(&home().join("hooks").join(hook), &format!("#!/bin/sh\necho {hook} >> {}\n", marker.display()));
        executable(&home().join("hooks").join(hook));
        put(&home().join("template/hooks").join(hook), &format!("#!/bin/sh\necho {hook} >> {}\n", marker.display()));
    }
    put(&home().join("ignore"), "*.mine\n");
    let world = World::new();
    let one = zoo(&world);
    let two = turned(&world);
    put(&home().join("attributes"), "jupyter.txt filter=lfs diff=x\nrenamed.txt filter=lfs\n");
    // Fetching is done by the git program, which has other options against hooks.
    let _ = fs::remove_file(&marker);
    let sparse = world.sparse(one, &["a"]);
    let Outcome::Done(done) = world.go_as(one, &sparse, Differences::Refuse, Some("v1"), &|_| ()) else {
        panic!("refused")
    };
    let unfiltered = |warning: &Warning| matches!(warning, Warning::Unfiltered { attribute: "filter", count: 1, .. });
    assert!(done.warnings.len() == 1 && done.warnings.iter().all(unfiltered), "{:?}", done.warnings);
    assert_eq!(world.status(), []);
    put(&world.checkout().join("a/jupyter.txt"), "changed\n");
    put(&world.checkout().join("a/x.mine"), "ignored\n");
    put(&world.checkout().join("a/untracked"), "1\n");
    let changes = world.status();
    let kinds: Vec<_> = changes.iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Modified, ChangeKind::Untracked]);
    let work = work_files(&world.store(), &world.checkout(), &changes).unwrap();
    assert_eq!(work.filtered.len(), 1);
    let bytes: Vec<_> = work.files.values().flatten().map(|file| file.bytes.clone()).collect();
    assert_eq!(bytes, [b"changed\n".to_vec(), b"1\n".to_vec()]);
    put(&world.checkout().join("a/jupyter.txt"), "content of a/jupyter.txt\n");
    fs::remove_file(world.checkout().join("a/untracked")).unwrap();
    world.done(two, &world.sparse(two, &["a"]));
    world.done(one, &sparse);
    assert_eq!(world.status(), []);
    assert!(!marker.exists(), "{}", fs::read_to_string(&marker).unwrap());
    // Plain git agrees, and may run the user's programs: a filter, when a file is as new as the index.
    world.git(&["config", "--global", "--unset", "filter.lfs.process"]);
    assert_eq!(world.git(&["status", "--porcelain", "-uall"]), "");
    assert_eq!(world.git(&["diff-files"]), "");
    assert_eq!(world.status(), []);
    assert!(marker.exists(), "the trap was not one");
}
