//! Tests of the checkout against the git program, of a conflict in it and the way back, and of whole sessions.

mod checkout_oracle;
mod hand_over;
mod session;
#[path = "../support/mod.rs"]
mod support;
