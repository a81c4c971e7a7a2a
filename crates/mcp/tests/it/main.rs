//! What clients see of the server: whole conversations, over streams as they would use them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![expect(clippy::needless_pass_by_value, reason = "arguments are made where they are given")]

mod both_servers;
mod doctor;
mod fixture;
mod log;
mod phases;
mod phases_refused;
mod places;
mod protocol;
mod resume;
mod state_dirs;
