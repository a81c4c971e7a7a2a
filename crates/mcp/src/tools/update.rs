//! How the session is carried out.

use maestro_session::model::{Command, Configuration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::args::{Mode, given};
use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool};

/// Changes how the session is carried out.
pub(crate) struct Update;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UpdateArgs {
    /// Whether phases may run side by side.
    execution_mode: Option<Mode>,
    /// What runs the agents.
    execution_backend: Option<String>,
    /// The parallel batch that is being carried out; null for none.
    #[serde(deserialize_with = "given")]
    #[schemars(with = "Option<String>")]
    current_batch: Option<Option<String>>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Updated {
    success: bool,
    /// The fields that were set.
    updated_fields: Vec<&'static str>,
    /// The operation: `undo_operation` takes it back.
    operation: String,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for Update {
    const NAME: &'static str = "update_session";
    const TITLE: &'static str = "Update session";
    const DESCRIPTION: &'static str = "Record how the session is carried out: execution_mode once the user has chosen it, execution_backend, current_batch. For phases use \
        `transition_phase` and its neighbours.";
    const SCOPE: Scope = Scope::NamedSession;
    const EFFECT: Effect = Effect::AddsOnce;
    const EXAMPLE: &'static str =
        r#"{"session_id": "2026-01-15-rate-limiter", "execution_mode": "parallel"}"#;

    type Args = UpdateArgs;
    type Answer = Updated;

    fn call(context: &mut Context<'_>, args: UpdateArgs) -> Result<Updated, ToolError> {
        let given = [
            ("execution_mode", args.execution_mode.is_some()),
            ("execution_backend", args.execution_backend.is_some()),
            ("current_batch", args.current_batch.is_some()),
        ];
        let updated_fields: Vec<_> =
            given.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
        if updated_fields.is_empty() {
            let problem = "update_session needs at least one updatable field";
            return Err(ToolError::invalid(problem)
                .hint("give execution_mode, execution_backend or current_batch"));
        }
        let changes = Configuration {
            execution_mode: args.execution_mode.map(Into::into),
            execution_backend: args.execution_backend,
            current_batch: args.current_batch,
        };
        let done = context.workspace()?.apply(&Command::Configure { changes })?;
        Ok(Updated {
            success: true,
            updated_fields,
            operation: done.operation.to_string(),
            warnings: done.warnings,
        })
    }
}
