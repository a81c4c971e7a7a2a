//! People who edit the file while we write it, and files that are in the way.

use std::sync::Arc;

use maestro_state_store::journal::{Actor, ActorKind};
use maestro_state_store::store::Recovered;
use maestro_state_store::{Change, Outcome};

use crate::fixture::{
    Workspace, commit, doc, inspect, kinds, lock, open, operation, put, session_id, try_commit,
};
use maestro_testutils::{FaultyDisk, Plan};
use uuid::Uuid;

#[test]
fn an_edit_between_reading_and_the_exchange_displaces_the_change() {
    for (make, call) in [
        (FaultyDisk::new as fn() -> FaultyDisk, "exchange"),
        (FaultyDisk::without_exchange, "sync data"),
    ] {
        let (workspace, disk) = (Workspace::with_texts(&["v1"]), make());
        let store = workspace.store_on(Arc::new(disk.clone()));
        let mut locked = lock(&store);
        let current = open(&mut locked, 10).unwrap().unwrap();
        let active = workspace.active();
        disk.before(call, move || put(&active, doc("hand")));
        let outcome = try_commit(&mut locked, current, 2, &doc("v2")).unwrap();
        assert!(matches!(outcome, Outcome::Displaced));
        assert_eq!(fs_err::read_to_string(workspace.active()).unwrap(), doc("hand"));
        assert_eq!(workspace.strays(), Vec::<String>::new());

        let current = open(&mut locked, 11).unwrap().unwrap();
        assert_eq!(
            (&current.text, kinds(&current.recovered)),
            (&doc("hand"), vec!["external edit"])
        );
        let outcome = try_commit(&mut locked, current, 3, &doc("hand and v2")).unwrap();
        assert!(matches!(outcome, Outcome::Committed(_)));
        drop(locked);
        assert_eq!(
            workspace.replayed(),
            [doc("v1"), doc("v1"), doc("hand"), doc("hand and v2")],
            "the abandoned operation changes nothing"
        );
    }
}

#[test]
fn an_editor_that_replaces_the_file_displaces_the_change_too() {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let current = open(&mut locked, 10).unwrap().unwrap();
    let active = workspace.active();
    disk.before("exchange", move || {
        put(&active.with_extension("swp"), doc("hand"));
        fs_err::rename(active.with_extension("swp"), &active).unwrap();
    });
    let outcome = try_commit(&mut locked, current, 2, &doc("v2")).unwrap();
    assert!(matches!(outcome, Outcome::Displaced));
    assert_eq!(fs_err::read_to_string(workspace.active()).unwrap(), doc("hand"));
}

#[test]
fn a_second_edit_while_the_first_is_put_back_stays_and_the_first_is_set_aside_and_told() {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let current = open(&mut locked, 10).unwrap().unwrap();
    let (active, again) = (workspace.active(), workspace.active());
    let second = disk.clone();
    disk.before("exchange", move || {
        put(&active, doc("first"));
        second.before("exchange", move || put(&again, doc("second")));
    });
    let outcome = try_commit(&mut locked, current, 2, &doc("v2")).unwrap();
    assert!(matches!(outcome, Outcome::Displaced));
    assert_eq!(fs_err::read_to_string(workspace.active()).unwrap(), doc("second"));
    assert_eq!(workspace.quarantined(), [doc("first")]);
    let current = open(&mut locked, 11).unwrap().unwrap();
    let told = current.recovered.iter().any(|found| matches!(found, Recovered::SetAside { .. }));
    assert!(told, "{:?}", current.recovered);
}

#[test]
fn a_file_that_is_removed_before_the_exchange_is_not_brought_back() {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let current = open(&mut locked, 10).unwrap().unwrap();
    let active = workspace.active();
    disk.before("exchange", move || fs_err::remove_file(active).unwrap());
    let outcome = try_commit(&mut locked, current, 2, &doc("v2")).unwrap();
    assert!(matches!(outcome, Outcome::Displaced));
    assert_eq!(open(&mut locked, 11).unwrap_err().code(), "SESSION_FILE_MISSING");
}

#[test]
fn a_file_that_appears_during_a_creation_is_not_overwritten() {
    let (workspace, disk) = (Workspace::new(), FaultyDisk::new());
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let active = workspace.active();
    disk.before("rename new", move || put(&active, doc("hand")));
    let error = locked.create(&session_id(), doc("v1"), operation(1)).unwrap_err();
    assert_eq!(error.code(), "SESSION_EXISTS");
    assert_eq!(fs_err::read_to_string(workspace.active()).unwrap(), doc("hand"));
    assert_eq!(workspace.strays(), Vec::<String>::new());
    let current = open(&mut locked, 2).unwrap().unwrap();
    assert_eq!((current.text, kinds(&current.recovered)), (doc("hand"), vec!["adopted"]));
}

#[cfg(unix)]
#[test]
fn the_permission_bits_of_the_file_are_kept() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |workspace: &Workspace| {
        fs_err::metadata(workspace.active()).unwrap().permissions().mode() & 0o777
    };
    let workspace = Workspace::with_texts(&["v1"]);
    assert_eq!(mode(&workspace), 0o600);
    let permissions = std::fs::Permissions::from_mode(0o640);
    fs_err::set_permissions(workspace.active(), permissions).unwrap();
    let store = workspace.store();
    commit(&mut lock(&store), 2, &doc("v2"));
    assert_eq!(mode(&workspace), 0o640);
}

#[test]
fn a_text_put_back_replaces_a_corrupt_file_and_keeps_a_copy() {
    let mut external = operation(7);
    external.actor = Actor { kind: ActorKind::External, name: Some("ann".to_owned()) };
    let broken: [&[u8]; 2] = [b"BROKEN", b"\xff\xfe"];
    for broken in broken {
        let workspace = Workspace::with_texts(&["v1", "v2"]);
        put(&workspace.active(), broken);
        let store = workspace.store();
        let mut locked = lock(&store);
        assert!(open(&mut locked, 10).is_err());
        let outcome = locked.replace(&session_id(), doc("v2"), external.clone()).unwrap();
        assert!(matches!(outcome, Outcome::Committed(_)));
        drop(locked);
        assert_eq!(workspace.text(), Some(doc("v2")));
        assert_eq!(workspace.replayed().len(), 3);
        let kept = fs_err::read_dir(workspace.root().join("docs/maestro/state/quarantine"));
        let kept = kept.unwrap().next().unwrap().unwrap().path();
        assert_eq!(fs_err::read(kept).unwrap(), broken);
    }
}

#[test]
fn a_text_put_back_replaces_a_missing_file() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    fs_err::remove_file(workspace.active()).unwrap();
    let store = workspace.store();
    let mut locked = lock(&store);
    let outcome = locked.replace(&session_id(), doc("v2"), operation(7)).unwrap();
    assert!(matches!(outcome, Outcome::Committed(_)));
    let other = "2026-01-16-y".parse().unwrap();
    let error = locked.replace(&other, doc("v2"), operation(8)).unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
    drop(locked);
    assert_eq!(workspace.open().unwrap().unwrap().seq, 3);
    assert_eq!(workspace.quarantined(), Vec::<String>::new());
}

#[test]
fn a_text_put_back_survives_a_death_anywhere() {
    for n in 0.. {
        let (workspace, disk) = (Workspace::with_texts(&["v1", "v2"]), FaultyDisk::new());
        put(&workspace.active(), "BROKEN");
        let store = workspace.store_on(Arc::new(disk.clone()));
        let mut locked = lock(&store);
        disk.arm(Plan::StopAt(n));
        drop(locked.replace(&session_id(), doc("v2"), operation(7)));
        drop(locked);
        let context = format!("call {n}: {:?}", disk.log());
        match workspace.open() {
            Ok(current) => {
                assert_eq!(current.unwrap().text, doc("v2"), "{context}");
                assert_eq!(workspace.quarantined()[0], "BROKEN", "{context}");
            }
            Err(error) => {
                assert_eq!(error.code(), "CORRUPT", "{context}");
                let left = fs_err::read_to_string(workspace.active()).unwrap();
                assert_eq!(left, "BROKEN", "{context}");
            }
        }
        if !disk.has_failed() {
            return;
        }
    }
}

#[test]
fn splices_that_lead_elsewhere_are_refused() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    let current = open(&mut locked, 10).unwrap().unwrap();
    let change = Change { text: doc("v2"), splices: Vec::new(), operation: operation(2) };
    let error = locked.commit(current, change).unwrap_err();
    assert_eq!(error.code(), "INTERNAL");
    drop(locked);
    assert_eq!(workspace.text(), Some(doc("v1")));
}

#[test]
fn changes_can_follow_each_other_without_opening_again() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    let mut current = open(&mut locked, 10).unwrap().unwrap();
    for n in 2..200_u128 {
        let text = doc(&format!("v{n}"));
        let Outcome::Committed(committed) = try_commit(&mut locked, current, n, &text).unwrap()
        else {
            panic!("nobody edits the file")
        };
        current = committed.current;
    }
    drop(locked);
    let replayed = workspace.replayed();
    assert_eq!(replayed.len(), 199);
    let history = workspace.store().history(&session_id()).unwrap().unwrap();
    let whole: Vec<u64> = history
        .operations()
        .iter()
        .filter(|operation| operation.record.document.is_some())
        .map(|operation| operation.record.seq)
        .collect();
    assert_eq!(whole, [1, 64, 128, 192]);
    assert_eq!(history.text_after(150).unwrap(), doc("v150"));
    assert_eq!(history.last_document().unwrap(), Some(doc("v199")));
}

#[test]
fn an_edit_is_recorded_after_the_operation_before_it_though_the_clock_goes_back() {
    let workspace = Workspace::with_texts(&["v1"]);
    put(&workspace.active(), doc("by hand"));
    let store = workspace.store();
    let before = "2026-01-15T09:00:00Z".parse().unwrap();
    lock(&store).open(&inspect, before, Uuid::from_u128(10)).unwrap();
    let history = store.history(&session_id()).unwrap().unwrap();
    let times: Vec<String> =
        history.operations().iter().map(|op| op.record.operation.time.to_string()).collect();
    assert_eq!(times, ["2026-01-15T10:00:00.000Z", "2026-01-15T10:00:00.001Z"]);
}
