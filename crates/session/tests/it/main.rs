//! What the operations promise, on a real disk.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod archive;
mod archived;
mod assess;
mod conflicts;
mod creation;
mod doctor;
mod edits;
mod failures_of_the_node_server;
mod fixture;
mod gates;
mod killed;
mod large;
mod late;
mod only;
mod plans;
mod power;
mod replay;
mod restore;
mod resume;
// The git of the shell, and its times.
#[cfg(unix)]
mod scan;
mod settings;
mod story;
mod transition;
mod undo;
mod verify;
