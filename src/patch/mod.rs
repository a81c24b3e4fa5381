//! Parses, prints and applies patch files. It works on bytes alone and does not use git.
//!
//! | part | what it does |
//! |---|---|
//! | [`parse()`] | bytes of any form to a [`Patch`] |
//! | [`print()`] | a [`Patch`] to canonical bytes |
//! | [`apply_hunks`], [`apply_binary`] | one file's change on its old content |
//! | [`series`] | the `series` file of a quilt queue |
//! | [`names`] | names and numbers of patch files |
//! | [`meaning`] | comparing changes independently of their form |

mod binary;
mod date;
mod field;
mod header;
mod hunks;
pub mod meaning;
mod model;
pub mod names;
mod parse;
mod places;
mod print;
mod quote;
pub mod series;
mod strip;
mod words;

#[cfg(test)]
mod tests;

pub use binary::{BinaryError, Data, LARGEST, LARGEST_IN_FILE, apply_binary};
pub use header::split_message;
pub use hunks::{Applied, Edge, HunkFailure, already_applied, apply_hunks};
pub use model::{BinaryData, Change, Content, Date, FileDiff, Header, HeaderForm, Hunk, Line, Patch, Person, Side};
pub use parse::{LARGEST_FILE, ParseError, ParseErrorKind, parse, split_mails};
pub use print::{Printed, print, print_diffs};
pub use strip::Strip;
pub use words::in_utf8;
