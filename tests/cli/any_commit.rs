//! Commits of any author, date and message become patch files that read back, that `verify --canonical` is content with, and
//! that `git am` takes.

use super::support::{Env, PATCHES, in_both_worlds, put};

/// What a commit says.
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

/// A checkout whose queue is in canonical form.
fn ready(env: &Env) {
    env.ready();
    env.patchq(&["verify", "--canonical", "--fix"]).ok();
}

/// Makes commits on top of the checkout's stack, each with a file of its own.
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

/// Exports the commits; everything is in order then. The names of the new patch files.
fn exported(env: &Env) -> Vec<String> {
    env.patchq(&["export"]).ok();
    env.changes_nothing(&["export"]).ok().says("nothing to export");
    env.changes_nothing(&["setup"]).ok().says("up to date");
    env.patchq(&["verify", "--canonical", "--strict"]).ok();
    are_sound(env);
    env.queue().into_iter().filter(|name| !PATCHES.contains(&name.as_str())).collect()
}

/// Git finds nothing wrong with the stack's commits, and can show them. (Those that were exported stay in the store for
/// `undo`, as damaged as they are.)
fn are_sound(env: &Env) {
    let commits = env.git(&env.co(), &["rev-list", "refs/patchq/base.."]);
    let run = env.try_git(&env.co(), &["fsck", "--strict", "--no-dangling"]);
    let wrong = commits.lines().find(|id| run.stdout.contains(*id) || run.stderr.contains(*id));
    assert_eq!(wrong, None, "{}", run.shown());
    env.git(&env.co(), &["log", "--format=%an %ae %ad %cd %B", "refs/patchq/base.."]);
}

/// Author and message of HEAD and the `count - 1` commits before it, the oldest first.
fn said(env: &Env, count: usize) -> Vec<(String, String)> {
    let objects = (0..count).rev().map(|back| env.git(&env.co(), &["cat-file", "commit", &format!("HEAD~{back}")]));
    let said = objects.map(|object| {
        let (head, message) = object.split_once("\n\n").unwrap_or((&object, ""));
        let author = head.lines().find_map(|line| line.strip_prefix("author ")).unwrap();
        (author.to_owned(), message.trim_end().to_owned())
    });
    said.collect()
}

/// Takes the patch files with `git am` from where the queue's own patches end, and leaves the checkout there.
fn am(env: &Env, files: &[String]) -> Vec<(String, String)> {
    env.git(&env.co(), &["switch", "-q", "--detach", &format!("HEAD~{}", files.len())]);
    let files: Vec<String> =
        files.iter().map(|name| env.path("ws/patches/up").join(name).display().to_string()).collect();
    let words = ["am", "-q", "--keep-cr", "--keep-non-patch", "--no-3way"].map(str::to_owned);
    env.git(&env.co(), &[&words[..], &files].concat());
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
            // An address with a blank is cut by 'git am'.
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
