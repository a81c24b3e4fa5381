//! A result, or a request: a pure function returns either its value or the objects that the store lacks.

use std::collections::BTreeSet;

use super::Id;

/// A result, or the objects that must be fetched before there can be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lazy<T> {
    /// The result.
    Done(T),
    /// Ids of objects that the store lacks: blobs, and for a walk over a history of commits also trees.
    Need(BTreeSet<Id>),
}
