//! Work or need: how a pure function says what a store lacks.

use std::collections::BTreeSet;

use super::Id;

/// A result, or the objects that must be fetched before there can be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lazy<T> {
    /// The result.
    Done(T),
    /// Ids of objects that the store lacks: blobs; for what walks a history of commits, trees too.
    Need(BTreeSet<Id>),
}
