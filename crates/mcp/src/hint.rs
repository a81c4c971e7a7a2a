//! What to do next after an error, in the words of this server's tools.
//!
//! The library's own hints name commands of the command line. They are what is left where no tool can help.

use maestro_session::model::{CommandError, CreateError, PhaseEvent, PhaseStatus, SlotLimit};
use maestro_session::store::settings::SettingsError;
use maestro_session::{ErrorClass, SessionError, UndoError};

const BLOCKED: &str =
    "complete or skip what it waits for first; `get_next_phases` lists what can start now";
const ENDED: &str = "call `archive_session`, then begin another with `create_session`";
const DISABLED: &str = "assign another agent with `adjust_phase`; the user decides in MAESTRO_DISABLED_AGENTS who is disabled";

/// Returns what to do about something that is not possible, where the library's own words are not those of the tools.
pub(crate) fn after_refusal(code: &str) -> Option<&'static str> {
    match code {
        "PHASE_BLOCKED" => Some(BLOCKED),
        "SESSION_ENDED" => Some(ENDED),
        "AGENT_DISABLED" => Some(DISABLED),
        _ => None,
    }
}

/// Returns what to do after `error`.
pub(crate) fn after(error: &SessionError) -> Option<String> {
    let hint = match error {
        SessionError::Command(command) => return Some(after_command(command)),
        SessionError::Undo(undo) => return after_undo(undo),
        SessionError::Create(CreateError::PlanRejected { .. }) => {
            "correct the phases as `details` says; `validate_plan` checks them without creating anything"
        }
        SessionError::Create(CreateError::TaskMissing) => "say in `task` what the user asked for",
        SessionError::Create(CreateError::ExpressNeedsOnePhase { .. }) => {
            "leave `workflow_mode` out, or put all the work into one phase"
        }
        SessionError::NoSession { .. } => {
            "call `get_session_status` to see whether there is a session in this workspace; `create_session` begins one"
        }
        SessionError::SessionExists { .. } => {
            "call `get_session_status`; go on with that session (`get_resume_report`), or end it with `archive_session` first"
        }
        SessionError::OtherSession { .. } => {
            "call `get_session_status` for the id of the active session, and check that the workspace is the right one"
        }
        SessionError::IdTaken { .. } => {
            "an archived session has this id; give another `session_id`"
        }
        SessionError::GateUnapproved { .. } => {
            "let the user approve the design, call `record_design_approval`, then `create_session` again"
        }
        SessionError::GateUnreadable { .. } => {
            "call `enter_design_gate`, which puts the damaged file into the quarantine, and have the design approved again"
        }
        SessionError::DocumentMissing { .. } => {
            "give the path of an existing file of the workspace, or the document's text and file name"
        }
        SessionError::ReconciliationPending { .. } => {
            "call `scan_phase_changes` for the phase, then `reconcile_phase` with what it did"
        }
        SessionError::NotStarted { .. } => {
            "a scan finds what changed since a phase began; start it with `transition_phase`"
        }
        SessionError::OperationNotFound { .. } => {
            "call `get_session_log` for the operations and their numbers"
        }
        SessionError::StateDirInUse { .. } => {
            "leave `state_dir` out to go on with that session, or end it with `archive_session` first"
        }
        SessionError::Settings(SettingsError::StateDirTaken { .. }) => {
            "give another path inside the workspace, `docs/maestro` for example"
        }
        SessionError::Settings(error) if error.code() == "BAD_SETTING" => {
            "ask the user to correct it where it is set, or to remove it"
        }
        SessionError::Lock(error) if error.code() == "NOT_INITIALISED" => {
            "call `initialize_workspace` with the absolute path of the project directory"
        }
        SessionError::Corrupt { .. } | SessionError::Open(_) | SessionError::Read(_)
            if error.class() == ErrorClass::Corrupt && error.code() != "TOO_NEW" =>
        {
            return error.hint().map(|hint| {
                format!("{hint}; `archive_session` ends the session as it was recorded last")
            });
        }
        SessionError::ArchivePending { .. } => "call the same tool again, which finishes it",
        SessionError::Path(_) => "give a path inside the workspace, relative to it",
        _ => return error.hint(),
    };
    Some(hint.to_owned())
}

fn after_command(error: &CommandError) -> String {
    let hint = match error {
        CommandError::PhaseNotFound { .. } => {
            "call `get_session_status` to verify the session and its phase ids"
        }
        CommandError::IllegalTransition { illegal, .. } => {
            return after_illegal(illegal.from);
        }
        CommandError::Blocked { .. } => BLOCKED,
        CommandError::NoFreeSlot { because: SlotLimit::Sequential, .. } => {
            "complete or fail the phase in progress first; with `execution_mode` \"parallel\" (`update_session`) phases \
             may run side by side"
        }
        CommandError::NoFreeSlot { because: SlotLimit::MaxConcurrent, .. } => {
            "complete or fail a phase in progress first; the user can raise MAESTRO_MAX_CONCURRENT"
        }
        CommandError::HandoffIncomplete { has_files: true, .. } => {
            "say in `downstream_context` what later phases need to know of these files"
        }
        CommandError::HandoffIncomplete { has_files: false, .. } => {
            "name the files, and say in `downstream_context` what later phases need to know"
        }
        CommandError::HandoffOfNoPhase => "name the phase that it is of in `completed_phase_id`",
        CommandError::TokensOfNobody => {
            "name the agent in `token_usage.agent`, or the phase that ended in `completed_phase_id`"
        }
        CommandError::RetriesExhausted { .. } => {
            "ask the user; if the user orders it: `retry_phase` with `user_decided` true, or `skip_phase`"
        }
        CommandError::UserDecisionRequired { event: PhaseEvent::Skip, .. }
        | CommandError::AbortUndecided => {
            "ask the user; if the user decides so, call it again with `user_decided` true"
        }
        CommandError::UserDecisionRequired { .. } => {
            "ask the user, and call it again with `user_decided` true if the user orders it"
        }
        CommandError::ErrorIncomplete { .. } => {
            "say who failed (`agent`) and what went wrong (`message`)"
        }
        CommandError::ErrorNotRecordable { status: PhaseStatus::Pending, .. } => {
            "start it first with `transition_phase` (`next_phase_id`)"
        }
        CommandError::ErrorNotRecordable { .. } => {
            "name a phase that is in progress or failed; `reconcile_phase` adds to the record of a completed one"
        }
        CommandError::SessionEnded { .. } => ENDED,
        CommandError::NotReconcilable { status: PhaseStatus::InProgress, .. } => {
            "complete it with `transition_phase`"
        }
        CommandError::NotReconcilable { .. } => "only completed phases have a record to put right",
        CommandError::ReconciliationEmpty { .. } => {
            "`scan_phase_changes` finds the files that the phase created, modified and deleted"
        }
        CommandError::AgentDisabled { .. } => DISABLED,
        CommandError::AgentUnknown { .. } => "name the agent in `token_usage.agent`",
        CommandError::NothingToAdjust { .. } => {
            "name what is to change: `name`, `agents`, `blocked_by`, `planned_files`"
        }
        CommandError::PlanViolated { .. } => "`validate_plan` explains the rules of a plan",
        _ => return error.hint(),
    };
    hint.to_owned()
}

fn after_undo(error: &UndoError) -> Option<String> {
    let hint = match error {
        UndoError::NothingLeft | UndoError::IsTheBeginning { .. } => {
            "a session that should not be is ended with `archive_session`"
        }
        UndoError::BroughtBack { .. } => {
            "end the session with `archive_session`; what was done before that can be undone by its number"
        }
        UndoError::NeverTookEffect { .. } | UndoError::ChangedNothing { .. } => {
            "call `get_session_log` for the operations and their numbers"
        }
        UndoError::UndoneAlready { by, .. } => {
            return Some(format!(
                "to bring it back, undo the undo: `undo_operation` with `operation` {by}"
            ));
        }
        UndoError::MadeAgain { by, .. } => {
            return Some(format!("undo that one: `undo_operation` with `operation` {by}"));
        }
        UndoError::Entangled { later, .. } => {
            let newest = later.first().map(|newest| format!(" with `operation` {newest}"));
            let newest = newest.unwrap_or_default();
            return Some(format!(
                "undo what came after it first, the newest first: `undo_operation`{newest}"
            ));
        }
        UndoError::BreaksRules { .. } => {
            "undo what builds on it first; `get_session_log` shows what came after it"
        }
        _ => return error.hint(),
    };
    Some(hint.to_owned())
}

fn after_illegal(from: PhaseStatus) -> String {
    match from {
        PhaseStatus::Pending => "start it with `transition_phase` (`next_phase_id`), or `skip_phase` if the user decided so",
        PhaseStatus::InProgress => {
            "complete it with `transition_phase` (`completed_phase_id`), or record with `fail_phase` that it failed"
        }
        PhaseStatus::Failed => "`retry_phase` tries it again, `skip_phase` leaves it out if the user decided so",
        PhaseStatus::Completed => "a completed phase is history; `reconcile_phase` adds to its record",
        PhaseStatus::Skipped => "a skipped phase stays skipped; `undo_operation` takes the skip back",
    }
    .to_owned()
}
