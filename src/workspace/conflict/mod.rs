//! Decides conflicts: sessions, remembered decisions, hand-over to the checkout, and the commits that changed the
//! lines.

pub mod blame;
pub mod hand_over;
pub mod inspect;
pub mod memory;
pub mod session;
