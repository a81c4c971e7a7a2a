//! `maestro abort`

use clap::Args;
use maestro_session_model::Command;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Text, bold, plain};

/// Give the active session up
///
/// The session stays where it is, with the status aborted, until it is archived.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro abort
  maestro abort --reason \"the design was rejected\""
)]
pub(crate) struct AbortArgs {
    /// Why, for the log
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

pub(crate) fn run(
    args: &AbortArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let command = Command::Abort { by_user: true, reason: args.reason.clone() };
    let changed = workspace.apply(&command)?;
    terminal.show(&changed, |changed| {
        let mut text = Text::default();
        text.line([plain("Session "), bold(&changed.session_id), plain(" aborted")]);
        text.line([plain("Next: "), bold("maestro archive")]);
        text
    })?;
    terminal.warn(&changed.warnings);
    Ok(ExitCode::DONE)
}
