//! What the crate promises of any session, and of files on a real disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod any_session;
mod branches;
mod hostile;
// Pipes and permissions are those of Unix.
#[cfg(unix)]
mod law;
mod offers;
mod prompt;
mod session;
