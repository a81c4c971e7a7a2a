//! A session is made of phases from anywhere, with a plan that is a file, a text or nothing.

use std::sync::Arc;

use maestro_session::{
    DocumentSource, LogFilter, NewSessionRequest, PlanSource, SessionError, Workspace,
};
use maestro_session_model::{PhaseStatus, PlannedPhase, SessionStatus, read_plan};
use maestro_testutils::{FaultyDisk, Plan};

use crate::fixture::{Fixture, PLAN, code, complete, fail, id, start};

const FILE: &str = "docs/maestro/state/active-session.md";

fn phases(plan: &str) -> Vec<PlannedPhase> {
    read_plan(plan).unwrap().phases
}

fn text(name: &str, text: &str) -> DocumentSource {
    DocumentSource::Text { name: name.parse().unwrap(), text: text.to_owned() }
}

fn request(fixture: &Fixture, document: Option<DocumentSource>) -> NewSessionRequest {
    let phases = phases(PLAN);
    NewSessionRequest { plan: PlanSource::Phases { phases, document }, ..fixture.request() }
}

/// The plan that a session has, when it is made of phases with this document.
fn plan_of(fixture: &Fixture, document: DocumentSource) -> Result<Option<String>, SessionError> {
    let request = request(fixture, Some(document));
    Ok(fixture.workspace().create_session(&request)?.session.implementation_plan)
}

#[test]
fn a_session_of_phases_is_that_of_a_plan_with_these_phases() {
    let (of_phases, of_plan) = (Fixture::new(), Fixture::new());
    of_plan.create().unwrap();
    let created = of_phases.workspace().create_session(&request(&of_phases, None)).unwrap();
    assert_eq!(created.session.implementation_plan, None);
    assert_eq!(created.copied, []);
    let (found, expected) = (of_phases.document(), of_plan.document());
    assert_eq!(found.session().phases, expected.session().phases);
    assert_eq!(found.session().current_phase, Some(id("1")));
    assert!(!of_phases.path("docs/maestro/plans/plan.md").exists());
}

#[test]
fn a_plan_of_given_phases_is_not_asked_which_phases_there_are() {
    let fixture = Fixture::new();
    fixture.write("prose.md", "# What we will do\n");
    let file = DocumentSource::File("prose.md".to_owned());
    let plan = plan_of(&fixture, file).unwrap();
    assert_eq!(plan.as_deref(), Some("docs/maestro/plans/prose.md"));
    assert_eq!(fixture.document().session().phases.len(), 4);
    assert_eq!(fixture.text("docs/maestro/plans/prose.md"), "# What we will do\n");
}

#[test]
fn a_plan_that_is_not_there_makes_no_session() {
    let fixture = Fixture::new();
    let before = fixture.snapshot();
    let error = plan_of(&fixture, DocumentSource::File("none.md".to_owned())).unwrap_err();
    assert_eq!(error.code(), "DOCUMENT_MISSING");
    assert!(error.to_string().contains("plan document"), "{error}");
    assert_eq!(fixture.snapshot(), before);
}

#[test]
fn a_text_whose_name_is_taken_gets_another_name() {
    let fixture = Fixture::new();
    fixture.write("docs/maestro/plans/plan.md", "someone else's");
    let plan = plan_of(&fixture, text("Plan.md", "# Ours\n")).unwrap();
    assert_eq!(plan.as_deref(), Some("docs/maestro/plans/Plan-2.md"));
    assert_eq!(fixture.text("docs/maestro/plans/plan.md"), "someone else's");
    assert_eq!(fixture.text("docs/maestro/plans/Plan-2.md"), "# Ours\n");
}

#[test]
fn a_text_can_be_the_plan_that_says_the_phases() {
    let fixture = Fixture::new();
    let plan = PlanSource::Document(text("ours.md", PLAN));
    let request = NewSessionRequest { plan, ..fixture.request() };
    let created = fixture.workspace().create_session(&request).unwrap();
    assert_eq!(created.session.phases.len(), 4);
    assert_eq!(fixture.text("docs/maestro/plans/ours.md"), PLAN);
}

#[test]
fn a_text_is_not_written_for_phases_that_break_a_rule() {
    let fixture = Fixture::new();
    for (plan, expected) in [
        (PLAN.replace("blocked_by: [1]", "blocked_by: [7]"), "PLAN_REJECTED"),
        (PLAN.replace("README.md", "src/mw.rs"), "PLAN_REJECTED"),
    ] {
        let mut request = request(&fixture, Some(text("ours.md", "# Ours\n")));
        request.plan = PlanSource::Phases {
            phases: phases(&plan),
            document: Some(text("ours.md", "# Ours\n")),
        };
        let before = fixture.snapshot();
        assert_eq!(code(fixture.workspace().create_session(&request)), expected);
        request.plan = PlanSource::Phases { phases: vec![], document: None };
        assert_eq!(code(fixture.workspace().create_session(&request)), "PLAN_REJECTED");
        assert_eq!(fixture.snapshot(), before);
    }
}

#[test]
fn the_first_phase_that_waits_for_nothing_begins_at_once() {
    let first_waits = "\
---
phases:
  - {id: 1, name: Docs, agent: technical-writer, blocked_by: [2]}
  - {id: 2, name: Core, agent: coder, files: [src/a.rs]}
  - {id: 3, name: More, agent: coder, files: [src/b.rs]}
---
";
    for (plan, begun) in [(PLAN, "1"), (first_waits, "2")] {
        let fixture = Fixture::new();
        let mut request = request(&fixture, None);
        request.plan = PlanSource::Phases { phases: phases(plan), document: None };
        request.begins = true;
        let created = fixture.workspace().create_session(&request).unwrap();
        assert_eq!(created.session.current_phase, Some(id(begun)));
        let document = fixture.document();
        let session = document.session();
        for phase in &session.phases {
            let is_begun = phase.id == id(begun);
            assert_eq!(phase.started, is_begun.then_some(session.created));
            let status = if is_begun { PhaseStatus::InProgress } else { PhaseStatus::Pending };
            assert_eq!(phase.status, status, "{}", phase.id);
        }
        let log = fixture.workspace().log(&LogFilter::default()).unwrap();
        assert_eq!(log.entries.len(), 1);
        assert_eq!(log.entries[0].command, "create");
    }
}

#[test]
fn a_phase_that_began_with_its_session_goes_on_as_any_other() {
    let fixture = Fixture::new();
    let request = NewSessionRequest { begins: true, ..request(&fixture, None) };
    fixture.workspace().create_session(&request).unwrap();
    let created = fixture.text(FILE);
    assert_eq!(code(fixture.workspace().undo(None)), "NOTHING_TO_UNDO");
    assert_eq!(code(fixture.workspace().undo(Some("1"))), "NOT_UNDOABLE");
    assert_eq!(fixture.text(FILE), created);
    assert_eq!(code(fixture.apply(&start("1"))), "ILLEGAL_TRANSITION");
    fixture.apply(&fail("1", "no answer")).unwrap();
    fixture.workspace().undo(None).unwrap();
    fixture.write("src/bucket.rs", "pub struct Bucket;\n");
    let scan = fixture.workspace().scan_phase(&id("1"), &mut |_, _| {}).unwrap();
    assert_eq!(scan.started_at, fixture.document().session().created);
    fixture.apply(&complete("1", "src/bucket.rs")).unwrap();
}

#[test]
fn a_session_says_what_runs_its_agents() {
    let fixture = Fixture::new();
    let backend = Some("native".to_owned());
    let request =
        NewSessionRequest { execution_backend: backend.clone(), ..request(&fixture, None) };
    let created = fixture.workspace().create_session(&request).unwrap();
    assert_eq!(created.session.execution_backend, backend);
    assert_eq!(fixture.document().session().execution_backend, backend);
    assert_eq!(created.session.status, SessionStatus::InProgress);
}

#[test]
fn a_session_of_phases_has_the_front_matter_that_is_set() {
    let fixture = Fixture::new().with("MAESTRO_FRONT_MATTER", "json");
    let request = NewSessionRequest { begins: true, ..request(&fixture, None) };
    fixture.workspace().create_session(&request).unwrap();
    let json = fixture.text(FILE);
    let front_matter = json.strip_prefix("---\n").unwrap().split_once("\n---\n").unwrap().0;
    let value: serde_json::Value = serde_json::from_str(front_matter).unwrap();
    assert_eq!(value["phases"][0]["status"], "in_progress");
    assert_eq!(value["phases"][0]["started"], value["created"]);
}

#[test]
fn nothing_remains_of_a_creation_that_fails_and_a_begun_session_is_never_called_a_failure() {
    let mut failures = 0;
    for n in 0.. {
        let (fixture, disk) = (Fixture::new(), FaultyDisk::new());
        fixture.write("docs/maestro/state/waiting.design-gate.json", "{");
        let workspace =
            Workspace::open(fixture.root(), fixture.env(), Arc::new(disk.clone())).unwrap();
        disk.arm(Plan::FailAt(n));
        let request = request(&fixture, Some(text("ours.md", "# Ours\n")));
        let told = workspace.create_session(&request).map_err(|error| error.code());
        let context = format!("call {n}, told {told:?}: {:?}", disk.log());
        if !disk.has_failed() {
            break;
        }
        let is_there = matches!(fixture.workspace().read(), Ok(Some(_)));
        match told {
            Ok(created) => {
                // What is left to be done is done by the next command.
                assert!(is_there || !created.warnings.is_empty(), "{context}");
                fixture.apply(&start("1")).unwrap();
                assert_eq!(fixture.text("docs/maestro/plans/ours.md"), "# Ours\n", "{context}");
            }
            Err("IN_DOUBT") => {}
            Err(_) => {
                failures += 1;
                assert!(!is_there, "{context}");
                assert!(!fixture.path("docs/maestro/plans/ours.md").exists(), "{context}");
            }
        }
    }
    assert!(failures > 20, "there are calls to fail: {failures}");
}
