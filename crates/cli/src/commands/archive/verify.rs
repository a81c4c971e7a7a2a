//! `maestro archive verify`

use clap::Args;
use maestro_session::{CommandLine, Verification, VerifiedSession, WhichArchived};

use crate::commands::progress::reading;
use crate::commands::words::count;
use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Text, bold, plain, red, yellow};

/// Check that an archived session is where it belongs, whole
///
/// Makes the checks that are made after every archiving: the session is not active any
/// more, none of its documents is left in `plans/`, and the archived files are readable.
/// Without an id, the newest archived session is checked. Exits with 1 if a check fails.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro archive verify
  maestro archive verify 2026-01-15
  maestro archive verify --all --fix"
)]
pub(crate) struct VerifyArgs {
    /// The id as it is archived, or its beginning if that is enough
    id: Option<String>,
    /// Check every archived session
    #[arg(long, conflicts_with = "id")]
    all: bool,
    /// Remove documents left in `plans/` of which the archive has an identical copy
    #[arg(long)]
    fix: bool,
}

pub(super) fn run(
    args: &VerifyArgs,
    place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    let which = match &args.id {
        Some(id) => WhichArchived::One(id.clone()),
        None if args.all => WhichArchived::All,
        None => WhichArchived::Newest,
    };
    let found = place.workspace()?.verify_archived(&which, args.fix, &mut reading(terminal));
    terminal.progress("");
    let found = found?;
    terminal.show(&found, |found| text(found, args.fix))?;
    Ok(if found.is_verified() { ExitCode::DONE } else { ExitCode::REFUSED })
}

fn text(found: &Verification, fixed: bool) -> Text {
    let mut text = Text::default();
    if found.sessions.is_empty() {
        text.line([plain("There are no archived sessions")]);
    }
    for removed in &found.removed {
        text.line([
            plain("removed: "),
            plain(removed),
            plain(" (the archive has an identical copy)"),
        ]);
    }
    for session in &found.sessions {
        let is_one = found.sessions.len() == 1;
        if is_one || !session.is_verified() {
            of_session(session, &mut text);
        }
    }
    let failed = found.sessions.iter().filter(|session| !session.is_verified()).count();
    let all = count(found.sessions.len(), "archived session", "archived sessions");
    match failed {
        0 if found.sessions.len() < 2 => {}
        0 => text.line([plain(format!("✓ {all}, each where it belongs, whole"))]),
        _ if found.sessions.len() < 2 => {}
        _ => text.line([plain(format!("{failed} of {all} are not whole"))]),
    }
    if !fixed && found.sessions.iter().any(|session| !session.leftovers.is_empty()) {
        let verify = |id, options| CommandLine::new(&["archive", "verify"], id, options);
        let command = match found.sessions.as_slice() {
            [session] => verify(Some(session.id.as_str()), &["--fix"]),
            _ => verify(None, &["--all", "--fix"]),
        };
        text.line([plain("To remove what is left in plans: "), bold(command)]);
    }
    text
}

fn of_session(session: &VerifiedSession, text: &mut Text) {
    text.line([plain("Session "), bold(&session.id)]);
    for check in &session.checks {
        match &check.found {
            Some(found) => text.line([red("  ✗ "), plain(format!("{}: {found}", check.name))]),
            None => text.line([plain("  ✓ "), plain(check.name)]),
        }
    }
    for note in &session.notes {
        text.line([yellow("  note: "), plain(note)]);
    }
}
