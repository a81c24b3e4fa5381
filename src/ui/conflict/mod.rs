//! The screen of a conflict session: one conflict at a time, what the sides say, what is proposed, and one key that answers.
//!
//! Plain data goes in ([`Question`]) and a key comes out ([`Screen::ask`]); what a key means is the caller's. All but
//! `screen.rs` and `keys.rs` is pure: a question and a size in, rows of text out.

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
