//! Runs programs: exchanges data with them, watches them, and ends them with everything that they started.
//!
//! This room does not know what a program is for. A run has limits: how long it may do nothing, and how long it may
//! take in all. A process that gets a signal to end calls [`end_all`] first. Programs that outlived a killed patchq are
//! found by the lock that they hold.

mod command_line;
mod end;
mod look;
mod run;

pub use command_line::{command_line, quoted};
pub use end::{GRACE, end_all, end_stranger};
pub use look::{Stillness, holders_of, holds, leads_group, sees_work};
pub use run::{End, Limits, Stream, Task, run};
