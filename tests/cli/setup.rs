//! `patchq setup`.

use super::support::{assert_same, in_both_worlds};

in_both_worlds! {
    fn makes_a_checkout_that_plain_git_likes(env) {
        let up = env.workspace();
        let before = env.git(&env.ws(), &["status", "--porcelain"]);
        env.patchq(&["setup", "."]).ok().says("3 patches").says("lib/util.py");
        let git = |args: &[&str]| env.git(&env.co(), args);
        assert_eq!(git(&["status", "--porcelain", "-uall"]), "");
        assert_eq!(git(&["sparse-checkout", "list"]), "/app/\n/docs/\n/lib/util.py");
        assert_eq!(git(&["log", "--format=%s"]), "Answer in capitals\nPin the requirements\nBuild on bullseye\nThe first release");
        assert_eq!(git(&["rev-parse", "HEAD~3"]), up.pin);
        assert_eq!(git(&["rev-parse", "--abbrev-ref", "HEAD"]), "patchq");
        assert!(git(&["describe", "--tags"]).starts_with("v1.0-3-g"));
        git(&["fsck", "--connectivity-only"]);
        git(&["sparse-checkout", "reapply"]);
        assert_eq!(git(&["status", "--porcelain", "-uall"]), "");
        assert_eq!(env.read("ws/up/version.txt"), "v1.0\n");
        assert!(env.read("ws/up/app/Dockerfile").starts_with("FROM python:3.8-bullseye\n"));
        assert!(!env.exists("ws/up/lib/more.py") && !env.exists("ws/up/other"));
        assert_eq!(env.git(&env.ws(), &["status", "--porcelain"]), before);
    }

    fn twice_changes_nothing(env) {
        env.ready();
        let before = env.state();
        env.patchq(&["setup"]).ok().says("up to date");
        env.patchq(&["apply"]).ok().says("up to date");
        env.patchq(&["export"]).ok().says("nothing to export");
        let after = env.state();
        assert_same(&before.0, &after.0, "after setup, apply and export");
        assert_eq!(before.1, after.1);
    }
}
