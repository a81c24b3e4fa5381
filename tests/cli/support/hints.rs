//! Checks hints as a shell would read them: a hint that begins like a command must be one, to the last word.

/// Git commands that hints name.
const GIT: &[&str] = &[
    "add",
    "am",
    "bisect",
    "cherry-pick",
    "config",
    "diff",
    "init",
    "log",
    "ls-remote",
    "merge",
    "rebase",
    "reset",
    "restore",
    "revert",
    "rm",
    "sparse-checkout",
    "stash",
    "submodule",
    "status",
    "switch",
    "update-index",
];

/// Returns what is wrong with a hint that begins like a command; sentences are accepted.
pub(crate) fn wrong_hint(hint: &str) -> Option<String> {
    // The note about its effect is after it.
    let (line, note) = hint.split_once("     (").unwrap_or((hint, ")"));
    if !note.ends_with(')') {
        return Some("has a note without an end".to_owned());
    }
    if !["patchq ", "git ", "mv ", "rm ", "cd "].iter().any(|program| line.starts_with(program)) {
        let command = ["patchq", "git -C"].iter().find(|word| line.contains(&format!("{word} ")));
        return command.map(|word| format!("has '{word}' in the middle of a sentence"));
    }
    line.split(" && ").find_map(|command| wrong_command(command.trim()))
}

fn wrong_command(command: &str) -> Option<String> {
    let Some(words) = shlex::split(command) else { return Some("does not end its quotes".to_owned()) };
    let at = |n: usize| words.get(n).map(String::as_str);
    match at(0) {
        Some("patchq") => {
            let error = patchq::cli::command_line().try_get_matches_from(&words).err()?;
            Some(format!("is not a command line: {error}"))
        }
        Some("git") => {
            let verb = if at(1) == Some("-C") { at(3) } else { at(1) };
            let known = verb.is_some_and(|verb| GIT.contains(&verb)) && !command.contains(", ");
            (!known).then(|| "is not a git command".to_owned())
        }
        Some("mv") => (words.len() != 3).then(|| "does not move one thing".to_owned()),
        Some("rm") => (words.len() != 2 && at(1) != Some("-r")).then(|| "does not remove one thing".to_owned()),
        _ => Some("begins with no program that is known".to_owned()),
    }
}

#[test]
fn hints_that_cannot_be_pasted_are_found() {
    for right in [
        "patchq refresh up --abort     (gives it up)",
        "patchq -C 'a b' save up -m \"why\"",
        "mv up up.old && patchq setup --only up",
        "git -C up rebase --continue",
        "run the command again without --offline",
    ] {
        assert_eq!(wrong_hint(right), None);
    }
    for wrong in [
        "patchq refresh up --allow-drop 0001 x y.patch",
        "patchq save up --all …, if they are meant",
        "patchq init DIR, with a folder",
        "patchq refresh up --only 'it's'",
        "patchq refresh up --allow-drop -x.patch",
        "git -C up rebase --continue, or --abort",
        "git -C up frobnicate",
        "save, or `patchq apply`",
        "rm a, if it is a leftover",
    ] {
        assert!(wrong_hint(wrong).is_some(), "{wrong}");
    }
}
