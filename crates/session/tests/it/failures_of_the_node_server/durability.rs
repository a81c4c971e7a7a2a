//! W01, W02, W06, W17, W24: what was acknowledged is there, whoever else writes and whatever stops.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use maestro_session::{NewSessionRequest, Status, Workspace};
use maestro_session_model::{DesignGate, Document, PhaseId, PhaseStatus};
use maestro_state_store::OsDisk;
use maestro_testutils::{FaultyDisk, Plan};

use crate::fixture::{ARCHIVE, FORCE, Fixture, code, complete, env_of, start};
use crate::power::world;

/// How many write at once, and how often each. Real processes do the same in the tests of the command line.
const WRITERS: u64 = 4;
const UPDATES: u64 = 10;

#[test]
fn w01_no_update_is_lost_between_writers() {
    let fixture = Fixture::new();
    let phases: Vec<String> = (1..=WRITERS * UPDATES)
        .map(|id| format!("  - {{id: {id}, name: Step {id}, agent: coder, parallel: true}}\n"))
        .collect();
    fixture.write("plan.md", format!("---\nphases:\n{}---\n", phases.concat()));
    fixture.create().unwrap();
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let root = fixture.root();
            scope.spawn(move || {
                for n in 1..=UPDATES {
                    let mut env = env_of(&[], 1 + writer * UPDATES + n);
                    env.lock_wait = Duration::from_mins(1);
                    let workspace = Workspace::open(root, env, Arc::new(OsDisk)).unwrap();
                    let phase = PhaseId::from_number(writer * UPDATES + n).unwrap();
                    workspace.apply(&start(&phase.to_string())).unwrap();
                    workspace
                        .apply(&complete(&phase.to_string(), &format!("src/{phase}.rs")))
                        .unwrap();
                }
            });
        }
    });
    let document = fixture.document();
    for phase in &document.session().phases {
        assert_eq!(phase.status, PhaseStatus::Completed, "{}", phase.id);
        assert_eq!(phase.files_created, [format!("src/{}.rs", phase.id)]);
        let section = format!("## Phase {}: Step {} ✓", phase.id, phase.id);
        assert_eq!(document.body().matches(&section).count(), 1, "{section}");
    }
}

/// A session with one open phase, in a workspace whose archiving is cut short at a call.
fn archiving_stopped_at(template: &Fixture, call: usize) -> (Fixture, bool) {
    let (fixture, disk) = (template.copy(), FaultyDisk::new());
    let workspace = Workspace::open(fixture.root(), fixture.env(), Arc::new(disk.clone())).unwrap();
    disk.arm(Plan::StopAt(call));
    drop(workspace.archive(FORCE));
    (fixture, disk.has_failed())
}

#[test]
fn w02_w24_an_archiving_that_was_killed_strands_nothing_and_is_overwritten_by_nothing() {
    let template = Fixture::begun();
    let id = template.document().session().session_id.clone();
    let gate = format!("docs/maestro/state/{id}.design-gate.json");
    template.write(&gate, "{\"session_id\":\"x\",\"approved_at\":\"2026-01-15T10:00:00Z\"}");
    // The campaign in `power.rs` tries every call, and what the loss of power leaves; here, on a real disk, every third.
    for call in (0..1_000).step_by(3) {
        let (fixture, was_stopped) = archiving_stopped_at(&template, call);
        // Whoever comes next begins a new session, as the Node server's users did.
        let request =
            NewSessionRequest { id: Some("2026-01-16-next".parse().unwrap()), ..fixture.request() };
        match fixture.workspace().create_session(&request) {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error.code(), "SESSION_EXISTS", "call {call}");
                fixture.workspace().archive(FORCE).unwrap();
                fixture.workspace().create_session(&request).unwrap();
            }
        }
        let archived = fixture.text(&format!("docs/maestro/state/archive/{id}.md"));
        assert_eq!(Document::parse(archived).unwrap().session().session_id, id, "call {call}");
        assert!(!fixture.path(&gate).exists(), "call {call}: no gate is stranded");
        assert_eq!(fixture.text("docs/maestro/plans/archive/plan.md"), crate::fixture::PLAN);
        let diagnosis = fixture.workspace().doctor(false, &mut |_, _| {}).unwrap();
        assert_eq!(diagnosis.findings, [], "call {call}");
        if !was_stopped {
            assert!(call > 50, "there are calls to stop at");
            break;
        }
    }
}

#[test]
fn w06_what_was_acknowledged_needs_nothing_that_was_not_synced() {
    let disk = world::bare();
    let survived = |expected: &str| {
        // The first image is what is there when nothing has reached the disk by itself.
        let left = disk.snapshot().after_power_loss().swap_remove(0).disk();
        let workspace = world::open(&left);
        assert_eq!(code(workspace.apply(&start("no such phase"))), expected);
        workspace
    };
    world::open(&disk).create_session(&world::request()).unwrap();
    survived("PHASE_NOT_FOUND");
    for (command, status) in
        [(start("1"), PhaseStatus::InProgress), (complete("1", "src/a.rs"), PhaseStatus::Completed)]
    {
        world::open(&disk).apply(&command).unwrap();
        let document = survived("PHASE_NOT_FOUND").read().unwrap().unwrap();
        assert_eq!(document.session().phases[0].status, status);
    }
    world::open(&disk).archive(FORCE).unwrap();
    assert!(matches!(survived("NO_SESSION").status().unwrap(), Status::None(_)));
    assert!(
        disk.bytes(&Path::new(world::ROOT).join("docs/maestro/plans/archive/plan.md")).is_some()
    );
}

#[test]
fn w17_a_design_gate_holds_back_its_own_session_only_and_the_doctor_puts_away_what_is_abandoned() {
    let fixture = Fixture::begun();
    fixture.workspace().archive(FORCE).unwrap();
    let gate = |id: &str| {
        let entered = "2026-01-10T10:00:00Z".parse().unwrap();
        DesignGate::entered(id.parse().unwrap(), entered).approved("d.md".to_owned(), entered)
    };
    let abandoned = gate("2026-01-10-abandoned").to_text();
    let gates = [
        ("2026-01-10-abandoned", abandoned.as_str(), "DOCUMENT_MISSING"),
        ("2026-01-11-cut-off", &abandoned[..40], "DESIGN_GATE_UNREADABLE"),
        ("2026-01-12-of-another", &abandoned, "DESIGN_GATE_UNREADABLE"),
    ];
    let begin = |id: &str| {
        let mut request = fixture.request();
        request.id = Some(id.parse().unwrap());
        fixture.workspace().create_session(&request)
    };
    for (id, text, held_back) in gates {
        fixture.write(&format!("docs/maestro/state/{id}.design-gate.json"), text);
        assert_eq!(code(begin(id)), held_back, "{id}");
    }
    fixture.create().unwrap();
    fixture.apply(&start("1")).unwrap();
    assert_eq!(code(fixture.workspace().archive(ARCHIVE)), "SESSION_UNFINISHED");
    let diagnosis = fixture.workspace().doctor(true, &mut |_, _| {}).unwrap();
    assert_eq!(diagnosis.repaired.len(), gates.len());
    for (id, text, _) in gates {
        assert!(!fixture.path(&format!("docs/maestro/state/{id}.design-gate.json")).exists());
        let put_away = format!("docs/maestro/state/quarantine/{id}.design-gate.json");
        assert_eq!(fixture.text(&put_away), text);
    }
    fixture.workspace().archive(FORCE).unwrap();
    begin("2026-01-11-cut-off").unwrap();
}
