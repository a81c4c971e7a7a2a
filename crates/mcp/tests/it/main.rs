//! What clients see of the server: whole conversations, over streams as they would use them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::needless_pass_by_value, reason = "arguments are made where they are given")]

mod fixture;
mod places;
mod protocol;
