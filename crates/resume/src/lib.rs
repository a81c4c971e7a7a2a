//! Says where an interrupted session stands, what stands in its way, and how to go on.

mod conflict;

mod file_time;

mod found;

mod baseline;

mod survey;

mod compare;

mod diff;

mod ignored;

mod scan;

mod git;

mod candidates;

pub use crate::baseline::{
    Baseline, Baselines, DocumentRecord, DocumentRecords, FileRecord, MAX_RECORDED_TEXT,
    RecordedState, Remembered,
};
pub use crate::candidates::{Beginning, Candidates, LeftToOther};
pub use crate::compare::{
    FoundDocument, Questions, document_conflict, file_conflicts, has_contents_of, needs_contents,
};
pub use crate::conflict::{
    Conflict, ConflictKind, DocumentRole, Evidence, FileConflict, PartialFile, PartialState,
};
pub use crate::diff::MAX_DIFF_LINES;
pub use crate::file_time::{FileTime, InvalidFileTime, SLACK};
pub use crate::found::{Found, FoundFile, Times};
pub use crate::git::{GIT_TIMEOUT, Git, GitTree, default_excludes_file};
pub use crate::scan::{Skipped, Walked, WalkedFile, walk};
pub use crate::survey::Survey;
