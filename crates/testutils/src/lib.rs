//! Strategies, samples, disks with faults and what fuzzing checks, for the tests of several crates.
//!
//! Depends on the session model and the state store alone, so that the tests of every crate can use it.

pub mod fuzz;

mod faulty_disk;
mod sample;
pub mod sim_disk;
mod strategy;
mod style;

pub use crate::faulty_disk::{FaultyDisk, Plan};
pub use crate::sample::{Sample, samples};
pub use crate::sim_disk::{
    Call, Counts, Explorer, Image, Progress, Reach, Role, SecondCrash, SimDisk, Snapshot, Trouble,
    Verdict, Violation, Weakness,
};
pub use crate::strategy::{Operation, arb_operation, arb_session, operate};
pub use crate::style::{Dice, written_by_hand};
