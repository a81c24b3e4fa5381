//! Decisions that are remembered when they are made.

use super::{ENTRY, LAST, decided, fifth, one, refresh, script, undo_and_give_up, with_editor};
use crate::support::in_both_worlds;

const SHARED: &str = "track = \"main\"\nremember = \"shared\"\n";

in_both_worlds! {
    fn the_same_conflict_is_offered_what_was_decided(env) {
        for entry in [ENTRY, SHARED] {
            let env = &if env.hostile { crate::support::Env::hostile() } else { crate::support::Env::new() };
            one(env, entry);
            assert_eq!(decided(env, "b"), "FIVE\ncinq\n");
            env.patchq(&["resolutions", "list"]).ok().prints("a.txt");
            undo_and_give_up(env);
            let mut terminal = refresh(env);
            terminal.see("this was decided before").see("decided by 'Maintainer' on 20").answer("[r] as before", "r");
            terminal.answer(LAST, "y");
            terminal.end().exits(0);
            assert_eq!(fifth(env), "FIVE\ncinq\n");
            undo_and_give_up(env);
            env.patchq(&["refresh", "--accept", "remembered"]).ok();
            assert_eq!(fifth(env), "FIVE\ncinq\n");
        }
    }

    fn what_is_taken_back_is_not_remembered(env) {
        one(env, ENTRY);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").see(LAST);
        assert_eq!(env.patchq(&["resolutions", "list", "--json"]).ok().json()["resolutions"].as_array().unwrap().len(), 1);
        terminal.press("z").answer("undone: a.txt", "q");
        terminal.end().exits(3);
        assert_eq!(env.patchq(&["resolutions", "list", "--json"]).ok().json()["resolutions"].as_array().unwrap().len(), 0);
    }

    fn a_file_edited_as_a_whole_is_remembered_by_its_hunks(env) {
        one(env, ENTRY);
        let editor = script(env, "ed", "sed -i '/^<<<<<<< /,/^>>>>>>> /c\\ours' \"$1\"");
        let mut terminal = with_editor(env, &editor, &["refresh"]);
        terminal.answer("a.txt:5", "E").answer(LAST, "y");
        terminal.end().exits(0);
        undo_and_give_up(env);
        env.patchq(&["refresh", "--accept", "remembered"]).ok();
        assert_eq!(fifth(env), "ours\n");
    }

    fn abort_forgets_nothing(env) {
        one(env, ENTRY);
        let mut terminal = refresh(env);
        terminal.answer("a.txt:5", "p").answer(LAST, "A").answer("abandon the refresh", "y");
        terminal.end().exits(1);
        env.patchq(&["refresh", "--accept", "remembered"]).ok();
        assert_eq!(fifth(env), "FIVE\n");
    }
}
