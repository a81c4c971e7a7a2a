//! Operations that may have been acknowledged, but had to give way to an edit: none is forgotten, none is made twice.

use std::sync::Arc;

use maestro_state_store::journal::{Actor, ActorKind};
use maestro_state_store::store::Recovered;
use maestro_state_store::{Change, CommitError, Current, LockedStore, Operation, Outcome};
use uuid::Uuid;

use crate::fixture::{Workspace, doc, kinds, lock, open, operation, put, session_id, try_commit};
use maestro_testutils::{FaultyDisk, Plan};

/// A session whose acknowledged operation 2 did not come to the file before someone edited it.
fn edited_before_the_end() -> Workspace {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let current = open(&mut locked, 9).unwrap().unwrap();
    let failing = disk.clone();
    // Whatever is called next is the exchange, which fails.
    disk.before("sync data", move || failing.arm(Plan::FailAt(1)));
    match try_commit(&mut locked, current, 2, &doc("v2")).unwrap() {
        Outcome::Committed(committed) => assert!(committed.finish_pending.is_some()),
        Outcome::Displaced => panic!("nobody edits the file"),
    }
    assert_eq!(disk.log().last().unwrap(), &format!("exchange {}", temp_name(2)));
    drop(locked);
    put(&workspace.active(), doc("hand"));
    workspace
}

fn temp_name(n: u128) -> String {
    format!(".active-session.md.{}.tmp", Uuid::from_u128(n))
}

/// The operations that have to be decided again.
fn abandoned(current: &Current) -> Vec<Operation> {
    let operation = |recovered: &Recovered| match recovered {
        Recovered::Abandoned { operation } => Some(operation.clone()),
        _ => None,
    };
    current.recovered.iter().filter_map(operation).collect()
}

#[test]
fn an_abandoned_operation_is_returned_until_it_was_refused() {
    let workspace = edited_before_the_end();
    let current = workspace.open().unwrap().unwrap();
    assert_eq!(kinds(&current.recovered), ["abandoned", "external edit"]);
    for _ in 0..3 {
        let current = workspace.open().unwrap().unwrap();
        assert_eq!((current.text.clone(), abandoned(&current)), (doc("hand"), vec![operation(2)]));
        assert_eq!(kinds(&current.recovered), ["abandoned"]);
    }
    workspace.settle(77);
    assert_eq!(abandoned(&workspace.open().unwrap().unwrap()), [operation(2)]);
    workspace.settle(2);
    assert_eq!(kinds(&workspace.open().unwrap().unwrap().recovered), Vec::<&str>::new());
    workspace.settle(2);
    assert_eq!(workspace.replayed(), [doc("v1"), doc("v1"), doc("hand")]);
}

#[test]
fn settling_is_durable_and_leaves_the_session_open() {
    let workspace = edited_before_the_end();
    let disk = FaultyDisk::new();
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let error = locked.settle_abandoned(Uuid::from_u128(2)).unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
    let current = open(&mut locked, 9).unwrap().unwrap();
    disk.arm(Plan::FailAt(1));
    assert_eq!(locked.settle_abandoned(Uuid::from_u128(2)).unwrap_err().code(), "IO");
    disk.arm(Plan::Work);
    locked.settle_abandoned(Uuid::from_u128(2)).unwrap();
    assert_eq!(disk.log(), ["write 2026-01-15-x.jsonl", "sync data 2026-01-15-x.jsonl"]);
    try_commit(&mut locked, current, 3, &doc("v3")).map(|_| ()).unwrap();
    assert_eq!(kinds(&open(&mut locked, 10).unwrap().unwrap().recovered), Vec::<&str>::new());
}

#[test]
fn an_abandoned_operation_outlives_further_edits() {
    let workspace = edited_before_the_end();
    let store = workspace.store();
    for (id, edit) in [(9, "hand"), (10, "hand 2"), (11, "hand 3")] {
        put(&workspace.active(), doc(edit));
        let current = open(&mut lock(&store), id).unwrap().unwrap();
        assert_eq!((current.text.clone(), abandoned(&current)), (doc(edit), vec![operation(2)]));
    }
    // A text that a model writes over the file is an edit too.
    let mut locked = lock(&store);
    let current = open(&mut locked, 12).unwrap().unwrap();
    let by_hand = Operation { actor: Actor::EXTERNAL, ..operation(13) };
    let change = Change::between(&current, doc("written"), by_hand);
    locked.commit(current, change).map(|_| ()).unwrap();
    assert_eq!(abandoned(&open(&mut locked, 14).unwrap().unwrap()), [operation(2)]);
}

#[test]
fn an_abandoned_operation_that_a_later_one_follows_is_settled() {
    for kind in [ActorKind::Cli, ActorKind::Mcp, ActorKind::Hook] {
        let workspace = edited_before_the_end();
        let store = workspace.store();
        let mut locked = lock(&store);
        let current = open(&mut locked, 9).unwrap().unwrap();
        let actor = Actor { kind, name: None };
        let change =
            Change::between(&current, doc("hand and v2"), Operation { actor, ..operation(3) });
        locked.commit(current, change).map(|_| ()).unwrap();
        locked.settle_abandoned(Uuid::from_u128(2)).unwrap();
        assert_eq!(kinds(&open(&mut locked, 10).unwrap().unwrap().recovered), Vec::<&str>::new());
        put(&workspace.active(), doc("hand again"));
        let current = open(&mut locked, 11).unwrap().unwrap();
        assert_eq!(kinds(&current.recovered), ["external edit"]);
    }
}

#[test]
fn an_operation_whose_caller_decides_again_does_not_wait() {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let current = open(&mut locked, 9).unwrap().unwrap();
    let active = workspace.active();
    disk.before("exchange", move || put(&active, doc("hand")));
    let outcome = try_commit(&mut locked, current, 2, &doc("v2")).unwrap();
    assert!(matches!(outcome, Outcome::Displaced));
    let current = open(&mut locked, 10).unwrap().unwrap();
    assert_eq!(kinds(&current.recovered), ["external edit"]);
}

#[test]
fn a_second_try_that_is_displaced_waits_in_the_place_of_the_first() {
    let workspace = edited_before_the_end();
    let disk = FaultyDisk::new();
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let current = open(&mut locked, 9).unwrap().unwrap();
    assert_eq!(abandoned(&current), [operation(2)]);
    let active = workspace.active();
    disk.before("exchange", move || put(&active, doc("hand again")));
    let outcome = try_commit(&mut locked, current, 3, &doc("hand and v2")).unwrap();
    assert!(matches!(outcome, Outcome::Displaced));
    drop(locked);
    let current = workspace.open().unwrap().unwrap();
    assert_eq!(
        (current.text.clone(), abandoned(&current)),
        (doc("hand again"), vec![operation(3)])
    );
}

/// A command as a caller carries it out that adds a line to the document: what waits is made again first.
fn add_line(
    locked: &mut LockedStore<'_>,
    ids: &mut impl Iterator<Item = u128>,
) -> Result<(), CommitError> {
    loop {
        let current = open(locked, ids.next().unwrap())?.unwrap();
        let again = abandoned(&current);
        let line = again.first().map_or("new", |_| "acknowledged");
        let text = format!("{}{line}\n", current.text);
        let id = ids.next().unwrap();
        match try_commit(locked, current, id, &text)? {
            Outcome::Committed(_) if again.is_empty() => return Ok(()),
            Outcome::Committed(_) => locked.settle_abandoned(again[0].id)?,
            Outcome::Displaced => {}
        }
    }
}

#[test]
fn an_acknowledged_operation_is_made_again_exactly_once_wherever_the_next_commands_die() {
    for edit_again in [false, true] {
        for n in 0.. {
            let workspace = edited_before_the_end();
            let disk = FaultyDisk::new();
            let mut ids = 100..;
            let store = workspace.store_on(Arc::new(disk.clone()));
            if edit_again {
                let active = workspace.active();
                disk.before("exchange", move || put(&active, doc("hand again")));
            }
            let mut locked = lock(&store);
            disk.arm(Plan::StopAt(n));
            let told = add_line(&mut locked, &mut ids);
            drop(locked);
            let context = format!("call {n}, {told:?}: {:?}", disk.log());
            if !disk.has_failed() {
                assert_made_again_once(&workspace, &context);
                break;
            }
            let store = workspace.store();
            if let Err(error) = add_line(&mut lock(&store), &mut ids) {
                panic!("{error}: {context}");
            }
            assert_made_again_once(&workspace, &context);
        }
    }
}

/// The line that was acknowledged is there once.
fn assert_made_again_once(workspace: &Workspace, context: &str) {
    let text = workspace.text().unwrap();
    assert!(text.starts_with("session: 2026-01-15-x\nhand"), "{text}: {context}");
    assert_eq!(text.matches("acknowledged").count(), 1, "{text}: {context}");
    assert!((1..=2).contains(&text.matches("new").count()), "{text}: {context}");
    let history = workspace.store().history(&session_id()).unwrap().unwrap();
    assert_eq!(history.last_document().unwrap(), Some(text), "{context}");
}
