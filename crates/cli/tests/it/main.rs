//! The command line as a user meets it: what goes in, what comes out, what is on disk after.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod archive;
mod archived;
mod bad_input;
mod binary;
mod doctor;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod editor;
mod env;
mod exit_codes;
mod help;
mod init;
mod json;
// Elsewhere, a process that was killed cannot be told from one that has failed.
#[cfg(unix)]
mod kills;
mod log;
mod mcp;
mod new;
mod phase;
mod plan;
mod processes;
mod races;
mod resume;
mod settings;
mod state;
mod status;
mod story;
mod terminal;
mod to_type;
mod undo;
mod user;
