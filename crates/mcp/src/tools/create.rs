//! Beginning a session.

use maestro_session::model::DocumentName;
use maestro_session::{DocumentSource, NewSessionRequest, PlanSource};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::args::{Complexity, Id, Mode, ids};
use crate::context::Context;
use crate::error::ToolError;
use crate::phases::{self, PhaseItem};
use crate::tool::{Effect, Scope, Tool};

/// Begins a session.
pub(crate) struct Create;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateArgs {
    /// What the user asked for.
    #[schemars(length(min = 1))]
    task: String,
    /// The phases of the plan, in their order.
    #[schemars(with = "Vec<PhaseItem>", length(min = 1))]
    phases: Vec<Value>,
    /// The design document, as a path inside the workspace; the one that was approved in the design gate when absent. One that
    /// lies outside the state dir is copied into it.
    #[serde(default)]
    design_document: Option<String>,
    /// The implementation plan, as a path inside the workspace. One that lies outside the state dir is copied into it.
    #[serde(default)]
    implementation_plan: Option<String>,
    /// The text of the implementation plan, in place of a path. It is written to `plans/`, and overwrites nothing.
    #[serde(default)]
    implementation_plan_content: Option<String>,
    /// What the file with that text is to be called, without directories.
    #[serde(default)]
    implementation_plan_filename: Option<String>,
    /// How demanding the task is.
    #[serde(default)]
    task_complexity: Option<Complexity>,
    /// Whether phases may run side by side; MAESTRO_EXECUTION_MODE decides when absent.
    #[serde(default)]
    execution_mode: Option<Mode>,
    /// standard, or express for a single phase.
    #[serde(default)]
    workflow_mode: Option<Workflow>,
}

/// How much ceremony a session has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Workflow {
    Standard,
    Express,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Created {
    success: bool,
    /// The session file, as an absolute path.
    path: String,
    /// The session.
    session_id: String,
    /// The phase that has started.
    current_phase: Option<Id>,
    /// The phases that can start beside it.
    ready_phase_ids: Vec<Id>,
    /// The design document, relative to the workspace.
    design_document: Option<String>,
    /// The implementation plan, relative to the workspace.
    implementation_plan: Option<String>,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for Create {
    const NAME: &'static str = "create_session";
    const TITLE: &'static str = "Create session";
    const DESCRIPTION: &'static str = "Begin an orchestration session after the user has approved the plan: records its phases and starts the first one that waits \
        for nothing. Refused while another session is active: archive that one first. Nothing is ever replaced.";
    const SCOPE: Scope = Scope::NamedSession;
    const EFFECT: Effect = Effect::Adds;
    const EXAMPLE: &'static str = r#"{"session_id": "2026-01-15-rate-limiter", "task": "Add a token bucket rate limiter", "phases": [
        {"id": 1, "name": "Core bucket", "agent": "coder", "parallel": false, "blocked_by": [], "files": ["src/bucket.rs"]},
        {"id": 2, "name": "Tests", "agent": "tester", "parallel": false, "blocked_by": [1], "files": ["tests/bucket.rs"]}]}"#;

    type Args = CreateArgs;
    type Answer = Created;

    fn call(context: &mut Context<'_>, args: CreateArgs) -> Result<Created, ToolError> {
        let id = context.named_session()?.clone();
        let document = plan_document(&args)?;
        let workspace = context.whole_workspace()?;
        let phases = phases::read(&args.phases, Some(&workspace)).map_err(|violations| {
            let rules: Vec<&str> = violations.iter().map(|found| found.detail.as_str()).collect();
            ToolError::invalid(format!("Invalid phases payload: {}", rules.join("; ")))
                .hint("correct the phases as `details` says; `validate_plan` checks them without creating anything")
                .details(json!(violations))
        })?;
        let request = NewSessionRequest {
            id: Some(id),
            design: args.design_document.filter(|path| is_given(path)).map(DocumentSource::File),
            express: args.workflow_mode == Some(Workflow::Express),
            execution_mode: args.execution_mode.map(Into::into),
            complexity: args.task_complexity.map(Into::into),
            execution_backend: Some("native".to_owned()),
            begins: true,
            from: workspace.state_dir().workspace().to_owned(),
            ..NewSessionRequest::of(&args.task, PlanSource::Phases { phases, document })
        };
        let created = workspace.create_session(&request)?;
        let session = created.session;
        Ok(Created {
            success: true,
            path: workspace.state_dir().active_session().to_string_lossy().into_owned(),
            session_id: session.session_id.to_string(),
            current_phase: session.current_phase.as_ref().map(Id::from),
            ready_phase_ids: ids(&session.ready),
            design_document: session.design_document,
            implementation_plan: session.implementation_plan,
            warnings: created.warnings,
        })
    }
}

fn plan_document(args: &CreateArgs) -> Result<Option<DocumentSource>, ToolError> {
    document(&Variants {
        path: (args.implementation_plan.as_deref(), "implementation_plan"),
        content: (args.implementation_plan_content.as_deref(), "implementation_plan_content"),
        file_name: (args.implementation_plan_filename.as_deref(), "implementation_plan_filename"),
    })
}

/// Whether a path names something: models say nothing with an empty one too.
fn is_given(path: &str) -> bool {
    !path.trim().is_empty()
}

/// The two ways in which a call can give a document, each with the names of the arguments.
pub(crate) struct Variants<'a> {
    pub(crate) path: (Option<&'a str>, &'static str),
    pub(crate) content: (Option<&'a str>, &'static str),
    pub(crate) file_name: (Option<&'a str>, &'static str),
}

/// Returns the document that a call gives, by its path or by its text and file name; nothing where it gives none.
pub(crate) fn document(variants: &Variants<'_>) -> Result<Option<DocumentSource>, ToolError> {
    let Variants { path: (path, path_name), content: (content, content_name), file_name } =
        variants;
    let (file_name, file_name_name) = file_name;
    let refused = |problem: String, field: &str| {
        ToolError::invalid(problem)
            .hint(format!(
                "give either `{path_name}`, or both `{content_name}` and `{file_name_name}`"
            ))
            .detail("field", field)
    };
    match (path.filter(|path| is_given(path)), content, file_name) {
        (None, None, None) => Ok(None),
        (Some(path), None, None) => Ok(Some(DocumentSource::File(path.to_owned()))),
        (Some(_), _, _) => Err(refused(
            format!("{path_name} and {content_name} are mutually exclusive"),
            path_name,
        )),
        (None, Some(_), None) => Err(refused(
            format!("{file_name_name} is required when {content_name} is given"),
            file_name_name,
        )),
        (None, None, Some(_)) => Err(refused(
            format!("{content_name} is required when {file_name_name} is given"),
            content_name,
        )),
        (None, Some(text), Some(name)) => {
            let name: DocumentName = name.parse().map_err(|_| {
                refused(
                    format!("{file_name_name} must be a basename such as `plan.md`, without directories: `{name}`"),
                    file_name_name,
                )
            })?;
            Ok(Some(DocumentSource::Text { name, text: (*text).to_owned() }))
        }
    }
}
