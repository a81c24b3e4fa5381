//! Records of changes and of steps may come from others, in an archive: whatever they contain, they do not control a
//! screen, write only the upstream's files, and do not block the user forever.

use serde_json::{Value, json};

use super::support::{Env, put};

/// Returns a character that must not be shown: controls except the line end, and characters that move or hide text.
fn steers(text: &str) -> Option<char> {
    let odd = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
    };
    text.chars().find(|c| odd(*c))
}

/// Returns texts that someone might write in a record: some chosen, some random.
fn texts() -> Vec<String> {
    let mut all = vec![
        "\u{1b}[2J\u{1b}]0;gone\u{7}".to_owned(),
        "a\u{0}b\r\n\u{202e}cba\u{200b}".to_owned(),
        "::error::\n## heading @maintainers".to_owned(),
        "../../../etc/passwd".to_owned(),
        ".git/hooks/post-commit".to_owned(),
        ".github/workflows/ci.yml".to_owned(),
        "refs/heads/main".to_owned(),
        "x".repeat(100_000),
    ];
    let mut seed = 0x5eed_u64;
    for _ in 0..crate::shared::rounds(4) {
        let mut text = String::new();
        for _ in 0..24 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let code = u32::try_from(seed >> 40).unwrap() % if seed & 1 == 0 { 0x100 } else { 0x2_100 };
            text.extend(char::from_u32(code));
        }
        all.push(text);
    }
    all
}

/// Writes `text` at the place that `pointer` names; in a list as its only item.
fn with(record: &Value, pointer: &str, text: &str) -> Value {
    let mut record = record.clone();
    match record.pointer_mut(pointer) {
        Some(Value::Array(list)) => *list = vec![json!(text)],
        Some(value) => *value = json!(text),
        None => panic!("{pointer} is not in {record}"),
    }
    record
}

/// Replaces the record of the last change by `record`.
fn replace_last(env: &Env, record: &Value) {
    put(&env.path("record"), serde_json::to_vec(record).unwrap());
    let store = env.store();
    let script = r#"set -e
        export GIT_DIR="$STORE" GIT_CONFIG_GLOBAL=/dev/null
        ref=$(git for-each-ref --format='%(refname)' refs/patchq/undo | tail -n 1)
        blob=$(git hash-object -w --no-filters record)
        tree=$( (git ls-tree "$ref" | grep -v 'undo.json'; printf '100644 blob %s\tundo.json\n' "$blob") | git mktree)
        parents=$(git rev-list --parents -n 1 "$ref" | cut -d' ' -f2- | sed 's/[0-9a-f]\{40\}/-p &/g')
        export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x
        commit=$(git commit-tree $parents -m x "$tree")
        git update-ref "$ref" "$commit""#;
    env.shell(&["sh", "-c", script], &[("STORE", store.to_str().unwrap())]).ok();
}

#[test]
fn whatever_an_undo_record_says() {
    let model = Env::new();
    model.ready();
    put(&model.co().join("app/new.py"), "new\n");
    model.patchq(&["save", "up", "-m", "Why"]).ok();
    let shown = model.git(&model.co(), &["show", "refs/patchq/undo/000001:undo.json"]);
    let record: Value = serde_json::from_str(&shown).unwrap();
    let mut refused = 0;
    for pointer in ["/command", "/notes", "/files/0/path", "/refs/0/name", "/version", "/pin", "/branch/0"] {
        for text in texts() {
            replace_last(&model, &with(&record, pointer, &text));
            let before = model.state();
            let list = model.patchq(&["undo", "--list"]).ok();
            let env = model.twin();
            let undo = env.patchq(&["undo", "up"]);
            let json = env.patchq(&["undo", "--list", "--json"]);
            json.json();
            for run in [&list, &undo] {
                for out in [&run.stdout, &run.stderr] {
                    assert_eq!(steers(out), None, "{pointer} {text:?}: {}", run.shown());
                    assert!(out.len() < 20_000, "{pointer}: {} bytes", out.len());
                }
            }
            if undo.code == Some(1) {
                refused += 1;
                assert!(before == env.state(), "{pointer} {text:?}: {}", undo.shown());
                assert!(!env.exists("ws/.git/patchq/journal/up/step.json"), "{}", undo.shown());
            }
            assert!(!env.exists("ws/.github") && !env.exists("etc"), "{pointer} {text:?}");
        }
    }
    assert!(refused > 40, "{refused}");
}

#[test]
fn whatever_the_journal_of_a_step_says() {
    let model = Env::new();
    model.ready();
    put(&model.co().join("app/new.py"), "new\n");
    model.killed(&["save", "up", "-m", "Why"], "Committed");
    let journal = "ws/.git/patchq/journal/up/step.json";
    let record: Value = serde_json::from_str(&model.read(journal)).unwrap();
    for pointer in [
        "/kind",
        "/changes/0/path",
        "/changes/0/new",
        "/payload/refs/0/name",
        "/payload/checkout/0/reason",
        "/payload/checkout/0/version",
    ] {
        for text in texts() {
            let env = model.twin();
            env.write(journal, serde_json::to_vec(&with(&record, pointer, &text)).unwrap());
            for args in [&["status"][..], &["apply"], &["undo", "up"], &["export"]] {
                let run = env.patchq(args);
                for out in [&run.stdout, &run.stderr] {
                    assert_eq!(steers(out), None, "{pointer} {text:?}: {}", run.shown());
                    assert!(out.len() < 20_000, "{pointer}: {} bytes", out.len());
                }
            }
            assert!(!env.exists(journal), "{pointer} {text:?}: stuck");
            assert!(!env.exists("ws/.github") && !env.exists("etc"), "{pointer} {text:?}");
        }
    }
}
