//! Decides what a command does to a session.
//!
//! One pure function: the present session, a command, the rules and the time go in; the session as it is to be, and
//! what the log says about it, come out, or the reason why not. Nothing is read, nothing is written.

mod complete;
mod error;
mod failure;
mod guard;
mod transition;

pub use self::error::{CommandError, SlotLimit};
pub use self::guard::{Guards, find_phase};

use self::transition::Transition;
use crate::command::{Adjustment, Command, Configuration};
use crate::plan;
use crate::position;
use crate::rules::PlanRules;
use crate::session::{Phase, PhaseError, Session};
use crate::{AgentName, PhaseEvent, PhaseId, PhaseStatus, SessionStatus, Timestamp, body};

/// What the settings say about commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How often a phase may be retried without the user.
    pub max_retries: u32,
    /// How many phases may be in progress; 0 for any number.
    pub max_concurrent: u32,
    /// The rules for plans, which adjustments must keep.
    pub plan: PlanRules,
}

/// What a command does.
#[must_use = "a decision changes nothing until it is recorded"]
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The session as it is to be.
    pub session: Session,
    /// What to append to the body of the document; may be empty.
    pub log: String,
    /// What the user should know, though it was no reason to refuse.
    pub warnings: Vec<String>,
}

/// Returns what `command` does to `session`, or why it is refused.
///
/// `updated` moves forward with every decision, even where the clock does not.
pub fn decide(
    session: &Session,
    command: &Command,
    rules: &Rules,
    now: Timestamp,
) -> Result<Decision, CommandError> {
    let guards = Guards::new(session, rules);
    guards.allow_changes()?;
    let mut after = session.clone();
    after.updated = now.max(session.updated.next());
    let decider = Decider { session, rules, guards, now };
    let mut warnings = Vec::new();
    let log = match command {
        Command::Start { phase } => transition::start(&mut after, phase, rules, now)?,
        Command::Complete { phase, handoff } => {
            complete::complete(&decider, &mut after, phase, handoff, &mut warnings)?
        }
        Command::Transition { phase, handoff, start, batch } => {
            let changes_batch = batch.is_some();
            let transition = Transition { ends: phase.as_ref(), handoff, start, changes_batch };
            let log = transition.take(&decider, &mut after, &mut warnings)?;
            if let Some(batch) = batch {
                after.current_batch.clone_from(batch);
            }
            log
        }
        Command::Fail { phase, failure } => failure::fail(&decider, &mut after, phase, failure)?,
        Command::RecordError { phase, failure, resolution } => {
            failure::record(&decider, &mut after, phase, failure, resolution.as_deref())?
        }
        Command::Retry { phase, by_user, resolution } => {
            decider.retry(&mut after, phase, *by_user, resolution.as_deref())?
        }
        Command::Skip { phase, by_user, reason } => {
            decider.skip(&mut after, phase, *by_user, reason.as_deref())?
        }
        Command::Redelegate { phase, agent, reason } => {
            decider.redelegate(&mut after, phase, agent.as_ref(), reason.as_deref())?
        }
        Command::Adjust { phase, changes } => decider.adjust(&mut after, phase, changes)?,
        Command::Reconcile { phase, handoff, reason } => {
            complete::reconcile(&decider, &mut after, phase, handoff, reason.as_deref())?
        }
        Command::Configure { changes } => configure(&mut after, changes)?,
        Command::Abort { by_user: false, .. } => return Err(CommandError::AbortUndecided),
        Command::Abort { by_user: true, reason } => {
            after.status = SessionStatus::Aborted;
            body::aborted(reason.as_deref())
        }
    };
    if let Command::Start { phase }
    | Command::Complete { phase, .. }
    | Command::Fail { phase, .. }
    | Command::Retry { phase, .. }
    | Command::Skip { phase, .. } = command
    {
        after.current_phase = position::current_phase(&after, phase);
    }
    Ok(Decision { session: after, log, warnings })
}

/// What every decision looks at.
struct Decider<'a> {
    session: &'a Session,
    rules: &'a Rules,
    guards: Guards<'a>,
    now: Timestamp,
}

impl Decider<'_> {
    /// Every retry is an error record of its own: the failure it answers to stays as it was recorded, but for its
    /// resolution, and both stay open until the phase is completed or skipped.
    fn retry(
        &self,
        after: &mut Session,
        id: &PhaseId,
        by_user: bool,
        resolution: Option<&str>,
    ) -> Result<String, CommandError> {
        let (index, status) = self.guards.step(id, PhaseEvent::Retry)?;
        self.guards.may_be_retried(index, by_user)?;
        let limit = self.rules.max_retries;
        let phase = &mut after.phases[index];
        phase.status = status;
        // By hand, any number can be written there.
        phase.retry_count = phase.retry_count.saturating_add(1);
        let attempt = format!("retry {} of {limit}", phase.retry_count);
        let attempt = if by_user { format!("{attempt}, ordered by the user") } else { attempt };
        let what = resolution.unwrap_or("same scope, same agent");
        let last = phase.errors.iter().rev().find(|error| !error.resolved).cloned();
        for error in phase.errors.iter_mut().filter(|error| error.resolution == "pending") {
            error.resolution.clone_from(&attempt);
        }
        let agent = last.as_ref().map(|error| error.agent.clone());
        let agent = agent.or_else(|| phase.agents.first().cloned()).unwrap_or_default();
        let kind = last.as_ref().map_or(crate::ErrorKind::Runtime, |error| error.kind);
        let of = last.map_or_else(|| "a failure that was not recorded".to_owned(), |e| e.message);
        phase.errors.push(PhaseError {
            agent,
            timestamp: self.now,
            kind,
            message: format!("{attempt} after: {of}"),
            resolution: what.to_owned(),
            resolved: false,
        });
        Ok(String::new())
    }

    fn skip(
        &self,
        after: &mut Session,
        id: &PhaseId,
        by_user: bool,
        reason: Option<&str>,
    ) -> Result<String, CommandError> {
        let (index, status) = self.guards.step(id, PhaseEvent::Skip)?;
        if !by_user {
            let event = PhaseEvent::Skip;
            return Err(CommandError::UserDecisionRequired { phase: id.clone(), event });
        }
        let phase = &mut after.phases[index];
        phase.status = status;
        let how = reason.map_or_else(
            || "phase skipped by the user".to_owned(),
            |reason| format!("phase skipped by the user: {reason}"),
        );
        resolve_errors(phase, &how);
        Ok(body::skipped(phase, reason))
    }

    fn redelegate(
        &self,
        after: &mut Session,
        id: &PhaseId,
        agent: Option<&AgentName>,
        reason: Option<&str>,
    ) -> Result<String, CommandError> {
        let (index, status) = self.guards.step(id, PhaseEvent::Redelegate)?;
        let phase = &mut after.phases[index];
        phase.status = status;
        if let Some(agent) = agent {
            phase.agents = vec![agent.to_string()];
        }
        self.guards.refuse_disabled(phase)?;
        let to = phase.agents.first().map_or("an agent", String::as_str).to_owned();
        Ok(body::redelegated(phase, &to, reason))
    }

    fn adjust(
        &self,
        after: &mut Session,
        id: &PhaseId,
        changes: &Adjustment,
    ) -> Result<String, CommandError> {
        let index = self.guards.adjustable(id)?;
        let status = self.session.phases[index].status;
        let phase = &mut after.phases[index];
        if let Some(name) = &changes.name {
            name.trim().clone_into(&mut phase.name);
        }
        if let Some(agents) = &changes.agents {
            if agents.is_empty() {
                return Err(CommandError::PlanViolated {
                    violations: vec![plan::left_to_nobody(id)],
                });
            }
            phase.agents = agents.iter().map(ToString::to_string).collect();
        }
        if let Some(blockers) = &changes.blocked_by {
            // In the form in which the session has them.
            let written =
                |id: &PhaseId| self.session.phase(id).map_or(id, |phase| &phase.id).clone();
            phase.blocked_by = blockers.iter().map(written).collect();
        }
        if let Some(files) = &changes.planned_files {
            phase.planned_files = files.iter().map(ToString::to_string).collect();
        }
        if *phase == self.session.phases[index] {
            return Err(CommandError::NothingToAdjust { phase: id.clone() });
        }
        let before = plan::errors(&plan::session_outlines(self.session), &self.rules.plan);
        let violations: Vec<_> = plan::errors(&plan::session_outlines(after), &self.rules.plan)
            .into_iter()
            .filter(|violation| !before.contains(violation))
            .collect();
        if !violations.is_empty() {
            return Err(CommandError::PlanViolated { violations });
        }
        if status == PhaseStatus::InProgress {
            let phase = &after.phases[index];
            guard::blocked(phase, position::waits_for(after, phase))?;
        }
        Ok(String::new())
    }

    /// The agent that was named, else the first one of the phase.
    fn agent(&self, index: usize, named: Option<&AgentName>) -> Option<String> {
        let own = || self.session.phases[index].agents.first().cloned();
        named.map(ToString::to_string).or_else(own)
    }
}

fn configure(after: &mut Session, changes: &Configuration) -> Result<String, CommandError> {
    if changes.is_empty() {
        return Err(CommandError::NothingToChange);
    }
    let Configuration { execution_mode, execution_backend, current_batch } = changes;
    if let Some(mode) = execution_mode {
        after.execution_mode = Some(*mode);
    }
    if let Some(backend) = execution_backend {
        after.execution_backend = Some(backend.clone());
    }
    if let Some(batch) = current_batch {
        after.current_batch.clone_from(batch);
    }
    Ok(String::new())
}

/// Marks what is still open as dealt with; a resolution that says more than `pending` is kept.
fn resolve_errors(phase: &mut Phase, how: &str) {
    for error in phase.errors.iter_mut().filter(|error| !error.resolved) {
        error.resolved = true;
        if error.resolution.is_empty() || error.resolution == "pending" {
            how.clone_into(&mut error.resolution);
        } else {
            error.resolution = format!("{}; {how}", error.resolution);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;
    use crate::session::ExecutionMode;

    fn rules() -> Rules {
        Rules { max_retries: 2, max_concurrent: 0, plan: PlanRules::default() }
    }

    fn session(phases: &str) -> Session {
        let text = format!(
            "---\n\
            session_id: 2026-01-15-configured\n\
            created: 2026-01-15T10:00:00Z\n\
            updated: 2026-01-15T10:00:00Z\n\
            status: in_progress\n\
            execution_mode: parallel\n\
            execution_backend: native\n\
            current_batch: b0\n\
            phases: {phases}\n\
            ---\n"
        );
        Document::parse(text).unwrap().session().clone()
    }

    #[test]
    fn only_the_user_gives_a_session_up() {
        let session = session("[]");
        let abort = |session: &Session, by_user| {
            let command = Command::Abort { by_user, reason: None };
            decide(session, &command, &rules(), session.updated)
        };
        let refusal = abort(&session, false).unwrap_err();
        insta::assert_snapshot!(format!("{}: {refusal}; {}", refusal.code(), refusal.hint()), @"USER_DECISION_REQUIRED: giving a session up needs the decision of the user; if the user decided so: `maestro abort`");
        let aborted = abort(&session, true).unwrap().session;
        assert_eq!(aborted.status, SessionStatus::Aborted);
        // What has ended needs nobody's decision any more.
        assert_eq!(abort(&aborted, false).unwrap_err().code(), "SESSION_ENDED");
    }

    #[test]
    fn no_adjustment_leaves_a_phase_to_nobody() {
        let phases = "[{id: 1, name: One, status: pending}, {id: 2, name: Two, status: pending, agents: [coder]}]";
        let session = session(phases);
        for id in ["1", "2"] {
            let changes = Adjustment { agents: Some(Vec::new()), ..Adjustment::default() };
            let command = Command::Adjust { phase: id.parse().unwrap(), changes };
            let refusal = decide(&session, &command, &rules(), session.updated).unwrap_err();
            assert_eq!(refusal.code(), "PLAN_VIOLATED");
            let message = format!("the plan would break a rule: phase {id} has no agent");
            assert_eq!(refusal.to_string(), message);
        }
    }

    #[test]
    fn what_a_configuration_leaves_out_stays() {
        let session = session("[]");
        let rules = rules();
        let configured = |session: &Session, changes: &Configuration| {
            let command = Command::Configure { changes: changes.clone() };
            decide(session, &command, &rules, session.updated)
        };
        let mode = Configuration {
            execution_mode: Some(ExecutionMode::Sequential),
            ..Configuration::default()
        };
        let backend = Configuration {
            execution_backend: Some("shell".to_owned()),
            ..Configuration::default()
        };
        let batch = Configuration { current_batch: Some(None), ..Configuration::default() };
        let sequential = Some(ExecutionMode::Sequential);
        for (changes, expected) in [
            (&mode, Session { execution_mode: sequential, ..session.clone() }),
            (&backend, Session { execution_backend: Some("shell".to_owned()), ..session.clone() }),
            (&batch, Session { current_batch: None, ..session.clone() }),
        ] {
            let decision = configured(&session, changes).unwrap();
            let updated = session.updated.next();
            assert_eq!(decision.session, Session { updated, ..expected });
            assert_eq!(decision.log, "");
        }
        let nothing = configured(&session, &Configuration::default()).unwrap_err();
        assert_eq!(nothing.code(), "NOTHING_TO_CHANGE");
        let ended = Session { status: SessionStatus::Aborted, ..session };
        assert_eq!(configured(&ended, &mode).unwrap_err().code(), "SESSION_ENDED");
    }
}
