//! A long journal goes on in new files, and only so many of them are kept.

use std::path::PathBuf;
use std::sync::Arc;

use maestro_state_store::journal::{History, MAX_SEGMENTS, Operation, SEGMENT_BYTES};
use maestro_state_store::{Change, CommitError, LockedStore, Store};
use maestro_testutils::{FaultyDisk, Plan};
use serde_json::{Value, json};

use crate::fixture::{
    Workspace, commit, doc, lock, now, open, operation, put, session_id, try_commit,
};

/// A text that makes an operation of about a million bytes.
fn large(n: u128) -> String {
    doc(&format!("{n} ").repeat(250_000))
}

fn segments(workspace: &Workspace) -> Vec<PathBuf> {
    let dir = workspace.root().join("docs/maestro/state/journal");
    let mut files: Vec<PathBuf> =
        fs_err::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    // The file that the journal began with has the shortest name.
    files.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    files
}

/// A text by its beginning and length, because a failure prints it.
fn brief(text: &str) -> String {
    format!("{} ({} bytes)", text.chars().take(40).collect::<String>(), text.len())
}

/// Commits until the journal has `count` files; returns the number of the last operation.
fn grow(locked: &mut LockedStore<'_>, workspace: &Workspace, from: u128, count: usize) -> u128 {
    (from..1_000)
        .find(|n| {
            commit(locked, *n, &large(*n));
            segments(workspace).len() == count
        })
        .unwrap()
}

/// A session whose next operation begins a segment.
struct NearlyFull {
    text: Vec<u8>,
    journal: Vec<u8>,
    last: u128,
}

impl NearlyFull {
    fn new() -> Self {
        let workspace = Workspace::with_texts(&["v1"]);
        let store = workspace.store();
        let mut locked = lock(&store);
        commit_holding(&mut locked, 2, &large(2));
        let last = (3..1_000)
            .find(|n| {
                commit(&mut locked, *n, &large(*n));
                SEGMENT_BYTES <= fs_err::metadata(workspace.journal()).unwrap().len()
            })
            .unwrap();
        drop(locked);
        let text = fs_err::read(workspace.active()).unwrap();
        Self { text, journal: fs_err::read(workspace.journal()).unwrap(), last }
    }

    fn copy(&self) -> Workspace {
        let workspace = Workspace::new();
        put(&workspace.active(), &self.text);
        put(&workspace.journal(), &self.journal);
        workspace
    }
}

fn texts(store: &Store) -> Vec<String> {
    let history = store.history(&session_id()).unwrap().unwrap();
    assert!(history.is_complete());
    let mut replay = history.replay();
    let mut texts = Vec::new();
    while let Some(step) = replay.advance().unwrap() {
        texts.push(brief(step.text));
    }
    texts
}

#[test]
fn a_long_journal_goes_on_in_a_new_file_and_keeps_every_text() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    let last = grow(&mut locked, &workspace, 2, 3);
    drop(locked);
    let mut expected = vec![brief(&doc("v1"))];
    expected.extend((2..=last).map(|n| brief(&large(n))));
    assert_eq!(texts(&store), expected);
    assert!(workspace.text() == Some(large(last)));
    let numbers: Vec<u64> = store
        .history(&session_id())
        .unwrap()
        .unwrap()
        .operations()
        .iter()
        .map(|op| op.record.seq)
        .collect();
    assert_eq!(numbers, (1..=u64::try_from(last).unwrap()).collect::<Vec<_>>());
}

#[test]
fn the_newest_segment_alone_says_how_things_stand() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    let last = grow(&mut locked, &workspace, 2, 3);
    drop(locked);
    for older in &segments(&workspace)[..2] {
        fs_err::remove_file(older).unwrap();
    }
    let recent = store.recent_history(&session_id(), &|_| false).unwrap().unwrap();
    assert!(recent.last_document().unwrap() == Some(large(last)));
    let mut locked = lock(&store);
    assert!(open(&mut locked, 500).unwrap().unwrap().text == large(last));
    commit(&mut locked, last + 1, &doc("on"));
    drop(locked);
    assert_eq!(workspace.text(), Some(doc("on")));
}

/// Carries the numbers of the operations that say that they hold on, of which `test` does not.
fn numbers_that_hold(history: &History) -> Option<Value> {
    let mut numbers = history.carried().and_then(Value::as_array).cloned().unwrap_or_default();
    let holding =
        history.operations().iter().filter(|op| op.record.operation.command["holds"] == true);
    numbers.extend(holding.map(|op| json!(op.record.seq)));
    // The operation that a segment begins with is the last one of the segment before.
    numbers.dedup();
    Some(json!(numbers)).filter(|_| !numbers.is_empty())
}

fn commit_holding(locked: &mut LockedStore<'_>, n: u128, text: &str) {
    let current = open(locked, n + 1_000_000).unwrap().unwrap();
    let command = json!({ "name": "test", "holds": true });
    let operation = Operation { command, ..operation(n) };
    drop(
        locked
            .commit(current.clone(), Change::between(&current, text.to_owned(), operation))
            .unwrap(),
    );
}

#[test]
fn what_still_holds_goes_from_segment_to_segment() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store().carrying(numbers_that_hold);
    let mut locked = lock(&store);
    commit_holding(&mut locked, 2, &doc("v2"));
    let mut last = 2;
    for _ in 0..(4 * (MAX_SEGMENTS + 3)) {
        last += 1;
        commit(&mut locked, last, &large(last));
    }
    assert!(!workspace.journal().exists(), "what operation 2 was in is forgotten");
    let newest = store.recent_history(&session_id(), &|_| false).unwrap().unwrap();
    assert_eq!(newest.carried(), Some(&json!([2])));
    assert_eq!(
        numbers_that_hold(&newest),
        numbers_that_hold(&store.history(&session_id()).unwrap().unwrap())
    );
    assert!(newest.operations()[1..].iter().all(|op| op.record.carried.is_none()));

    last += 1;
    commit_holding(&mut locked, last, &doc("holds too"));
    let newest = store.recent_history(&session_id(), &|_| false).unwrap().unwrap();
    assert_eq!(numbers_that_hold(&newest), Some(json!([2, last])));
}

#[test]
fn a_segment_that_carries_much_does_not_make_every_operation_begin_one() {
    fn much(history: &History) -> Option<Value> {
        history.operations().last().map(|_| json!("x".repeat(2 * 4 * 1024 * 1024)))
    }
    let nearly_full = NearlyFull::new();
    let workspace = nearly_full.copy();
    let store = workspace.store().carrying(much);
    let mut locked = lock(&store);
    commit(&mut locked, nearly_full.last + 1, &doc("on"));
    assert_eq!(segments(&workspace).len(), 2);
    for n in 2..10 {
        commit(&mut locked, nearly_full.last + n, &doc(&n.to_string()));
    }
    assert_eq!(segments(&workspace).len(), 2);
    grow(&mut locked, &workspace, nearly_full.last + 10, 3);
}

#[test]
fn of_a_damaged_segment_what_is_sound_is_carried() {
    let nearly_full = NearlyFull::new();
    let workspace = nearly_full.copy();
    let store = workspace.store().carrying(numbers_that_hold);
    let mut locked = lock(&store);
    let first = nearly_full.last + 1;
    commit_holding(&mut locked, first, &doc("a"));
    commit_holding(&mut locked, first + 1, &doc("b"));
    commit(&mut locked, first + 2, &doc("c"));
    let damaged = segments(&workspace).pop().unwrap();
    let text = fs_err::read_to_string(&damaged).unwrap();
    put(&damaged, text.replacen("\"b\"", "\"x\"", 1));
    drop(locked);
    let mut locked = lock(&store);
    let current = open(&mut locked, 500).unwrap().unwrap();
    locked.quarantine_segments(&current, &damaged, operation(9_000)).unwrap();
    let newest = store.recent_history(&session_id(), &|_| false).unwrap().unwrap();
    assert_eq!(newest.carried(), Some(&json!([2, first])));
}

#[test]
fn only_so_many_segments_are_kept() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    let mut last = 1;
    for _ in 0..(4 * (MAX_SEGMENTS + 3)) {
        last += 1;
        commit(&mut locked, last, &large(last));
    }
    let files = segments(&workspace);
    assert_eq!(files.len(), MAX_SEGMENTS);
    assert!(!workspace.journal().exists(), "the oldest goes first");
    let history = store.history(&session_id()).unwrap().unwrap();
    assert!(history.operations()[0].record.seq > 1);
    assert!(history.last_document().unwrap() == Some(large(last)));
    assert_eq!(texts(&store).last(), Some(&brief(&large(last))));
}

#[test]
fn a_segment_that_cannot_be_begun_leaves_the_session_as_it_was() {
    let nearly_full = NearlyFull::new();
    let last = nearly_full.last;
    for n in 0.. {
        let workspace = nearly_full.copy();
        let disk = FaultyDisk::new();
        let store = workspace.store_on(Arc::new(disk.clone())).carrying(numbers_that_hold);
        let mut locked = lock(&store);
        let current = open(&mut locked, 500).unwrap().unwrap();
        disk.arm(Plan::FailAt(n));
        let result = try_commit(&mut locked, current, last + 1, &doc("on"));
        let failed = disk.has_failed();
        let context = format!("call {n}: {:?}", disk.log());
        drop(locked);
        disk.arm(Plan::Work);
        let found = workspace.text().unwrap();
        let expected = match result {
            Ok(_) => doc("on"),
            // The answer says that it may be either.
            Err(CommitError::InDoubt { .. }) => found.clone(),
            Err(_) => large(last),
        };
        assert_eq!(brief(&found), brief(&expected), "{context}");
        let store = workspace.store().carrying(numbers_that_hold);
        let mut locked = lock(&store);
        commit(&mut locked, last + 2, &doc("and on"));
        drop(locked);
        let texts = texts(&store);
        assert_eq!(texts.last(), Some(&brief(&doc("and on"))), "{context}");
        assert_eq!(texts[texts.len() - 2], brief(&expected), "{context}");
        let recent = workspace.store().recent_history(&session_id(), &|_| false);
        let recent = recent.unwrap().unwrap();
        assert_eq!(numbers_that_hold(&recent), Some(json!([2])), "{context}");
        assert_eq!(workspace.strays(), Vec::<String>::new(), "{context}");
        if !failed {
            assert_eq!(segments(&workspace).len(), 2, "{context}");
            break;
        }
    }
}

#[test]
fn a_process_that_dies_while_it_begins_a_segment_loses_nothing() {
    let nearly_full = NearlyFull::new();
    let last = nearly_full.last;
    for n in 0.. {
        let workspace = nearly_full.copy();
        let disk = FaultyDisk::new();
        let store = workspace.store_on(Arc::new(disk.clone())).carrying(numbers_that_hold);
        let mut locked = lock(&store);
        let current = open(&mut locked, 500).unwrap().unwrap();
        disk.arm(Plan::StopAt(n));
        drop(try_commit(&mut locked, current, last + 1, &doc("on")));
        let stopped = disk.has_failed();
        let context = format!("call {n}: {:?}", disk.log());
        drop(locked);
        let text = workspace.text().unwrap();
        assert!(text == doc("on") || text == large(last), "{context}");
        assert_eq!(texts(&workspace.store()).last(), Some(&brief(&text)), "{context}");
        let recent = workspace.store().recent_history(&session_id(), &|_| false);
        let recent = recent.unwrap().unwrap();
        assert_eq!(numbers_that_hold(&recent), Some(json!([2])), "{context}");
        assert_eq!(workspace.strays(), Vec::<String>::new(), "{context}");
        if !stopped {
            break;
        }
    }
}

#[test]
fn a_segment_without_an_operation_is_not_taken_for_the_end() {
    let nearly_full = NearlyFull::new();
    let workspace = nearly_full.copy();
    let path = workspace.journal().with_file_name("2026-01-15-x.0000000099.jsonl");
    put(&path, "");
    let error = workspace.open().unwrap_err();
    assert_eq!(error.code(), "CORRUPT");
    fs_err::remove_file(path).unwrap();
    assert!(workspace.text() == Some(large(nearly_full.last)));
}

#[test]
fn all_segments_move_together() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    grow(&mut locked, &workspace, 2, 3);
    locked.append_operation(operation(900)).unwrap();
    locked.append_archived(now()).unwrap();
    let archive = store.dir().archive();
    locked.move_journal(&session_id(), &archive, "x.journal").unwrap();
    assert_eq!(segments(&workspace), Vec::<PathBuf>::new());
    let names: Vec<String> =
        store.list(&archive).unwrap().into_iter().map(|listed| listed.name).collect();
    assert_eq!(names.len(), 3);
    assert!(names.contains(&"x.journal.jsonl".to_owned()), "{names:?}");
    assert!(names.iter().all(|name| name.starts_with("x.journal.")), "{names:?}");
    assert_eq!(locked.move_journal(&session_id(), &archive, "x").unwrap_err().code(), "NOT_FOUND");
}
