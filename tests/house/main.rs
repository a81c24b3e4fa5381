//! The house rules: what the code may name, its dependencies, and the project's own workspace.

mod architecture;
mod dependencies;
mod own_workspace;
mod style;
