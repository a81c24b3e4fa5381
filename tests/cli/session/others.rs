//! A session that a colleague continues, and decisions that the team shares.

use super::{ENTRY, LAST, decided, fifth, go_on, one, refresh, undo_and_give_up};
use crate::refresh::bench::assert_in_step;
use crate::refresh::conflicts::prepared;
use crate::support::{Env, in_both_worlds};

/// Makes the workspace of `env` a clone of itself: nothing of its old store is left.
fn clone(env: &Env) {
    env.git(&env.root, &["clone", "-q", "ws", "clone"]);
    std::fs::rename(env.path("ws"), env.path("old")).unwrap();
    std::fs::rename(env.path("clone"), env.path("ws")).unwrap();
}

in_both_worlds! {
    fn a_committed_session_is_gone_on_with_in_another_clone(env) {
        prepared(env);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:6", "b").answer("b.txt", "q");
        terminal.end().exits(3);
        env.commit_workspace("A refresh that waits");
        clone(env);
        env.patchq(&["status"]).ok().prints("to v1.1, 1 decided");
        env.patchq(&["setup"]).ok();
        let mut terminal = go_on(env);
        terminal.answer("b.txt", "u").answer("nothing is left of the patch after these decisions", "d").answer("why?", "\r").answer(LAST, "y");
        terminal.end().exits(0);
        let text = env.read("ws/up/a.txt");
        assert!(text.contains("four\nFIVE\ncinq\nsix\n") && text.contains("TEN"), "{text}");
        assert_in_step(env);
    }

    fn shared_decisions_settle_it_in_another_workspace(env) {
        let entry = format!("{ENTRY}remember = \"shared\"\n");
        one(env, &entry);
        assert_eq!(decided(env, "B"), "cinq\nFIVE\n");
        undo_and_give_up(env);
        env.commit_workspace("Decisions");
        clone(env);
        env.patchq(&["setup"]).ok();
        // On a terminal too, nothing is asked.
        let terminal = env.terminal(&["refresh", "--accept", "remembered"]);
        terminal.end().exits(0).left("remembered: decided by 'Maintainer' on ").left("taken    │ cinq");
        assert_eq!(fifth(env), "cinq\nFIVE\n");
        assert_in_step(env);
    }
}
