//! The rules of the house: what the code may name, what it is built from, and the project's own workspace.

mod architecture;
mod dependencies;
mod own_workspace;
mod style;
