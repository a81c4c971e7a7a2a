//! The lock excludes, names its holder, and survives what happens to its file.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use maestro_state_store::LockError;

use crate::fixture::{Workspace, commit, doc, holder, lock, open, session_id};

#[test]
fn a_busy_lock_names_its_holder() {
    let workspace = Workspace::new();
    let store = workspace.store();
    let held = store.lock(&holder("maestro phase start 1"), Duration::ZERO).unwrap();
    for wait in [Duration::ZERO, Duration::from_millis(5)] {
        let other = workspace.store();
        let error = other.lock(&holder("another"), wait).unwrap_err();
        assert_eq!(error.code(), "LOCKED");
        let LockError::Held { holder: Some(found), waited, .. } = &error else {
            panic!("not held but {error:?}")
        };
        assert_eq!((found, *waited), (&holder("maestro phase start 1"), wait));
        assert!(error.to_string().contains("`maestro phase start 1` (process 42 on here)"));
        assert!(error.hint().unwrap().contains("2026-01-15T10:00:00.000Z"));
    }
    drop(held);
    drop(workspace.store().lock(&holder("another"), Duration::from_mins(1)).unwrap());
}

#[test]
fn a_waiter_gets_the_lock_when_it_is_free() {
    let workspace = Workspace::new();
    let (first, second) = (workspace.store(), workspace.store());
    let held = lock(&first);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let waiter = scope.spawn(move || {
            sender.send(()).unwrap();
            second.lock(&holder("waiter"), Duration::from_mins(1)).map(|_| ()).unwrap();
        });
        receiver.recv().unwrap();
        drop(held);
        waiter.join().unwrap();
    });
}

#[test]
fn a_lock_file_that_was_removed_is_locked_anew() {
    let workspace = Workspace::new();
    let (first, second) = (workspace.store(), workspace.store());
    let held = lock(&first);
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        let (workspace, second) = (&workspace, &second);
        let waiter = scope.spawn(move || {
            sender.send(()).unwrap();
            let locked = second.lock(&holder("waiter"), Duration::from_mins(1)).unwrap();
            let third = workspace.store();
            let error = third.lock(&holder("x"), Duration::ZERO).unwrap_err();
            assert_eq!(error.code(), "LOCKED", "the new file is the locked one");
            drop(locked);
        });
        receiver.recv().unwrap();
        fs_err::remove_file(first.dir().lock_file()).unwrap();
        drop(held);
        waiter.join().unwrap();
    });
}

#[test]
fn a_state_dir_that_is_not_initialised_cannot_be_locked() {
    let workspace = Workspace::bare();
    let error = workspace.store().lock(&holder("x"), Duration::ZERO).map(|_| ()).unwrap_err();
    assert!(matches!(error, LockError::NotInitialised { .. }));
    assert_eq!(error.hint().unwrap(), "run `maestro init`");
}

#[test]
fn no_update_is_lost_between_concurrent_writers() {
    const WRITERS: usize = 4;
    const UPDATES: usize = 25;
    let workspace = Workspace::with_texts(&["0"]);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let store = workspace.store();
            scope.spawn(move || {
                for update in 0..UPDATES {
                    let mut locked = lock(&store);
                    let text = open(&mut locked, 7).unwrap().unwrap().text;
                    let count: usize = text.lines().nth(1).unwrap().parse().unwrap();
                    let n = 1000 + writer * UPDATES + update;
                    commit(&mut locked, n as u128, &doc(&(count + 1).to_string()));
                }
            });
        }
    });
    assert_eq!(workspace.text().unwrap(), doc(&(WRITERS * UPDATES).to_string()));
    let history = workspace.store().history(&session_id()).unwrap().unwrap();
    assert_eq!(history.operations().len(), 1 + WRITERS * UPDATES);
    assert_eq!(workspace.replayed().last().unwrap(), &doc("100"));
}
