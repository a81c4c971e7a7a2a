//! The commands, one module each: what it takes, and what it calls and shows.

pub(crate) mod abort;
pub(crate) mod archive;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod log;
pub(crate) mod mcp;
pub(crate) mod new;
pub(crate) mod next;
pub(crate) mod phase;
pub(crate) mod plan;
pub(crate) mod resume;
pub(crate) mod settings;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod undo;

mod by_user;
mod changed;
mod handoff;
mod looking;
mod plan_check;
mod progress;
mod receipt;
mod step;
pub(crate) mod words;
