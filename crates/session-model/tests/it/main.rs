//! What the session model promises, tested from outside.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod corpus;
mod lossless;
mod machine;
mod reading;
