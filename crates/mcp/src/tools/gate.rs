//! The design gate: a session is begun with the design that the user has approved.

use maestro_session::GateChanged;
use maestro_session::model::DesignGate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::ToolError;
use crate::tool::{Effect, Scope, Tool};
use crate::tools::create::{Variants, document};
use crate::tools::status::NoArgs;

/// Enters the design gate.
pub(crate) struct Enter;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Entered {
    success: bool,
    /// When work on the design began.
    entered_at: String,
    /// Whether the gate had been entered before.
    already_entered: bool,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for Enter {
    const NAME: &'static str = "enter_design_gate";
    const TITLE: &'static str = "Enter design gate";
    const DESCRIPTION: &'static str = "Record that the design of a session is being worked out with the user. From then on `create_session` for this id is refused until \
        the user has approved the design. It holds back no other session, and can be repeated.";
    const SCOPE: Scope = Scope::NamedSession;
    const EFFECT: Effect = Effect::AddsOnce;
    const EXAMPLE: &'static str = r#"{"session_id": "2026-01-15-rate-limiter"}"#;

    type Args = NoArgs;
    type Answer = Entered;

    fn call(context: &mut Context<'_>, _: NoArgs) -> Result<Entered, ToolError> {
        let id = context.named_session()?.clone();
        let GateChanged { gate, was_entered, warnings, .. } =
            context.whole_workspace()?.enter_design_gate(&id)?;
        let entered_at = gate.entered_at.to_string();
        Ok(Entered { success: true, entered_at, already_entered: was_entered, warnings })
    }
}

/// Records that the user has approved a design.
pub(crate) struct Approve;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ApproveArgs {
    /// The design document, as a path inside the workspace. It may be written later, but before `create_session`.
    design_document_path: Option<String>,
    /// The text of the design document, in place of a path. It is written to `plans/` at once, and overwrites nothing.
    design_document_content: Option<String>,
    /// What the file with that text is to be called, without directories.
    design_document_filename: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Approved {
    success: bool,
    /// When work on the design began.
    entered_at: String,
    /// When the user approved it.
    approved_at: Option<String>,
    /// The document, relative to the workspace.
    design_document_path: Option<String>,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for Approve {
    const NAME: &'static str = "record_design_approval";
    const TITLE: &'static str = "Record design approval";
    const DESCRIPTION: &'static str = "Record that the user has approved the design of a session, with the document as a path or as text and file name. Call it only after the user said \
        so. `create_session` for this id then uses that document.";
    const SCOPE: Scope = Scope::NamedSession;
    const EFFECT: Effect = Effect::Adds;
    const EXAMPLE: &'static str = r##"{"session_id": "2026-01-15-rate-limiter",
        "design_document_filename": "2026-01-15-rate-limiter-design.md", "design_document_content": "# Rate limiter\n"}"##;

    type Args = ApproveArgs;
    type Answer = Approved;

    fn call(context: &mut Context<'_>, args: ApproveArgs) -> Result<Approved, ToolError> {
        let id = context.named_session()?.clone();
        let design = document(&Variants {
            path: (args.design_document_path.as_deref(), "design_document_path"),
            content: (args.design_document_content.as_deref(), "design_document_content"),
            file_name: (args.design_document_filename.as_deref(), "design_document_filename"),
        })?;
        let design = design.ok_or_else(|| {
            ToolError::invalid(
                "record_design_approval needs either design_document_path or both design_document_content and \
                 design_document_filename",
            )
            .hint("give the path of the design document, or its text and a file name")
        })?;
        let GateChanged { gate, warnings, .. } =
            context.whole_workspace()?.approve_design(&id, &design)?;
        Ok(Approved {
            success: true,
            entered_at: gate.entered_at.to_string(),
            approved_at: gate.approved_at.map(|time| time.to_string()),
            design_document_path: gate.design_document_path,
            warnings,
        })
    }
}

/// Says where the design gate stands.
pub(crate) struct GetGate;

#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Gate {
    /// The session; null if its gate was never entered.
    session_id: Option<String>,
    /// When work on the design began.
    entered_at: Option<String>,
    /// When the user approved it; null if not yet.
    approved_at: Option<String>,
    /// The document that was approved.
    design_document_path: Option<String>,
}

impl Tool for GetGate {
    const NAME: &'static str = "get_design_gate_status";
    const TITLE: &'static str = "Get design gate status";
    const DESCRIPTION: &'static str = "Show whether the design gate of a session was entered and its design approved. Use it before `create_session` when you do not know.";
    const SCOPE: Scope = Scope::NamedSession;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str = r#"{"session_id": "2026-01-15-rate-limiter"}"#;

    type Args = NoArgs;
    type Answer = Gate;

    fn call(context: &mut Context<'_>, _: NoArgs) -> Result<Gate, ToolError> {
        let id = context.named_session()?.clone();
        let gate = context.whole_workspace()?.design_gate(&id)?;
        Ok(gate.map(answer_of).unwrap_or_default())
    }
}

fn answer_of(gate: DesignGate) -> Gate {
    Gate {
        session_id: Some(gate.session_id.to_string()),
        entered_at: Some(gate.entered_at.to_string()),
        approved_at: gate.approved_at.map(|time| time.to_string()),
        design_document_path: gate.design_document_path,
    }
}
