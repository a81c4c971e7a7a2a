//! Why a command is refused.

use crate::plan::Violation;
use crate::{CommandLine, IllegalTransition, PhaseEvent, PhaseId, PhaseStatus, SessionStatus};

/// A command that the state of the session does not allow. Nothing has changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The session has no such phase.
    #[error("there is no phase {phase}")]
    PhaseNotFound {
        /// The id that was given.
        phase: PhaseId,
        /// The ids that there are, the first few.
        known: Vec<PhaseId>,
    },
    /// Two phases have this id, after a hand edit.
    #[error("two phases have the id {phase}")]
    PhaseAmbiguous {
        /// The id.
        phase: PhaseId,
    },
    /// The transition table has no such step.
    #[error("phase {phase} cannot {}: it is {}", illegal.event, illegal.from)]
    IllegalTransition {
        /// Which phase.
        phase: PhaseId,
        /// The step.
        illegal: IllegalTransition,
    },
    /// The plan of a completed phase is history.
    #[error("phase {phase} cannot be adjusted: it is {status}")]
    NotAdjustable {
        /// Which phase.
        phase: PhaseId,
        /// Its status.
        status: PhaseStatus,
    },
    /// Only what has been completed can be reconciled.
    #[error("phase {phase} cannot be reconciled: it is {status}")]
    NotReconcilable {
        /// Which phase.
        phase: PhaseId,
        /// Its status.
        status: PhaseStatus,
    },
    /// Nothing may happen in a session that has ended.
    #[error("the session is {status}")]
    SessionEnded {
        /// How it ended.
        status: SessionStatus,
    },
    /// Phases that come first are not done.
    #[error("phase {phase} waits for {}", waiting(waits_for))]
    Blocked {
        /// Which phase.
        phase: PhaseId,
        /// What it waits for; a phase that does not exist has no status.
        waits_for: Vec<(PhaseId, Option<PhaseStatus>)>,
    },
    /// As many phases run as may.
    #[error("no slot is free for phase {phase}: {} of {limit} in progress ({})", running.len(), ids(running))]
    NoFreeSlot {
        /// Which phase.
        phase: PhaseId,
        /// The phases in progress.
        running: Vec<PhaseId>,
        /// How many may be.
        limit: u32,
        /// What sets the limit.
        because: SlotLimit,
    },
    /// Files were handed over without a word to those who depend on them, or nothing where something is demanded.
    #[error("the handoff of phase {phase} is incomplete: {}", if *has_files {
        "it names files, but downstream_context is empty after normalization"
    } else {
        "it names neither files nor downstream context"
    })]
    HandoffIncomplete {
        /// Which phase.
        phase: PhaseId,
        /// Whether files were named.
        has_files: bool,
    },
    /// The phase was retried as often as it may.
    #[error("phase {phase} was retried as often as it may be ({retries} of {limit})")]
    RetriesExhausted {
        /// Which phase.
        phase: PhaseId,
        /// How often it was retried.
        retries: u64,
        /// How often it may be.
        limit: u32,
    },
    /// Only the user may decide this.
    #[error("only the user may {event} phase {phase}")]
    UserDecisionRequired {
        /// Which phase.
        phase: PhaseId,
        /// What is to happen.
        event: PhaseEvent,
    },
    /// Only the user may give the session up.
    #[error("giving a session up needs the decision of the user")]
    AbortUndecided,
    /// The message of an error is a log, not a message.
    #[error("the message of the error of phase {phase} has {bytes} bytes, more than 1 MiB")]
    MessageTooLarge {
        /// The phase.
        phase: PhaseId,
        /// How long it is.
        bytes: usize,
    },
    /// An error record lacks a part.
    #[error("the error record of phase {phase} lacks {missing}")]
    ErrorIncomplete {
        /// Which phase.
        phase: PhaseId,
        /// What is missing.
        missing: &'static str,
    },
    /// Errors are recorded while a phase is carried out, or waits for a decision.
    #[error("no error of phase {phase} can be recorded: it is {status}")]
    ErrorNotRecordable {
        /// Which phase.
        phase: PhaseId,
        /// Its status.
        status: PhaseStatus,
    },
    /// Tokens cannot be counted for nobody.
    #[error("phase {phase} has no agent to count the tokens for")]
    AgentUnknown {
        /// Which phase.
        phase: PhaseId,
    },
    /// The same where there is no phase whose agent it could be.
    #[error("neither an agent nor a phase is named to count the tokens for")]
    TokensOfNobody,
    /// Files or context that no phase hands over.
    #[error("something is handed over, but no phase is named that ended")]
    HandoffOfNoPhase,
    /// Token counts that cannot be.
    #[error("{cached} cached input tokens are more than the {input} input tokens they are part of")]
    CachedExceedsInput {
        /// The input, cached or not.
        input: u64,
        /// The cached part.
        cached: u64,
    },
    /// A sum of token counts is beyond any counter.
    #[error("the tokens of agent `{agent}` are more than can be counted")]
    TokensOverflow {
        /// Whose.
        agent: String,
    },
    /// The agent may not be used.
    #[error("agent `{agent}` of phase {phase} is disabled")]
    AgentDisabled {
        /// Which phase.
        phase: PhaseId,
        /// The agent.
        agent: String,
    },
    /// An adjustment that changes nothing.
    #[error("nothing is to be adjusted in phase {phase}")]
    NothingToAdjust {
        /// Which phase.
        phase: PhaseId,
    },
    /// A command that says nothing.
    #[error("nothing is to change")]
    NothingToChange,
    /// The plan would break a rule.
    #[error("the plan would break a rule: {}", messages(violations))]
    PlanViolated {
        /// The rules that it would break and does not break now.
        violations: Vec<Violation>,
    },
    /// A reconciliation that brings nothing.
    #[error(
        "the reconciliation of phase {phase} requires at least one file or some downstream context"
    )]
    ReconciliationEmpty {
        /// Which phase.
        phase: PhaseId,
    },
}

/// What limits the number of phases in progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotLimit {
    /// The session runs one phase at a time.
    Sequential,
    /// The setting `MAESTRO_MAX_CONCURRENT`.
    MaxConcurrent,
}

impl CommandError {
    /// Returns the stable code for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::PhaseNotFound { .. } => "PHASE_NOT_FOUND",
            Self::PhaseAmbiguous { .. } => "PHASE_AMBIGUOUS",
            Self::IllegalTransition { .. } => "ILLEGAL_TRANSITION",
            Self::NotAdjustable { .. } => "NOT_ADJUSTABLE",
            Self::NotReconcilable { .. } => "NOT_RECONCILABLE",
            Self::SessionEnded { .. } => "SESSION_ENDED",
            Self::Blocked { .. } => "PHASE_BLOCKED",
            Self::NoFreeSlot { .. } => "NO_FREE_SLOT",
            Self::HandoffIncomplete { .. } => "HANDOFF_INCOMPLETE",
            Self::RetriesExhausted { .. } => "RETRIES_EXHAUSTED",
            Self::UserDecisionRequired { .. } | Self::AbortUndecided => "USER_DECISION_REQUIRED",
            Self::MessageTooLarge { .. } => "MESSAGE_TOO_LARGE",
            Self::ErrorIncomplete { .. } => "ERROR_INCOMPLETE",
            Self::ErrorNotRecordable { .. } => "ERROR_NOT_RECORDABLE",
            Self::AgentUnknown { .. } | Self::TokensOfNobody => "AGENT_UNKNOWN",
            Self::HandoffOfNoPhase => "HANDOFF_WITHOUT_PHASE",
            Self::CachedExceedsInput { .. } | Self::TokensOverflow { .. } => "BAD_TOKENS",
            Self::AgentDisabled { .. } => "AGENT_DISABLED",
            Self::NothingToAdjust { .. } => "NOTHING_TO_ADJUST",
            Self::NothingToChange => "NOTHING_TO_CHANGE",
            Self::PlanViolated { .. } => "PLAN_VIOLATED",
            Self::ReconciliationEmpty { .. } => "RECONCILIATION_EMPTY_PAYLOAD",
        }
    }

    /// Returns what to do next.
    pub fn hint(&self) -> String {
        match self {
            Self::PhaseNotFound { known, .. } if known.is_empty() => {
                "the session has no phases".to_owned()
            }
            Self::PhaseNotFound { known, .. } => format!("the phases are {}", ids(known)),
            Self::PhaseAmbiguous { phase } => {
                format!("give one of the phases with the id {phase} another id in the session file")
            }
            Self::IllegalTransition { phase, illegal } if illegal.from == PhaseStatus::Completed => {
                format!(
"a completed phase is history; `{}` adds to its record",
CommandLine::of_phase("reconcile", phase, &[]))
            }
            Self::IllegalTransition { illegal, .. } => legal(illegal.from),
            Self::NotAdjustable { .. } => {
                "what has been completed is history; adjust a phase that depends on it".to_owned()
            }
            Self::NotReconcilable { phase, status } => match status {
                PhaseStatus::InProgress => {
                    let complete = CommandLine::of_phase(PhaseEvent::Complete.as_str(), phase, &[]);
format!("hand the work over with `{complete}`")
                }
                _ => "only completed phases have a record that can be put right".to_owned(),
            },
            Self::SessionEnded { .. } => {
                "archive it with `maestro archive` (`--force` if phases are open), then begin a new one; if a \
                 hand ended it by mistake, set `status` back to `in_progress` in the session file"
                    .to_owned()
            }
            Self::Blocked { waits_for, .. } => {
                let ids: Vec<String> = waits_for.iter().map(|(id, _)| id.to_string()).collect();
                format!(
                    "complete or skip {} first; `maestro next` shows what can be started",
                    ids.join(", ")
                )
            }
            Self::NoFreeSlot { because: SlotLimit::Sequential, .. } => {
                "end a phase that is in progress first; this session runs one phase at a time".to_owned()
            }
            Self::NoFreeSlot { because: SlotLimit::MaxConcurrent, .. } => {
                "end a phase that is in progress first, or raise MAESTRO_MAX_CONCURRENT".to_owned()
            }
            Self::HandoffIncomplete { .. } => "say what later phases need to know (`--interface`, \
                `--pattern`, `--integration`, `--assumption`, `--warning`, or a `## Downstream Context` \
                section in the report); MAESTRO_VALIDATION_STRICTNESS=lenient accepts it as it is"
                .to_owned(),
            Self::RetriesExhausted { phase, .. } => format!(
                "ask the user: `{}` tries once more, `{}` leaves it out",
                by_user(PhaseEvent::Retry, phase),
                by_user(PhaseEvent::Skip, phase)
            ),
            Self::UserDecisionRequired { event, phase } => {
                format!("if the user decided so: `{}`", by_user(*event, phase))
            }
            Self::AbortUndecided => "if the user decided so: `maestro abort`".to_owned(),
            Self::MessageTooLarge { .. } => {
                "say what matters; the whole output belongs into a file".to_owned()
            }
            Self::ErrorIncomplete { missing: "a message", .. } => {
                "say what went wrong with `--message TEXT` or `--report FILE`".to_owned()
            }
            Self::ErrorIncomplete { .. } | Self::AgentUnknown { .. } => {
                "name the agent with `--agent NAME`".to_owned()
            }
            Self::ErrorNotRecordable { phase, status } => match status {
                PhaseStatus::Pending => format!(
                    "start it first: `{}`",
                    CommandLine::of_phase(PhaseEvent::Start.as_str(), phase, &[])
                ),
                PhaseStatus::Completed => format!(
                    "`{}` adds to its record; what goes wrong now belongs to a phase that is in progress",
                    CommandLine::of_phase("reconcile", phase, &[])
                ),
                PhaseStatus::InProgress | PhaseStatus::Failed | PhaseStatus::Skipped => {
                    "name a phase that is in progress or failed".to_owned()
                }
            },
            Self::TokensOfNobody => {
                "name the agent that used them, or the phase that ended".to_owned()
            }
            Self::HandoffOfNoPhase => {
                "name the phase that ended; where none did, only tokens are counted".to_owned()
            }
            Self::CachedExceedsInput { .. } => {
                "give all input tokens as `input`, those read from a cache included".to_owned()
            }
            Self::TokensOverflow { .. } => "check the counts that were given".to_owned(),
            Self::AgentDisabled { phase, .. } => format!(
                "assign another agent with `{}`, or take it off MAESTRO_DISABLED_AGENTS",
                CommandLine::of_phase("adjust", phase, &["--agent", "NAME"])
            ),
            Self::NothingToAdjust { .. } => {
                "name what is to change: `--name`, `--agent`, `--blocked-by`, `--files`".to_owned()
            }
            Self::NothingToChange => {
                "say what is to change: a phase that ended or begins, the batch, the execution mode or backend"
                    .to_owned()
            }
            Self::PlanViolated { .. } => "`maestro plan check` explains the rules of a plan".to_owned(),
            Self::ReconciliationEmpty { .. } => {
                "name the files (`--created`, `--modified`, `--deleted`), the context, or a report \
                 (`--report FILE`)"
                    .to_owned()
            }
        }
    }
}

fn by_user(event: PhaseEvent, phase: &PhaseId) -> CommandLine {
    CommandLine::of_phase(event.as_str(), phase, &["--by-user"])
}

fn legal(from: PhaseStatus) -> String {
    let events: Vec<&str> = from.legal_events().map(PhaseEvent::as_str).collect();
    if events.is_empty() {
        format!("nothing more can happen to a phase that is {from}")
    } else {
        format!("what can happen to a phase that is {from}: {}", events.join(", "))
    }
}

fn ids(ids: &[PhaseId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn waiting(on: &[(PhaseId, Option<PhaseStatus>)]) -> String {
    let waits = on.iter().map(|(id, status)| match status {
        Some(status) => format!("phase {id} ({status})"),
        None => format!("phase {id}, which does not exist"),
    });
    waits.collect::<Vec<_>>().join(", ")
}

fn messages(violations: &[Violation]) -> String {
    violations.iter().map(|violation| violation.message.as_str()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_in_a_hint_stays_one_argument() {
        let phase = || PhaseId::from_text("a b; touch pwned").unwrap();
        let illegal = IllegalTransition { from: PhaseStatus::Completed, event: PhaseEvent::Start };
        let errors = [
            CommandError::IllegalTransition { phase: phase(), illegal },
            CommandError::NotReconcilable { phase: phase(), status: PhaseStatus::InProgress },
            CommandError::RetriesExhausted { phase: phase(), retries: 2, limit: 2 },
            CommandError::UserDecisionRequired { phase: phase(), event: PhaseEvent::Skip },
            CommandError::AgentDisabled { phase: phase(), agent: "coder".to_owned() },
        ];
        let hints: Vec<String> = errors.iter().map(CommandError::hint).collect();
        insta::assert_snapshot!(hints.join("\n"), @"
        a completed phase is history; `maestro phase reconcile 'a b; touch pwned'` adds to its record
        hand the work over with `maestro phase complete 'a b; touch pwned'`
        ask the user: `maestro phase retry 'a b; touch pwned' --by-user` tries once more, `maestro phase skip 'a b; touch pwned' --by-user` leaves it out
        if the user decided so: `maestro phase skip 'a b; touch pwned' --by-user`
        assign another agent with `maestro phase adjust 'a b; touch pwned' --agent NAME`, or take it off MAESTRO_DISABLED_AGENTS
        ");
    }
}
