//! The checkout against the git program, a conflict in it and the way back, and whole sessions.

mod checkout_oracle;
mod hand_over;
mod session;
#[path = "../support/mod.rs"]
mod support;
