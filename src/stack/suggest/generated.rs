//! Recognizes files that a program writes: no merge of their text is right.

use crate::path::RepoPath;

/// How a generated file is recognized.
enum Name {
    /// By its whole name.
    Is(&'static str),
    /// By the beginning of its name.
    Begins(&'static str),
    /// By the end of its name.
    Ends(&'static str),
    /// By the folder it is in: the end of the folder's path, at slashes.
    In(&'static str),
}

use Name::{Begins, Ends, In, Is};

/// What is generated, and how it is recognized. `docs/conflicts.md` lists it.
const GENERATED: [(&str, &[Name]); 13] = [
    ("Go's module checksums", &[Is("go.sum"), Is("go.work.sum")]),
    ("Go's module requirements", &[Is("go.mod")]),
    ("npm's lock file", &[Is("package-lock.json"), Is("npm-shrinkwrap.json")]),
    ("Yarn's lock file", &[Is("yarn.lock")]),
    ("pnpm's lock file", &[Is("pnpm-lock.yaml")]),
    ("Cargo's lock file", &[Is("Cargo.lock")]),
    ("a Python lock file", &[Is("poetry.lock"), Is("Pipfile.lock"), Is("pdm.lock"), Is("uv.lock")]),
    ("Composer's lock file", &[Is("composer.lock")]),
    ("Bundler's lock file", &[Is("Gemfile.lock")]),
    ("a Helm lock file", &[Is("Chart.lock")]),
    ("generated Kubernetes code", &[Begins("zz_generated"), Ends("_generated.go")]),
    (
        "code generated from protocol buffers",
        &[
            Ends(".pb.go"),
            Ends(".pb.gw.go"),
            Ends(".pb.cc"),
            Ends(".pb.h"),
            Ends("_pb2.py"),
            Ends("_pb2.pyi"),
            Ends("_pb2_grpc.py"),
            Ends("_pb.js"),
            Ends("_pb.d.ts"),
        ],
    ),
    ("a generated custom resource definition", &[In("crd/bases"), In("crds")]),
];

/// Returns what a file is, if its name says that a program writes it: it must be generated again by hand, and no text
/// is ever suggested.
#[must_use]
pub fn generated(path: &RepoPath) -> Option<&'static str> {
    let (name, folder) = (path.file_name(), path.as_bytes());
    let folder = folder.strip_suffix(name).and_then(|folder| folder.strip_suffix(b"/")).unwrap_or_default();
    let is = |known: &Name| match known {
        Is(whole) => name == whole.as_bytes(),
        Begins(start) => name.starts_with(start.as_bytes()),
        Ends(end) => name.ends_with(end.as_bytes()),
        In(end) => {
            let yaml = name.ends_with(b".yaml") || name.ends_with(b".yml");
            let above = folder.strip_suffix(end.as_bytes());
            yaml && above.is_some_and(|above| above.is_empty() || above.ends_with(b"/"))
        }
    };
    GENERATED.iter().find(|(_, names)| names.iter().any(is)).map(|(what, _)| *what)
}

#[cfg(test)]
mod tests {
    use super::super::tests::path;
    use super::*;

    #[test]
    fn generated_files_are_known_by_their_names() {
        let known = [
            "go.sum",
            "a/go.mod",
            "ui/package-lock.json",
            "api/v1/zz_generated.deepcopy.go",
            "api/x.pb.go",
            "x_pb2.py",
            "x_pb2_grpc.py",
            "components/c/config/crd/bases/kubeflow.org_notebooks.yaml",
            "crds/x.yml",
            "uv.lock",
        ];
        for name in known {
            assert!(generated(&path(name)).is_some(), "{name}");
        }
        let others =
            ["go.sum.txt", "mygo.mod", "Dockerfile", "config/crd/kustomization.yaml", "mycrds/x.yaml", "crds/a.md"];
        for name in others {
            assert_eq!(generated(&path(name)), None, "{name}");
        }
    }

    #[test]
    fn the_documentation_lists_them_all() {
        let page = include_str!("../../../docs/conflicts.md");
        for name in GENERATED.iter().flat_map(|(_, names)| *names) {
            let shown = match name {
                Is(whole) => format!("`{whole}`"),
                Begins(start) => format!("`{start}*`"),
                Ends(end) => format!("`*{end}`"),
                In(end) => format!("`{end}/*.yaml`"),
            };
            assert!(page.contains(&shown), "{shown}");
        }
    }
}
