//! Conflicts, as a model and the user it reports to read them.

use maestro_session_model::{escape, fenced};

use crate::conflict::{Conflict, ConflictKind, DocumentRole, Evidence, PartialFile, PartialState};

use super::page::{data, word, words};
use super::{FILES, LINE_CHARS, id};

/// How many lines of a diff are told.
const DIFF_LINES: usize = 60;
/// The most characters of a line of a diff.
const DIFF_LINE_CHARS: usize = 160;
/// What a tab is shown as; all other control characters are escaped.
const TAB: &str = "    ";
/// The most characters of a diff.
const DIFF_CHARS: usize = 2_500;

impl DocumentRole {
    /// Returns what the document is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Design => "design",
            Self::Plan => "plan",
        }
    }
}

impl ConflictKind {
    /// Returns what happened to the file, in words of ours, and what the system says of it, where it says something.
    pub fn in_words(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Modified { evidence: Evidence::Contents } => ("modified", None),
            Self::Modified { evidence: Evidence::Time } => ("written after its phase ended", None),
            Self::Deleted => ("deleted", None),
            Self::Recreated => ("deleted by its phase, and there again", None),
            Self::TypeChanged { now } => ("replaced", Some(now)),
            Self::Unreadable { reason } => ("not comparable", Some(reason)),
        }
    }
}

impl PartialState {
    /// Returns what happened to the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Untouched => "untouched",
        }
    }
}

pub(super) fn item(conflict: &Conflict) -> String {
    match conflict {
        Conflict::PartialPhase { phase, files, .. } => partial(&id(phase), files),
        Conflict::File(file) => {
            let (what, detail) = file.kind.in_words();
            let detail = detail.map(|detail| format!(" ({})", data(detail, LINE_CHARS)));
            format!(
                "- {}, as phase {} left it: {what}{}\n",
                word(file.path.as_str()),
                id(&file.phase),
                detail.unwrap_or_default()
            )
        }
        Conflict::DocumentChanged { role, path, diff } => {
            let changed = format!(
                "- The {} {} changed since the session was created",
                role.as_str(),
                data(path, LINE_CHARS)
            );
            match diff {
                Some(diff) => format!("{changed}:\n\n{}\n", cut_diff(diff)),
                None => format!("{changed}; the text of then is not known\n"),
            }
        }
        Conflict::DocumentMissing { role, path, reason } => {
            let reason = reason.as_deref().map(|reason| format!(": {}", data(reason, LINE_CHARS)));
            format!(
                "- The {} {} {}{}\n",
                role.as_str(),
                data(path, LINE_CHARS),
                if reason.is_some() { "cannot be read" } else { "is gone" },
                reason.unwrap_or_default()
            )
        }
    }
}

fn partial(phase: &str, files: &[PartialFile]) -> String {
    let in_state = |state| -> Vec<&str> {
        let files = files.iter().filter(|file| file.state == state);
        files.map(|file| file.path.as_str()).collect()
    };
    let mut touched = Vec::new();
    for state in [PartialState::Created, PartialState::Changed] {
        let files = in_state(state);
        if !files.is_empty() {
            touched.push(format!("{} {}", state.as_str(), words(&files, FILES)));
        }
    }
    if touched.is_empty() {
        return format!(
            "- Phase {phase} was started and has not ended; no planned file was touched\n"
        );
    }
    format!(
        "- Phase {phase} was started and has not ended; of its planned files it may have {}\n",
        touched.join(", and ")
    )
}

/// The beginning of a diff in a fence.
fn cut_diff(diff: &str) -> String {
    let mut room = DIFF_CHARS;
    let mut shown = String::new();
    let mut lines = diff.lines();
    for line in lines.by_ref().take(DIFF_LINES) {
        let line: String = escape(&line.replace('\t', TAB)).chars().take(DIFF_LINE_CHARS).collect();
        let Some(left) = room.checked_sub(line.chars().count() + 1) else { break };
        room = left;
        shown += &line;
        shown.push('\n');
    }
    let all = diff.lines().count();
    let more = all.saturating_sub(shown.lines().count());
    let fence = fenced("diff", &shown);
    if more == 0 {
        fence
    } else {
        format!("{fence}\n{more} more lines of the diff are left out here.\n")
    }
}
