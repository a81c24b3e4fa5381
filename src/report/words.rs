//! Serializes the engine's enums by their names in documents.

use serde::{Serialize, Serializer};

use crate::git::checkout;
use crate::stack::suggest::{Action, Confidence};
use crate::stack::{ConflictKind, DecidedBy, Outcome};
use crate::workspace::ChangeKind;

/// Serializes a type as its `word()`.
macro_rules! as_word {
    ($($name:ty),+) => {
        $(impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        })+
    };
}

as_word!(Action, checkout::ChangeKind, ChangeKind, Confidence, ConflictKind, DecidedBy, Outcome);
