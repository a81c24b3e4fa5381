//! Tests of valid manifests, and of every error with its exact words.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use super::*;

const GOOD: &str = r#"
# comment
[upstream.kubeflow]
url     = "https://github.com/kubeflow/kubeflow.git"
mirrors = ["https://mirror.example/kubeflow.git", "../local"]
track   = "v1.6-branch"
sparse  = ["components/common/", "components/example-notebook-servers/Makefile"]
registry = "charmedkubeflow"

[[upstream.kubeflow.image]]
name       = "notebook-controller"
context    = "components"
dockerfile = "components/notebook-controller/Dockerfile"

[[upstream.kubeflow.image]]
name = "all"

[upstream."kubeflow-1.9"]
url = "https://github.com/kubeflow/kubeflow.git"
track = "v1.9.*"
sparse = []
review = ["**/*.go"]
tags = ["{semver}-x"]
version = "1.9.0+us"
remember = "shared"

[upstream.aaa]
url = "http://example.org/a"
memory = "kubeflow"
"#;

fn parse(text: &str) -> Result<Manifest, ManifestErrors> {
    Manifest::parse(text.as_bytes(), Path::new("upstreams.toml"))
}

#[test]
fn a_good_manifest_is_typed_in_file_order() {
    let manifest = parse(GOOD).unwrap();
    let names: Vec<_> = manifest.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
    assert_eq!(names, ["kubeflow", "kubeflow-1.9", "aaa"]);
    let [first, second, third] = manifest.upstreams.as_slice() else { panic!("three entries") };

    assert_eq!((first.line, first.url.as_str()), (3, "https://github.com/kubeflow/kubeflow.git"));
    assert_eq!(first.mirrors[1].kind(), crate::git::UrlKind::Path);
    assert_eq!(first.track, Some(Track::Ref("v1.6-branch".to_owned())));
    let sparse: Vec<_> = first.sparse.iter().flatten().map(ToString::to_string).collect();
    assert_eq!(sparse, ["components/common", "components/example-notebook-servers/Makefile"]);
    assert_eq!(first.review, DEFAULT_REVIEW);
    assert_eq!(first.tags.iter().map(Template::as_str).collect::<Vec<_>>(), crate::image::DEFAULT_TEMPLATES);
    assert_eq!((first.remember, &first.memory, &first.version), (Remember::Local, &None, &None));
    assert_eq!(first.images[0].context.as_ref().map(ToString::to_string).as_deref(), Some("components"));
    assert_eq!((&first.images[1].context, first.images[1].dockerfile.to_string()), (&None, "Dockerfile".to_owned()));
    assert!(first.review_set().is_match("a/Dockerfile.gpu") && first.review_set().is_match("Makefile"));

    assert_eq!(second.sparse, Some(Vec::new()));
    assert_eq!((second.remember, second.version.as_deref()), (Remember::Shared, Some("1.9.0+us")));
    assert_eq!(second.memory_key(&manifest).as_str(), "kubeflow");
    assert_eq!((third.sparse.as_ref(), third.memory_key(&manifest).as_str()), (None, "kubeflow"));
    assert_eq!(
        manifest.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["upstreams.toml:28:7: 'url': 'http://example.org/a' is fetched without encryption, so it can be \
          changed on the way (use https)"]
    );
    assert_eq!(manifest.nearest("kubflow").map(|near| near.name.as_str()), Some("kubeflow"));
    assert_eq!(manifest.nearest("ray"), None);
}

#[test]
fn an_empty_manifest_has_no_upstreams() {
    for text in ["", "# nothing yet\n", "[upstream]\n", "\u{feff}# marked\n"] {
        assert_eq!(parse(text), Ok(Manifest { upstreams: Vec::new(), warnings: Vec::new() }), "{text:?}");
    }
}

#[test]
fn a_tracked_path_takes_a_name() {
    let tracked = |name: &Name| name.as_str() == "docs";
    let text = b"[upstream.docs]\nurl = \"/x\"\n";
    let errors = Manifest::parse_checked(text, Path::new("u.toml"), &tracked).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "u.toml:1:11: the name 'docs' is taken: the workspace's repository tracks 'docs' at its top"
    );
    assert!(Manifest::parse(text, Path::new("u.toml")).is_ok());
}

#[test]
fn bytes_that_are_no_text() {
    let errors = Manifest::parse(b"a = 1\n# caf\xe9\n", Path::new("u.toml")).unwrap_err();
    assert_eq!(errors.to_string(), "u.toml:2:6: the manifest is not UTF-8 text");
}

/// Each case: the text of the manifest, and the message with its excerpts.
#[test]
fn every_mistake_is_said_with_its_place() {
    let cases = include_str!("tests/mistakes.txt");
    let mut shown = String::new();
    let mut count = 0;
    for case in cases.split_terminator("=====\n") {
        let (text, _) = case.split_once("-----\n").unwrap();
        let errors = parse(&text.replace("<ESC>", "\\u001b")).unwrap_err();
        let said: String = errors.0.iter().map(|m| format!("{m}\n{}\n", excerpt(m))).collect();
        shown.push_str(&format!("{text}-----\n{said}=====\n"));
        count += errors.0.len();
    }
    assert!(count >= 25, "{count}");
    similar_text(&shown, cases);
}

/// Returns the line of an error with carets under its place.
fn excerpt(mistake: &Mistake) -> String {
    let Mistake { line, text, marked, .. } = mistake;
    let indent = " ".repeat(text[..marked.start].chars().count());
    let carets = "^".repeat(text[marked.clone()].chars().count().max(1));
    format!("{line:>4} | {text}\n     | {indent}{carets}")
}

fn similar_text(shown: &str, expected: &str) {
    if shown != expected {
        let diff = similar::TextDiff::from_lines(expected, shown).unified_diff().to_string();
        panic!("the mistakes read otherwise than in tests/mistakes.txt:\n{diff}");
    }
}

proptest::proptest! {
    /// Any text gives a result, and excerpts that cannot control the terminal.
    #[test]
    fn no_text_is_too_much(cut in 0..GOOD.len(), len in 0..40usize, put in ".{0,8}|[\\[\\]{}\"'=.\n#é]{0,8}") {
        let mut bytes = GOOD.as_bytes().to_vec();
        let end = (cut + len).min(bytes.len());
        bytes.splice(cut..end, put.bytes());
        if let Err(errors) = Manifest::parse(&bytes, Path::new("upstreams.toml")) {
            proptest::prop_assert!(!errors.0.is_empty());
            for mistake in errors.0 {
                let line = mistake.to_string();
                proptest::prop_assert_eq!(crate::path::printable(line.as_bytes()), line);
                proptest::prop_assert!(excerpt(&mistake).lines().count() == 2 && mistake.column > 0);
            }
        }
    }
}
