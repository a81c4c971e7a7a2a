//! Conflicts, as a model and the user it reports to read them.

use maestro_session_model::{escape, fenced};

use crate::conflict::{Conflict, PartialFile, PartialState};

use super::page::{data, joined, word};
use super::{FILES, LINE_CHARS, id};

/// How many lines of a diff are told.
const DIFF_LINES: usize = 60;
/// The most characters of a line of a diff.
const DIFF_LINE_CHARS: usize = 160;
/// The most characters of what the system says of a planned file.
const DETAIL_CHARS: usize = 80;
/// What a tab is shown as; all other control characters are escaped.
const TAB: &str = "    ";
/// The most characters of a diff.
const DIFF_CHARS: usize = 2_500;

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
    let list = |is_in_state: fn(&PartialState) -> bool| -> Option<String> {
        let files: Vec<String> =
            files.iter().filter(|file| is_in_state(&file.state)).map(partial_file).collect();
        (!files.is_empty()).then(|| joined(files.into_iter(), FILES, ", "))
    };
    let touched = [
        list(|state| matches!(state, PartialState::Created))
            .map(|files| format!("created {files}")),
        list(|state| matches!(state, PartialState::Changed))
            .map(|files| format!("changed {files}")),
    ];
    let touched: Vec<String> = touched.into_iter().flatten().collect();
    // Nobody knows whose doing these are. On lines of their own, so that what is cut is cut by the list.
    let others: String = [
        ("Deleted", list(|state| matches!(state, PartialState::Deleted))),
        ("Replaced", list(|state| matches!(state, PartialState::TypeChanged { .. }))),
        ("Not comparable", list(|state| matches!(state, PartialState::Unreadable { .. }))),
    ]
    .into_iter()
    .filter_map(|(what, files)| Some(format!("  - {what}: {}\n", files?)))
    .collect();
    let begins = format!("- Phase {phase} was started and has not ended");
    if !touched.is_empty() {
        format!("{begins}; of its planned files it may have {}\n{others}", touched.join(", and "))
    } else if !others.is_empty() {
        format!("{begins}; not all of its planned files are as they were\n{others}")
    } else {
        format!("{begins}; no planned file was touched\n")
    }
}

/// A planned file, with what the system says of it.
fn partial_file(file: &PartialFile) -> String {
    let path = word(file.path.as_str());
    match file.state.in_words() {
        (_, Some(detail)) => format!("{path} ({})", data(detail, DETAIL_CHARS)),
        (_, None) => path,
    }
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
