//! The shared parts of the scenarios: an isolated world, an upstream, a workspace, and ways to inspect them.

#![allow(dead_code, unused_imports, reason = "every module uses a part of it")]

mod hints;
mod memory;
mod run;
mod shown;
mod snapshot;
mod terminal;
mod upstream;
mod world;

pub(crate) use crate::shared::terminal::{CTRL_C, DOWN, Ended, Terminal};
pub(crate) use hints::wrong_hint;
pub(crate) use memory::{Decision, FIVE};
pub(crate) use run::Run;
pub(crate) use shown::{assert_kept, stable};
pub(crate) use snapshot::{Snapshot, assert_same};
pub(crate) use upstream::{PATCHES, Upstream, copy_folder, git_at};
pub(crate) use world::{Env, executable, names_in, put, set_mode};

/// Makes two tests of each scenario: in the plain world and in the hostile one. The first scenario of a block is the
/// ordinary run of its command and runs in both; the hostile twins of the others run only with `--include-ignored`,
/// because a user's settings affect the command, not the case.
macro_rules! in_both_worlds {
    ($(#[$meta:meta])* fn $name:ident($env:ident) $body:block $($rest:tt)*) => {
        $crate::support::scenario! { [] $(#[$meta])* fn $name($env) $body }
        $crate::support::in_both_worlds! { @rest $($rest)* }
    };
    (@rest $( $(#[$meta:meta])* fn $name:ident($env:ident) $body:block )*) => { $(
        $crate::support::scenario! { [#[ignore = "a hostile twin for the long run"]] $(#[$meta])* fn $name($env) $body }
    )* };
}
pub(crate) use in_both_worlds;

/// Makes two tests of a scenario; the attributes in brackets are for the one in the hostile world.
macro_rules! scenario {
    ([$($hostile:tt)*] $(#[$meta:meta])* fn $name:ident($env:ident) $body:block) => {
        mod $name {
            #[allow(unused_imports, reason = "a scenario uses what its module does")]
            use super::*;

            $(#[$meta])*
            fn scenario($env: &$crate::support::Env) $body

            #[test]
            fn plain() {
                scenario(&$crate::support::Env::new());
            }

            #[test]
            $($hostile)*
            fn hostile() {
                scenario(&$crate::support::Env::hostile());
            }
        }
    };
}
pub(crate) use scenario;
