//! The workspace, and its settings.

use std::collections::BTreeMap;
use std::path::Path;

use maestro_session::model::RelPath;
use maestro_session::store::Disk;
use maestro_session::store::settings::Origin;
use maestro_session::{Workspace, settings_of_no_workspace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Context;
use crate::error::ToolError;
use crate::place;
use crate::tool::{Effect, Scope, Tool};

/// Makes a directory the workspace of the calls that follow.
pub(crate) struct Initialize;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InitializeArgs {
    /// The project directory, as an absolute path. It is taken as it is: a package of a larger repository stays the workspace.
    #[schemars(with = "String")]
    workspace_path: Option<Value>,
    /// Where the state is kept, relative to the workspace; remembered in `.maestro-state-dir`, so that everybody finds it.
    /// Default: MAESTRO_STATE_DIR, else docs/maestro.
    #[serde(default)]
    state_dir: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Initialized {
    success: bool,
    /// The workspace, as an absolute path without links.
    workspace_path: String,
    /// The state dir, relative to it.
    state_dir: String,
    /// The directories that are there now.
    created_directories: Vec<String>,
    /// Whether the state dir was there before.
    already_existed: bool,
}

impl Tool for Initialize {
    const NAME: &'static str = "initialize_workspace";
    const TITLE: &'static str = "Initialize workspace";
    const DESCRIPTION: &'static str = "Make a project directory the workspace: create its state dir, and use it for all calls that \
        follow. Call it once, before anything else; it can be repeated. A server that was started again finds an initialized workspace by itself.";
    const SCOPE: Scope = Scope::None;
    const EFFECT: Effect = Effect::AddsOnce;
    const EXAMPLE: &'static str = r#"{"workspace_path": "/home/u/app"}"#;

    type Args = InitializeArgs;
    type Answer = Initialized;

    fn call(context: &mut Context<'_>, args: InitializeArgs) -> Result<Initialized, ToolError> {
        let named = match &args.workspace_path {
            None => "",
            Some(Value::String(path)) => path.trim(),
            Some(other) => return Err(place::required(&other.to_string())),
        };
        let root = match context.chosen() {
            // Clients of the Node server say nothing to mean what they said before.
            Some(chosen) if named.is_empty() => chosen.to_owned(),
            Some(_) | None => context.directory(named)?,
        };
        // An empty one is none, as it is for the Node server.
        let text = args.state_dir.as_deref().filter(|text| !text.is_empty());
        let state_dir =
            text.map(|text| state_dir(&root, text, context.disk().as_ref())).transpose()?;
        let initialised =
            Workspace::init(&root, state_dir.as_ref(), context.env(), context.disk())?;
        let directories = &initialised.creation.directories;
        let answer = Initialized {
            success: true,
            workspace_path: initialised.workspace.to_string_lossy().into_owned(),
            state_dir: initialised.state_dir.to_string(),
            created_directories: directories.iter().map(|made| format!("{}/", made.path)).collect(),
            already_existed: initialised.creation.already_existed(),
        };
        context.choose(root);
        Ok(answer)
    }
}

fn state_dir(root: &Path, text: &str, disk: &dyn Disk) -> Result<RelPath, ToolError> {
    let has_parents = text.split(['/', '\\']).any(|part| part == "..");
    // An absolute one may be under either name of the workspace.
    let names = [Some(root.to_owned()), disk.canonicalize(root).ok()];
    let path = names
        .into_iter()
        .flatten()
        .find_map(|name| RelPath::within(&name.to_string_lossy(), text).ok());
    path.filter(|_| !has_parents).ok_or_else(|| {
        ToolError::invalid(format!("`state_dir`: `{text}` does not stay inside the workspace"))
            .hint("give a path inside the workspace, without `..`")
            .detail("field", "state_dir")
    })
}

/// Says what the settings are.
pub(crate) struct Settings;

/// The settings that can be asked for, as the Node server has them.
const NAMES: [&str; 7] = [
    "MAESTRO_DISABLED_AGENTS",
    "MAESTRO_MAX_RETRIES",
    "MAESTRO_AUTO_ARCHIVE",
    "MAESTRO_VALIDATION_STRICTNESS",
    "MAESTRO_STATE_DIR",
    "MAESTRO_MAX_CONCURRENT",
    "MAESTRO_EXECUTION_MODE",
];

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SettingsArgs {
    /// The settings to resolve, by their names; all of them when absent or empty. Names that are not known are passed by.
    settings: Option<Vec<String>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ResolvedSettings {
    /// What is set, by name; null where nothing is.
    settings: BTreeMap<&'static str, Option<String>>,
    /// The agents that may not be assigned.
    disabled_agents: Vec<String>,
    /// What holds, by name: what is set, or the default.
    effective: BTreeMap<&'static str, String>,
    /// Where each value comes from: environment, a file with its line, or default.
    sources: BTreeMap<&'static str, String>,
}

impl Tool for Settings {
    const NAME: &'static str = "resolve_settings";
    const TITLE: &'static str = "Resolve settings";
    const DESCRIPTION: &'static str = "Read the MAESTRO_* settings: the first of environment, .maestro-state-dir (state dir only), .env of the \
        workspace, .env of the extension, default. Use it at the start of an orchestration. Works without a workspace.";
    const SCOPE: Scope = Scope::Workspace;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str =
        r#"{"settings": ["MAESTRO_MAX_RETRIES", "MAESTRO_EXECUTION_MODE"]}"#;

    type Args = SettingsArgs;
    type Answer = ResolvedSettings;

    fn call(context: &mut Context<'_>, args: SettingsArgs) -> Result<ResolvedSettings, ToolError> {
        let resolved = match context.workspace_if_known()? {
            Some(workspace) => workspace.settings().clone(),
            None => settings_of_no_workspace(&context.env().environment, context.disk().as_ref())?,
        };
        let asked = args.settings.unwrap_or_default();
        let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
        let mut answer = ResolvedSettings {
            settings: BTreeMap::new(),
            disabled_agents: Vec::new(),
            effective: BTreeMap::new(),
            sources: BTreeMap::new(),
        };
        for listed in resolved.list() {
            let Some(name) = NAMES.into_iter().find(|name| *name == listed.name) else { continue };
            if !is_asked(name) {
                continue;
            }
            let is_set = listed.origin != Origin::Default;
            answer.settings.insert(name, is_set.then(|| listed.value.clone()));
            answer.sources.insert(name, listed.origin.to_string());
            answer.effective.insert(name, listed.value);
        }
        if is_asked("MAESTRO_DISABLED_AGENTS") {
            let disabled = &resolved.disabled_agents.value;
            answer.disabled_agents = disabled.iter().map(ToString::to_string).collect();
        }
        Ok(answer)
    }
}
