//! Commands that only the user may give.

use maestro_session::{Changed, SessionError, Workspace};
use maestro_session_model::{Command, CommandError};

use crate::failure::Failure;
use crate::terminal::Terminal;

/// Carries out a command; where the state demands the user's decision, asks for it and carries the command out in the
/// user's name.
///
/// `command` makes the command with or without the user's order. Where nobody can be asked, the refusal stands: its hint
/// names the option that gives the order.
pub(super) fn apply(
    workspace: &Workspace,
    terminal: &mut Terminal,
    by_user: bool,
    command: impl Fn(bool) -> Command,
) -> Result<Changed, Failure> {
    let refusal = match workspace.apply(&command(by_user)) {
        Ok(changed) => return Ok(changed),
        Err(refusal) => refusal,
    };
    let question = match refusal.bare() {
        SessionError::Command(CommandError::UserDecisionRequired { phase, event }) => {
            format!("{} phase {phase}? Only you can decide it.", capitalised(event.as_str()))
        }
        SessionError::Command(error @ CommandError::RetriesExhausted { .. }) => {
            format!("{}. Try once more?", capitalised(&error.to_string()))
        }
        _ => return Err(refusal.into()),
    };
    match terminal.ask(&question)? {
        Some(true) => Ok(workspace.apply(&command(true))?),
        Some(false) => Err(Failure::Declined),
        None => Err(refusal.into()),
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
