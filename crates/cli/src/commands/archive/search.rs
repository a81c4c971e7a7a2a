//! `maestro archive search`

use clap::Args;
use maestro_session::{ArchivedHits, Content, Hit, HitLine, Query, SessionError};
use maestro_session_model::Timestamp;

use crate::commands::archive::list::{FilterArgs, PageArgs, add_rest, ended};
use crate::commands::progress::reading;
use crate::commands::words::count;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Span, Text, bold, dim, plain, red, yellow};

/// Search the archived sessions, the best first
///
/// Every word must be there, in upper or lower case: in the id, the task, the name of a
/// phase, what a phase passed on or what went wrong in it, a file, or the log. An id or a
/// task counts most, then in that order. Of each session the best line is shown.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro archive search limiter
  maestro archive search \"token bucket\" async --status completed
  maestro archive search src/limit.rs --since 2026-01-01 --json"
)]
pub(crate) struct SearchArgs {
    /// The words; a quoted phrase is one word
    #[arg(required = true, value_name = "WORDS")]
    words: Vec<String>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    page: PageArgs,
}

pub(super) fn run(
    args: &SearchArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let query = Query::parse(args.words.iter().map(String::as_str)).map_err(SessionError::from)?;
    let (filter, page) = (args.filter.filter(), args.page.page());
    let found = workspace.search_archived(&query, &filter, page, &mut reading(terminal));
    terminal.progress("");
    terminal.show(&found?, text)?;
    Ok(ExitCode::DONE)
}

fn text(found: &ArchivedHits) -> Text {
    let mut text = Text::default();
    let all = count(found.searched, "archived session", "archived sessions");
    if 0 < found.unread {
        let unread = format!("{} of {all} cannot be read", found.unread);
        text.line([yellow("not searched: "), plain(unread)]);
    }
    if found.total == 0 {
        text.line([plain(format!("Nothing found in {all}"))]);
        return text;
    }
    for hit in &found.hits {
        add(&mut text, hit);
    }
    add_rest(&mut text, found.offset, found.hits.len(), found.total);
    text
}

fn add(text: &mut Text, hit: &Hit) {
    let session = &hit.session;
    let ended = match &session.content {
        Content::Session(summary) => ended(summary.status),
        Content::Unreadable { .. } => red("unreadable"),
    };
    let date = session.time.map(Timestamp::date).unwrap_or_default();
    text.line([bold(&session.id), plain("  "), ended, plain("  "), dim(date)]);
    if let Some(line) = &hit.line {
        let mut spans = vec![dim(format!("  {}: ", line.number))];
        spans.extend(emphasised(line));
        text.line(spans);
    }
}

/// A line with the words that were found in it in bold.
fn emphasised(line: &HitLine) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut at = 0;
    for found in &line.matches {
        spans.push(plain(&line.text[at..found.start]));
        spans.push(bold(&line.text[found.clone()]));
        at = found.end;
    }
    spans.push(plain(&line.text[at..]));
    spans
}
