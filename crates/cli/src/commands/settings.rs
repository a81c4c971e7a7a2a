//! `maestro settings`

use clap::Args;
use maestro_state_store::settings::ListedSetting;
use serde::Serialize;

use crate::exit_code::ExitCode;
use crate::failure::Failure;
use crate::invocation::Place;
use crate::table::Table;
use crate::terminal::Terminal;
use crate::text::{Text, bold, dim, plain};

/// Show every setting, its value and where the value comes from
///
/// The first of these that has a value wins: the environment, .maestro-state-dir in the
/// workspace (state dir only), .env in the workspace, .env of the extension, the default.
#[derive(Debug, Args)]
#[command(
    verbatim_doc_comment,
    after_help = "\
Examples:
  maestro settings
  MAESTRO_MAX_RETRIES=5 maestro settings --json"
)]
pub(crate) struct SettingsArgs {}

pub(crate) fn run(place: Place, terminal: &mut Terminal) -> Result<ExitCode, Failure> {
    let workspace = place.workspace()?;
    let dir = workspace.state_dir();
    let result = Fields {
        workspace: dir.workspace().display().to_string(),
        state_dir: dir.relative().to_string(),
        settings: workspace.settings().list().into_iter().map(Row::from).collect(),
    };
    terminal.show(&result, text)?;
    Ok(ExitCode::DONE)
}

/// The settings of a workspace.
#[derive(Serialize)]
struct Fields {
    workspace: String,
    state_dir: String,
    settings: Vec<Row>,
}

/// One setting.
#[derive(Serialize)]
struct Row {
    name: &'static str,
    value: String,
    origin: String,
}

impl From<ListedSetting> for Row {
    fn from(setting: ListedSetting) -> Self {
        let ListedSetting { name, value, origin } = setting;
        Self { name, value, origin: origin.to_string() }
    }
}

fn text(result: &Fields) -> Text {
    let mut text = Text::default();
    let mut table = Table::default();
    for Row { name, value, origin } in &result.settings {
        let value = if value.is_empty() { dim("(none)") } else { plain(value) };
        table.row([bold(name), value, dim(origin)]);
    }
    table.write_to(&mut text, "");
    text
}
