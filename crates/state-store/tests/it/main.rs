//! Tests of the store as a whole, on a real file system.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod abandoned;
mod attacks;
mod corpus;
mod edits;
mod faults;
mod files;
mod fixture;
mod folder;
mod lock;
mod power;
mod recovery;
mod replay;
mod segments;
mod torn;
