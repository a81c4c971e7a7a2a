//! Files on a real disk, and what is said of them. Pipes and permissions are those of Unix.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod law;
