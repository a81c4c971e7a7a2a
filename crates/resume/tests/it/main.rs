//! What the crate promises of any session.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod any_session;
mod branches;
mod hostile;
mod law;
mod prompt;
mod session;
