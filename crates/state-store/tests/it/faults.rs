//! A call that fails, or a process that dies, at every call of every write.

use std::sync::Arc;

use maestro_state_store::{CommitError, Committed, Outcome};

use crate::fixture::{
    Workspace, doc, inspect, lock, now, open, operation, put, session_id, try_commit,
};
use maestro_testutils::{FaultyDisk, Plan};

/// What the caller of a write was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Done,
    Pending,
    Displaced,
    Failed,
    InDoubt,
}

fn told(result: &Result<Outcome, CommitError>) -> Told {
    match result {
        Ok(Outcome::Committed(Committed { finish_pending: None, .. })) => Told::Done,
        Ok(Outcome::Committed(Committed { finish_pending: Some(_), .. })) => Told::Pending,
        Ok(Outcome::Displaced) => Told::Displaced,
        Err(CommitError::InDoubt { .. }) => Told::InDoubt,
        Err(_) => Told::Failed,
    }
}

fn create(workspace: &Workspace, disk: &FaultyDisk, plan: Plan) -> Told {
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    assert_eq!(open(&mut locked, 500).unwrap(), None);
    disk.arm(plan);
    told(&locked.create(&session_id(), doc("v1"), operation(1)).map(Outcome::Committed))
}

fn commit(workspace: &Workspace, disk: &FaultyDisk, plan: Plan) -> Told {
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let current = open(&mut locked, 500).unwrap().unwrap();
    disk.arm(plan);
    told(&try_commit(&mut locked, current, 2, &doc("v2")))
}

/// The state dir is sound, and work goes on.
fn assert_sound(workspace: &Workspace, context: &str) {
    let expected = workspace.text();
    assert_eq!(workspace.strays(), Vec::<String>::new(), "{context}");
    assert_eq!(workspace.quarantined(), Vec::<String>::new(), "{context}");
    let store = workspace.store();
    let mut locked = lock(&store);
    let current = open(&mut locked, 600).unwrap();
    assert_eq!(current.as_ref().map(|current| current.text.clone()), expected, "{context}");
    let result = match current {
        None => {
            assert!(!workspace.journal().exists(), "{context}");
            locked.create(&session_id(), doc("next"), operation(3)).map(Outcome::Committed)
        }
        Some(current) => try_commit(&mut locked, current, 3, &doc("next")),
    };
    assert_eq!(told(&result), Told::Done, "{context}");
    drop(locked);
    assert_eq!(workspace.text(), Some(doc("next")), "{context}");
    assert_eq!(workspace.replayed().last(), Some(&doc("next")), "{context}");
}

/// The calls that change something or make it durable, in order.
fn effects(disk: &FaultyDisk) -> String {
    let looks = ["entry", "open", "read", "list"];
    let is_effect = |call: &String| !looks.iter().any(|look| call.starts_with(look));
    let calls: Vec<String> = disk.log().into_iter().filter(is_effect).collect();
    calls.join("\n").replace("00000000-0000-0000-0000-00000000000", "")
}

#[test]
fn every_entry_and_text_is_durable_before_the_commit_point() {
    let (workspace, disk) = (Workspace::new(), FaultyDisk::new());
    create(&workspace, &disk, Plan::Work);
    insta::assert_snapshot!(effects(&disk), @"
    sync dir state
    create 2026-01-15-x.jsonl
    sync dir journal
    create .active-session.md.1.tmp
    write .active-session.md.1.tmp
    sync .active-session.md.1.tmp
    write 2026-01-15-x.jsonl
    sync data 2026-01-15-x.jsonl
    rename new .active-session.md.1.tmp
    remove .active-session.md.1.tmp
    sync dir state
    write 2026-01-15-x.jsonl
    ");
    let disk = FaultyDisk::new();
    commit(&workspace, &disk, Plan::Work);
    insta::assert_snapshot!(effects(&disk), @"
    create .active-session.md.2.tmp
    write .active-session.md.2.tmp
    sync .active-session.md.2.tmp
    write 2026-01-15-x.jsonl
    sync data 2026-01-15-x.jsonl
    exchange .active-session.md.2.tmp
    remove .active-session.md.2.tmp
    sync dir state
    write 2026-01-15-x.jsonl
    ");
}

#[test]
fn an_edit_is_made_durable_before_it_is_recorded() {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    put(&workspace.active(), doc("hand"));
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    disk.arm(Plan::Work);
    open(&mut locked, 500).unwrap();
    insta::assert_snapshot!(effects(&disk), @"
    sync active-session.md
    sync dir state
    write 2026-01-15-x.jsonl
    sync data 2026-01-15-x.jsonl
    write 2026-01-15-x.jsonl
    ");
}

/// Opens the session and returns what that did.
fn effects_of_opening(workspace: &Workspace) -> String {
    let disk = FaultyDisk::new();
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    disk.arm(Plan::Work);
    open(&mut locked, 500).unwrap();
    effects(&disk)
}

/// A session whose newest operation, from `v1` to `v2`, is in the journal and nowhere else.
fn only_in_the_journal() -> Workspace {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    let journal = fs_err::read_to_string(workspace.journal()).unwrap();
    let done = journal.trim_end().rfind('\n').unwrap();
    put(&workspace.journal(), &journal[..=done]);
    put(&workspace.active(), doc("v1"));
    workspace
}

#[test]
fn an_operation_is_durable_before_it_is_carried_out_by_the_next_command() {
    insta::assert_snapshot!(effects_of_opening(&only_in_the_journal()), @"
    sync data 2026-01-15-x.jsonl
    create .prepared-active-session.md.tmp
    write .prepared-active-session.md.tmp
    sync .prepared-active-session.md.tmp
    rename new .prepared-active-session.md.tmp
    exchange .active-session.md.2.tmp
    remove .active-session.md.2.tmp
    sync dir state
    write 2026-01-15-x.jsonl
    ");
}

#[test]
fn rubbish_is_gone_for_good_before_the_journal_that_says_so() {
    let workspace = Workspace::new();
    put(&workspace.journal(), "");
    put(&workspace.temp(1), "half of a te");
    insta::assert_snapshot!(effects_of_opening(&workspace), @"
    remove .active-session.md.1.tmp
    sync dir state
    remove 2026-01-15-x.jsonl
    sync dir journal
    ");
}

#[test]
fn an_edit_is_durable_in_its_place_before_anything_is_removed() {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    let active = workspace.active();
    disk.before("exchange", move || put(&active, doc("hand")));
    assert_eq!(commit(&workspace, &disk, Plan::Work), Told::Displaced);
    let effects = effects(&disk);
    let after_the_exchange = effects.split_once("exchange").unwrap().1;
    insta::assert_snapshot!(after_the_exchange, @"
     .active-session.md.2.tmp
    write 2026-01-15-x.jsonl
    sync data 2026-01-15-x.jsonl
    exchange .active-session.md.2.tmp
    sync dir state
    remove .active-session.md.2.tmp
    sync dir state
    ");
}

#[test]
fn a_death_while_a_text_is_written_again_leaves_nothing_in_the_quarantine() {
    for n in 0.. {
        let (workspace, disk) = (only_in_the_journal(), FaultyDisk::new());
        let store = workspace.store_on(Arc::new(disk.clone()));
        let mut locked = lock(&store);
        disk.arm(Plan::StopAt(n));
        drop(open(&mut locked, 500));
        drop(locked);
        let context = format!("call {n}: {:?}", disk.log());
        assert_eq!(workspace.text(), Some(doc("v2")), "{context}");
        assert_sound(&workspace, &context);
        if !disk.has_failed() {
            return;
        }
    }
}

#[test]
fn a_creation_that_fails_anywhere_leaves_nothing_or_the_session() {
    for n in 0.. {
        let (workspace, disk) = (Workspace::new(), FaultyDisk::new());
        let told = create(&workspace, &disk, Plan::FailAt(n));
        let context = format!("call {n}, told {told:?}: {:?}", disk.log());
        match told {
            Told::Done | Told::Pending => {
                assert_eq!(workspace.text(), Some(doc("v1")), "{context}");
            }
            Told::Failed => {
                assert!(!workspace.active().exists(), "{context}");
                assert_eq!(workspace.text(), None, "{context}");
            }
            Told::InDoubt => {
                let text = workspace.text();
                assert!(text.is_none() || text == Some(doc("v1")), "{context}");
            }
            Told::Displaced => panic!("nobody edits the file: {context}"),
        }
        assert_sound(&workspace, &context);
        if !disk.has_failed() {
            assert_eq!(told, Told::Done);
            assert!(10 < n, "there are calls to fail: {context}");
            return;
        }
    }
}

#[test]
fn a_commit_that_fails_anywhere_leaves_the_old_text_or_the_new() {
    for make in [FaultyDisk::new, FaultyDisk::without_exchange] {
        for n in 0.. {
            let (workspace, disk) = (Workspace::with_texts(&["v1"]), make());
            let journal = fs_err::read(workspace.journal()).unwrap();
            let told = commit(&workspace, &disk, Plan::FailAt(n));
            let context = format!("call {n}, told {told:?}: {:?}", disk.log());
            match told {
                Told::Done | Told::Pending => {
                    assert_eq!(workspace.text(), Some(doc("v2")), "{context}");
                }
                Told::Failed => {
                    let left = fs_err::read_to_string(workspace.active()).unwrap();
                    assert_eq!(left, doc("v1"), "{context}");
                    let left = fs_err::read(workspace.journal()).unwrap();
                    assert_eq!(left, journal, "the journal is cut back: {context}");
                    assert_eq!(workspace.text(), Some(doc("v1")), "{context}");
                }
                Told::InDoubt => {
                    let text = workspace.text().unwrap();
                    assert!(text == doc("v1") || text == doc("v2"), "{context}");
                }
                Told::Displaced => panic!("nobody edits the file: {context}"),
            }
            assert_sound(&workspace, &context);
            if !disk.has_failed() {
                assert_eq!(told, Told::Done);
                assert!(8 < n, "there are calls to fail: {context}");
                break;
            }
        }
    }
}

#[test]
fn after_a_death_anywhere_the_next_command_sees_the_old_or_the_new() {
    for make in [FaultyDisk::new, FaultyDisk::without_exchange] {
        for n in 0.. {
            let (workspace, disk) = (Workspace::with_texts(&["v1"]), make());
            let told = commit(&workspace, &disk, Plan::StopAt(n));
            let context = format!("call {n}, told {told:?}: {:?}", disk.log());
            let text = workspace.text().unwrap();
            assert!(text == doc("v1") || text == doc("v2"), "{context}");
            if matches!(told, Told::Done | Told::Pending) {
                assert_eq!(text, doc("v2"), "{context}");
            }
            assert_sound(&workspace, &context);
            if !disk.has_failed() {
                break;
            }
        }
    }
    for n in 0.. {
        let (workspace, disk) = (Workspace::new(), FaultyDisk::new());
        let told = create(&workspace, &disk, Plan::StopAt(n));
        let context = format!("call {n}, told {told:?}: {:?}", disk.log());
        let text = workspace.text();
        assert!(text.is_none() || text == Some(doc("v1")), "{context}");
        if matches!(told, Told::Done | Told::Pending) {
            assert_eq!(text, Some(doc("v1")), "{context}");
        }
        assert_sound(&workspace, &context);
        if !disk.has_failed() {
            return;
        }
    }
}

#[test]
fn a_death_during_recovery_changes_nothing_about_its_result() {
    for first in 0.. {
        let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
        let told = commit(&workspace, &disk, Plan::StopAt(first));
        if !disk.has_failed() {
            return;
        }
        disk.arm(Plan::Work);
        let store = workspace.store_on(Arc::new(disk.clone()));
        for second in 0.. {
            disk.arm(Plan::Work);
            let mut locked = lock(&store);
            disk.arm(Plan::StopAt(second));
            let outcome = locked.open(&inspect, now(), uuid::Uuid::from_u128(700));
            if outcome.is_ok() && !disk.has_failed() {
                break;
            }
        }
        let context = format!("call {first}, told {told:?}");
        let text = workspace.text().unwrap();
        assert!(text == doc("v1") || text == doc("v2"), "{context}");
        if matches!(told, Told::Done | Told::Pending) {
            assert_eq!(text, doc("v2"), "{context}");
        }
        assert_sound(&workspace, &context);
    }
}

#[test]
fn an_edit_in_between_survives_a_failure_or_a_death_anywhere() {
    for plan in [Plan::FailAt, Plan::StopAt] {
        for n in 0.. {
            let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
            let active = workspace.active();
            disk.before("exchange", move || put(&active, doc("hand")));
            let told = commit(&workspace, &disk, plan(n));
            let context = format!("{:?}, told {told:?}: {:?}", plan(n), disk.log());
            let was_edited = disk.log().iter().any(|call| call.starts_with("exchange"));
            let text = workspace.text().unwrap();
            if was_edited {
                assert_eq!(text, doc("hand"), "{context}");
                assert!(!matches!(told, Told::Done | Told::Failed), "{context}");
            } else {
                assert!(text == doc("v1") || text == doc("v2"), "{context}");
            }
            assert_sound(&workspace, &context);
            if !disk.has_failed() {
                assert_eq!(told, Told::Displaced);
                break;
            }
        }
    }
}

#[test]
fn an_external_edit_is_recorded_once_whatever_dies() {
    for n in 0.. {
        let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
        put(&workspace.active(), doc("hand"));
        let store = workspace.store_on(Arc::new(disk.clone()));
        let mut locked = lock(&store);
        disk.arm(Plan::StopAt(n));
        drop(locked.open(&inspect, now(), uuid::Uuid::from_u128(700)));
        drop(locked);
        assert_eq!(workspace.text(), Some(doc("hand")));
        assert_eq!(workspace.replayed(), [doc("v1"), doc("hand")], "call {n}");
        assert_sound(&workspace, &format!("call {n}: {:?}", disk.log()));
        if !disk.has_failed() {
            return;
        }
    }
}
