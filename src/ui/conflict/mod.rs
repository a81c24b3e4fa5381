//! The screen of a conflict session: one conflict at a time, the sides, the proposals, and one key as the answer.
//!
//! The input is plain data ([`Question`]) and the result is a key ([`Screen::ask`]), whose meaning the caller defines.
//! All files but `screen.rs` and `keys.rs` are pure: they turn a question and a size into rows of text.

mod body;
mod compare;
mod glyphs;
mod ink;
mod keys;
mod marked;
mod pages;
mod prose;
mod question;
mod screen;
mod view;

#[cfg(test)]
mod tests;

pub use question::{Body, ChangedBy, Choice, Heading, Proposal, Question, UpstreamCommitLine};
pub use screen::Screen;
