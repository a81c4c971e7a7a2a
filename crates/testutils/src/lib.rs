//! Strategies and samples that the tests of several crates share.
//!
//! Depends on the session model alone, so that the tests of every crate above it can use it.

mod sample;
mod strategy;
mod style;

pub use crate::sample::{Sample, samples};
pub use crate::strategy::{Operation, arb_operation, arb_session, operate};
pub use crate::style::{Dice, written_by_hand};
