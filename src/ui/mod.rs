//! The terminal: messages, tables, progress and questions. The caller describes the terminal (a [`Look`]); nothing here
//! reads the environment. Untrusted text is made printable before it is shown.

pub mod conflict;
mod diff_view;
mod folders;
mod human;
mod hunk_page;
mod message;
mod patch_difference_view;
mod progress;
mod prompt;
mod style;
mod table;
mod terminal_mode;

pub use diff_view::diff_on_screen;
pub use folders::fold_folders;
pub use human::{age, count, size};
pub use hunk_page::{Edited, HunkPage, HunkText, read_file_back};
pub use message::{Excerpt, Level, Message};
pub use patch_difference_view::{difference_counts, difference_on_screen};
pub use progress::{Progress, Task};
pub use prompt::{Asker, PromptError};
pub use style::{ColourChoice, ColourOptions, Look, Paint, use_colour};
pub use table::{Cell, Column, Table};
pub use terminal_mode::{restore_terminal, step_out};
