//! How an interrupted session goes on.

use maestro_session::{Action, Choice, PhaseFacts, ResumeReport, Step, prompt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::args::{Id, null_is_none};
use crate::context::Context;
use crate::error::ToolError;
use crate::hint;
use crate::tool::{Effect, Scope, Tool};

/// Says how an interrupted session goes on.
pub(crate) struct GetReport;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ReportArgs {
    /// Whether to give the report as Markdown for a model instead of as data.
    #[serde(deserialize_with = "null_is_none")]
    #[schemars(with = "Option<bool>")]
    as_prompt: bool,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ReportAnswer {
    /// Whether there is an active session.
    exists: bool,
    /// What there is to say if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
    /// What resuming would do: choose, redelegate, approve, start, reconcile, review, archive or stuck.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_step: Option<String>,
    /// What that means.
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<String>,
    /// The calls that take the step, in their order; none where the user has to choose first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<ToolCall>,
    /// How many conflicts the user is to be told of before anything goes on.
    conflicts_to_confirm: usize,
    /// The report: session, position, conflicts, failed, active, ready and blocked phases, with the choices for each; described in
    /// docs/RESUME.md. Absent with as_prompt.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Map<String, Value>>")]
    report: Option<Value>,
    /// The report as Markdown, with as_prompt. Where it names commands of `maestro`, `calls` and `options` do the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<String>,
    /// The options of the prompt as calls, with as_prompt: those of failed, interrupted, ready and other phases.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    options: Vec<OptionCall>,
}

/// Something that can be done about a phase.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct OptionCall {
    /// The phase.
    phase_id: Id,
    /// What is done: retry, skip, abort, adjust, redelegate, complete, fail, start or reconcile.
    option: &'static str,
    /// The call that does it.
    call: ToolCall,
    /// The call that has to follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<ToolCall>,
    /// Whether only the user may decide it.
    needs_user: bool,
    /// Whether it is possible now.
    possible: bool,
}

/// A call of a tool of this server.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ToolCall {
    /// The tool.
    tool: &'static str,
    /// Its arguments; texts in capitals are for the caller to fill in.
    arguments: Map<String, Value>,
}

impl Tool for GetReport {
    const NAME: &'static str = "get_resume_report";
    const TITLE: &'static str = "Get resume report";
    const DESCRIPTION: &'static str = "Say how an interrupted session goes on: where it stands, which phases failed or were interrupted and what can be done about each, which files and documents changed meanwhile, and the \
        next step with its calls. Use it whenever you find an active session that you did not begin in this conversation, and show conflicts and failures to the \
        user first. Changes nothing.";
    const SCOPE: Scope = Scope::Session;
    const EFFECT: Effect = Effect::Reads;
    const EXAMPLE: &'static str = r#"{"as_prompt": true}"#;

    type Args = ReportArgs;
    type Answer = ReportAnswer;

    fn call(context: &mut Context<'_>, args: ReportArgs) -> Result<ReportAnswer, ToolError> {
        let workspace = context.workspace()?;
        let report = workspace.resume_report(&mut |_, _| {});
        let Some(report) = report? else {
            let message = Some("No active session found");
            return Ok(ReportAnswer { message, ..ReportAnswer::default() });
        };
        let session_id = report.session.session_id.as_str();
        let calls = calls_of(&report.next.step, session_id);
        let next = serde_json::to_value(&report.next.step).unwrap_or_default();
        Ok(ReportAnswer {
            exists: true,
            message: None,
            next_step: next.get("step").and_then(Value::as_str).map(str::to_owned),
            means: Some(report.next.means.clone()),
            calls,
            conflicts_to_confirm: report.conflicts_to_confirm().count(),
            prompt: args.as_prompt.then(|| prompt(&report, &[])),
            report: (!args.as_prompt).then(|| data(&report)),
            options: if args.as_prompt { options(&report) } else { Vec::new() },
        })
    }
}

/// The calls that take a step, in their order.
fn calls_of(step: &Step, session_id: &str) -> Vec<ToolCall> {
    let mut actions = step.actions();
    if matches!(step, Step::Review { .. } | Step::Archive { .. }) {
        actions.push(Action::Archive { force: false });
    }
    actions.iter().map(|action| call_of(action, session_id)).collect()
}

/// The report as data, with calls in the place of commands to type.
fn data(report: &ResumeReport) -> Value {
    let mut data = serde_json::to_value(report).unwrap_or_default();
    if let Some(Value::Object(next)) = data.get_mut("next") {
        next.remove("commands");
        let obstacles = next.get_mut("obstacles").and_then(Value::as_array_mut);
        obstacles.into_iter().flatten().for_each(say_in_tools);
    }
    let session_id = report.session.session_id.as_str();
    for (name, phases) in phases_with_choices(report) {
        for (place, phase) in phases.iter().enumerate() {
            for (index, choice) in phase.choices.iter().enumerate() {
                let pointer = format!("/{name}/{place}/choices/{index}");
                let Some(Value::Object(shown)) = data.pointer_mut(&pointer) else { continue };
                shown.remove("command");
                shown.get_mut("refusal").into_iter().for_each(say_in_tools);
                shown.insert("call".to_owned(), json!(call_of(&choice.action, session_id)));
                if let Some(follows) = follows(phase, choice) {
                    shown.insert("then".to_owned(), json!(call_of(&follows.action, session_id)));
                }
            }
        }
    }
    data
}

/// Says what to do about something that is not possible in the words of this server's tools.
fn say_in_tools(refusal: &mut Value) {
    let hint = refusal["code"].as_str().and_then(hint::after_refusal);
    if let Some(hint) = hint {
        refusal["hint"] = hint.into();
    }
}

/// The options of the prompt as calls.
fn options(report: &ResumeReport) -> Vec<OptionCall> {
    let session_id = report.session.session_id.as_str();
    let phases = phases_with_choices(report).into_iter().flat_map(|(_, phases)| phases);
    let option = |phase: &PhaseFacts, choice: &Choice| OptionCall {
        phase_id: Id::from(&phase.id),
        option: choice.action.verb(),
        call: call_of(&choice.action, session_id),
        then: follows(phase, choice).map(|follows| call_of(&follows.action, session_id)),
        needs_user: choice.needs_user,
        possible: choice.possible,
    };
    phases.flat_map(|phase| phase.choices.iter().map(move |choice| option(phase, choice))).collect()
}

/// The lists of a report whose phases have choices, by their names.
fn phases_with_choices(report: &ResumeReport) -> [(&'static str, &[PhaseFacts]); 5] {
    [
        ("failed", &report.failed),
        ("active", &report.active),
        ("ready", &report.ready),
        ("to_reconcile", &report.to_reconcile),
        ("other_errors", &report.other_errors),
    ]
}

/// What has to follow a choice, which is another of the choices.
fn follows<'p>(phase: &'p PhaseFacts, choice: &Choice) -> Option<&'p Choice> {
    phase.choices.iter().find(|other| Some(&other.command) == choice.then.as_ref())
}

/// The call that carries an action out.
fn call_of(action: &Action, session_id: &str) -> ToolCall {
    let of_phase = |tool: &'static str, key: &str, more: &[(&str, Value)]| {
        let mut arguments = Map::new();
        arguments.insert("session_id".to_owned(), session_id.into());
        if let Some(phase) = action.phase() {
            arguments.insert(key.to_owned(), json!(phase));
        }
        arguments.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        ToolCall { tool, arguments }
    };
    match action {
        Action::Start { .. } => of_phase("transition_phase", "next_phase_id", &[]),
        Action::Redelegate { .. } => of_phase("redelegate_phase", "phase_id", &[]),
        Action::Complete { .. } => {
            of_phase("transition_phase", "completed_phase_id", &[("report", "REPORT".into())])
        }
        Action::Fail { lacks_agent: false, .. } => {
            of_phase("fail_phase", "phase_id", &[("message", "TEXT".into())])
        }
        Action::Fail { lacks_agent: true, .. } => of_phase(
            "fail_phase",
            "phase_id",
            &[("message", "TEXT".into()), ("agent", "NAME".into())],
        ),
        Action::Retry { by_user: false, .. } => of_phase("retry_phase", "phase_id", &[]),
        Action::Retry { by_user: true, .. } => {
            of_phase("retry_phase", "phase_id", &[("user_decided", true.into())])
        }
        Action::Skip { .. } => of_phase("skip_phase", "phase_id", &[("user_decided", true.into())]),
        Action::Adjust { .. } => {
            of_phase("adjust_phase", "phase_id", &[("agents", json!(["NAME"]))])
        }
        Action::Reconcile { .. } => {
            of_phase("reconcile_phase", "phase_id", &[("files_created", json!(["FILE"]))])
        }
        Action::Abort => of_phase("abort_session", "phase_id", &[("user_decided", true.into())]),
        Action::Archive { .. } => of_phase("archive_session", "phase_id", &[]),
        // A kind of action that is newer than this server.
        _ => of_phase("get_next_phases", "phase_id", &[]),
    }
}
