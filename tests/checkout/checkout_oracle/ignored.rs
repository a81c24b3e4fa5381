//! Compares ignore rules with the git program.

use patchq::git::checkout::{ChangeKind, SparseSet};

use super::support::{World, home, isolated, put};

const TOP: &str = "# comment\n\\#hash\n\\!bang\n*.log\n!keep.log\n/anchored\nbuild/\na/**/deep\n**/any/x\ntrail \nkept\\ \n\
    [abc]z\n[!x-z]q\ndouble**star\nsub/*.c\nsub/only/\nfoo/**\n!foo/keep\n[[:digit:]]n\nesc\\*aped\ncr\r\n\n!\n/\nx[\n?y\n\
    dir-not-file/\ntop/nested/\n!top/nested/file\n";
const BELOW: &str = "!*.log\n/anchored\nlocal\n!build/\ndeeper/x.c\n";

#[test]
fn rules_are_read_as_git_reads_them() {
    if !isolated("ignored::rules_are_read_as_git_reads_them", "[core]\nexcludesFile = $HOME/mine\n") {
        return;
    }
    put(&home().join("mine"), "*.mine\n!kept.mine\n/rooted\n");
    let names = [
        "#hash",
        "!bang",
        "x.log",
        "keep.log",
        "anchored",
        "build",
        "deep",
        "any/x",
        "trail",
        "trail ",
        "kept ",
        "kept",
        "az",
        "dz",
        "aq",
        "xq",
        "doubleXstar",
        "double/star",
        "x.c",
        "only/x",
        "keep",
        "5n",
        "esc*aped",
        "escXaped",
        "cr",
        "x[",
        "zy",
        "dir-not-file",
        "local",
        "deeper/x.c",
        "x.mine",
        "kept.mine",
        "rooted",
        "excluded",
        "ä.log",
        "build2/x",
    ];
    let folders = ["", "a/", "a/b/c/", "sub/", "foo/", "foo/bar/", "build/", "top/nested/", "tracked/", "a/build/x/"];
    for visible in [true, false] {
        let world = World::new();
        world.write(".gitignore", TOP);
        world.write("sub/.gitignore", BELOW);
        world.write("tracked/file", "1\n");
        world.up(&["add", "-f", "tracked/file"]);
        world.write("build/tracked", "1\n");
        world.up(&["add", "-f", "build/tracked"]);
        let commit = world.commit("one");
        // Outside the sparse set the rules are only in the index.
        let sparse = if visible { SparseSet::everything() } else { world.sparse(commit, &["tracked"]) };
        world.done(commit, &sparse);
        put(&world.store_dir().join("info/exclude"), "excluded\n");
        for folder in folders {
            for name in names {
                let path = world.checkout().join(folder).join(name);
                if !path.exists() && path.ancestors().skip(1).all(|above| !above.is_file()) {
                    put(&path, "");
                }
            }
        }
        let git = world.git(&["ls-files", "-z", "-o", "--exclude-standard"]);
        let mut git: Vec<_> = git.split_terminator('\0').map(str::to_owned).collect();
        git.sort();
        let ours = world.status().into_iter().filter(|change| change.kind == ChangeKind::Untracked);
        let ours: Vec<_> = ours.map(|change| String::from_utf8(change.path.as_bytes().to_vec()).unwrap()).collect();
        let extra: Vec<_> = ours.iter().filter(|path| !git.contains(path)).collect();
        let lost: Vec<_> = git.iter().filter(|path| !ours.contains(path)).collect();
        assert!(extra.is_empty() && lost.is_empty(), "visible {visible}: extra {extra:?}, lost {lost:?}");
        assert!(git.len() > 80, "only {git:?}");
    }
}
