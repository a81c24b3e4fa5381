//! Files that are larger than their limit, and things that are not files: each gets one clear error at once.

use std::fs::File;
use std::path::Path;

use crate::support::Env;

/// Makes a sparse file of ten gigabytes.
fn huge(env: &Env, below: &str) {
    let path = env.path(below);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().set_len(10 << 30).unwrap();
}

/// Makes a pipe in place of a file, into which nothing is written.
fn pipe(env: &Env, below: &str) {
    let path = env.path(below);
    let _ = std::fs::remove_file(&path);
    env.shell(&["mkfifo", path.to_str().unwrap()], &[]).ok();
}

fn endless(env: &Env, below: &str) {
    let path = env.path(below);
    let _ = std::fs::remove_file(&path);
    std::os::unix::fs::symlink(Path::new("/dev/zero"), path).unwrap();
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    type Row = (fn(&Env, &str), &'static str, &'static str);
    let rows: [Row; 4] = [
        (pipe, "commits/up.txt", "commits/up.txt is not a regular file"),
        (endless, "commits/up.version.txt", "commits/up.version.txt is a symlink"),
        (pipe, "patches/up/series", "patches/up/series is not a regular file"),
        (endless, "upstreams.toml", "upstreams.toml is a symlink"),
    ];
    for (make, file, says) in rows {
        let env = Env::new();
        env.ready();
        make(&env, &format!("ws/{file}"));
        env.patchq(&["setup"]).exits(1).one_error().says(says);
    }
}

#[test]
fn what_is_larger_than_any_of_its_kind_is_not_read() {
    let rows: [(&str, &[&str], i32, &str); 8] = [
        ("commits/up.txt", &["setup"], 1, "commits/up.txt is larger than 65536 bytes"),
        ("commits/up.version.txt", &["tag"], 1, "commits/up.version.txt is larger than 65536 bytes"),
        ("patches/up/series", &["setup"], 1, "patches/up/series is larger than 4194304 bytes"),
        ("patches/up/0004-x.patch", &["setup"], 1, "patches/up/0004-x.patch is larger than 1073741824 bytes"),
        (".gitignore", &["verify"], 1, ".gitignore is larger than 4194304 bytes"),
        ("upstreams.toml", &["status"], 1, "upstreams.toml is larger than 4194304 bytes"),
        ("sessions/up.toml", &["refresh", "--continue"], 1, "sessions/up.toml: it is larger than 16777216 bytes"),
        (
            "../commit",
            &["import", "x", "../x.patch", "--url", "../up.git", "--commit-file", "../commit"],
            1,
            "../commit is larger than 65536 bytes",
        ),
    ];
    for (file, args, code, says) in rows {
        let env = Env::new();
        env.ready();
        env.write("x.patch", "--- a/app/main.py\n+++ b/app/main.py\n@@ -1 +1 @@\n-x\n+y\n");
        huge(&env, &format!("ws/{file}"));
        env.patchq(args).exits(code).one_error().says(says);
        let document = env.patchq(&[args, &["--json"]].concat()).exits(code).json();
        assert!(document["error"]["message"].as_str().unwrap().contains(says), "{document}");
    }
}

#[test]
fn a_session_of_any_size_is_given_up() {
    let env = Env::new();
    env.ready();
    env.write("ws/sessions/up.toml", vec![b'#'; 17 << 20]);
    env.patchq(&["refresh", "--continue"]).exits(1).one_error().hints("patchq refresh up --abort");
    env.patchq(&["refresh", "--abort"]).ok();
    assert!(!env.exists("ws/sessions/up.toml"));
}

#[test]
fn a_resolution_of_any_size_is_a_warning() {
    let env = Env::new();
    env.ready();
    let manifest = env.read("ws/upstreams.toml");
    env.write("ws/upstreams.toml", format!("{manifest}remember = \"shared\"\n"));
    huge(&env, "ws/resolutions/up/0123456789abcdef-01234567.toml");
    env.patchq(&["resolutions", "list"]).ok().says("it is larger than 1048576 bytes");
}
