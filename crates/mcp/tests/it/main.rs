//! What clients see of the server: whole conversations, over streams as they would use them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod fixture;
mod protocol;
