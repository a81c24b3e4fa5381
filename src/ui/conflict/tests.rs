//! Tests of the screens against the files in `screens/`. `SNAPSHOTS=overwrite cargo test --lib ui::conflict` writes
//! them again; check the difference before committing it.

use std::path::Path;

use bstr::BString;

use super::pages::{Page, explanations};
use super::question::{Body, ChangedBy, Choice, Heading, Proposal, Question, UpstreamCommitLine};
use super::view::View;
use crate::stack::Lines;
use crate::ui::Look;

type Failure = Box<dyn std::error::Error>;

fn lines(start: usize, text: &str) -> Lines {
    Lines { start, text: text.into() }
}

fn around(text: &str) -> Vec<BString> {
    text.split_inclusive('\n').map(BString::from).collect()
}

fn choices() -> Vec<Choice> {
    let all = [
        ('p', "patch", "take the patch's lines and leave upstream's out"),
        ('u', "upstream", "take upstream's lines and leave the patch's out"),
        ('b', "both", "take upstream's lines, and the patch's after them"),
        ('e', "edit", "write the lines yourself, in your editor"),
        ('m', "merge tool", "open the file in git's merge tool"),
        ('c', "checkout", "put the conflict into the checkout, decide there, and come back with refresh --continue"),
        ('d', "drop", "leave this patch out of the queue"),
        ('l', "later", "go on with the next conflict, and ask again at the end"),
        ('a', "abort", "forget all decisions; nothing is changed"),
    ];
    all.map(|(key, label, help)| Choice { key, label: label.to_owned(), help: help.to_owned() }).into()
}

fn question(place: &str, line: Option<usize>, what: &str, body: Body) -> Question {
    Question {
        heading: Heading {
            upstream: "kubeflow".to_owned(),
            from: "v1.6.1".to_owned(),
            to: "v1.7.0".to_owned(),
            patch_file: "0002-use-debian-bullseye-below-the-jupyter-web-app.patch".to_owned(),
            subject: "Use Debian bullseye below the Jupyter web app".to_owned(),
            patch: (3, 7),
            conflict: (2, 5),
        },
        place: place.to_owned(),
        line,
        what: what.to_owned(),
        body,
        changed_by: ChangedBy::NotAsked,
        proposals: Vec::new(),
        notes: Vec::new(),
        choices: choices(),
    }
}

fn commit() -> UpstreamCommitLine {
    UpstreamCommitLine {
        id: "1c2d3e4f".to_owned(),
        date: "2022-11-14".to_owned(),
        subject: "web-apps: Update the python version of the images to 3.8".to_owned(),
        link: Some("https://github.com/kubeflow/kubeflow/commit/1c2d3e4f5a6b".to_owned()),
    }
}

/// A conflict that every Kubeflow queue has.
fn suggested() -> Question {
    let body = Body::Lines {
        before: around("# Base image of the backend\n\n# Keep it in step with the other web apps\n"),
        base: lines(4, "ARG BASE_IMG=python:3.7-slim-buster\n"),
        upstream: lines(4, "ARG BASE_IMG=python:3.8-slim-buster\n"),
        patch: lines(4, "ARG BASE_IMG=python:3.7-slim-bullseye\n"),
        after: around("FROM ${BASE_IMG} AS backend-kubeflow-wheel\n\nWORKDIR /src\n"),
    };
    let mut question = question(
        "components/crud-web-apps/jupyter/Dockerfile",
        Some(4),
        "upstream and the patch changed the same lines",
        body,
    );
    question.proposals = vec![Proposal {
        key: 's',
        label: "suggestion".to_owned(),
        title: "suggestion (perhaps)".to_owned(),
        reason: "upstream replaced '3.7' by '3.8', and the same is done to the patch's lines".to_owned(),
        text: Some("ARG BASE_IMG=python:3.8-slim-bullseye\n".into()),
    }];
    question.changed_by = ChangedBy::Commits(vec![commit()]);
    question
}

fn both_insert() -> Question {
    let body = Body::Lines {
        before: around("requests==2.27.1\nurllib3==1.26.9\n"),
        base: lines(12, ""),
        upstream: lines(12, "kubernetes==25.3.0\nprometheus-client==0.15.0\n"),
        patch: lines(12, "# CVE-2022-40897\nsetuptools==65.5.1\n"),
        after: around("Werkzeug==2.0.3\n"),
    };
    let mut question =
        question("components/crud-web-apps/common/backend/requirements.txt", Some(12), "both add lines here", body);
    question.proposals = vec![Proposal {
        key: 'r',
        label: "as before".to_owned(),
        title: "you decided this on 2026-03-14 (the same conflict, on v1.6.1)".to_owned(),
        reason: "both, upstream's lines first, and a line of your own".to_owned(),
        text: Some(
            "kubernetes==25.3.0\nprometheus-client==0.15.0\n# CVE-2022-40897\nsetuptools==65.5.2\nwheel==0.38.1\n"
                .into(),
        ),
    }];
    question.notes = vec!["the order of lines that both add is a coin toss, so none is proposed".to_owned()];
    question.changed_by = ChangedBy::Skipped("offline".to_owned());
    question
}

fn modify_delete() -> Question {
    let body = Body::Whole(vec![
        ("base".to_owned(), "a file of 41 lines, mode 100644".to_owned()),
        ("upstream".to_owned(), "deleted".to_owned()),
        ("patch".to_owned(), "edited: 2 lines removed, 3 added".to_owned()),
    ]);
    let place = "components/example-notebook-servers/jupyter/requirements.txt";
    let mut question = question(place, None, "upstream deleted the file, the patch edits it", body);
    question.choices.truncate(2);
    question.choices.push(Choice {
        key: 'f',
        label: "follow".to_owned(),
        help: "edit another file instead".to_owned(),
    });
    question.proposals = vec![Proposal {
        key: 's',
        label: "suggestion".to_owned(),
        title: "suggestion (likely)".to_owned(),
        reason: "drop the edit: what it fixes went with the file".to_owned(),
        text: None,
    }];
    question.changed_by = ChangedBy::Commits(vec![commit(), UpstreamCommitLine { link: None, ..commit() }]);
    question
}

fn large() -> Question {
    let text = |change: &dyn Fn(usize) -> Option<String>| {
        (1..=60).filter_map(|n| change(n).map(|line| line + "\n")).collect::<String>()
    };
    let base = text(&|n| Some(format!("    step{n}(config, \"{n}\")")));
    let upstream = text(&|n| {
        (n % 7 != 0).then(|| format!("    step{n}({}, \"{n}\")", if n % 5 == 0 { "settings" } else { "config" }))
    });
    let patch = text(&|n| {
        let line = format!("    step{n}(config, \"{n}\")");
        Some(if n % 6 == 0 { format!("{line}\n    check(step{n})") } else { line })
    });
    let body = Body::Lines {
        before: around("def main():\n    config = read()\n"),
        base: lines(101, &base),
        upstream: lines(98, &upstream),
        patch: lines(103, &patch),
        after: around("    return 0\n"),
    };
    question("components/notebook-controller/main.py", Some(98), "upstream and the patch changed the same lines", body)
}

fn strange() -> Question {
    let body = Body::Lines {
        before: around("all:\n\tmake -C sub\n"),
        base: lines(3, "\tcp a b\n"),
        upstream: lines(3, "\tcp a b\r\n\techo \u{1b}[2J\u{7}done \u{202e}txt\n"),
        patch: lines(
            3,
            "        cp a b  \n\tcp --archive b c && cp --archive c d && cp --archive d e && echo all of the copies are there && true",
        ),
        after: around(""),
    };
    let mut question =
        question("dir \u{1b}[31m/Make\nfile", Some(3), "upstream and the patch changed the same lines", body);
    question.heading.subject = "Copy \u{1b}]0;owned\u{7} more".to_owned();
    question.heading.patch_file = "0009-copy.patch".to_owned();
    question
}

fn wide() -> Question {
    let body = Body::Lines {
        before: around("# 設定\n"),
        base: lines(2, "title = \"ノートブックの設定\"\n"),
        upstream: lines(2, "title = \"ノートブックの新しい設定\"\n"),
        patch: lines(2, "title = \"ノートブックの設定、カフェ (cafe\u{301})\"\n"),
        after: around("# 終わり\n"),
    };
    let mut question = question("docs/ja/設定.toml", Some(2), "upstream and the patch changed the same lines", body);
    question.heading.subject = "日本語の題名を直す".to_owned();
    question.heading.patch_file = "0004-題名.patch".to_owned();
    question.proposals = vec![Proposal {
        key: 's',
        label: "suggestion".to_owned(),
        title: "suggestion (perhaps)".to_owned(),
        reason: "no word was changed by both".to_owned(),
        text: Some("title = \"ノートブックの新しい設定、カフェ (cafe\u{301})\"\n".into()),
    }];
    question
}

fn plain() -> Look {
    Look::plain()
}

fn ascii() -> Look {
    Look { unicode: false, ..Look::plain() }
}

fn coloured() -> Look {
    Look { colour: true, ..Look::plain() }
}

/// Checks whether a frame fits its screen exactly.
fn fits(frame: &[String], columns: usize, rows: usize) -> bool {
    frame.len() == rows && frame.iter().all(|row| console::measure_text_width(row) <= columns)
}

/// Compares a frame with the screen of that name.
fn assert_screen(name: &str, frame: &[String]) -> Result<(), Failure> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ui/conflict/screens").join(format!("{name}.txt"));
    // Styles are written as `{31m` and `{}`, to stay readable.
    let frame: String = frame.iter().map(|row| format!("{row}\n")).collect();
    let frame = frame.replace("\u{1b}[0m", "{}").replace("\u{1b}[", "{");
    assert!(!frame.contains('\u{1b}'), "{frame}");
    if std::env::var_os("SNAPSHOTS").is_some_and(|action| action == "overwrite") {
        std::fs::write(&file, &frame)?;
    }
    let kept = std::fs::read_to_string(&file)?;
    assert!(kept == frame, "{name} is not what it was:\n{frame}");
    Ok(())
}

fn assert_sizes(name: &str, question: &Question, scroll: usize) -> Result<(), Failure> {
    for (columns, rows) in [(80, 24), (140, 40)] {
        let frame = View::new(&plain(), columns, rows, question, None).frame(scroll);
        assert!(fits(&frame, columns, rows), "{}", frame.join("\n"));
        assert_screen(&format!("{name}-{columns}x{rows}"), &frame)?;
    }
    Ok(())
}

#[test]
fn lines_with_a_suggestion() -> Result<(), Failure> {
    assert_sizes("suggestion", &suggested(), 0)
}

#[test]
fn lines_that_both_add() -> Result<(), Failure> {
    assert_sizes("both-insert", &both_insert(), 0)
}

#[test]
fn a_file_that_is_gone() -> Result<(), Failure> {
    assert_sizes("modify-delete", &modify_delete(), 0)
}

#[test]
fn many_lines_in_the_middle() -> Result<(), Failure> {
    assert_sizes("large", &large(), 30)
}

#[test]
fn control_characters_and_tabs() -> Result<(), Failure> {
    assert_sizes("control-characters", &strange(), 0)
}

#[test]
fn signs_of_two_columns() -> Result<(), Failure> {
    assert_sizes("wide-signs", &wide(), 0)
}

#[test]
fn colours() -> Result<(), Failure> {
    let frame = View::new(&coloured(), 80, 24, &suggested(), Some("kept")).frame(0);
    assert!(fits(&frame, 80, 24));
    assert_screen("coloured-80x24", &frame)?;
    let frame = View::new(&coloured(), 140, 40, &suggested(), None).frame(0);
    assert!(fits(&frame, 140, 40));
    assert_screen("coloured-140x40", &frame)?;
    let frame = View::new(&coloured(), 80, 40, &both_insert(), None).frame(0);
    assert!(fits(&frame, 80, 40));
    assert_screen("coloured-lines-80x40", &frame)
}

#[test]
fn less_than_unicode() -> Result<(), Failure> {
    let frame = View::new(&ascii(), 140, 40, &strange(), None).frame(0);
    assert!(fits(&frame, 140, 40) && frame.iter().all(|row| row.is_ascii()), "{}", frame.join("\n"));
    assert_screen("ascii-140x40", &frame)
}

#[test]
fn explanations_of_the_keys() -> Result<(), Failure> {
    let rows = explanations(&plain(), 80, &suggested());
    let frame = Page::new(&plain(), (24, 80), "what the keys do", rows, "any key: back").frame(0);
    assert!(fits(&frame, 80, 24));
    assert_screen("explanations-80x24", &frame)
}

#[test]
fn nothing_from_outside_steers_the_terminal() {
    for question in [strange(), wide(), suggested()] {
        for (columns, rows) in [(80, 24), (140, 40), (30, 60)] {
            let frame = View::new(&plain(), columns, rows, &question, Some("\u{1b}[2J\u{202e}")).frame(0).join("");
            assert!(!frame.contains(|c: char| c.is_control() || c == '\u{202e}'), "{frame}");
        }
        let rows = explanations(&plain(), 80, &question).join("");
        assert!(!rows.contains(char::is_control), "{rows}");
    }
}

#[test]
fn no_screen_is_too_small() {
    let all = [suggested(), both_insert(), modify_delete(), large(), strange(), wide()];
    for question in &all {
        for columns in [0, 1, 2, 3, 7, 13, 16, 20, 25, 39, 40, 41, 79, 99, 100, 101] {
            for rows in [0, 1, 2, 5, 11, 12, 24, 300] {
                let view =
                    View::new(&coloured(), columns, rows, question, Some("a message that is long enough to fold"));
                for scroll in [0, 1, view.furthest(), usize::MAX] {
                    assert_eq!(view.frame(scroll).len(), rows, "{columns}x{rows}");
                }
                let frame = view.frame(0);
                // A number and a sign are not cut below a certain width.
                assert!(columns < 16 || fits(&frame, columns, rows), "{columns}x{rows}\n{}", frame.join("\n"));
            }
        }
    }
}

#[test]
fn a_tiny_screen_still_shows_the_keys() {
    let frame = View::new(&plain(), 20, 5, &suggested(), None).frame(0);
    assert!(fits(&frame, 20, 5));
    assert_eq!(frame[0], "kubeflow     3/7 2/5");
    assert_eq!(frame[3..], ["s p u b e m c d l a", "?"]);
}

#[test]
fn the_topmost_row_says_whose_it_is() {
    let frame = View::new(&plain(), 80, 24, &large(), None).frame(30);
    assert!(frame[6].starts_with("base      125"), "{}", frame[6]);
}
