//! `maestro archive list`

use clap::{Args, ValueEnum};
use maestro_session::{ArchivedFilter, ArchivedList, ArchivedSession, Content, Page, Query};
use maestro_session_model::{SessionStatus, Timestamp};

use crate::commands::progress::reading;
use crate::commands::words::{count, shortened, status};
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::text::{Span, Text, bold, dim, green, plain, red, yellow};

/// How much of a task is shown; `--json` has all of it.
const TASK_CHARS: usize = 60;

/// List the archived sessions, the newest first
///
/// A file in the archive that cannot be read is listed too, and says why.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro archive list
  maestro archive list --status aborted --since 2026-01-01
  maestro archive list --text limiter --limit 5
  maestro archive list --limit 0 --json"
)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Only those with all of these words in id or task
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

/// Which archived sessions are meant.
#[derive(Debug, Args)]
pub(crate) struct FilterArgs {
    /// Only those that ended as STATUS: completed, failed, aborted, in-progress
    #[arg(long, value_name = "STATUS", hide_possible_values = true)]
    status: Option<Status>,
    /// Only those that last changed on DATE or later (UTC)
    #[arg(long, value_name = "DATE", value_parser = since)]
    since: Option<Timestamp>,
    /// Only those that last changed on DATE or earlier (UTC)
    #[arg(long, value_name = "DATE", value_parser = until)]
    until: Option<Timestamp>,
}

/// Which part of the answer is shown.
#[derive(Debug, Args)]
pub(crate) struct PageArgs {
    /// Show at most N; 0 for all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Leave out the first N
    #[arg(long, value_name = "N", default_value_t = 0)]
    offset: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Completed,
    Failed,
    Aborted,
    #[value(alias = "in_progress")]
    InProgress,
}

impl FilterArgs {
    pub(super) fn filter(&self) -> ArchivedFilter {
        let status = self.status.map(|status| match status {
            Status::Completed => SessionStatus::Completed,
            Status::Failed => SessionStatus::Failed,
            Status::Aborted => SessionStatus::Aborted,
            Status::InProgress => SessionStatus::InProgress,
        });
        ArchivedFilter { status, since: self.since, until: self.until, text: None }
    }
}

impl PageArgs {
    pub(super) fn page(&self) -> Page {
        Page { offset: self.offset, limit: Some(self.limit).filter(|limit| 0 < *limit) }
    }
}

/// The beginning of a day, or a point in time.
fn since(text: &str) -> Result<Timestamp, String> {
    moment(text, "T00:00:00.000Z")
}

/// The end of a day, or a point in time.
fn until(text: &str) -> Result<Timestamp, String> {
    moment(text, "T23:59:59.999Z")
}

fn moment(text: &str, of_day: &str) -> Result<Timestamp, String> {
    let parsed = format!("{text}{of_day}").parse().or_else(|_| text.parse());
    parsed.map_err(|_| {
        "give a date such as 2026-01-15, or a time such as 2026-01-15T10:00:00Z".to_owned()
    })
}

pub(super) fn run(
    args: &ListArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let words = args.text.as_deref().map(Query::parse_line);
    let text = words.transpose().map_err(maestro_session::SessionError::from)?;
    let filter = ArchivedFilter { text, ..args.filter.filter() };
    let found = workspace.archived(&filter, args.page.page(), &mut reading(terminal));
    terminal.progress("");
    terminal.show(&found?, text_of)?;
    Ok(ExitCode::DONE)
}

fn text_of(list: &ArchivedList) -> Text {
    let mut text = Text::default();
    if list.archived == 0 {
        text.line([plain("No archived sessions")]);
        return text;
    }
    if list.total == 0 {
        let all = count(list.archived, "archived session", "archived sessions");
        text.line([plain(format!("None of {all} fits"))]);
        return text;
    }
    let mut table = Table::default();
    for session in &list.sessions {
        table.row(row(session));
    }
    table.write_to(&mut text, "");
    add_rest(&mut text, list.offset, list.sessions.len(), list.total);
    text
}

/// Says which part of the answer this is, if it is not all of it.
pub(super) fn add_rest(text: &mut Text, offset: usize, shown: usize, total: usize) {
    if shown == total {
        return;
    }
    text.gap();
    let (first, last) = (offset + 1, offset + shown);
    let part = if shown == 0 { "None".to_owned() } else { format!("{first} to {last}") };
    let next = if last < total { format!("; go on with --offset {last}") } else { String::new() };
    text.line([dim(format!("{part} of {total}{next}"))]);
}

fn row(session: &ArchivedSession) -> [Span; 5] {
    let date = session.time.map(Timestamp::date).unwrap_or_default();
    let (ended, phases, task) = match &session.content {
        Content::Session(summary) => (
            ended(summary.status),
            plain(format!("{} of {}", summary.done, summary.phases)),
            plain(shortened(&summary.task, TASK_CHARS)),
        ),
        Content::Unreadable { problem } => {
            (red("unreadable"), plain(""), plain(shortened(problem, TASK_CHARS)))
        }
    };
    [dim(date), bold(&session.id), ended, phases, task]
}

/// How a session ended.
pub(super) fn ended(ended: SessionStatus) -> Span {
    let name = status(ended.as_str());
    match ended {
        SessionStatus::Completed => green(name),
        SessionStatus::Failed => red(name),
        SessionStatus::Aborted | SessionStatus::InProgress => yellow(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends() {
        let text = |time: Result<Timestamp, String>| time.unwrap().to_string();
        assert_eq!(text(since("2026-01-15")), "2026-01-15T00:00:00.000Z");
        assert_eq!(text(until("2026-01-15")), "2026-01-15T23:59:59.999Z");
        assert_eq!(text(until("2026-01-15T10:00:00+01:00")), "2026-01-15T09:00:00.000Z");
        for bad in ["", "yesterday", "2026-13-01", "2026-01-15T10"] {
            assert!(since(bad).is_err(), "{bad}");
        }
    }
}
