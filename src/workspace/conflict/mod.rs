//! Deciding conflicts: sessions, remembered decisions, the conflict in the checkout, who changed the lines.

pub mod blame;
pub mod hand_over;
pub mod inspect;
pub mod memory;
pub mod session;
