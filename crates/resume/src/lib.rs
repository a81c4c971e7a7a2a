//! Says where an interrupted session stands, what stands in its way, and how to go on.
//!
//! [`report`] makes a [`ResumeReport`] of a session, of what is not on disk as it was left ([`Conflict`]), of the settings and
//! of the time. The report has the position, the phases that failed or were interrupted, what can be done about each with
//! the [`CommandLine`](maestro_session_model::CommandLine) that does it, and the one [`NextStep`]. [`prompt`] writes it down for a model.
//!
//! # Guarantees
//!
//! * Reports, steps, prompts and what counts as a conflict are pure: what is on disk and what time it is are arguments. What
//!   has to be seen for that see three executors, which change nothing and decide nothing: [`Survey`] looks at files,
//!   [`walk`] goes through the workspace, and [`Git`] asks the git binary.
//! * Total: there is a report and a next step of every session that can be read, also of one that breaks rules.
//! * A [`Choice`] is possible exactly when the decision would accept its command; the conditions are the same
//!   ([`maestro_session_model::Guards`]).
//! * A prompt has at most [`MAX_PROMPT_CHARS`] characters, and says what it leaves out. What users, agents and files say
//!   stands in it as data, in quotes or fences that it cannot leave.
//!
//! # Limitations
//!
//! Commands are quoted for a POSIX shell; `argv` is for everybody else. The prompt has what the direct blockers have left,
//! not what came before them. Whether an agent is still at work somewhere cannot be seen in a session: whoever resumes says
//! that it is not.
//!
//! ```
//! use maestro_resume::{ResumeSettings, Step, prompt, report};
//! use maestro_session_model::{Document, PlanRules, Rules};
//!
//! let text = "---\n\
//!     session_id: 2026-01-15-typo\n\
//!     created: 2026-01-15T10:00:00Z\n\
//!     updated: 2026-01-15T10:05:00Z\n\
//!     status: in_progress\n\
//!     phases:\n\
//!     - {id: 1, name: Fix it, status: in_progress, agents: [coder]}\n\
//!     ---\n";
//! let document = Document::parse(text.to_owned())?;
//! let settings = ResumeSettings {
//!     rules: Rules { max_retries: 2, max_concurrent: 0, plan: PlanRules::default() },
//!     auto_archive: true,
//! };
//! let report = report(document.session(), Vec::new(), &settings, "2026-02-05T12:00:00Z".parse()?);
//!
//! assert_eq!(report.session.updated_seconds_ago.to_string(), "3 weeks");
//! assert!(matches!(report.next.step, Step::Redelegate { .. }));
//! assert_eq!(report.next.commands[0].shell, "maestro phase redelegate 1");
//! assert!(prompt(&report, &[]).contains("Delegate phase 1 to coder again, with the same scope."));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod action;
mod baseline;
mod candidates;
mod choice;
mod compare;
mod conflict;
mod diff;
mod elapsed;
mod file_time;
mod found;
mod git;
mod ignored;
mod render;
mod report;
mod scan;
mod step;
mod survey;

pub use crate::action::Action;
pub use crate::baseline::{
    Baseline, Baselines, DocumentRecord, DocumentRecords, FileRecord, MAX_RECORDED_TEXT,
    RecordedState, Remembered,
};
pub use crate::candidates::{Beginning, Candidates, LeftToOther};
pub use crate::choice::{Choice, Refusal};
pub use crate::compare::{
    FoundDocument, Questions, document_conflict, file_conflicts, has_contents_of, needs_contents,
};
pub use crate::conflict::{
    Conflict, ConflictKind, DocumentRole, Evidence, FileConflict, PartialFile, PartialState,
};
pub use crate::diff::MAX_DIFF_LINES;
pub use crate::elapsed::Elapsed;
pub use crate::file_time::{FileTime, InvalidFileTime, SLACK};
pub use crate::found::{Found, FoundFile, Times};
pub use crate::git::{GIT_TIMEOUT, Git, GitTree, default_excludes_file};
pub use crate::render::{MAX_PROMPT_CHARS, prompt};
pub use crate::report::{
    BlockedPhase, BlockerFacts, CompletedPhase, OpenBlocker, PhaseFacts, Position, ResumeReport,
    ResumeSettings, SessionFacts, report,
};
pub use crate::scan::{Skipped, Walked, WalkedFile, walk};
pub use crate::step::{ArchiveReason, NextStep, Step};
pub use crate::survey::Survey;
