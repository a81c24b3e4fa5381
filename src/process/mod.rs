//! Programs that patchq starts: talked to, watched, and ended with everything that they started.
//!
//! Nothing here knows what a program is for. A run has limits: how long it may stand still, and how long it may take in all.
//! Whoever is told to end calls [`end_all`] before; what outlived a patchq that was killed is found by the lock that it holds.

mod command_line;
mod end;
mod look;
mod run;

pub use command_line::{command_line, quoted};
pub use end::{GRACE, end_all, end_stranger};
pub use look::{Stillness, holders_of, holds, leads_group, sees_work};
pub use run::{End, Limits, Stream, Task, run};
