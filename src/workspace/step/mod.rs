//! Steps, the only transactions: files under a journal, then checkout and refs; if a command is killed, the next one
//! finishes its step.

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
