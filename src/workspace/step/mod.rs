//! The one transaction: files under a journal, then checkout and refs, finished by the next command when this one is killed.

pub mod context;
pub mod effects;
pub mod equal_refs;
pub mod error;
pub mod file_changes;
pub mod handed;
pub mod journal;
pub mod kept;
pub mod order;
pub mod pending;
pub mod publish;
pub mod run;
