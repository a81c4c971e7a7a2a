//! Tests of what other tests stand on.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod durability;
#[cfg(target_os = "linux")]
mod same_as_os;
mod weak_disk;
