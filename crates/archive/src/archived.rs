//! What an archived file is, in as much as a list shows it. Pure.

use std::cmp::Ordering;
use std::error::Error;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use maestro_session_model::{
    Document, Progress, SessionId, SessionStatus, Timestamp, WorkflowMode,
};
use maestro_state_store::StateDir;
use serde::Serialize;

/// The ending of archived sessions. Other files in the archive are journals, ledgers, or none of ours.
const ENDING: &str = ".md";

/// An archived file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ArchivedSession {
    /// The name of the file without its ending: the session id, with a suffix where that was taken.
    pub id: String,
    /// When the session last changed, or if that cannot be read, when the file did.
    pub time: Option<Timestamp>,
    /// What is in it.
    #[serde(flatten)]
    pub content: Content,
}

/// What is in an archived file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Content {
    /// A session.
    Session(Summary),
    /// Nothing that can be read as one.
    Unreadable {
        /// What is wrong with it.
        problem: String,
    },
}

/// An archived session in a few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// The identity, without the suffix that the file may have.
    pub session_id: SessionId,
    /// What the user asked for.
    pub task: String,
    /// How it ended.
    pub status: SessionStatus,
    /// Standard or express.
    pub workflow_mode: WorkflowMode,
    /// How many phases are completed or skipped.
    pub done: usize,
    /// How many phases there are.
    pub phases: usize,
    /// When it was created.
    pub created: Timestamp,
    /// When it last changed: when it was archived, unless someone edited it since.
    pub updated: Timestamp,
}

impl Content {
    /// Reads a file.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Self::unreadable(&error.utf8_error()),
        };
        match Document::parse(text) {
            Ok(document) => Self::Session(Summary::of(&document)),
            Err(error) => Self::unreadable(&error),
        }
    }

    /// Says why a file cannot be read.
    pub(crate) fn unreadable(error: &dyn Error) -> Self {
        let mut problem = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            // Some errors repeat the one below them.
            if !problem.contains(&cause_text) {
                problem = format!("{problem}: {cause_text}");
            }
            source = cause.source();
        }
        Self::Unreadable { problem }
    }

    /// The session, if it can be read.
    pub fn session(&self) -> Option<&Summary> {
        match self {
            Self::Session(summary) => Some(summary),
            Self::Unreadable { .. } => None,
        }
    }
}

impl Summary {
    pub(crate) fn of(document: &Document) -> Self {
        let session = document.session();
        Self {
            session_id: session.session_id.clone(),
            task: session.task.clone(),
            status: session.status,
            workflow_mode: session.workflow_mode,
            done: Progress::of(session).done(),
            phases: session.phases.len(),
            created: session.created,
            updated: session.updated,
        }
    }
}

impl ArchivedSession {
    /// `modified` is when the file was changed, which counts where nothing in it says when.
    pub(crate) fn new(id: String, content: Content, modified: Option<SystemTime>) -> Self {
        let time = match &content {
            Content::Session(summary) => Some(summary.updated),
            Content::Unreadable { .. } => modified.and_then(timestamp),
        };
        Self { id, time, content }
    }

    /// The order of lists: the newest first, then by name.
    pub(crate) fn newest_first(&self, other: &Self) -> Ordering {
        other.time.cmp(&self.time).then_with(|| self.id.cmp(&other.id))
    }
}

/// Returns where the file of an archived session is; `name` is without the ending.
pub fn archived_file(dir: &StateDir, name: &str) -> PathBuf {
    dir.archive().join(file_name(name))
}

/// The name of the file of an archived session.
pub(crate) fn file_name(name: &str) -> String {
    format!("{name}{ENDING}")
}

/// The session that a file in the archive is of, by its name; nothing for files that are not sessions.
pub(crate) fn stem_of(file_name: &str) -> Option<&str> {
    let stem = file_name.strip_suffix(ENDING)?;
    (!stem.is_empty() && !stem.starts_with('.')).then_some(stem)
}

/// A time of the file system, if it is one of years that can be written.
fn timestamp(time: SystemTime) -> Option<Timestamp> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Timestamp::from_unix_millis(i64::try_from(since.as_millis()).ok()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use maestro_testutils::samples;

    use super::*;

    #[test]
    fn files_of_the_node_server_are_read() {
        for sample in samples() {
            let content = Content::of(sample.text.as_bytes().to_vec());
            let summary = content.session().unwrap_or_else(|| panic!("{}", sample.name));
            assert!(summary.done <= summary.phases && !summary.task.is_empty(), "{}", sample.name);
        }
    }

    #[test]
    fn what_is_no_session_says_why() {
        let problem = |bytes: &[u8]| match Content::of(bytes.to_vec()) {
            Content::Unreadable { problem } => problem,
            Content::Session(summary) => panic!("{summary:?}"),
        };
        assert!(problem(b"---\nsession_id: 1\n").contains("line"));
        assert!(problem(b"# README\n").contains("---"), "{}", problem(b"# README\n"));
        assert!(problem(b"\xff\xfe").contains("utf-8"), "{}", problem(b"\xff\xfe"));
    }

    #[test]
    fn a_time_that_no_calendar_has_is_no_time() {
        let far = UNIX_EPOCH.checked_add(Duration::from_secs(1 << 60));
        assert_eq!(far.and_then(timestamp), None);
        assert_eq!(timestamp(UNIX_EPOCH).map(Timestamp::unix_millis), Some(0));
    }

    #[test]
    fn only_sessions_count() {
        let stems = ["a.md", "a-2.md", "a.journal.jsonl", ".md", ".index", ".a.md", "a.MD", "md"];
        let found: Vec<&str> = stems.into_iter().filter_map(stem_of).collect();
        assert_eq!(found, ["a", "a-2"]);
    }
}
