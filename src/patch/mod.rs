//! The patch file: parse, print, apply to bytes. Pure bytes, no git.

mod model;

pub use model::{BinaryData, Change, Content, Date, FileDiff, Header, HeaderForm, Hunk, Line, Patch, Person, Side};
