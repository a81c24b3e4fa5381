//! Commits with any author, date and message become patch files that can be parsed again, that `verify --canonical`
//! accepts, and that `git am` applies.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::support::{Env, PATCHES, in_both_worlds, put};

/// The texts of a commit.
#[derive(Debug, Clone)]
struct Said {
    name: Vec<u8>,
    email: Vec<u8>,
    /// Seconds and zone, as a commit object has them.
    date: String,
    message: Vec<u8>,
    /// A line of the commit object that names the encoding; may be empty.
    encoding: &'static str,
}

impl Said {
    fn new(name: &str, email: &str, date: &str, message: &str) -> Said {
        let (name, email, message) = (name.into(), email.into(), message.into());
        Said { name, email, date: date.to_owned(), message, encoding: "" }
    }
}

/// Makes a checkout whose queue is in canonical form.
fn ready(env: &Env) {
    env.ready();
    env.patchq(&["verify", "--canonical", "--fix"]).ok();
}

/// Makes commits on top of the checkout's stack, each with its own file.
fn commit_all(env: &Env, all: &[Said]) {
    for (count, said) in all.iter().enumerate() {
        put(&env.co().join(format!("docs/any-{count}.md")), format!("{count}\n"));
        env.git(&env.co(), &["add", "-A"]);
        let (tree, parent) = (env.git(&env.co(), &["write-tree"]), env.git(&env.co(), &["rev-parse", "HEAD"]));
        let head = format!("tree {tree}\nparent {parent}\nauthor ");
        let tail =
            format!("> {}\ncommitter Keeper <keeper@example.org> 1700000000 +0000\n{}\n", said.date, said.encoding);
        let object = [head.as_bytes(), &said.name, b" <", &said.email, tail.as_bytes(), &said.message].concat();
        env.write("object", object);
        let file = env.path("object").display().to_string();
        let id = env.git(&env.co(), &["hash-object", "-t", "commit", "-w", "--literally", &file]);
        env.git(&env.co(), &["update-ref", "refs/heads/patchq", &id]);
    }
}

/// Exports the commits and checks that everything is in order. Returns the names of the new patch files.
fn exported(env: &Env) -> Vec<String> {
    env.patchq(&["export"]).ok();
    env.changes_nothing(&["export"]).ok().says("nothing to export");
    env.changes_nothing(&["setup"]).ok().says("up to date");
    env.patchq(&["verify", "--canonical", "--strict"]).ok();
    are_sound(env);
    env.queue().into_iter().filter(|name| !PATCHES.contains(&name.as_str())).collect()
}

/// Checks that git finds no errors in the stack's commits, and can show them. (The exported originals stay in the store
/// for `undo`, with their errors.)
fn are_sound(env: &Env) {
    let commits = env.git(&env.co(), &["rev-list", "refs/patchq/base.."]);
    let run = env.try_git(&env.co(), &["fsck", "--strict", "--no-dangling"]);
    let wrong = commits.lines().find(|id| run.stdout.contains(*id) || run.stderr.contains(*id));
    assert_eq!(wrong, None, "{}", run.shown());
    env.git(&env.co(), &["log", "--format=%an %ae %ad %cd %B", "refs/patchq/base.."]);
}

/// Returns author and message of HEAD and the `count - 1` commits before it, the oldest first.
fn said(env: &Env, count: usize) -> Vec<(String, String)> {
    let objects = (0..count).rev().map(|back| env.git(&env.co(), &["cat-file", "commit", &format!("HEAD~{back}")]));
    let said = objects.map(|object| {
        let (head, message) = object.split_once("\n\n").unwrap_or((&object, ""));
        let author = head.lines().find_map(|line| line.strip_prefix("author ")).unwrap();
        (author.to_owned(), message.trim_end().to_owned())
    });
    said.collect()
}

/// Applies the patch files with `git am` after the queue's own patches, and leaves the checkout there.
fn am(env: &Env, files: &[String]) -> Vec<(String, String)> {
    env.git(&env.co(), &["switch", "-q", "--detach", &format!("HEAD~{}", files.len())]);
    let files: Vec<String> =
        files.iter().map(|name| env.path("ws/patches/up").join(name).display().to_string()).collect();
    let words = ["am", "-q", "--keep-cr", "--keep-non-patch", "--no-3way"].map(str::to_owned);
    let run = env.try_git(&env.co(), &[&words[..], &files].concat());
    if run.code != Some(0) {
        let state = env.git(&env.co(), &["rev-parse", "--path-format=absolute", "--git-path", "rebase-apply/next"]);
        let next = std::fs::read_to_string(state).unwrap_or_default();
        let file = next.trim().parse::<usize>().ok().and_then(|next| files.get(next - 1));
        let text = file.map(|file| String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned());
        panic!("{}\n{}", run.shown(), text.unwrap_or_default());
    }
    let made = said(env, files.len());
    are_sound(env);
    let tree = env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]);
    env.git(&env.co(), &["switch", "-q", "patchq"]);
    assert_eq!(env.git(&env.co(), &["rev-parse", "HEAD^{tree}"]), tree);
    made
}

in_both_worlds! {
    fn what_git_calls_damaged_becomes_the_nearest_that_it_takes(env) {
        ready(env);
        let kept = "Joe <joe@x> 1700000000 +0530";
        let joe = |date: &str| Said::new("Joe", "joe@x", date, "Something\n");
        let message = |message: &str| Said::new("Joe", "joe@x", "1700000000 +0530", message);
        let by = |name: &str, email: &str| Said::new(name, email, "1700000000 +0530", "Something\n");
        let long = "x".repeat(70);
        let all = [
            (joe("-5 +0000"), "Joe <joe@x> 0 +0000", "Something"),
            (joe("-62000000000 +0100"), "Joe <joe@x> 0 +0100", "Something"),
            (joe("5 -0500"), "Joe <joe@x> 5 +0000", "Something"),
            (joe("1700000000 +9999"), "Joe <joe@x> 1700000000 +0000", "Something"),
            (joe("4102444800 -0330"), "Joe <joe@x> 4102444800 -0330", "Something"),
            (joe("99999999999999 +0000"), "Joe <joe@x> 99999999999999 +0000", "Something"),
            (by("", "joe@x"), "joe@x <joe@x> 1700000000 +0530", "Something"),
            (by("...", "joe@x"), "... <joe@x> 1700000000 +0530", "Something"),
            (by(";", ""), "patchq <patchq@patchq.invalid> 1700000000 +0530", "Something"),
            (by("J. R. Doe, Jr.", "joe@x"), "J. R. Doe, Jr. <joe@x> 1700000000 +0530", "Something"),
            (by("A", "<b> <c@d"), "A <b c@d> 1700000000 +0530", "Something"),
            (by("Joe", ""), "Joe <> 1700000000 +0530", "Something"),
            (message(""), kept, "patch"),
            (message("\n\n \n"), kept, "patch"),
            (message(&format!("{long} and more\n")), kept, &format!("{long} and more")),
            (message("  led by blanks\n"), kept, "led by blanks"),
        ];
        let commits: Vec<Said> = all.iter().map(|(said, ..)| said.clone()).collect();
        commit_all(env, &commits);
        let files = exported(env);
        assert_eq!(files.len(), all.len());
        for (found, (_, author, message)) in said(env, all.len()).iter().zip(&all) {
            assert_eq!((found.0.as_str(), found.1.as_str()), (*author, *message));
        }
        let before = said(env, all.len());
        for ((found, made), author) in am(env, &files).iter().zip(before).zip(all.iter().map(|(_, author, _)| author)) {
            // 'git am' cuts an address that contains a blank.
            if !author.contains("<b c@d>") {
                assert_eq!(*found, made);
            }
        }
    }

    fn texts_in_other_character_sets_become_utf8(env) {
        ready(env);
        let latin = Said { encoding: "encoding ISO-8859-1\n", ..Said::new("", "joe@x", "1700000000 +0000", "") };
        let raw = Said { encoding: "", ..latin.clone() };
        let texts = |said: Said| Said { name: b"J\xe4ne".into(), message: b"F\xfcr alle\n\nK\xf6rper\n".into(), ..said };
        commit_all(env, &[texts(latin), texts(raw)]);
        let files = exported(env);
        for found in said(env, 2) {
            assert_eq!(found, ("Jäne <joe@x> 1700000000 +0000".to_owned(), "Für alle\n\nKörper".to_owned()));
        }
        assert!(env.read(&format!("ws/patches/up/{}", files[0])).contains("charset=UTF-8\n"));
        assert_eq!(am(env, &files), said(env, 2));
    }

    fn a_mail_and_a_dep3_header_in_latin_1(env) {
        env.workspace();
        let diff = |name: &str| format!("--- /dev/null\n+++ b/docs/{name}\n@@ -0,0 +1 @@\n+x\n").into_bytes();
        let mail = b"From: =?UTF-8?q?J=C3=A4ne?= <j@x>\nDate: Fri, 5 Jan 2024 03:04:05 +0000\nSubject: [PATCH] x\n\nK\xf6rper\n---\n\n";
        let dep3 = b"Description: F\xfcr alle\nAuthor: J\xe4ne <j@x>\nLast-Update: 2024-01-05\n\n";
        env.write("ws/patches/up/0004-mail.patch", [mail.as_slice(), &diff("mail")].concat());
        env.write("ws/patches/up/0005-dep3.patch", [dep3.as_slice(), &diff("dep3")].concat());
        env.patchq(&["setup"]).ok();
        let objects = || [1, 0].map(|back| env.git(&env.co(), &["cat-file", "commit", &format!("HEAD~{back}")]));
        let is_utf8 = |objects: &[String; 2]| {
            for object in objects {
                assert!(object.contains("author Jäne <j@x> ") && !object.contains("\nencoding "), "{object}");
            }
            assert!(objects[0].ends_with("\n\nx\n\nKörper") && objects[1].ends_with("\n\nFür alle"), "{objects:?}");
        };
        is_utf8(&objects());
        env.changes_nothing(&["export"]).ok().says("nothing to export");
        env.patchq(&["verify", "--canonical", "--fix"]).ok();
        env.patchq(&["verify", "--canonical", "--strict"]).ok();
        is_utf8(&objects());
        let text = env.read("ws/patches/up/0004-mail.patch");
        assert!(text.contains("From: =?UTF-8?q?J=C3=A4ne?= <j@x>\n") && text.contains("\nKörper\n"), "{text}");
    }
}

/// Characters of names and messages: plain ones, those with a meaning in mails, and some that are not ASCII.
const NAME: &str = "[a-zA-Z .,;:()\"'\\\\=?_\\[\\]@#&/+\t\u{1b}\u{7f}äßé日\u{301}-]{0,20}";

fn name() -> impl Strategy<Value = String> {
    prop_oneof![4 => NAME, 1 => "[A-Za-z ]{1,90}", 1 => "[äö ]{1,40}", 1 => Just("=?UTF-8?q?J=C3=B6?=".to_owned())]
}

/// Addresses without `=?`: a mail cannot have them, because readers take it as an encoded word.
fn email() -> impl Strategy<Value = String> {
    let any =
        prop_oneof![4 => "[a-z0-9.+_-]{1,12}@[a-z.]{1,12}", 1 => "[!-;=?-~ä]{0,30}", 1 => "[a-z]{1,60}@[a-z]{1,60}"];
    any.prop_map(|email| email.replace("=?", "="))
}

/// Makes seconds and zone that git accepts.
fn date() -> impl Strategy<Value = String> {
    let seconds = prop_oneof![4 => 0..4_000_000_000_i64, 1 => 0..100_000_i64, 1 => 4_000_000_000..400_000_000_000_i64];
    (seconds, prop_oneof![4 => -1200..1400_i32, 1 => -9999..=9999_i32])
        .prop_map(|(seconds, zone)| format!("{seconds} {}{:04}", if zone < 0 { '-' } else { '+' }, zone.abs()))
}

/// Makes lines with a meaning in mails and patches, and others.
fn line() -> impl Strategy<Value = String> {
    let meaning: Vec<&str> = vec![
        "",
        "",
        "",
        " ",
        "---",
        "--- a/x",
        "+++ b/x",
        "@@ -1,9 +1,9 @@",
        "@@ -1 +1 @@",
        "diff --git a/x b/x",
        "diff -u x y",
        "index 1..2 100644",
        "Index: x",
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001",
        "From x 1:23:45 2001",
        ">From x Mon Sep 17 00:00:00 2001",
        "From: Joe <joe@x>",
        "Date: never",
        "Subject: other",
        "[PATCH] x",
        "[PATCH 1/2] Re: x",
        "[fix] x",
        "Re: x",
        "RE: [PATCH] y",
        ": x",
        "[x",
        "-- ",
        "--",
        "---- x",
        " ---",
        "-- >8 --",
        "Signed-off-by: Joe <joe@x>",
        "CVE: CVE-2024-1",
        "Content-Type: text/plain; charset=koi8-r",
        "MIME-Version: 1.0",
        "GIT binary patch",
        "Binary files a/x and b/x differ",
        "new file mode 100644",
        "~~~",
        "\t",
        " x | 2 +-",
        " 1 file changed, 1 insertion(+)",
        "=?utf-8?q?=C3=B6?=",
        "rename from x",
        "# a comment",
        "* * *",
    ];
    prop_oneof![
        3 => proptest::sample::select(meaning).prop_map(str::to_owned),
        3 => "[ -~]{0,60}",
        2 => "[a-zäö日\t ]{0,120}",
        1 => "[a-z]{62,100}( {1,3}[a-z]{1,100}){0,4}",
    ]
}

fn said_by_anyone() -> impl Strategy<Value = Said> {
    let message = proptest::collection::vec(line(), 0..10).prop_map(|lines| lines.join("\n"));
    (name(), email(), date(), message)
        .prop_map(|(name, email, date, message)| Said::new(&name, &email, &date, &message))
}

/// Returns the author that `git am --keep-non-patch` makes; docs/patch-format.md has the rules. `None`: unknown.
fn author_by_am(author: &str) -> Option<String> {
    let (name, rest) = author.split_once(" <")?;
    let (email, date) = rest.split_once("> ")?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"@.+_-".contains(&byte);
    if name.contains(['@', '"', '\\', '(', ')']) || !email.contains('@') || !email.bytes().all(plain) {
        return None;
    }
    let name = name.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let name = if name.len() > 60 { email } else { &name };
    Some(format!("{name} <{email}> {date}"))
}

/// Returns the message that it makes.
fn message_by_am(message: &str) -> String {
    let (subject, body) = message.split_once("\n\n").unwrap_or((message, ""));
    let mut subject = subject.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let mut kept = String::new();
    loop {
        let rest = subject.trim_start_matches([' ', ':']);
        let bracket = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        subject = match bracket {
            _ if rest.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("re:")) => rest[3..].to_owned(),
            Some((bracket, after)) => {
                if !bracket.contains("PATCH") {
                    kept.push_str(&format!("[{bracket}]{}", if after.starts_with(' ') { " " } else { "" }));
                }
                after.to_owned()
            }
            None => break kept.push_str(rest),
        };
    }
    let whole = format!("{}\n\n{body}", kept.trim());
    let mut lines: Vec<&str> = whole.lines().map(|line| line.trim_end_matches([' ', '\t'])).collect();
    lines.dedup_by(|a, b| a.is_empty() && b.is_empty());
    lines.join("\n").trim_matches('\n').to_owned()
}

#[test]
fn commits_of_anyone_go_out_and_come_back() {
    let mut config = Config { failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 2;
    }
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&proptest::collection::vec(said_by_anyone(), 16), |all| {
        let env = Env::new();
        ready(&env);
        commit_all(&env, &all);
        let files = exported(&env);
        assert_eq!(files.len(), all.len());
        let made = said(&env, all.len());
        let mut others = Vec::new();
        for (found, made) in am(&env, &files).iter().zip(&made) {
            let author = author_by_am(&made.0).unwrap_or_else(|| found.0.clone());
            let want = (author, message_by_am(&made.1));
            if *found != want {
                others.push(format!("{made:#?}\nshould be {want:#?}\nand is {found:#?}"));
            }
        }
        assert!(others.is_empty(), "'git am' makes others of them:\n{}", others.join("\n\n"));
        Ok(())
    });
    assert!(result.is_ok(), "a case failed: what was wrong stands above");
}
