//! How phases begin: one by itself, or several with the end of the one before them.

use super::{CommandError, Decider, Guards, Rules, complete};
use crate::command::Handoff;
use crate::position;
use crate::session::Session;
use crate::{PhaseEvent, PhaseId, PhaseStatus, Timestamp};

/// Begins a phase, judged on the session as it is in this moment.
pub(super) fn start(
    session: &mut Session,
    id: &PhaseId,
    rules: &Rules,
    now: Timestamp,
) -> Result<String, CommandError> {
    let guards = Guards::new(session, rules);
    let (index, status) = guards.step(id, PhaseEvent::Start)?;
    guards.may_run(index)?;
    let phase = &mut session.phases[index];
    phase.status = status;
    phase.started = Some(now);
    Ok(String::new())
}

/// A phase that ends well and others that begin.
pub(super) struct Transition<'a> {
    pub(super) ends: Option<&'a PhaseId>,
    pub(super) handoff: &'a Handoff,
    pub(super) start: &'a [PhaseId],
    /// Whether the batch is set too, which needs no phase.
    pub(super) changes_batch: bool,
}

impl Transition<'_> {
    /// Takes all steps on `after`, which is of no use if one of them is refused.
    pub(super) fn take(
        &self,
        decider: &Decider<'_>,
        after: &mut Session,
        warnings: &mut Vec<String>,
    ) -> Result<String, CommandError> {
        let mut log = String::new();
        if let Some(phase) = self.ends {
            log = complete::complete(decider, after, phase, self.handoff, warnings)?;
        } else {
            self.count_tokens(after)?;
        }
        for phase in self.start {
            // Somebody began it already; when it began stays.
            if after.phases[decider.guards.find(phase)?].status != PhaseStatus::InProgress {
                log += &start(after, phase, decider.rules, decider.now)?;
            }
        }
        match (self.start.first(), self.ends) {
            (Some(first), _) => {
                // In the form in which the session has it, as everywhere.
                let first = decider.guards.find(first)?;
                after.current_phase = Some(after.phases[first].id.clone());
            }
            (None, Some(ended)) => after.current_phase = position::current_phase(after, ended),
            (None, None) => {}
        }
        Ok(log)
    }

    /// Counts what was used where no phase ended. Refuses what would be lost, and what says nothing.
    fn count_tokens(&self, after: &mut Session) -> Result<(), CommandError> {
        let Self { handoff, start, changes_batch, .. } = self;
        if tells_of_work(handoff) {
            return Err(CommandError::HandoffOfNoPhase);
        }
        let Some(tokens) = handoff.tokens else {
            let is_empty = start.is_empty() && !changes_batch;
            return if is_empty { Err(CommandError::NothingToChange) } else { Ok(()) };
        };
        let agent = handoff.agent.as_ref().ok_or(CommandError::TokensOfNobody)?;
        complete::count_tokens(&mut after.token_usage, agent.as_str(), tokens)
    }
}

/// Whether a handoff has more to say than who it is from and what it took.
fn tells_of_work(handoff: &Handoff) -> bool {
    let Handoff {
        agent: _,
        files_created: _,
        files_modified: _,
        files_deleted: _,
        downstream_context: _,
        blockers,
        validation,
        tokens: _,
        output,
    } = handoff;
    !handoff.is_empty() || !blockers.is_empty() || validation.is_some() || output.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::document::Document;
    use crate::rules::PlanRules;
    use crate::session::{DownstreamContext, TokenCounts};
    use crate::{Adjustment, Decision, ErrorKind, Failure, RelPath, decide};

    const RULES: Rules = Rules {
        max_retries: 2,
        max_concurrent: 2,
        plan: PlanRules {
            disabled_agents: Vec::new(),
            roster: None,
            strictness: crate::Strictness::Normal,
        },
    };

    fn id(text: &str) -> PhaseId {
        text.parse().unwrap()
    }

    fn ids(text: &str) -> Vec<PhaseId> {
        text.split_whitespace().map(id).collect()
    }

    fn now() -> Timestamp {
        "2026-01-15T11:00:00Z".parse().unwrap()
    }

    /// A session in which phase 1 is in progress, and 2, 3 and 4 wait for it.
    fn session() -> Session {
        let text = "---\n\
            session_id: 2026-01-15-transitions\n\
            created: 2026-01-15T10:00:00Z\n\
            updated: 2026-01-15T10:00:00Z\n\
            status: in_progress\n\
            current_phase: 1\n\
            total_phases: 5\n\
            current_batch: b0\n\
            phases:\n\
            - {id: 1, name: A, status: in_progress, started: 2026-01-15T10:00:00Z, agents: [coder]}\n\
            - {id: 2, name: B, status: pending, agents: [coder], blocked_by: [1]}\n\
            - {id: 3, name: C, status: pending, agents: [coder], blocked_by: [1]}\n\
            - {id: 4, name: D, status: pending, agents: [coder], blocked_by: [1]}\n\
            - {id: 5, name: E, status: pending, agents: [tester], blocked_by: [2]}\n\
            ---\n";
        Document::parse(text.to_owned()).unwrap().session().clone()
    }

    fn handoff() -> Handoff {
        Handoff { files_created: vec![RelPath::parse("src/a.rs").unwrap()], ..told() }
    }

    fn told() -> Handoff {
        let mut handoff = Handoff::default();
        handoff.downstream_context.warnings.push("careful".to_owned());
        handoff
    }

    fn transition(phase: Option<&str>, handoff: Handoff, start: &str) -> Command {
        Command::Transition { phase: phase.map(id), handoff, start: ids(start), batch: None }
    }

    fn take(session: &Session, command: &Command) -> Result<Decision, CommandError> {
        decide(session, command, &RULES, now())
    }

    fn statuses(session: &Session) -> Vec<PhaseStatus> {
        session.phases.iter().map(|phase| phase.status).collect()
    }

    #[test]
    fn what_waited_for_the_phase_that_ends_begins_in_the_slots_that_are_free_then() {
        use PhaseStatus::{Completed, InProgress, Pending};
        let decision = take(&session(), &transition(Some("1"), handoff(), "3 2")).unwrap();
        let Decision { session: after, log, warnings } = decision;
        assert_eq!(statuses(&after), [Completed, InProgress, InProgress, Pending, Pending]);
        assert_eq!(after.current_phase, Some(id("3")), "the first that begins");
        assert_eq!(after.phases[1].started, Some(now()));
        assert_eq!(after.phases[0].files_created, ["src/a.rs"]);
        assert_eq!(after.current_batch.as_deref(), Some("b0"), "what is absent stays");
        let completion = Command::Complete { phase: id("1"), handoff: handoff() };
        let completion = take(&session(), &completion).unwrap();
        assert_eq!((log, warnings), (completion.log, completion.warnings));
    }

    #[test]
    fn the_session_keeps_its_own_form_of_an_id_however_a_phase_is_named() {
        let text = |text| PhaseId::from_text(text).unwrap();
        let start = vec![text("2")];
        let begins =
            Command::Transition { phase: Some(text("1")), handoff: handoff(), start, batch: None };
        let fails = Command::Fail {
            phase: text("1"),
            failure: Failure {
                agent: None,
                kind: ErrorKind::Runtime,
                message: "broken".to_owned(),
                tokens: None,
                output: None,
            },
        };
        for (command, expected) in [(begins, "2"), (fails, "1")] {
            let after = take(&session(), &command).unwrap().session;
            assert_eq!(serde_json::to_string(&after.current_phase).unwrap(), expected);
        }
        let changes = Adjustment { blocked_by: Some(vec![text("2")]), ..Adjustment::default() };
        let adjust = Command::Adjust { phase: id("4"), changes };
        let after = take(&session(), &adjust).unwrap().session;
        assert_eq!(serde_json::to_string(&after.phases[3].blocked_by).unwrap(), "[2]");
    }

    #[test]
    fn each_phase_that_begins_takes_a_slot() {
        let error = take(&session(), &transition(Some("1"), handoff(), "2 3 4")).unwrap_err();
        assert_eq!(error.to_string(), "no slot is free for phase 4: 2 of 2 in progress (2, 3)");
        // Only one is free as long as phase 1 has not ended.
        let mut unblocked = session();
        unblocked.phases[1].blocked_by.clear();
        unblocked.phases[2].blocked_by.clear();
        let error = take(&unblocked, &transition(None, Handoff::default(), "2 3")).unwrap_err();
        assert_eq!(error.code(), "NO_FREE_SLOT");
        assert!(take(&unblocked, &transition(None, Handoff::default(), "2")).is_ok());
    }

    #[test]
    fn a_phase_does_not_begin_before_its_blockers_are_done() {
        let error = take(&session(), &transition(Some("1"), handoff(), "2 5")).unwrap_err();
        assert_eq!(error.to_string(), "phase 5 waits for phase 2 (in_progress)");
        let error = take(&session(), &transition(None, Handoff::default(), "2")).unwrap_err();
        assert_eq!(error.to_string(), "phase 2 waits for phase 1 (in_progress)");
    }

    /// What becomes of a phase that a transition starts, for every status that it can have.
    #[test]
    fn which_phases_a_transition_starts() {
        let mut table = Vec::new();
        for status in PhaseStatus::ALL {
            let mut before = session();
            before.phases[0].status = status;
            let started = before.phases[0].started;
            table.push(match take(&before, &transition(None, Handoff::default(), "1")) {
                Ok(Decision { session: after, .. }) => {
                    let phase = &after.phases[0];
                    let when = if phase.started == started { "left alone" } else { "started" };
                    format!("{status}: {}, {when}", phase.status)
                }
                Err(error) => format!("{status}: {}", error.code()),
            });
        }
        insta::assert_snapshot!(table.join("\n"), @r"
        pending: in_progress, started
        in_progress: in_progress, left alone
        completed: ILLEGAL_TRANSITION
        failed: ILLEGAL_TRANSITION
        skipped: ILLEGAL_TRANSITION
        ");
        let again = take(&session(), &transition(Some("1"), handoff(), "1")).unwrap_err();
        assert_eq!(again.to_string(), "phase 1 cannot start: it is completed");
    }

    #[test]
    fn a_phase_that_is_named_twice_begins_once() {
        let decision = take(&session(), &transition(Some("1"), handoff(), "2 2 3")).unwrap();
        assert_eq!(decision.session.count(PhaseStatus::InProgress), 2);
    }

    #[test]
    fn an_end_without_a_beginning_is_a_completion() {
        let ended = take(&session(), &transition(Some("1"), handoff(), "")).unwrap();
        let completion = Command::Complete { phase: id("1"), handoff: handoff() };
        assert_eq!(ended, take(&session(), &completion).unwrap());
        let error = take(&session(), &transition(Some("2"), handoff(), "")).unwrap_err();
        assert_eq!(error.code(), "ILLEGAL_TRANSITION");
        let files = Handoff { downstream_context: DownstreamContext::default(), ..handoff() };
        let error = take(&session(), &transition(Some("1"), files, "2")).unwrap_err();
        assert_eq!(error.code(), "HANDOFF_INCOMPLETE");
    }

    #[test]
    fn the_batch_is_set_taken_away_or_left() {
        for (batch, expected) in
            [(None, Some("b0")), (Some(None), None), (Some(Some("b1".to_owned())), Some("b1"))]
        {
            let command = Command::Transition {
                phase: Some(id("1")),
                handoff: handoff(),
                start: ids("2"),
                batch: batch.clone(),
            };
            let after = take(&session(), &command).unwrap().session;
            assert_eq!(after.current_batch.as_deref(), expected);
            let alone = Command::Transition {
                phase: None,
                handoff: Handoff::default(),
                start: Vec::new(),
                batch: batch.clone(),
            };
            match (take(&session(), &alone), batch) {
                (Ok(decision), Some(_)) => {
                    let expected = Session {
                        updated: decision.session.updated,
                        current_batch: expected.map(str::to_owned),
                        ..session()
                    };
                    assert_eq!(decision.session, expected);
                }
                (refused, _) => assert_eq!(refused.unwrap_err(), CommandError::NothingToChange),
            }
        }
    }

    #[test]
    fn tokens_without_a_phase_are_those_of_the_agent_that_is_named() {
        let tokens = Some(TokenCounts { input: 10, output: 2, cached: 3 });
        let of_nobody = Handoff { tokens, ..Handoff::default() };
        let error = take(&session(), &transition(None, of_nobody.clone(), "")).unwrap_err();
        assert_eq!((error.code(), &error), ("AGENT_UNKNOWN", &CommandError::TokensOfNobody));
        let of_a_tester = Handoff { agent: Some("tester".parse().unwrap()), ..of_nobody.clone() };
        let after = take(&session(), &transition(None, of_a_tester, "")).unwrap().session;
        assert_eq!(after.token_usage.by_agent.keys().collect::<Vec<_>>(), ["tester"]);
        assert_eq!(after.token_usage.total_input, 10);
        assert_eq!(after.current_phase, session().current_phase);
        // With a phase they are its agent's.
        let of_a_phase = Handoff { tokens, ..handoff() };
        let after = take(&session(), &transition(Some("1"), of_a_phase, "2")).unwrap().session;
        assert_eq!(after.token_usage.by_agent["coder"].input, 10);
        let too_many = TokenCounts { input: 1, output: 0, cached: 2 };
        let agent = Some("tester".parse().unwrap());
        let bad = Handoff { tokens: Some(too_many), agent, ..Handoff::default() };
        assert_eq!(take(&session(), &transition(None, bad, "")).unwrap_err().code(), "BAD_TOKENS");
    }

    #[test]
    fn what_no_phase_hands_over_is_not_lost_in_silence() {
        let text = || "said".to_owned();
        for handoff in [
            handoff(),
            told(),
            Handoff { blockers: vec![text()], ..Handoff::default() },
            Handoff { validation: Some(text()), ..Handoff::default() },
            Handoff { output: Some(text()), ..Handoff::default() },
        ] {
            let error = take(&session(), &transition(None, handoff, "2")).unwrap_err();
            assert_eq!(error.code(), "HANDOFF_WITHOUT_PHASE");
        }
        // Who would have handed over is nothing to lose.
        let agent = Some("tester".parse().unwrap());
        let named = Handoff { agent, ..Handoff::default() };
        let error = take(&session(), &transition(None, named, "")).unwrap_err();
        assert_eq!(error.code(), "NOTHING_TO_CHANGE");
    }

    #[test]
    fn nothing_happens_in_a_session_that_has_ended() {
        let ended = Session { status: crate::SessionStatus::Aborted, ..session() };
        let error = take(&ended, &transition(Some("1"), handoff(), "2")).unwrap_err();
        assert_eq!(error.code(), "SESSION_ENDED");
    }
}
