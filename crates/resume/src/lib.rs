//! Says where an interrupted session stands, what stands in its way, and how to go on.

mod conflict;

pub use crate::conflict::{
    Conflict, ConflictKind, DocumentRole, Evidence, FileConflict, PartialFile, PartialState,
};
