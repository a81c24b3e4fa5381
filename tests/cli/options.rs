//! Tests that options which would be ignored in combination are usage errors.

use super::mistakes::{BASE, Mistake, check, dirty};

const IGNORED: &[Mistake] = &[
    Mistake {
        what: "a message for changes that are folded",
        make: dirty,
        args: &["save", "up", "--into", "0002", "-m", "why"],
        code: 2,
        ..BASE
    },
    Mistake {
        what: "other entries for changes that are folded",
        make: dirty,
        args: &["save", "up", "--into", "0002", "--also", "up"],
        code: 2,
        ..BASE
    },
    Mistake {
        what: "a copy without its queue",
        args: &["setup", "../copy", "--no-apply"],
        code: 2,
        hint: "omit --no-apply",
        ..BASE
    },
    Mistake {
        what: "something to give up where there is nothing",
        args: &["setup", "../copy", "--discard"],
        code: 2,
        hint: "omit --discard",
        ..BASE
    },
    Mistake { what: "both ways out of what diverged", args: &["export", "--merge", "--replace"], code: 2, ..BASE },
    Mistake {
        what: "a session to give up and an empty queue",
        args: &["refresh", "--abort", "--allow-empty"],
        code: 2,
        ..BASE
    },
    Mistake {
        what: "where to move what is not copied",
        args: &["add", "two", "../up.git", "--to", "v1.1"],
        code: 2,
        hint: "--pin",
        ..BASE
    },
    Mistake {
        what: "a pin for a copy",
        args: &["add", "two", "--like", "up", "--pin", "v1.1"],
        code: 2,
        hint: "--to v1.1",
        ..BASE
    },
    Mistake { what: "quiet and verbose", args: &["status", "-q", "-v"], code: 2, ..BASE },
    Mistake {
        what: "one commit in two ways",
        args: &["import", "x", "p.patch", "--commit", "v1.0", "--commit-file", "f"],
        code: 2,
        ..BASE
    },
    Mistake {
        what: "no message and nobody to write one",
        make: dirty,
        args: &["save", "up"],
        code: 2,
        hint: "patchq save up -m \"why\"",
        ..BASE
    },
];

#[test]
fn what_would_be_ignored_is_wrong_usage() {
    IGNORED.iter().for_each(check);
}
