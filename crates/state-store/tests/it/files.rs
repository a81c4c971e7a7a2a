//! The other files of the state dir.

use std::sync::Arc;

use maestro_state_store::ContentHash;
use maestro_state_store::store::Removal;

use crate::fixture::{Workspace, doc, lock, now, open, operation, put};
use maestro_testutils::{FaultyDisk, Plan};

#[test]
fn creating_a_state_dir_twice_changes_nothing() {
    let workspace = Workspace::bare();
    let state_dir = workspace.state_dir();
    let creation = state_dir.create().unwrap();
    assert!(!creation.already_existed());
    assert!(creation.directories.iter().all(|directory| directory.created));
    let paths: Vec<&str> = creation.directories.iter().map(|dir| dir.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "docs/maestro/state",
            "docs/maestro/state/archive",
            "docs/maestro/state/journal",
            "docs/maestro/plans",
            "docs/maestro/plans/archive"
        ]
    );
    insta::assert_snapshot!(fs_err::read_to_string(state_dir.gitignore()).unwrap(), @"
    active-session.md
    archive/
    *.design-gate.json
    journal/
    ledger/
    contexts/
    inbox/
    lock
    lock.holder
    quarantine/
    *.tmp
    ");

    let again = state_dir.create().unwrap();
    assert!(again.already_existed());
    assert!(again.directories.iter().all(|directory| !directory.created));
    assert_eq!(format!("{:?}", again.gitignore), "Unchanged");
}

#[test]
fn lines_that_an_older_gitignore_lacks_are_added_at_its_end() {
    let workspace = Workspace::new();
    let state_dir = workspace.state_dir();
    put(&state_dir.gitignore(), "active-session.md\r\narchive/\r\n# mine\nmine");
    assert_eq!(format!("{:?}", state_dir.create().unwrap().gitignore), "Extended");
    let text = fs_err::read_to_string(state_dir.gitignore()).unwrap();
    let kept = "active-session.md\r\narchive/\r\n# mine\nmine\n*.design-gate.json\njournal/\n";
    assert!(text.starts_with(kept), "{text}");
    assert_eq!(format!("{:?}", state_dir.create().unwrap().gitignore), "Unchanged");
    assert_eq!(workspace.strays(), Vec::<String>::new());
}

#[test]
fn a_creation_that_failed_is_completed_by_the_next() {
    for n in 0.. {
        let (workspace, disk) = (Workspace::bare(), FaultyDisk::new());
        let state_dir = workspace.state_dir_on(Arc::new(disk.clone()));
        disk.arm(Plan::StopAt(n));
        drop(state_dir.create());
        workspace.state_dir().create().unwrap();
        let text = fs_err::read_to_string(state_dir.gitignore()).unwrap();
        assert_eq!(text.lines().count(), 11, "call {n}");
        if !disk.has_failed() {
            return;
        }
    }
}

#[test]
fn what_a_creation_that_died_has_left_is_cleared_by_the_next_command() {
    let workspace = Workspace::new();
    let left = workspace.root().join("docs/maestro/state/.gitignore.3.tmp");
    let mine = workspace.root().join("docs/maestro/state/.gitignore.mine.tmp");
    put(&left, "active-ses");
    put(&mine, "mine");
    assert_eq!(workspace.open().unwrap(), None);
    assert_eq!(workspace.strays(), [".gitignore.mine.tmp"]);
}

#[test]
fn a_creation_whose_file_is_taken_for_a_leftover_writes_it_again() {
    let (workspace, disk) = (Workspace::bare(), FaultyDisk::new());
    let state_dir = workspace.state_dir_on(Arc::new(disk.clone()));
    let temp = workspace.root().join("docs/maestro/state/.gitignore.0.tmp");
    disk.before("rename", move || fs_err::remove_file(temp).unwrap());
    state_dir.create().unwrap();
    let text = fs_err::read_to_string(state_dir.gitignore()).unwrap();
    assert_eq!(text.lines().count(), 11);
    assert_eq!(workspace.strays(), Vec::<String>::new());
}

/// The directories that were made durable.
fn synced_dirs(disk: &FaultyDisk) -> Vec<String> {
    let mut log = disk.log();
    log.retain(|call| call.starts_with("sync dir"));
    log
}

#[test]
fn what_another_made_who_died_is_made_durable() {
    let (workspace, disk) = (Workspace::bare(), FaultyDisk::new());
    fs_err::create_dir(workspace.root().join("docs")).unwrap();
    let state_dir = workspace.state_dir_on(Arc::new(disk.clone()));
    disk.arm(Plan::Work);
    state_dir.create().unwrap();
    let root = workspace.root().file_name().unwrap().to_string_lossy().into_owned();
    assert_eq!(synced_dirs(&disk)[..2], [format!("sync dir {root}"), "sync dir docs".to_owned()]);
    disk.arm(Plan::Work);
    state_dir.create().unwrap();
    // For `archive`, `journal`, `plans/archive` and `.gitignore`: nobody knows whether who made them came so far.
    let state = "sync dir state";
    assert_eq!(synced_dirs(&disk), [state, state, "sync dir plans", state]);
}

#[cfg(unix)]
#[test]
fn the_state_dir_is_private_and_the_directories_above_it_are_not() {
    use std::os::unix::fs::PermissionsExt as _;
    let workspace = Workspace::new();
    let mode = |name: &str| {
        fs_err::metadata(workspace.root().join(name)).unwrap().permissions().mode() & 0o777
    };
    for name in ["docs/maestro", "docs/maestro/state", "docs/maestro/state/journal"] {
        assert_eq!(mode(name), 0o700, "{name}");
    }
    assert_ne!(mode("docs"), 0o700, "`docs` belongs to the user");
    assert_eq!(mode("docs/maestro/state/.gitignore"), 0o600);
}

#[test]
fn the_marker_leads_back_to_the_state_dir() {
    let workspace = Workspace::new();
    workspace.state_dir().write_marker().unwrap();
    workspace.state_dir().write_marker().unwrap();
    let text = fs_err::read_to_string(workspace.root().join(".maestro-state-dir")).unwrap();
    assert_eq!(text, "docs/maestro\n");
    assert_eq!(fs_err::read_dir(workspace.root()).unwrap().count(), 2, "nothing else is left");
}

#[test]
fn a_copy_is_durable_whole_and_never_overwrites() {
    let workspace = Workspace::new();
    let store = workspace.store();
    let mut locked = lock(&store);
    let (from, to) = (store.dir().plans().join("a.md"), store.dir().archived_plans().join("a.md"));
    put(&from, "design");
    let hash = locked.copy_to_new(&from, &to).unwrap();
    assert_eq!(hash, ContentHash::of(b"design"));
    assert_eq!(fs_err::read(&to).unwrap(), b"design");
    put(&from, "other");
    assert_eq!(locked.copy_to_new(&from, &to).unwrap_err().code(), "CONFLICT");
    assert_eq!(fs_err::read(&to).unwrap(), b"design");
    let absent = store.dir().plans().join("absent.md");
    let free = store.dir().plans().join("free.md");
    assert_eq!(locked.copy_to_new(&absent, &free).unwrap_err().code(), "NOT_FOUND");
}

#[test]
fn a_copy_that_dies_anywhere_is_absent_or_whole() {
    for n in 0.. {
        let (workspace, disk) = (Workspace::new(), FaultyDisk::new());
        let store = workspace.store_on(Arc::new(disk.clone()));
        let from = store.dir().plans().join("a.md");
        let to = store.dir().quarantine().join("a.md");
        put(&from, "design");
        let mut locked = lock(&store);
        disk.arm(Plan::StopAt(n));
        let told = locked.copy_to_new(&from, &to);
        disk.arm(Plan::Work);
        if to.exists() {
            assert_eq!(fs_err::read(&to).unwrap(), b"design");
        } else {
            assert!(told.is_err());
            locked.copy_to_new(&from, &to).unwrap();
        }
        if told.is_ok() {
            return;
        }
    }
}

#[test]
fn a_file_is_removed_only_with_the_content_that_is_expected() {
    let workspace = Workspace::new();
    let store = workspace.store();
    let mut locked = lock(&store);
    let path = store.dir().plans().join("a.md");
    let hash = ContentHash::of(b"design");
    assert_eq!(locked.remove_if_hash(&path, hash).unwrap(), Removal::Gone);
    put(&path, "edited");
    assert_eq!(locked.remove_if_hash(&path, hash).unwrap(), Removal::Changed);
    assert!(path.exists());
    put(&path, "design");
    assert_eq!(locked.remove_if_hash(&path, hash).unwrap(), Removal::Removed);
    assert!(!path.exists());
}

#[test]
fn a_move_never_overwrites() {
    let workspace = Workspace::new();
    let store = workspace.store();
    let mut locked = lock(&store);
    let (from, to) = (store.dir().plans().join("a.md"), store.dir().archive().join("a.md"));
    put(&from, "a");
    put(&to, "b");
    assert_eq!(locked.move_new(&from, &to).unwrap_err().code(), "CONFLICT");
    fs_err::remove_file(&to).unwrap();
    locked.move_new(&from, &to).unwrap();
    assert_eq!((from.exists(), fs_err::read(&to).unwrap()), (false, b"a".to_vec()));
    assert_eq!(
        locked.move_new(&from, &store.dir().plans().join("c")).unwrap_err().code(),
        "NOT_FOUND"
    );
    let names: Vec<String> = locked
        .list(&store.dir().archive())
        .unwrap()
        .into_iter()
        .map(|listed| listed.name)
        .collect();
    assert_eq!(names, ["a.md"]);
    assert!(locked.list(&store.dir().contexts()).unwrap().is_empty());
}

#[test]
fn files_outside_the_state_dir_are_refused() {
    let workspace = Workspace::new();
    let store = workspace.store();
    let mut locked = lock(&store);
    let outside = workspace.root().join("secret");
    put(&outside, "x");
    let inside = store.dir().plans().join("x");
    let detour = store.dir().root().join("plans/../../../secret");
    for path in [&outside, &detour] {
        for code in [
            locked.copy_to_new(path, &inside).unwrap_err().code(),
            locked.move_new(path, &inside).unwrap_err().code(),
            locked.write_new(path, b"y").unwrap_err().code(),
            locked.remove_if_hash(path, ContentHash::of(b"x")).unwrap_err().code(),
            locked.read_file(path).unwrap_err().code(),
        ] {
            assert_eq!(code, "OUTSIDE_WORKSPACE", "{}", path.display());
        }
    }
    assert_eq!(fs_err::read(outside).unwrap(), b"x");
}

#[test]
fn operations_without_a_text_and_marks_go_to_the_journal() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    assert_eq!(locked.append_operation(operation(2)).unwrap_err().code(), "CONFLICT");
    open(&mut locked, 9).unwrap();
    assert_eq!(locked.append_operation(operation(2)).unwrap(), 2);
    let attached = locked.attach().unwrap().live.unwrap();
    assert_eq!(attached.newest.record.operation, operation(2));
    assert!(attached.newest.done);
    fs_err::remove_file(workspace.active()).unwrap();
    let attached = locked.attach().unwrap().live.unwrap();
    assert_eq!(attached.newest.record.operation, operation(2), "the document does not matter");
    assert_eq!(locked.append_operation(operation(3)).unwrap(), 3);
    locked.append_archived(now()).unwrap();
    let attached = locked.attach().unwrap();
    assert_eq!(attached.live, None);
    let [archived] = attached.archived.as_slice() else { panic!("there is one journal") };
    assert_eq!(archived.session_id, crate::fixture::session_id());
    assert_eq!(archived.newest.record.operation, operation(3));
    drop(locked);
    assert_eq!(workspace.replayed(), [doc("v1"), doc("v1"), doc("v1")]);
}

/// The calls that look for journals or at them.
fn looks_at_journals(disk: &FaultyDisk) -> Vec<String> {
    let mut log = disk.log();
    log.retain(|call| call == "list journal" || call.contains("2026-01-15-x"));
    log
}

#[test]
fn opening_after_attaching_does_not_look_at_the_journals_again() {
    let (workspace, disk) = (Workspace::with_texts(&["v1", "v2"]), FaultyDisk::new());
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    locked.attach().unwrap();
    disk.arm(Plan::Work);
    let current = open(&mut locked, 9).unwrap().unwrap();
    assert_eq!(looks_at_journals(&disk), Vec::<String>::new());
    crate::fixture::try_commit(&mut locked, current, 3, &doc("v3")).map(|_| ()).unwrap();
    assert_eq!(open(&mut locked, 10).unwrap().unwrap().seq, 3);
}

#[test]
fn opening_after_a_change_looks_at_the_journals_again() {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    locked.attach().unwrap();
    locked.append_operation(operation(2)).unwrap();
    disk.arm(Plan::Work);
    assert_eq!(open(&mut locked, 9).unwrap().unwrap().seq, 2);
    assert_ne!(looks_at_journals(&disk), Vec::<String>::new());

    locked.append_archived(now()).unwrap();
    fs_err::remove_file(workspace.active()).unwrap();
    assert_eq!(locked.attach().unwrap().archived.len(), 1);
    let moved = store.dir().archive().join("archived.journal.jsonl");
    locked.move_new(&workspace.journal(), &moved).unwrap();
    let archived = fs_err::read(&moved).unwrap();
    put(&workspace.active(), doc("again"));
    let current = open(&mut locked, 10).unwrap().unwrap();
    assert_eq!(current.seq, 1, "it has a journal of its own");
    assert_eq!(fs_err::read(&moved).unwrap(), archived);
    assert_eq!(locked.attach().unwrap().archived, []);
}

#[test]
fn attaching_reads_only_the_end_of_the_journals() {
    let texts: Vec<String> = (0..200).map(|n| format!("v{n}")).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for is_archived in [false, true] {
        let workspace = Workspace::with_texts(&texts);
        let store = workspace.store();
        let mut locked = lock(&store);
        if is_archived {
            open(&mut locked, 9).unwrap();
            locked.append_archived(now()).unwrap();
        }
        let mut journal = fs_err::read(workspace.journal()).unwrap();
        // Whoever reads the beginning finds it damaged.
        journal[0] = b'!';
        put(&workspace.journal(), journal);
        assert_eq!(store.history(&crate::fixture::session_id()).unwrap_err().code(), "CORRUPT");
        let attached = locked.attach().unwrap();
        assert_eq!(attached.live.is_some(), !is_archived);
        assert_eq!(attached.archived.len(), usize::from(is_archived));
    }
}

#[test]
fn a_change_may_follow_an_operation_without_a_text() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    let current = open(&mut locked, 9).unwrap().unwrap();
    locked.append_operation(operation(2)).unwrap();
    crate::fixture::try_commit(&mut locked, current, 3, &doc("v2")).map(|_| ()).unwrap();
    drop(locked);
    assert_eq!(workspace.replayed(), [doc("v1"), doc("v1"), doc("v2")]);
}

#[test]
fn a_state_file_is_written_whole_and_read_back() {
    let workspace = Workspace::new();
    let store = workspace.store();
    let mut locked = lock(&store);
    for path in ["docs/maestro/plans/new/a.md", "plans/new/a.md", "state/x.design-gate.json"] {
        locked.write_state_file(path, b"one").unwrap();
        locked.write_state_file(path, b"two").unwrap();
        assert_eq!(store.read_state_file(path).unwrap(), Some(b"two".to_vec()));
    }
    assert_eq!(store.read_state_file("plans/absent.md").unwrap(), None);
    let error = locked.write_state_file("state/contexts/a.json", b"x").unwrap_err();
    assert_eq!(error.code(), "NOT_FOUND");
}

#[test]
fn files_that_the_store_keeps_in_order_are_not_written_from_outside() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    for path in [
        "state/lock",
        "docs/maestro/state/LOCK",
        "state/lock.holder",
        "state/journal/2026-01-15-x.jsonl",
        "state/Journal/x",
        "state/ledger/x",
        "state/archive/x.md",
        "state/quarantine/x",
        "state/inbox/x",
        "state/lock.",
        "plans/archive/x.md",
        "state/.active-session.md.x.tmp",
    ] {
        let error = locked.write_state_file(path, b"x").unwrap_err();
        assert_eq!(error.code(), "PROTECTED", "{path}");
    }
    for path in ["state/active-session.md", "docs/maestro/state/Active-Session.md"] {
        assert!(store.is_active_session(path));
        assert_eq!(locked.write_state_file(path, b"x").unwrap_err().code(), "CONFLICT");
    }
    for path in [
        "src/main.rs",
        "docs/maestro",
        ".git/config",
        "docs/maestro2/state/x",
        "state/../../../secret",
        "plans/../plans/x.md",
        "/etc/hostname",
        "",
    ] {
        assert_eq!(
            locked.write_state_file(path, b"x").unwrap_err().code(),
            "OUTSIDE_WORKSPACE",
            "{path}"
        );
        assert_eq!(store.read_state_file(path).unwrap_err().code(), "OUTSIDE_WORKSPACE");
    }
}
