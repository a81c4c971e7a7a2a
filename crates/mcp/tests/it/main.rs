//! What clients see of the server: whole conversations, over streams as they would use them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::needless_pass_by_value, reason = "what `json!` makes is made to be passed on")]

mod archive;
mod arguments;
mod create;
mod fixture;
mod gate;
mod plan;
mod protocol;
mod scan;
mod status;
mod transition;
mod workspace;
