//! One file per command: its arguments and what it does with the rooms below.

pub mod demo;
