//! Any text in any field of a session: it is always only text on the screen, in the report and in the log, and nothing
//! is published that the screen did not show.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{ENTRY, LAST, refresh};
use crate::hostile::{HOSTILE, assert_only_text, only_text};
use crate::refresh::bench::{Bench, LINES, with};
use crate::support::Env;

const FILE: &str = "ws/sessions/up.toml";
const CASES: u32 = 24;

/// Makes a session in which everything is decided: lines, a file as a whole, and a dropped patch.
fn decided(env: &Env) {
    let files = [("a.txt", Some(LINES)), ("b.txt", Some("b\n")), ("c.txt", Some(LINES))];
    let bench = Bench::new(env, &files);
    let queue = [
        bench.patch("Shout five", &[("a.txt", Some(&with("five", "FIVE")))]),
        bench.patch("Change b", &[("b.txt", Some("B\n"))]),
        bench.patch("Shout two", &[("c.txt", Some(&with("two", "TWO")))]),
    ];
    let french = [with("five", "cinq"), with("two", "deux")];
    bench.release("v1.1", &[("a.txt", Some(&french[0])), ("b.txt", None), ("c.txt", Some(&french[1]))]);
    bench.ready(ENTRY, &queue);
    let mut terminal = refresh(env);
    terminal.answer("a.txt:5", "p").answer("b.txt", "p").answer("c.txt:2", "d").answer("why?", "no need\r");
    terminal.answer(LAST, "n");
    terminal.end().exits(1);
}

/// Returns texts that an attacker might write, and others.
fn text() -> impl Strategy<Value = String> {
    let known = [
        "hand",
        "patch",
        "remembered",
        "superset",
        "session",
        "the patch's lines",
        "x` @all `",
        "``",
        "\n# pwned\n",
        "'",
        "</summary>",
    ];
    let piece = prop_oneof![
        Just(HOSTILE.to_owned()),
        proptest::sample::select(known.to_vec()).prop_map(str::to_owned),
        Just("\n::error::x\n".to_owned()),
        ".{0,8}",
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat())
}

/// Returns a basic string of TOML.
fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect();
    format!("\"{escaped}\"")
}

/// Returns the session with another value in some of its places: those that contain a string, in a list or alone.
fn changed(good: &str, places: &[(prop::sample::Index, String)]) -> String {
    let mut lines: Vec<String> = good.lines().map(str::to_owned).collect();
    let has_string = |line: &String| line.contains('"') && !line.starts_with(['#', '[']);
    let mut strings: Vec<usize> = (0..lines.len()).filter(|n| has_string(&lines[*n])).collect();
    // Most other places refuse most texts; reasons and decided lines are where one can be accepted.
    let is_free = |line: &String| ["reason", "text", "why"].iter().any(|key| line.trim_start().starts_with(key));
    let free: Vec<usize> = strings.iter().copied().filter(|n| is_free(&lines[*n])).collect();
    strings.extend(free.iter().cycle().take(2 * strings.len()));
    for (place, text) in places {
        let line = &mut lines[*place.get(&strings)];
        let (start, end) = (line.find('"').unwrap(), line.rfind('"').unwrap());
        // Half of the time the value is replaced, half of the time only the text after it.
        let text =
            if text.len() % 2 == 0 { quoted(text) } else { format!("{}{}", &line[start..end], &quoted(text)[1..]) };
        *line = format!("{}{text}{}", &line[..start], &line[end + 1..]);
    }
    lines.join("\n") + "\n"
}

/// Returns the lines that the queue's patches add.
fn added(env: &Env) -> BTreeSet<String> {
    let names = env.queue();
    let texts = names.iter().map(|name| {
        String::from_utf8_lossy(&std::fs::read(env.path(format!("ws/patches/up/{name}"))).unwrap()).into_owned()
    });
    let lines = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
    lines.filter(|line| line.starts_with('+') && !line.starts_with("+++")).map(|line| line[1..].to_owned()).collect()
}

/// Checks that no text in the Markdown ends its span or fence: outside of them there is only text by patchq.
fn assert_inside(report: &str) {
    let mut fence: Option<String> = None;
    for line in report.lines() {
        match &fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if line.starts_with("```") => {
                fence = Some("`".repeat(line.len() - line.trim_start_matches('`').len()));
            }
            None => {
                let mut outside = String::new();
                let mut rest = line;
                while let Some(at) = rest.find('`') {
                    outside.push_str(&rest[..at]);
                    let run = rest[at..].len() - rest[at..].trim_start_matches('`').len();
                    let behind = &rest[at + run..];
                    let Some(end) = closing(behind, run) else { panic!("an open span: {line}\n{report}") };
                    rest = &behind[end + run..];
                }
                outside.push_str(rest);
                assert!(
                    !outside.contains('@') && !outside.contains("pwned") && !outside.starts_with("# p"),
                    "{line}\n{report}"
                );
            }
        }
    }
    assert_eq!(fence, None, "{report}");
}

/// Returns where a run of exactly this many backticks begins.
fn closing(text: &str, run: usize) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        let start = at + found;
        let length = text[start..].len() - text[start..].trim_start_matches('`').len();
        if length == run {
            return Some(start);
        }
        at = start + length;
    }
    None
}

#[test]
fn any_text_in_any_field_is_text_and_nothing_is_published_unseen() {
    let env = Env::new();
    decided(&env);
    let good = env.read(FILE);
    let (pin, version, manifest) =
        (env.read("ws/commits/up.txt"), env.read("ws/commits/up.version.txt"), env.read("ws/upstreams.toml"));
    let before = added(&env);
    let published = std::cell::Cell::new(0);
    // The same texts each time: with others it could be that none is published.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let config = Config { cases: CASES, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, rng);
    let places = proptest::collection::vec((any::<prop::sample::Index>(), text()), 1..3);
    let check = |places: &[(prop::sample::Index, String)]| -> bool {
        env.write(FILE, changed(&good, places));
        only_text(env.patchq(&["status"]));
        only_text(env.patchq(&["verify"]));
        let run = only_text(env.patchq(&["refresh", "--continue"]));
        assert!([Some(0), Some(1), Some(3)].contains(&run.code), "{}", run.shown());
        let moved = env.read("ws/commits/up.txt") != pin;
        assert_eq!(moved, run.code == Some(0), "{}", run.shown());
        if moved {
            assert_eq!(env.read("ws/commits/up.version.txt"), "v1.1\n", "{}", run.shown());
            for line in added(&env).difference(&before) {
                let shown: String = patchq::path::on_screen(&patchq::path::printable_line(line.as_bytes()), false);
                assert!(run.stdout.contains(shown.trim_end()), "{line:?} was not shown\n{}", run.shown());
            }
            only_text(env.patchq(&["undo"]).ok());
        } else {
            assert_eq!(added(&env), before);
        }
        assert_eq!(
            (env.read("ws/commits/up.txt"), env.read("ws/commits/up.version.txt")),
            (pin.clone(), version.clone())
        );
        assert_eq!(env.read("ws/upstreams.toml"), manifest);
        let run = only_text(env.patchq(&["refresh", "--continue", "--report", "-"]));
        if run.code != Some(1) {
            assert_inside(&run.stdout);
            assert_only_text("the report", &run.stdout);
        }
        if run.code == Some(0) {
            env.patchq(&["undo"]).ok();
        }
        moved
    };
    check(&[]);
    let outcome = runner.run(&places, |places| {
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&places)));
        match worked {
            Ok(moved) => published.set(published.get() + u32::from(moved)),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().cloned().unwrap_or_default();
                return Err(TestCaseError::fail(said));
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let published = published.get();
    assert!(published > 1, "{published} of {CASES} published: no test");
}
