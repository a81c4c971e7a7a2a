//! Says where an interrupted session stands, what stands in its way, and how to go on.

mod action;
mod choice;
mod command_line;
mod conflict;
mod elapsed;
mod render;
mod report;
mod step;

pub use crate::action::Action;
pub use crate::choice::{Choice, Refusal};
pub use crate::command_line::CommandLine;
pub use crate::conflict::{
    Conflict, ConflictKind, DocumentRole, Evidence, FileConflict, PartialFile, PartialState,
};
pub use crate::elapsed::Elapsed;
pub use crate::render::{MAX_PROMPT_CHARS, prompt};
pub use crate::report::{
    BlockedPhase, BlockerFacts, CompletedPhase, OpenBlocker, PhaseFacts, Position, ResumeReport,
    ResumeSettings, SessionFacts, report,
};
pub use crate::step::{ArchiveReason, NextStep, Step};
