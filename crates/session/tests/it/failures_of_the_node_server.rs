//! The failures of the Node server that concern these operations, each shown not to happen here.
//!
//! Their numbers and descriptions are in `docs/NODE-SERVER.md`.

mod durability;
#[cfg(unix)]
mod scan;

use std::sync::{Arc, Barrier};
use std::thread;

use maestro_session::{DocumentSource, PlanSource, Status};
use maestro_session_model::{
    Command, DownstreamContext, Handoff, PhaseStatus, RelPath, TokenCounts,
};
use maestro_testutils::samples;

use crate::fixture::{ARCHIVE, FORCE, Fixture, PLAN, code, complete, fail, id, retry, skip, start};

const FILE: &str = "docs/maestro/state/active-session.md";

#[test]
fn w03_a_transition_that_the_table_does_not_have_is_refused() {
    let fixture = Fixture::begun();
    assert_eq!(code(fixture.apply(&complete("1", "a.rs"))), "ILLEGAL_TRANSITION");
    assert_eq!(code(fixture.apply(&start("2"))), "PHASE_BLOCKED");
    fixture.apply(&start("1")).unwrap();
    assert_eq!(code(fixture.apply(&start("1"))), "ILLEGAL_TRANSITION");
    fixture.apply(&fail("1", "broken")).unwrap();
    assert_eq!(code(fixture.apply(&complete("1", "a.rs"))), "ILLEGAL_TRANSITION");
    assert_eq!(code(fixture.apply(&start("1"))), "ILLEGAL_TRANSITION");
    assert_eq!(code(fixture.workspace().archive(ARCHIVE)), "SESSION_UNFINISHED");
}

#[test]
fn w03_completing_twice_keeps_what_the_first_completion_recorded() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    let before = fixture.snapshot();
    let empty = Command::Complete { phase: id("1"), handoff: Handoff::default() };
    assert_eq!(code(fixture.apply(&empty)), "ILLEGAL_TRANSITION");
    assert_eq!(fixture.snapshot(), before);
    assert_eq!(fixture.document().session().phases[0].files_created, ["src/a.rs"]);
}

#[test]
fn w03_the_current_phase_is_never_a_completed_one_while_others_can_run() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let done = fixture.apply(&complete("1", "a.rs")).unwrap();
    assert_eq!(done.current_phase, Some(id("2")));
}

#[test]
fn w04_failure_retry_and_skip_leave_their_record() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    for _ in 0..2 {
        fixture.apply(&fail("1", "it does not compile")).unwrap();
        fixture.apply(&retry("1")).unwrap();
    }
    fixture.apply(&fail("1", "it still does not compile")).unwrap();
    assert_eq!(code(fixture.apply(&retry("1"))), "RETRIES_EXHAUSTED");
    assert_eq!(code(fixture.apply(&skip("1", false))), "USER_DECISION_REQUIRED");
    let phase = fixture.document().session().phases[0].clone();
    assert_eq!(phase.retry_count, 2);
    let record: Vec<(&str, &str)> = phase
        .errors
        .iter()
        .map(|error| (error.message.as_str(), error.resolution.as_str()))
        .collect();
    assert_eq!(
        record,
        [
            ("it does not compile", "retry 1 of 2"),
            ("retry 1 of 2 after: it does not compile", "same scope, same agent"),
            ("it does not compile", "retry 2 of 2"),
            ("retry 2 of 2 after: it does not compile", "same scope, same agent"),
            ("it still does not compile", "pending"),
        ]
    );
    fixture.apply(&skip("1", true)).unwrap();
    let phase = fixture.document().session().phases[0].clone();
    assert!(phase.errors.iter().all(|error| error.resolved));
    assert_eq!(phase.status, PhaseStatus::Skipped);
}

fn with_tokens(tokens: TokenCounts) -> Command {
    let handoff = Handoff {
        tokens: Some(tokens),
        downstream_context: DownstreamContext {
            warnings: vec!["w".to_owned()],
            ..DownstreamContext::default()
        },
        ..Handoff::default()
    };
    Command::Complete { phase: id("1"), handoff }
}

#[test]
fn w05_tokens_are_counted_by_agent_and_stay_numbers() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    let impossible = TokenCounts { input: 1, output: 0, cached: 2 };
    assert_eq!(code(fixture.apply(&with_tokens(impossible))), "BAD_TOKENS");
    fixture.apply(&with_tokens(TokenCounts { input: 100, output: 50, cached: 20 })).unwrap();
    let usage = fixture.document().session().token_usage.clone();
    assert_eq!((usage.total_input, usage.total_output, usage.total_cached), (100, 50, 20));
    assert_eq!(usage.by_agent["coder"], TokenCounts { input: 100, output: 50, cached: 20 });
    // A total that someone made a string of is refused, and nothing is added to it.
    let text = fixture.text(FILE).replace("total_input: 100", "total_input: \"-84999100\"");
    fixture.write(FILE, &text);
    assert_eq!(code(fixture.apply(&start("2"))), "CORRUPT");
    assert_eq!(fixture.text(FILE), text);
}

#[test]
fn w07_nothing_is_overwritten() {
    let fixture = Fixture::begun();
    // A session that exists is not replaced, whatever its status.
    assert_eq!(code(fixture.create()), "SESSION_EXISTS");
    for status in ["completed", "failed", "aborted"] {
        let text = fixture.text(FILE).replacen(
            "status: \"in_progress\"",
            &format!("status: \"{status}\""),
            1,
        );
        fixture.write(FILE, text);
        let before = fixture.snapshot();
        assert_eq!(code(fixture.create()), "SESSION_EXISTS", "{status}");
        assert_eq!(fixture.snapshot(), before);
        let text = fixture.text(FILE).replacen(
            &format!("status: \"{status}\""),
            "status: \"in_progress\"",
            1,
        );
        fixture.write(FILE, text);
    }
    fixture.workspace().archive(FORCE).unwrap();
    // A plan with a name that is taken gets another; design and plan with one name both survive.
    fixture.write("docs/maestro/plans/plan.md", "someone else's");
    fixture.write("design/plan.md", "the design");
    let mut request = fixture.request();
    request.design = Some(DocumentSource::File("design/plan.md".to_owned()));
    let created = fixture.workspace().create_session(&request).unwrap();
    assert_eq!(fixture.text("docs/maestro/plans/plan.md"), "someone else's");
    assert_eq!(fixture.text("docs/maestro/plans/plan-2.md"), PLAN);
    assert_eq!(fixture.text("docs/maestro/plans/plan-3.md"), "the design");
    assert_eq!(created.copied.len(), 2);
    let receipt = fixture.workspace().archive(FORCE).unwrap();
    assert!(receipt.is_verified());
    for (file, text) in [("plan-2.md", PLAN), ("plan-3.md", "the design")] {
        assert_eq!(fixture.text(&format!("docs/maestro/plans/archive/{file}")), text);
    }
}

#[cfg(unix)]
#[test]
fn w08_no_path_leads_out_of_where_it_belongs() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.md");
    let fixture = Fixture::begun();
    fixture.write("secret.md", "s");
    fs_err::rename(fixture.path("secret.md"), &secret).unwrap();

    let workspace = fixture.workspace();
    for path in ["../plan.md", "/etc/hostname", "state/../../../plan.md", "..\\plan.md"] {
        assert!(workspace.read_state(path).is_err(), "{path}");
        assert!(workspace.write_state(path, b"x").is_err(), "{path}");
    }
    for path in
        ["state/lock", "state/journal/x.jsonl", "state/archive/x.md", "state/ledger/x.jsonl"]
    {
        assert!(workspace.write_state(path, b"x").is_err(), "{path}");
    }
    symlink(outside.path(), fixture.path("docs/maestro/plans/out")).unwrap();
    assert!(workspace.read_state("plans/out/secret.md").is_err());
    assert!(workspace.write_state("plans/out/new.md", b"x").is_err());
    assert!(!outside.path().join("new.md").exists());
    fs_err::remove_file(fixture.path("docs/maestro/plans/out")).unwrap();

    fixture.workspace().archive(FORCE).unwrap();
    symlink(&secret, fixture.path("linked.md")).unwrap();
    let secret_path = secret.to_string_lossy().into_owned();
    for plan in ["linked.md", "/etc/hostname", "../../../etc/hostname", secret_path.as_str()] {
        let mut request = fixture.request();
        request.plan = PlanSource::file(plan);
        assert!(fixture.workspace().create_session(&request).is_err(), "{plan}");
    }
    assert!(!fixture.session_file().exists());
}

#[test]
fn w09_every_form_that_was_ever_written_is_read() {
    for sample in samples() {
        for text in [
            sample.text.to_owned(),
            sample.text.replace('\n', "\r\n"),
            format!("\u{feff}{}", sample.text),
            sample.text.replacen("---\n", "---  \n", 1),
        ] {
            let fixture = Fixture::new();
            fixture.write(FILE, &text);
            let status = fixture.workspace().status().unwrap();
            assert!(matches!(status, Status::Active(_)), "{}", sample.name);
        }
    }
}

#[test]
fn w09_an_unreadable_session_is_not_overwritten_by_a_new_one() {
    let fixture = Fixture::new();
    for text in ["", "[]", "---\n[1]\n---\n", "---\n{\"session_id\": \"a\",}\n"] {
        fixture.write(FILE, text);
        assert_eq!(code(fixture.create()), "CORRUPT", "{text:?}");
        assert_eq!(fixture.text(FILE), text);
    }
}

#[test]
fn w11_a_plan_that_breaks_a_rule_makes_no_session() {
    for (name, plan) in [
        ("no phases", "---\nphases: []\n---\n".to_owned()),
        ("duplicate ids", PLAN.replace("{id: 2,", "{id: 1,")),
        ("dangling blocker", PLAN.replace("[2, 3]", "[2, 9]")),
        (
            "cycle",
            PLAN.replace(
                "{id: 1, name: Core bucket,",
                "{id: 1, name: Core bucket, blocked_by: [2],",
            ),
        ),
        ("empty name", PLAN.replace("name: Docs,", "name: '',")),
        ("files as a string", PLAN.replace("files: [src/mw.rs]", "files: {src/mw.rs: 1}")),
        ("overlap", PLAN.replace("README.md", "src/mw.rs")),
    ] {
        let fixture = Fixture::new();
        fixture.write("plan.md", &plan);
        let before = fixture.snapshot();
        let error = fixture.create().unwrap_err();
        assert!(error.hint().is_some(), "{name}: {error}");
        assert_eq!(fixture.snapshot(), before, "{name}");
    }
    let fixture = Fixture::new();
    let mut request = fixture.request();
    request.express = true;
    assert_eq!(code(fixture.workspace().create_session(&request)), "EXPRESS_NEEDS_ONE_PHASE");
    request.express = false;
    request.task = " ".to_owned();
    assert_eq!(code(fixture.workspace().create_session(&request)), "TASK_MISSING");
}

#[test]
fn w11_a_phase_is_found_by_its_number_and_by_its_text() {
    let fixture = Fixture::begun();
    let one = maestro_session_model::PhaseId::from_text("1").unwrap();
    fixture.apply(&Command::Start { phase: one }).unwrap();
    assert_eq!(code(fixture.apply(&start("9"))), "PHASE_NOT_FOUND");
    fixture.workspace().archive(FORCE).unwrap();
    assert_eq!(code(fixture.apply(&start("1"))), "NO_SESSION");
}

#[test]
fn w13_files_are_compared_as_files_and_without_regard_to_the_parallel_flag() {
    // Two spellings of one file, owned by two phases that nothing orders.
    let plan =
        PLAN.replace("files: [README.md]", "files: [./src//mw.rs]").replace("parallel: true, ", "");
    let fixture = Fixture::new();
    fixture.write("plan.md", plan);
    let error = fixture.create().unwrap_err();
    assert_eq!(error.code(), "PLAN_REJECTED");
    // A file with the name of something every JavaScript object has.
    let plan = PLAN.replace("README.md", "constructor");
    fixture.write("plan.md", plan);
    fixture.create().unwrap();
}

#[test]
fn w13_a_disabled_agent_is_not_assigned() {
    let fixture = Fixture::new().with("MAESTRO_DISABLED_AGENTS", "tester, Technical_Writer");
    assert_eq!(code(fixture.create()), "PLAN_REJECTED");
}

#[test]
fn w15_awkward_texts_survive() {
    let fixture = Fixture::new();
    let task = "Add: a \"quoted\" task # with hash\n- and --- a second line\n'yes' null ~ 1.0 \u{2028} é 😀";
    let mut request = fixture.request();
    request.task = task.to_owned();
    fixture.workspace().create_session(&request).unwrap();
    fixture.apply(&start("1")).unwrap();
    assert_eq!(fixture.document().session().task, task);
}

#[test]
fn w16_of_two_creations_one_wins() {
    for _ in 0..20 {
        let mut fixture = Fixture::new();
        fixture.workspace().state_dir().create().unwrap();
        fixture.variables.clear();
        let fixture = Arc::new(fixture);
        let barrier = Arc::new(Barrier::new(2));
        let racers: Vec<_> = (0..2)
            .map(|i| {
                let (fixture, barrier) = (Arc::clone(&fixture), Arc::clone(&barrier));
                thread::spawn(move || {
                    let mut env = fixture.env();
                    env.lock_wait = std::time::Duration::from_secs(20);
                    let workspace = maestro_session::Workspace::open(
                        fixture.root(),
                        env,
                        Arc::new(maestro_state_store::OsDisk),
                    )
                    .unwrap();
                    let mut request = fixture.request();
                    request.task = format!("racer {i}");
                    barrier.wait();
                    workspace.create_session(&request).map(|created| created.session.task)
                })
            })
            .collect();
        let results: Vec<_> = racers.into_iter().map(|racer| racer.join().unwrap()).collect();
        let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((won.len(), lost.len()), (1, 1));
        assert_eq!(fixture.document().session().task, *won[0].as_ref().unwrap());
        assert_eq!(lost[0].as_ref().unwrap_err().code(), "SESSION_EXISTS");
    }
}

#[test]
fn w18_only_a_completed_phase_is_reconciled_and_deletions_count() {
    let fixture = Fixture::begun();
    let handoff =
        Handoff { files_deleted: vec![RelPath::parse("old.rs").unwrap()], ..Handoff::default() };
    let reconcile = |handoff| Command::Reconcile {
        phase: id("1"),
        handoff,
        reason: Some("timed out".to_owned()),
    };
    assert_eq!(code(fixture.apply(&reconcile(handoff.clone()))), "NOT_RECONCILABLE");
    fixture.apply(&start("1")).unwrap();
    let nothing = Command::Complete { phase: id("1"), handoff: Handoff::default() };
    let completed = fixture.apply(&nothing).unwrap();
    assert!(completed.phase.unwrap().requires_reconciliation);
    for phase in ["2", "3", "review"] {
        fixture.apply(&skip(phase, true)).unwrap();
    }
    assert_eq!(code(fixture.workspace().archive(ARCHIVE)), "RECONCILIATION_PENDING");
    assert_eq!(code(fixture.workspace().archive(FORCE)), "RECONCILIATION_PENDING");
    assert_eq!(code(fixture.apply(&reconcile(Handoff::default()))), "RECONCILIATION_EMPTY_PAYLOAD");
    fixture.apply(&reconcile(handoff)).unwrap();
    let phase = fixture.document().session().phases[0].clone();
    assert_eq!(phase.files_deleted, ["old.rs"]);
    assert_eq!(phase.reconciliation_reason.as_deref(), Some("timed out"));
    fixture.workspace().archive(ARCHIVE).unwrap();
}

#[test]
fn w23_settings_act() {
    let limited = Fixture::new().with("MAESTRO_MAX_CONCURRENT", "1");
    limited.create().unwrap();
    limited.apply(&start("1")).unwrap();
    limited.apply(&complete("1", "a.rs")).unwrap();
    limited.apply(&start("2")).unwrap();
    assert_eq!(code(limited.apply(&start("3"))), "NO_FREE_SLOT");

    let sequential = Fixture::new().with("MAESTRO_EXECUTION_MODE", "sequential");
    sequential.create().unwrap();
    sequential.apply(&start("1")).unwrap();
    sequential.apply(&complete("1", "a.rs")).unwrap();
    sequential.apply(&start("2")).unwrap();
    assert_eq!(code(sequential.apply(&start("3"))), "NO_FREE_SLOT");

    let never = Fixture::new().with("MAESTRO_MAX_RETRIES", "0");
    never.create().unwrap();
    never.apply(&start("1")).unwrap();
    never.apply(&fail("1", "broken")).unwrap();
    assert_eq!(code(never.apply(&retry("1"))), "RETRIES_EXHAUSTED");

    let files_only = Command::Complete {
        phase: id("1"),
        handoff: Handoff {
            files_created: vec![RelPath::parse("a.rs").unwrap()],
            ..Handoff::default()
        },
    };
    let nothing = Command::Complete { phase: id("1"), handoff: Handoff::default() };
    for (strictness, with_files, with_nothing) in [
        ("lenient", None, None),
        ("normal", Some("HANDOFF_INCOMPLETE"), None),
        ("strict", Some("HANDOFF_INCOMPLETE"), Some("HANDOFF_INCOMPLETE")),
    ] {
        for (command, expected) in [(&files_only, with_files), (&nothing, with_nothing)] {
            let fixture = Fixture::new().with("MAESTRO_VALIDATION_STRICTNESS", strictness);
            fixture.create().unwrap();
            fixture.apply(&start("1")).unwrap();
            let found = fixture.apply(command).map_err(|error| error.code()).err();
            assert_eq!(found, expected, "{strictness}");
        }
    }

    let json = Fixture::new().with("MAESTRO_FRONT_MATTER", "json");
    json.create().unwrap();
    assert!(json.text(FILE).starts_with("---\n{\n  \"session_id\""));

    let elsewhere = Fixture::new().with("MAESTRO_STATE_DIR", ".agents/state");
    elsewhere.create().unwrap();
    assert!(elsewhere.path(".agents/state/state/active-session.md").exists());
    assert!(!elsewhere.path("docs").exists());

    let bad = Fixture::new().with("MAESTRO_MAX_RETRIES", "many");
    assert_eq!(bad.try_workspace().unwrap_err().code(), "BAD_SETTING");
}

#[test]
fn w23_the_body_log_grows() {
    let fixture = Fixture::begun();
    fixture.apply(&start("1")).unwrap();
    fixture.apply(&complete("1", "src/a.rs")).unwrap();
    let document = fixture.document();
    assert!(
        document.body().contains("## Phase 1: Core bucket ✓ completed\n"),
        "{}",
        document.body()
    );
}
