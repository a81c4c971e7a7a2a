//! `maestro archive show`

use clap::Args;
use maestro_session::{ArchivedView, LogFilter};
use serde::Serialize;

use crate::commands::log;
use crate::commands::status::add_session;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::text::{Text, dim, plain};

/// Show an archived session, and where its files are
///
/// Nothing is un-archived by looking at it. To go on with it: `maestro archive restore`.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro archive show 2026-01-15-rate-limiting
  maestro archive show 2026-01-15 --log
  maestro archive show 2026-01-15 --document > old.md"
)]
pub(crate) struct ShowArgs {
    /// The id as it is archived, or its beginning if that is enough
    id: String,
    /// Print the file instead, exactly as it is
    #[arg(long, conflicts_with = "log")]
    document: bool,
    /// Show its journal instead, the oldest operation first
    #[arg(long)]
    log: bool,
}

pub(super) fn run(
    args: &ShowArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    if args.document {
        let bytes = workspace.archived_document(&args.id)?;
        if terminal.is_json() {
            let document =
                String::from_utf8(bytes).map_err(|_| Failure::NotText { path: args.id.clone() })?;
            terminal.show(&DocumentFields { document }, |_| Text::default())?;
        } else {
            terminal.print_bytes(&bytes)?;
        }
    } else if args.log {
        terminal.show(&workspace.archived_log(&args.id, &LogFilter::default())?, log::text)?;
    } else {
        terminal.show(&workspace.archived_session(&args.id)?, text)?;
    }
    Ok(ExitCode::DONE)
}

/// The file of an archived session.
#[derive(Serialize)]
struct DocumentFields {
    document: String,
}

fn text(view: &ArchivedView) -> Text {
    let mut text = Text::default();
    add_session(&mut text, &view.session);
    text.gap();
    let mut table = Table::default();
    if let Some(archived) = &view.archived {
        let by = log::name_of(archived.actor.kind, archived.actor.name.as_deref());
        table.row([dim("Archived"), plain(format!("{} by {by}", archived.time))]);
    }
    let files = &view.files;
    table.row([dim("File"), plain(&files.session)]);
    let documents = [("Design", &files.design), ("Plan", &files.plan)];
    for (name, path) in documents {
        if let Some(path) = path {
            table.row([dim(name), plain(path)]);
        }
    }
    for path in &files.journal {
        table.row([dim("Journal"), plain(path)]);
    }
    if let Some(path) = &files.ledger {
        table.row([dim("Ledger"), plain(path)]);
    }
    table.write_to(&mut text, "");
    text
}
