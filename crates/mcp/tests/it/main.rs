//! What clients see of the server: whole conversations, over streams as they would use them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::needless_pass_by_value, reason = "what `json!` makes is made to be passed on")]

mod archive;
mod arguments;
mod both_servers;
mod create;
mod doctor;
mod fixture;
mod gate;
mod log;
mod phases;
mod phases_refused;
mod places;
mod plan;
mod protocol;
mod resume;
mod scan;
mod state_dirs;
mod status;
mod transition;
mod workspace;
