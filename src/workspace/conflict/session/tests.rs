#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::file::{parse, print};
use super::*;
use crate::git::{Entry, Mode};
use crate::stack::{AcceptRule, Decided, DecidedBy, DecisionReason, Hunk, Join, Resolution, Sides};

fn path(text: &str) -> RepoPath {
    RepoPath::new(text).unwrap()
}

fn session(decisions: Vec<SessionDecision>) -> Session {
    let id = |digit: &str| digit.repeat(40).parse::<Id>().unwrap();
    let files = BTreeMap::from([("0001-a \"b\".patch".to_owned(), Sum::of(b"x"))]);
    Session {
        files: FilesDigest { pin: Some(id("1")), version: Some("v1".into()), series: Some(Sum::of(b"s")), files },
        manifest: Sum::of(b"m"),
        to: SessionTarget {
            pin: id("2"),
            version: "v2".into(),
            track: Track::parse("v2-*").ok(),
            found_by: Some("refs/tags/v2".into()),
        },
        agreed: AcceptOptions { accept: vec![AcceptRule::Suggested], only: vec!["**/x".into()], allow_drop: vec![] },
        decisions: Decisions(decisions),
    }
}

fn decision(about: About, order: u32) -> SessionDecision {
    SessionDecision {
        patch: "0001-a.patch".into(),
        about,
        by: DecidedBy::Hand,
        reason: DecisionReason::Quoted("so\nit \"is\"".into()),
        order,
    }
}

fn leaves() -> About {
    About::Dropped { file: Sum::of(b"x") }
}

fn sides() -> Sides {
    let entry = |mode, id: Id| Some(Entry { mode, id });
    Sides {
        base: entry(Mode::File, Id::EMPTY_TREE),
        upstream: None,
        patch: entry(Mode::Gitlink, Id::from_raw([7; 20])),
    }
}

fn any_about() -> impl Strategy<Value = About> {
    let bytes = || proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()], 0..12);
    let made = prop_oneof![Just(None), bytes().prop_map(|text| Some((Mode::Executable, text.into())))];
    let take = prop_oneof![
        Just(Resolution::Patch),
        Just(Resolution::Upstream),
        Just(Resolution::Renamed(path("b/c"))),
        made.clone().prop_map(Resolution::Edited)
    ];
    prop_oneof![
        Just(leaves()),
        take.prop_map(|take| About::Path(Decided::Whole { path: path("x/y"), sides: sides(), take })),
        made.prop_map(|made| About::Path(Decided::Joined(Join {
            path: path("z"),
            own: [sides().base, None],
            over: sides().patch,
            made
        }))),
        (bytes(), bytes(), bytes(), 0..2usize, (bytes(), bytes()), bytes()).prop_map(|(a, b, c, nth, (d, e), text)| {
            let hunk = Hunk::unplaced([a.into(), b.into(), c.into()], nth, [d.into(), e.into()]);
            About::Path(Decided::Lines { path: path("x"), hunk, text: text.into() })
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(abouts in proptest::collection::vec(any_about(), 0..6)) {
        let mut decisions = Decisions::default();
        for (n, about) in abouts.into_iter().enumerate() {
            decisions.put(decision(about, u32::try_from(n).unwrap()));
        }
        let written = session(decisions.0);
        let bytes = print(&written, "x");
        let mut read = parse(&bytes, Path::new("sessions/x.toml")).unwrap();
        prop_assert_eq!(&print(&read, "x"), &bytes);
        for one in &mut read.decisions.0 {
            prop_assert!(written.decisions.0.contains(one));
        }
        prop_assert_eq!(read.decisions.0.len(), written.decisions.0.len());
        prop_assert_eq!(Session { decisions: written.decisions.clone(), ..read }, written);
    }
}

#[test]
fn a_file_says_what_it_is_and_lines_stand_alone() {
    let texts = ["a\n".into(), "b\r\n".into(), "c".into()];
    let alike = ["{\n".into(), "".into()];
    let lines = About::Path(Decided::Lines {
        path: path("x/Dockerfile"),
        hunk: Hunk::unplaced(texts, 1, alike),
        text: "d\n".into(),
    });
    let text = String::from_utf8(print(&session(vec![decision(lines, 3)]), "kubeflow")).unwrap();
    let expected = "[[decision]]\nfile = \"0001-a.patch\"\npath = \"x/Dockerfile\"\ntake = \"lines\"\nbase = [\n    \"a\\n\",\n]\n\
                    upstream = [\n    \"b\\r\\n\",\n]\npatch = [\n    \"c\",\n]\nnth = 1\nabove = [\n    \"{\\n\",\n]\ntext = [\n    \"d\\n\",\n]\nby = \"hand\"\n\
                    reason = \"so\\nit \\\"is\\\"\"\norder = 3\n";
    assert!(text.ends_with(expected), "{text}");
    assert!(text.starts_with("# A refresh of kubeflow that waits for decisions."), "{text}");
}

#[test]
fn a_wrong_file_is_told_by_its_line() {
    let good = String::from_utf8(print(&session(vec![decision(leaves(), 1)]), "x")).unwrap();
    let last = good.lines().count();
    let (oder, marker) = (
        format!("sessions/x.toml:{last}: unknown field `oder`"),
        format!("sessions/x.toml:{}: a merge left conflict markers in it", last + 1),
    );
    let rows = [
        (
            good.replace("schema = 1", "schema = 9"),
            "sessions/x.toml: its format has the version 9, and this patchq knows only 1",
        ),
        (
            good.replace("take = \"drop\"", "take = \"x\""),
            "sessions/x.toml: decision 1: `take` is 'x', which is nothing to take",
        ),
        (good.replace("take = \"drop\"", "take = \"patch\""), "sessions/x.toml: decision 1: it has no `path`"),
        (
            good.replace("take = \"drop\"", "path = \"a\"\ntake = \"patch\""),
            "sessions/x.toml: decision 1: it has no `sides`",
        ),
        (
            good.replace("take = \"drop\"", "path = \"a\"\ntake = \"joined\"\nover = \"1 2\""),
            "sessions/x.toml: decision 1: '1 2' is not a mode and id",
        ),
        (good.replace("order = 1", "oder = 1"), oder.as_str()),
        (
            good.replace("by = \"hand\"", "by = \"hand\\u001b[2J\""),
            "sessions/x.toml: decision 1: `by` is 'hand\\x1b[2J', by which nothing is decided",
        ),
        (format!("{good}<<<<<<< HEAD\n"), marker.as_str()),
        (
            good.replace("accept = [\n    \"suggested\"", "accept = [\n    \"luck\""),
            "sessions/x.toml: 'luck' is not a way to decide",
        ),
    ];
    for (text, expected) in rows {
        let error = parse(text.as_bytes(), Path::new("sessions/x.toml")).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}\n{text}");
    }
    let error = parse(b"schema = 1\n# \xff", Path::new("sessions/x.toml")).unwrap_err().to_string();
    assert_eq!(error, "sessions/x.toml:2: it is not UTF-8 text");
}

#[test]
fn the_last_decision_is_taken_back_and_a_new_one_replaces_the_old() {
    let mut decisions = Decisions::default();
    let whole = |name: &str, take| About::Path(Decided::Whole { path: path(name), sides: sides(), take });
    decisions.put(decision(whole("a", Resolution::Patch), 0));
    decisions.put(decision(whole("b", Resolution::Patch), 1));
    decisions.put(decision(whole("c", Resolution::Patch), 2));
    decisions.put(decision(whole("d", Resolution::Patch), 2));
    decisions.put(decision(whole("b", Resolution::Upstream), 3));
    assert_eq!((decisions.0.len(), decisions.last()), (4, 3));
    assert_eq!(decisions.take_back(decisions.last()).len(), 1);
    assert_eq!(decisions.take_back(decisions.last()).len(), 2);
    assert_eq!(decisions.take_back(decisions.last()), vec![]);
    assert_eq!(decisions.0, vec![decision(whole("a", Resolution::Patch), 0)]);
}
