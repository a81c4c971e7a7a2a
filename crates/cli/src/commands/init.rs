//! `maestro init`

use std::path::{Path, PathBuf};

use clap::Args;
use maestro_session::{Initialised, SessionError, Workspace};
use maestro_session_model::RelPath;
use maestro_state_store::state_dir::GitignoreChange;
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::terminal::Terminal;
use crate::text::{Text, bold, plain};

/// Make a directory a workspace
///
/// Creates the state dir with its directories and a .gitignore, and leaves alone what is
/// there. A state dir that is given is remembered in the file .maestro-state-dir.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro init
  maestro init ../other-project
  maestro init --state-dir .maestro"
)]
pub(crate) struct InitArgs {
    /// The workspace [default: the current directory]
    #[arg(value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// Keep the state in DIR, relative to the workspace [default: docs/maestro]
    #[arg(long, value_name = "DIR")]
    state_dir: Option<String>,
}

pub(crate) fn run(
    args: &InitArgs,
    mut place: Place,
    terminal: &mut Terminal,
) -> Result<ExitCode, Failure> {
    if let Some(dir) = &args.workspace {
        place.enter(dir)?;
    }
    let state_dir = args.state_dir.as_deref().map(|dir| inside(&place.cwd, dir)).transpose()?;
    let done = Workspace::init(&place.cwd, state_dir.as_ref(), &place.env, &place.disk)?;
    let result = Fields {
        workspace: done.workspace.display().to_string(),
        state_dir: done.state_dir.to_string(),
        already_existed: done.creation.already_existed(),
        created: created(&done),
        marker: done.marker.as_ref().map(|marker| marker.display().to_string()),
    };
    terminal.show(&result, text)?;
    Ok(ExitCode::DONE)
}

fn inside(root: &Path, dir: &str) -> Result<RelPath, SessionError> {
    Ok(RelPath::within(&root.to_string_lossy(), dir)?)
}

fn created(done: &Initialised) -> Vec<String> {
    let dirs = done.creation.directories.iter().filter(|dir| dir.created);
    let mut created: Vec<String> = dirs.map(|dir| format!("{}/", dir.path)).collect();
    match done.creation.gitignore {
        GitignoreChange::Created => created.push(format!("{}/state/.gitignore", done.state_dir)),
        GitignoreChange::Unchanged | GitignoreChange::Extended => {}
    }
    created
}

/// What `init` did.
#[derive(Serialize)]
struct Fields {
    workspace: String,
    state_dir: String,
    already_existed: bool,
    created: Vec<String>,
    marker: Option<String>,
}

fn text(result: &Fields) -> Text {
    let mut text = Text::default();
    let verb = if result.already_existed { "Checked" } else { "Initialised" };
    text.line([
        plain(verb),
        plain(" the workspace "),
        bold(&result.workspace),
        plain(format!(" (state dir {})", result.state_dir)),
    ]);
    for path in &result.created {
        text.line([plain("  created "), plain(path)]);
    }
    text
}
