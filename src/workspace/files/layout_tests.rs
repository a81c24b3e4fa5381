//! Checks where the files of a workspace are.

use std::fs;

use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn git(work_tree: &str, id: Option<&str>) -> Enclosing {
    Enclosing { common_dir: "/repo/.git".into(), work_tree: work_tree.into(), worktree_id: id.map(str::to_owned) }
}

#[test]
fn the_private_folder() {
    let private = |root: &str, git: Option<&Enclosing>| Layout::new(Path::new(root), git).private().to_owned();
    assert_eq!(private("/w", None), Path::new("/w/.patchq"));
    assert_eq!(private("/repo", Some(&git("/repo", None))), Path::new("/repo/.git/patchq"));
    assert_eq!(private("/wt", Some(&git("/wt", Some("wt1")))), Path::new("/repo/.git/patchq/wt/wt1"));
    let one = private("/repo/a/x y", Some(&git("/repo", None)));
    let two = private("/repo/b/x y", Some(&git("/repo", None)));
    assert!(one.starts_with("/repo/.git/patchq/at") && one != two, "{one:?} {two:?}");
    assert_eq!(private("/wt/a/x y", Some(&git("/wt", Some("1")))), one.join("wt/1"));
}

#[test]
fn a_linked_worktree_borrows_objects() {
    let main = Layout::new(Path::new("/repo"), Some(&git("/repo", None)));
    let linked = Layout::new(Path::new("/wt"), Some(&git("/wt", Some("1"))));
    let kubeflow = name("kubeflow");
    assert_eq!(main.borrowed_objects(&kubeflow), None);
    assert_eq!(linked.borrowed_objects(&kubeflow), Some(main.store(&kubeflow).join("objects")));
}

#[test]
fn nothing_of_an_upstream_meets_what_is_the_workspaces() {
    let layout = Layout::new(Path::new("/w"), None);
    let workspace = name("workspace");
    assert_ne!(layout.lock(Scope::Upstream(&workspace)), layout.lock(Scope::Workspace));
    assert_ne!(layout.journal(Scope::Upstream(&workspace)), layout.journal(Scope::Workspace));
}

#[test]
fn a_linked_worktree_remembers_what_the_others_do() {
    let main = Layout::new(Path::new("/repo"), Some(&git("/repo", None)));
    let linked = Layout::new(Path::new("/wt"), Some(&git("/wt", Some("1"))));
    let kubeflow = name("kubeflow");
    assert_eq!(main.own_resolutions(&kubeflow), linked.own_resolutions(&kubeflow));
    assert_eq!(main.own_resolutions(&kubeflow), Path::new("/repo/.git/patchq/resolutions/kubeflow"));
    assert_eq!(linked.resolutions(&kubeflow), Path::new("/wt/resolutions/kubeflow"));
}

#[test]
fn the_workspace_is_found_from_below_and_from_a_checkout() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("ws");
    fs::create_dir_all(root.join("kubeflow/components/deep")).unwrap();
    fs::create_dir_all(root.join("patches/x")).unwrap();
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::write(root.join(MANIFEST), "").unwrap();
    // Upstream also has files of this name.
    fs::write(root.join("kubeflow").join(MANIFEST), "").unwrap();
    fs::write(root.join("kubeflow/components").join(MANIFEST), "").unwrap();
    fs::write(root.join("kubeflow/.git"), "gitdir: ../.git/patchq/kubeflow.git\n").unwrap();

    let deep = find(&root.join("kubeflow/components/deep")).unwrap();
    assert_eq!((deep.root.as_path(), deep.checkout.as_deref()), (root.as_path(), Some("kubeflow")));
    assert_eq!(deep.inside, Path::new("kubeflow/components/deep"));
    let patches = find(&root.join("patches/x")).unwrap();
    assert_eq!((patches.root.as_path(), patches.checkout), (root.as_path(), None));
    assert_eq!(find(&root).unwrap().inside, Path::new(""));

    let none = find(dir.path()).unwrap_err().to_string();
    assert!(none.contains("no upstreams.toml in"), "{none}");
}

#[test]
fn only_stores_make_a_checkout() {
    for (target, name) in [
        ("../.git/patchq/x.git", "x"),
        ("../.patchq/x-1.9.git", "x-1.9"),
        ("/r/.git/patchq/wt/id/x.git", "x"),
        ("../../.git/patchq/at/ws-0123/x.git", "x"),
        ("/r/.git/patchq/at/ws-0123/wt/id/x.git", "x"),
    ] {
        assert!(is_store(Path::new(target), name), "{target}");
    }
    for (target, name) in [
        ("/home/u/patchq/.git/worktrees/x", "x"),
        ("/home/u/patchq/.git/worktrees/x.git", "x"),
        ("../.git/modules/x.git", "x"),
        ("../.git/patchq/y.git", "x"),
        ("", "x"),
    ] {
        assert!(!is_store(Path::new(target), name), "{target}");
    }
}
