//! What goes wrong in a phase, and how it is recorded.

use super::{CommandError, Decider, complete};
use crate::body;
use crate::command::Failure;
use crate::session::{PhaseError, Session};
use crate::{PhaseEvent, PhaseId};

/// How long the message of an error may be, in bytes. A session has room for many, and is read by people.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// Ends a phase badly.
pub(super) fn fail(
    decider: &Decider<'_>,
    after: &mut Session,
    id: &PhaseId,
    failure: &Failure,
) -> Result<String, CommandError> {
    let (index, status) = decider.guards.step(id, PhaseEvent::Fail)?;
    let error = error_of(decider, after, index, failure)?;
    let phase = &mut after.phases[index];
    phase.status = status;
    let log = body::failed(phase, &error, failure.output.as_deref());
    phase.errors.push(error);
    Ok(log)
}

/// Records an error of a phase that stays where it is. The log has what the agent wrote, if it wrote something.
pub(super) fn record(
    decider: &Decider<'_>,
    after: &mut Session,
    id: &PhaseId,
    failure: &Failure,
    resolution: Option<&str>,
) -> Result<String, CommandError> {
    let index = decider.guards.open_to_errors(id)?;
    let mut error = error_of(decider, after, index, failure)?;
    if let Some(resolution) = resolution {
        resolution.clone_into(&mut error.resolution);
        error.resolved = true;
    }
    let phase = &mut after.phases[index];
    let output = failure.output.as_deref().filter(|output| !output.trim().is_empty());
    let log = output.map(|output| body::failed(phase, &error, Some(output)));
    phase.errors.push(error);
    Ok(log.unwrap_or_default())
}

/// Makes an open error record of a failure, and counts its tokens.
fn error_of(
    decider: &Decider<'_>,
    after: &mut Session,
    index: usize,
    failure: &Failure,
) -> Result<PhaseError, CommandError> {
    let phase = || decider.session.phases[index].id.clone();
    if failure.message.trim().is_empty() {
        return Err(CommandError::ErrorIncomplete { phase: phase(), missing: "a message" });
    }
    let bytes = failure.message.len();
    if MAX_MESSAGE_BYTES < bytes {
        return Err(CommandError::MessageTooLarge { phase: phase(), bytes });
    }
    let agent = decider
        .agent(index, failure.agent.as_ref())
        .ok_or_else(|| CommandError::ErrorIncomplete { phase: phase(), missing: "an agent" })?;
    if let Some(tokens) = failure.tokens {
        complete::count_tokens(&mut after.token_usage, &agent, tokens)?;
    }
    Ok(PhaseError {
        agent,
        timestamp: decider.now,
        kind: failure.kind,
        message: failure.message.clone(),
        resolution: "pending".to_owned(),
        resolved: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::document::Document;
    use crate::rules::PlanRules;
    use crate::session::{ErrorKind, TokenCounts};
    use crate::{Decision, PhaseStatus, Rules, decide};

    /// A session whose only phase is in `status`.
    fn session(status: PhaseStatus) -> Session {
        let text = format!(
            "---\n\
            session_id: 2026-01-15-errors\n\
            created: 2026-01-15T10:00:00Z\n\
            updated: 2026-01-15T10:00:00Z\n\
            status: in_progress\n\
            current_phase: 1\n\
            phases:\n\
            - {{id: 1, name: A, status: {status}, agents: [coder]}}\n\
            ---\n"
        );
        Document::parse(text).unwrap().session().clone()
    }

    fn failure() -> Failure {
        Failure {
            agent: None,
            kind: ErrorKind::Timeout,
            message: "it took too long".to_owned(),
            tokens: Some(TokenCounts { input: 10, output: 2, cached: 3 }),
            output: None,
        }
    }

    fn command(failure: Failure, resolution: Option<&str>) -> Command {
        let phase = PhaseId::from_number(1).unwrap();
        Command::RecordError { phase, failure, resolution: resolution.map(str::to_owned) }
    }

    fn take(status: PhaseStatus, command: &Command) -> Result<Decision, CommandError> {
        let rules = Rules { max_retries: 2, max_concurrent: 0, plan: PlanRules::default() };
        decide(&session(status), command, &rules, "2026-01-15T11:00:00Z".parse().unwrap())
    }

    #[test]
    fn a_whole_log_is_no_message() {
        let of = |bytes: usize| Failure { message: "x".repeat(bytes), ..failure() };
        assert!(take(PhaseStatus::InProgress, &command(of(MAX_MESSAGE_BYTES), None)).is_ok());
        let long = command(of(MAX_MESSAGE_BYTES + 1), None);
        let error = take(PhaseStatus::InProgress, &long).unwrap_err();
        insta::assert_snapshot!(format!("{}: {error}; {}", error.code(), error.hint()), @"MESSAGE_TOO_LARGE: the message of the error of phase 1 has 1048577 bytes, more than 1 MiB; say what matters; the whole output belongs into a file");
    }

    /// Whether an error can be recorded of a phase, and what to do if not, for every status that it can have.
    #[test]
    fn of_which_phases_errors_are_recorded() {
        let mut table = Vec::new();
        for status in PhaseStatus::ALL {
            table.push(match take(status, &command(failure(), None)) {
                Ok(Decision { session, .. }) => {
                    assert_eq!(session.phases[0].status, status, "the status stays");
                    format!("{status}: {} recorded", session.phases[0].errors.len())
                }
                Err(error) => format!("{error}, {}; {}", error.code(), error.hint()),
            });
        }
        insta::assert_snapshot!(table.join("\n"), @r"
        no error of phase 1 can be recorded: it is pending, ERROR_NOT_RECORDABLE; start it first: `maestro phase start 1`
        in_progress: 1 recorded
        no error of phase 1 can be recorded: it is completed, ERROR_NOT_RECORDABLE; `maestro phase reconcile 1` adds to its record; what goes wrong now belongs to a phase that is in progress
        failed: 1 recorded
        no error of phase 1 can be recorded: it is skipped, ERROR_NOT_RECORDABLE; name a phase that is in progress or failed
        ");
    }

    #[test]
    fn an_error_is_open_unless_it_says_how_it_was_resolved() {
        for (resolution, expected) in
            [(None, ("pending", false)), (Some("waited longer"), ("waited longer", true))]
        {
            let decision = take(PhaseStatus::InProgress, &command(failure(), resolution)).unwrap();
            let Decision { session, log, warnings } = decision;
            let error = &session.phases[0].errors[0];
            assert_eq!((error.resolution.as_str(), error.resolved), expected);
            assert_eq!((error.agent.as_str(), error.kind), ("coder", ErrorKind::Timeout));
            assert_eq!(error.message, "it took too long");
            assert_eq!(session.token_usage.by_agent["coder"].input, 10);
            assert_eq!(session.current_phase, PhaseId::from_number(1).ok());
            assert_eq!((log.as_str(), warnings.len()), ("", 0), "nobody wrote anything");
        }
    }

    #[test]
    fn a_recorded_error_has_the_parts_that_a_failure_has() {
        let phase = || PhaseId::from_number(1).unwrap();
        let mut nobody = session(PhaseStatus::InProgress);
        nobody.phases[0].agents.clear();
        let rules = Rules { max_retries: 2, max_concurrent: 0, plan: PlanRules::default() };
        let silent = Failure { message: " \n".to_owned(), ..failure() };
        let disputed = TokenCounts { input: 1, output: 0, cached: 2 };
        for failure in [failure(), silent, Failure { tokens: Some(disputed), ..failure() }] {
            for session in [&nobody, &session(PhaseStatus::InProgress)] {
                let refused = |command| decide(session, &command, &rules, session.updated).err();
                let fail = Command::Fail { phase: phase(), failure: failure.clone() };
                assert_eq!(refused(command(failure.clone(), None)), refused(fail));
            }
        }
    }

    #[test]
    fn what_the_agent_wrote_is_in_the_log() {
        let failure = Failure { output: Some("## Forged\n".to_owned()), ..failure() };
        let decision = take(PhaseStatus::InProgress, &command(failure, Some("- waited"))).unwrap();
        insta::assert_snapshot!(decision.log, @r"
        ## Phase 1: A ◯ in progress

        ### coder Output

        ```text
        ## Forged
        ```

        ### Validation Result

        Fail (timeout):

        ```text
        it took too long
        ```

        ### Resolution

        \- waited
        ");
    }
}
