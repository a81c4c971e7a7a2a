//! Each state of a session, and the step that resuming it would take.

use std::fmt::Write as _;

use maestro_resume::{ResumeSettings, report};
use maestro_session_model::PhaseStatus::{Completed, Failed, InProgress, Pending, Skipped};
use maestro_session_model::{ExecutionMode, Session, SessionStatus};

use crate::session::{chain, express, fan, id, now, session, settings};

/// One line for a state: the step as data, what it means, the commands.
fn told(table: &mut String, state: &str, session: &Session, settings: &ResumeSettings) {
    let next = report(session, Vec::new(), settings, now()).next;
    let step = serde_json::to_string(&next.step).unwrap();
    let commands: Vec<&str> = next.commands.iter().map(|command| command.shell.as_str()).collect();
    let apply = if next.applies { "--apply: " } else { "" };
    writeln!(table, "{state}\n  {step}\n  {}\n  {apply}{}", next.means, commands.join("; "))
        .unwrap();
}

fn with_status(status: SessionStatus, session: Session) -> Session {
    Session { status, ..session }
}

fn to_reconcile(mut session: Session, at: usize) -> Session {
    session.phases[at].requires_reconciliation = Some(true);
    session
}

#[test]
fn every_state_has_its_step() {
    let mut table = String::new();
    let mut row = |state: &str, session: Session| told(&mut table, state, &session, &settings());
    row("fresh", chain(&[Pending; 4]));
    row("between two phases", chain(&[Completed, Pending, Pending, Pending]));
    row("interrupted", chain(&[Completed, InProgress, Pending, Pending]));
    row("a batch was interrupted", fan(&[Completed, InProgress, InProgress, InProgress]));
    row("half a batch was interrupted", fan(&[Completed, Completed, InProgress, Pending]));
    row("before a batch", fan(&[Completed, Pending, Pending, Pending]));
    let sequential = Some(ExecutionMode::Sequential);
    let session = fan(&[Completed, Pending, Pending, Pending]);
    row("before a batch, sequential", Session { execution_mode: sequential, ..session.clone() });
    row("before a batch, undecided", Session { execution_mode: None, ..session });
    row("failed", fan(&[Completed, Failed, Pending, Pending]));
    row("failed beside an interrupted one", fan(&[Completed, Failed, InProgress, Pending]));
    row("done", chain(&[Completed, Skipped]));
    row("done but for a record", to_reconcile(chain(&[Completed, Completed]), 1));
    row("no phases", chain(&[]));
    let open = || chain(&[Completed, Pending]);
    row("aborted", with_status(SessionStatus::Aborted, open()));
    row("says failed", with_status(SessionStatus::Failed, open()));
    row("says completed", with_status(SessionStatus::Completed, chain(&[Completed])));
    row("says completed, with open phases", with_status(SessionStatus::Completed, open()));
    row(
        "says completed, but for a record",
        with_status(SessionStatus::Completed, to_reconcile(open(), 0)),
    );
    insta::assert_snapshot!(table, @r#"
    fresh
      {"step":"start","phases":[1]}
      begin with the next phase
      --apply: maestro phase start 1
    between two phases
      {"step":"start","phases":[2]}
      begin with the next phase
      --apply: maestro phase start 2
    interrupted
      {"step":"redelegate","phases":[2]}
      an agent was interrupted: give its work out again, with the same scope
      --apply: maestro phase redelegate 2
    a batch was interrupted
      {"step":"redelegate","phases":[2,3,4]}
      the agents of 3 phases were interrupted: give their work out again, with the same scope
      --apply: maestro phase redelegate 2; maestro phase redelegate 3; maestro phase redelegate 4
    half a batch was interrupted
      {"step":"redelegate","phases":[3]}
      an agent was interrupted: give its work out again, with the same scope
      --apply: maestro phase redelegate 3
    before a batch
      {"step":"start","phases":[2,3,4]}
      begin with 3 phases side by side
      --apply: maestro phase start 2; maestro phase start 3; maestro phase start 4
    before a batch, sequential
      {"step":"start","phases":[2]}
      begin with the next phase
      --apply: maestro phase start 2
    before a batch, undecided
      {"step":"start","phases":[2]}
      begin with the next phase
      --apply: maestro phase start 2
    failed
      {"step":"choose","phases":[2]}
      a phase failed: the user chooses what becomes of it
      
    failed beside an interrupted one
      {"step":"choose","phases":[2]}
      a phase failed: the user chooses what becomes of it
      
    done
      {"step":"archive","because":"done","asks":false}
      all phases are done: archive it
      maestro archive
    done but for a record
      {"step":"reconcile","phases":[2]}
      all phases are done, but one ended without saying what it did: put its record right
      maestro phase reconcile 2 --report FILE
    no phases
      {"step":"archive","because":"empty","asks":false}
      the session has no phases: archive it
      maestro archive
    aborted
      {"step":"archive","because":"ended","asks":false}
      the session has ended: archive it
      maestro archive
    says failed
      {"step":"archive","because":"ended","asks":false}
      the session has ended: archive it
      maestro archive
    says completed
      {"step":"archive","because":"says_completed","asks":false}
      the session says that it is completed: archive it
      maestro archive
    says completed, with open phases
      {"step":"archive","because":"says_completed","asks":false}
      the session says that it is completed: archive it
      maestro archive --force
    says completed, but for a record
      {"step":"archive","because":"says_completed","asks":false}
      the session says that it is completed: archive it
      maestro archive --force
    "#);
}

#[test]
fn an_express_session_follows_its_branches() {
    let mut table = String::new();
    let mut row = |state: &str, session: Session| told(&mut table, state, &session, &settings());
    row("pending", express(&[Pending]));
    row("in progress", express(&[InProgress]));
    row("completed", express(&[Completed]));
    row("completed without a record", to_reconcile(express(&[Completed]), 0));
    row("failed", express(&[Failed]));
    row("skipped", express(&[Skipped]));
    row("several by hand, none begun", express(&[Pending, Pending]));
    row("several by hand, one begun", express(&[Completed, Pending]));
    row("no phase", express(&[]));
    row("aborted", with_status(SessionStatus::Aborted, express(&[InProgress])));
    insta::assert_snapshot!(table, @r#"
    pending
      {"step":"approve","phases":[1]}
      nothing has begun: show the brief to the user, and begin once it is approved
      --apply: maestro phase start 1
    in progress
      {"step":"redelegate","phases":[1]}
      an agent was interrupted: give its work out again, with the same scope
      --apply: maestro phase redelegate 1
    completed
      {"step":"review","phases":[1]}
      all phases are done: review the code, then archive the session
      maestro archive
    completed without a record
      {"step":"reconcile","phases":[1]}
      all phases are done, but one ended without saying what it did: put its record right
      maestro phase reconcile 1 --report FILE
    failed
      {"step":"choose","phases":[1]}
      a phase failed: the user chooses what becomes of it
      
    skipped
      {"step":"archive","because":"done","asks":false}
      all phases are done: archive it
      maestro archive
    several by hand, none begun
      {"step":"approve","phases":[1]}
      nothing has begun: show the brief to the user, and begin once it is approved
      --apply: maestro phase start 1
    several by hand, one begun
      {"step":"start","phases":[2]}
      begin with the next phase
      --apply: maestro phase start 2
    no phase
      {"step":"archive","because":"empty","asks":false}
      the session has no phases: archive it
      maestro archive
    aborted
      {"step":"archive","because":"ended","asks":false}
      the session has ended: archive it
      maestro archive
    "#);
}

#[test]
fn what_cannot_go_on_says_why() {
    let mut table = String::new();
    let mut strict = settings();
    strict.rules.plan.disabled_agents = vec!["coder".parse().unwrap()];
    let mut row = |state: &str, session: Session| told(&mut table, state, &session, &strict);
    row("interrupted, agent disabled", chain(&[Completed, InProgress]));
    row("one of two disabled", fan(&[Completed, InProgress, Skipped, InProgress]));
    row("ready, agent disabled", chain(&[Completed, Pending]));
    let mut circle = chain(&[Pending, Pending]);
    circle.phases[0].blocked_by = vec![id("2")];
    row("a circle", circle);
    let mut gone = chain(&[Completed, Pending]);
    gone.phases[1].blocked_by = vec![id("9")];
    row("a blocker that is not there", gone);
    let mut twice = chain(&[InProgress, InProgress]);
    twice.phases[1].id = id("1");
    row("one id twice", twice);
    let mut unrecorded = chain(&[Completed, Skipped]);
    unrecorded.phases[1].requires_reconciliation = Some(true);
    row("a record of a skipped phase", unrecorded);
    insta::assert_snapshot!(table, @r#"
    interrupted, agent disabled
      {"step":"stuck","obstacles":[{"code":"AGENT_DISABLED","message":"agent `coder` of phase 2 is disabled","hint":"assign another agent with `maestro phase adjust 2 --agent NAME`, or take it off MAESTRO_DISABLED_AGENTS"}]}
      nothing can be done as things stand
      
    one of two disabled
      {"step":"redelegate","phases":[4]}
      an agent was interrupted: give its work out again, with the same scope
      --apply: maestro phase redelegate 4
    ready, agent disabled
      {"step":"stuck","obstacles":[{"code":"AGENT_DISABLED","message":"agent `coder` of phase 2 is disabled","hint":"assign another agent with `maestro phase adjust 2 --agent NAME`, or take it off MAESTRO_DISABLED_AGENTS"}]}
      nothing can be done as things stand
      
    a circle
      {"step":"stuck","obstacles":[{"code":"PHASE_BLOCKED","message":"2 phases are pending, and wait for each other or for one that does not exist","hint":"change what they wait for with `maestro phase adjust ID --blocked-by IDS`"}]}
      nothing can be done as things stand
      
    a blocker that is not there
      {"step":"stuck","obstacles":[{"code":"PHASE_BLOCKED","message":"1 phase is pending, and waits for itself or for one that does not exist","hint":"change what they wait for with `maestro phase adjust ID --blocked-by IDS`"}]}
      nothing can be done as things stand
      
    one id twice
      {"step":"stuck","obstacles":[{"code":"PHASE_AMBIGUOUS","message":"two phases have the id 1","hint":"give one of the phases with the id 1 another id in the session file"}]}
      nothing can be done as things stand
      
    a record of a skipped phase
      {"step":"stuck","obstacles":[{"code":"NOT_RECONCILABLE","message":"phase 2 cannot be reconciled: it is skipped","hint":"only completed phases have a record that can be put right"}]}
      nothing can be done as things stand
    "#);
}

#[test]
fn a_batch_begins_with_as_many_phases_as_there_are_slots() {
    let mut two = settings();
    two.rules.max_concurrent = 2;
    let mut table = String::new();
    told(&mut table, "two slots", &fan(&[Completed, Pending, Pending, Pending]), &two);
    insta::assert_snapshot!(table, @r#"
    two slots
      {"step":"start","phases":[2,3]}
      begin with 2 phases side by side
      --apply: maestro phase start 2; maestro phase start 3
    "#);
}

#[test]
fn without_auto_archive_the_user_is_asked() {
    let asks = ResumeSettings { auto_archive: false, ..settings() };
    let mut table = String::new();
    told(&mut table, "done", &chain(&[Completed]), &asks);
    insta::assert_snapshot!(table, @r#"
    done
      {"step":"archive","because":"done","asks":true}
      all phases are done: archive it if the user wants that
      maestro archive
    "#);
}

#[test]
fn the_last_completed_phase_is_the_last_in_the_plan_whatever_its_id() {
    let mut session = session(chain(&[Completed, Completed, Completed, Pending]).phases);
    session.phases[0].id = id("9");
    session.phases[1].id = id("review");
    session.phases[2].id = id("3");
    session.phases[3].blocked_by = Vec::new();
    let report = report(&session, Vec::new(), &settings(), now());
    let last = report.position.last_completed.unwrap();
    assert_eq!(
        (last.id, last.completed_seconds_ago.unwrap().to_string()),
        (id("3"), "3 weeks".to_owned())
    );
}
