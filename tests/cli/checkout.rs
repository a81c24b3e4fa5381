//! Unusual trees of upstream, and unusual files of users beside them, which commands must handle.

use std::fs;

use super::refresh::bench::{Bench, TRACK};
use super::support::{in_both_worlds, put};

in_both_worlds! {
    fn names_that_differ_by_case_or_form_stand_side_by_side_where_the_file_system_has_both(env) {
        let names = ["net/xt_TCPMSS.h", "net/xt_tcpmss.h", "caf\u{e9}", "cafe\u{301}"];
        let files: Vec<(&str, Option<&str>)> = names.iter().map(|name| (*name, Some(*name))).collect();
        let bench = Bench::new(env, &files);
        let patch = bench.patch("More", &[("net/xt_TCPMSS.h", Some("more\n"))]);
        bench.ready(TRACK, &[patch]);
        assert_eq!(env.read("ws/up/net/xt_TCPMSS.h"), "more\n");
        for name in &names[1..] {
            assert_eq!(env.read(&format!("ws/up/{name}")), *name);
        }
        assert_eq!(env.git(&env.co(), &["status", "--porcelain", "-uall"]), "");
        assert!(!env.exists("ws/up/.patchq-probe"));
    }

    fn files_of_another_encoding_stay_as_stored_and_git_works_beside_them(env) {
        let attributes = "*.u16 working-tree-encoding=UTF-16LE\n*.lat working-tree-encoding=ISO-8859-1\n";
        let files = [(".gitattributes", attributes), ("a.u16", "h\0i\0!\0"), ("b.lat", "Stra\u{df}e\n"), ("c.txt", "c\n")];
        let bench = Bench::new(env, &files.map(|(path, text)| (path, Some(text))));
        bench.workspace(TRACK, &[]);
        env.patchq(&["setup"]).ok().says("2 files with the attribute 'working-tree-encoding' stay as stored");
        assert_eq!(env.read("ws/up/a.u16"), "hi!");
        for name in ["a.u16", "b.lat"] {
            // git must read the content again.
            let text = fs::read(env.co().join(name)).unwrap();
            fs::remove_file(env.co().join(name)).unwrap();
            put(&env.co().join(name), text);
        }
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        put(&env.co().join("c.txt"), "stashed\n");
        env.git(&env.co(), &["stash", "-q"]);
        put(&env.co().join("c.txt"), "more\n");
        env.git(&env.co(), &["commit", "-q", "-a", "-m", "More"]);
        env.patchq(&["export"]).ok();
        let patch = env.read("ws/patches/up/0001-more.patch");
        assert!(patch.contains("+more") && !patch.contains("a.u16") && !patch.contains("b.lat"), "{patch}");
        // A file that comes later is treated in the same way, and each write reports it.
        bench.release("v1.1", &[("new.u16", Some("n\0"))]);
        bench.publish();
        env.patchq(&["refresh"]).ok();
        assert_eq!(env.git(&env.co(), &["status", "--porcelain"]), "");
        fs::remove_dir_all(env.co()).unwrap();
        env.patchq(&["setup"]).ok().says("3 files with the attribute 'working-tree-encoding'");
    }

    fn a_pattern_of_many_stars_holds_nothing_up(env) {
        let ignore = format!("{}b\n", "*a".repeat(40));
        let bench = Bench::new(env, &[(".gitignore", Some(&ignore)), ("a.txt", Some("a\n"))]);
        bench.ready(TRACK, &[]);
        put(&env.co().join("a".repeat(200)), "new\n");
        env.patchq(&["status"]).ok();
        env.patchq(&["save", "-m", "Add a file"]).ok();
        assert!(env.read("ws/patches/up/0001-add-a-file.patch").contains("+new"));
    }

    fn a_large_file_is_put_away_piece_by_piece_and_comes_back(env) {
        const SIZE: u64 = 200 << 20;
        env.ready();
        let large = env.co().join("large.img");
        put(&large, "begins\n");
        fs::OpenOptions::new().write(true).open(&large).unwrap().set_len(SIZE).unwrap();
        put(&env.co().join("small.txt"), "small\n");
        // In kilobytes: the file does not fit twice.
        let limited = "ulimit -v 400000 && cd ws && \"$PATCHQ\" setup --discard";
        env.shell(&["sh", "-c", limited], &[]).ok().says("2 uncommitted changes");
        assert!(!large.exists() && !env.exists("ws/up/small.txt"));
        env.patchq(&["undo"]).ok();
        let back = fs::read(&large).unwrap();
        assert!(back.starts_with(b"begins\n") && back.len() as u64 == SIZE && back[7..] == vec![0; back.len() - 7]);
        assert_eq!(env.read("ws/up/small.txt"), "small\n");
    }
}
