//! What stands in the way of a command, before anything is made of it.
//!
//! Owns the conditions that depend on the session and the settings alone. [`decide`](crate::decide()) asks them of each
//! command; whoever wants to know what could be done asks them without a command. What is handed over, and what a plan
//! would become, is not looked at here.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::{CommandError, Rules};
use crate::position;
use crate::session::{Phase, Session};
use crate::{PhaseEvent, PhaseId, PhaseStatus, SessionStatus, agent_key};

/// The conditions of a session under the rules. Made once, asked as often as wanted.
///
/// ```
/// use maestro_session_model::{Document, Guards, PhaseEvent, PhaseId, PlanRules, Rules};
///
/// let text = "---\n\
///     session_id: 2026-01-15-typo\n\
///     created: 2026-01-15T10:00:00Z\n\
///     updated: 2026-01-15T10:00:00Z\n\
///     status: in_progress\n\
///     phases:\n\
///     - {id: 1, name: Fix it, status: pending}\n\
///     ---\n";
/// let document = Document::parse(text.to_owned())?;
/// let rules = Rules { max_retries: 2, max_concurrent: 0, plan: PlanRules::default() };
/// let guards = Guards::new(document.session(), &rules);
/// let phase = PhaseId::from_number(1)?;
/// assert!(guards.allow(&phase, PhaseEvent::Start, false).is_ok());
/// assert_eq!(guards.allow(&phase, PhaseEvent::Skip, false).unwrap_err().code(), "USER_DECISION_REQUIRED");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Guards<'a> {
    session: &'a Session,
    rules: &'a Rules,
    statuses: OnceCell<BTreeMap<&'a PhaseId, PhaseStatus>>,
    running: OnceCell<usize>,
    /// Where each phase is, and whether its id is there only once; without it, phases are looked for.
    places: Option<BTreeMap<&'a PhaseId, (usize, bool)>>,
}

impl<'a> Guards<'a> {
    /// For a question or two: looks at nothing before it is asked.
    pub fn new(session: &'a Session, rules: &'a Rules) -> Self {
        let (statuses, running) = (OnceCell::new(), OnceCell::new());
        Self { session, rules, statuses, running, places: None }
    }

    /// For questions about every phase: first makes a list of where each of them is.
    pub fn for_all_phases(session: &'a Session, rules: &'a Rules) -> Self {
        let mut places: BTreeMap<&PhaseId, (usize, bool)> = BTreeMap::new();
        for (index, phase) in session.phases.iter().enumerate() {
            let place = places.entry(&phase.id).or_insert((index, true));
            place.1 = place.0 == index;
        }
        Self { places: Some(places), ..Self::new(session, rules) }
    }

    /// Returns the status that the phase has after `event`, or why that may not happen. `by_user` says that the user
    /// ordered it.
    ///
    /// A phase that is completed or failed also needs something to be recorded, which [`decide`](crate::decide()) judges.
    pub fn allow(
        &self,
        phase: &PhaseId,
        event: PhaseEvent,
        by_user: bool,
    ) -> Result<PhaseStatus, CommandError> {
        self.allow_changes()?;
        let (index, status) = self.step(phase, event)?;
        match event {
            PhaseEvent::Start => self.may_run(index)?,
            PhaseEvent::Retry => self.may_be_retried(index, by_user)?,
            PhaseEvent::Redelegate => self.refuse_disabled(&self.session.phases[index])?,
            PhaseEvent::Skip if !by_user => {
                return Err(CommandError::UserDecisionRequired { phase: phase.clone(), event });
            }
            PhaseEvent::Skip | PhaseEvent::Complete | PhaseEvent::Fail => {}
        }
        Ok(status)
    }

    /// Returns why nothing may happen in the session, if it has ended.
    pub fn allow_changes(&self) -> Result<(), CommandError> {
        match self.session.status {
            SessionStatus::InProgress => Ok(()),
            status => Err(CommandError::SessionEnded { status }),
        }
    }

    /// Returns why the plan of the phase may not change, as long as it waits for what it waits for.
    pub fn allow_adjustment(&self, phase: &PhaseId) -> Result<(), CommandError> {
        self.allow_changes()?;
        let phase = &self.session.phases[self.adjustable(phase)?];
        match phase.status {
            PhaseStatus::InProgress => self.refuse_blocked(phase),
            PhaseStatus::Pending
            | PhaseStatus::Completed
            | PhaseStatus::Failed
            | PhaseStatus::Skipped => Ok(()),
        }
    }

    /// Returns why the record of the phase may not be put right.
    pub fn allow_reconciliation(&self, phase: &PhaseId) -> Result<(), CommandError> {
        self.allow_changes()?;
        self.reconcilable(phase).map(|_| ())
    }

    /// The place of a phase whose plan may change.
    pub(super) fn adjustable(&self, id: &PhaseId) -> Result<usize, CommandError> {
        let index = self.find(id)?;
        match self.session.phases[index].status {
            status @ PhaseStatus::Completed => {
                Err(CommandError::NotAdjustable { phase: id.clone(), status })
            }
            PhaseStatus::Pending
            | PhaseStatus::InProgress
            | PhaseStatus::Failed
            | PhaseStatus::Skipped => Ok(index),
        }
    }

    /// The place of a phase whose record may be put right.
    pub(super) fn reconcilable(&self, id: &PhaseId) -> Result<usize, CommandError> {
        let index = self.find(id)?;
        match self.session.phases[index].status {
            PhaseStatus::Completed => Ok(index),
            status => Err(CommandError::NotReconcilable { phase: id.clone(), status }),
        }
    }

    /// The place of a phase of which errors may be recorded.
    pub(super) fn open_to_errors(&self, id: &PhaseId) -> Result<usize, CommandError> {
        let index = self.find(id)?;
        match self.session.phases[index].status {
            PhaseStatus::InProgress | PhaseStatus::Failed => Ok(index),
            status @ (PhaseStatus::Pending | PhaseStatus::Completed | PhaseStatus::Skipped) => {
                Err(CommandError::ErrorNotRecordable { phase: id.clone(), status })
            }
        }
    }

    /// The place of the one phase with this id.
    pub(super) fn find(&self, id: &PhaseId) -> Result<usize, CommandError> {
        match self.places.as_ref().and_then(|places| places.get(id)) {
            Some((index, true)) => Ok(*index),
            _ => find_phase(self.session, id),
        }
    }

    /// The place of the phase, and its status after `event` as the transition table has it.
    pub(super) fn step(
        &self,
        id: &PhaseId,
        event: PhaseEvent,
    ) -> Result<(usize, PhaseStatus), CommandError> {
        let index = self.find(id)?;
        match self.session.phases[index].status.after(event) {
            Ok(status) => Ok((index, status)),
            Err(illegal) => Err(CommandError::IllegalTransition { phase: id.clone(), illegal }),
        }
    }

    /// Whether nothing stands in the way of an agent at work on this phase.
    pub(super) fn may_run(&self, index: usize) -> Result<(), CommandError> {
        let phase = &self.session.phases[index];
        self.refuse_blocked(phase)?;
        self.refuse_disabled(phase)?;
        let slots = position::slots(self.session, self.rules.max_concurrent);
        let Some((limit, because)) = slots else { return Ok(()) };
        let is_running = |phase: &&Phase| phase.status == PhaseStatus::InProgress;
        let running = self.running.get_or_init(|| self.session.count(PhaseStatus::InProgress));
        if *running as u64 >= u64::from(limit) {
            let phases = self.session.phases.iter().filter(is_running);
            let running: Vec<PhaseId> = phases.map(|phase| phase.id.clone()).collect();
            let phase = phase.id.clone();
            return Err(CommandError::NoFreeSlot { phase, running, limit, because });
        }
        Ok(())
    }

    /// Whether a failed phase may be tried again.
    pub(super) fn may_be_retried(&self, index: usize, by_user: bool) -> Result<(), CommandError> {
        let Phase { id, retry_count, .. } = &self.session.phases[index];
        let (retries, limit) = (*retry_count, self.rules.max_retries);
        if retries >= u64::from(limit) && !by_user {
            return Err(CommandError::RetriesExhausted { phase: id.clone(), retries, limit });
        }
        self.may_run(index)
    }

    pub(super) fn refuse_disabled(&self, phase: &Phase) -> Result<(), CommandError> {
        let disabled = &self.rules.plan.disabled_agents;
        let agent =
            phase.agents.iter().find(|agent| disabled.iter().any(|d| d.key() == agent_key(agent)));
        match agent {
            Some(agent) => {
                let (phase, agent) = (phase.id.clone(), agent.clone());
                Err(CommandError::AgentDisabled { phase, agent })
            }
            None => Ok(()),
        }
    }

    fn refuse_blocked(&self, phase: &Phase) -> Result<(), CommandError> {
        if phase.blocked_by.is_empty() {
            return Ok(());
        }
        let statuses = self.statuses.get_or_init(|| position::statuses(self.session));
        blocked(phase, position::open_blockers(statuses, phase))
    }
}

/// An error if there is something that the phase waits for.
pub(super) fn blocked(
    phase: &Phase,
    waits_for: Vec<(PhaseId, Option<PhaseStatus>)>,
) -> Result<(), CommandError> {
    if waits_for.is_empty() {
        return Ok(());
    }
    Err(CommandError::Blocked { phase: phase.id.clone(), waits_for })
}

/// Returns the place of the one phase with this id, or why there is no such one.
pub fn find_phase(session: &Session, id: &PhaseId) -> Result<usize, CommandError> {
    let mut found = session.phases.iter().enumerate().filter(|(_, phase)| phase.id == *id);
    match (found.next(), found.next()) {
        (Some((index, _)), None) => Ok(index),
        (Some(_), Some(_)) => Err(CommandError::PhaseAmbiguous { phase: id.clone() }),
        (None, _) => {
            const SHOWN: usize = 12;
            let known = session.phases.iter().take(SHOWN).map(|phase| phase.id.clone()).collect();
            Err(CommandError::PhaseNotFound { phase: id.clone(), known })
        }
    }
}
