//! Links and other things that are not what they should be.
#![cfg(unix)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fs_err::os::unix::fs::symlink;
use maestro_state_store::store::MAX_DOCUMENT_BYTES;
use maestro_state_store::{Environment, OsDisk, Settings, StateDir, StateDirError};

use crate::fixture::{Workspace, doc, holder, lock, open, operation, put, session_id};
use maestro_testutils::{FaultyDisk, Plan};

fn locate(workspace: &Workspace) -> Result<StateDir, StateDirError> {
    let root = workspace.root();
    let settings = Settings::resolve(&root, &Environment::default(), &OsDisk).unwrap();
    StateDir::locate(&root, &settings, Arc::new(OsDisk))
}

/// Replaces `path` by a link to a directory or file that has the same content, outside the workspace.
fn replace_by_link(path: &Path, outside: &Path) {
    let target = outside.join("target");
    fs_err::rename(path, &target).unwrap();
    symlink(&target, path).unwrap();
}

#[test]
fn a_state_dir_behind_a_link_is_refused() {
    for link in ["docs", "docs/maestro"] {
        let (workspace, outside) = (Workspace::new(), tempfile::tempdir().unwrap());
        replace_by_link(&workspace.root().join(link), outside.path());
        let error = locate(&workspace).unwrap_err();
        assert_eq!(error.code(), "STATE_DIR_UNUSABLE", "{link}");
        assert!(matches!(error, StateDirError::Symlink { .. }), "{link}");
        assert!(error.hint().unwrap().contains("MAESTRO_STATE_DIR"));
    }
}

#[test]
fn a_link_within_the_workspace_is_refused_too() {
    let workspace = Workspace::new();
    fs_err::rename(workspace.root().join("docs"), workspace.root().join("real")).unwrap();
    symlink(workspace.root().join("real"), workspace.root().join("docs")).unwrap();
    assert_eq!(locate(&workspace).unwrap_err().code(), "STATE_DIR_UNUSABLE");
}

#[test]
fn a_state_dir_that_is_a_file_is_refused() {
    let workspace = Workspace::bare();
    put(&workspace.root().join("docs"), "x");
    assert_eq!(locate(&workspace).unwrap_err().code(), "STATE_DIR_UNUSABLE");
}

#[test]
fn a_linked_directory_inside_the_state_dir_is_never_entered() {
    for link in ["state", "state/journal", "plans"] {
        let (workspace, outside) = (Workspace::with_texts(&["v1"]), tempfile::tempdir().unwrap());
        let store = workspace.store();
        replace_by_link(&workspace.root().join("docs/maestro").join(link), outside.path());
        let code = match link {
            "state" => store.lock(&holder("x"), Duration::ZERO).map(|_| ()).unwrap_err().code(),
            "state/journal" => open(&mut lock(&store), 9).unwrap_err().code(),
            _ => {
                let new = store.dir().plans().join("x.md");
                lock(&store).write_new(&new, b"x").unwrap_err().code()
            }
        };
        assert_eq!(code, "STATE_DIR_UNUSABLE", "{link}");
        assert_eq!(store.dir().create().unwrap_err().code(), "STATE_DIR_UNUSABLE", "{link}");
        if link == "state" {
            assert_eq!(store.read().unwrap_err().code(), "STATE_DIR_UNUSABLE");
        }
    }
}

#[test]
fn a_linked_document_is_neither_read_nor_written() {
    let (workspace, outside) = (Workspace::with_texts(&["v1"]), tempfile::tempdir().unwrap());
    replace_by_link(&workspace.active(), outside.path());
    let store = workspace.store();
    assert_eq!(store.read().unwrap_err().code(), "STATE_DIR_UNUSABLE");
    let mut locked = lock(&store);
    assert_eq!(open(&mut locked, 9).unwrap_err().code(), "STATE_DIR_UNUSABLE");
    let error = locked.replace(&session_id(), doc("v2"), operation(2)).unwrap_err();
    assert_eq!(error.code(), "STATE_DIR_UNUSABLE");
    assert_eq!(fs_err::read_to_string(outside.path().join("target")).unwrap(), doc("v1"));
}

#[test]
fn a_link_that_leads_nowhere_is_in_the_way_of_a_creation() {
    let workspace = Workspace::new();
    symlink("/nonexistent/x", workspace.active()).unwrap();
    let store = workspace.store();
    let error = lock(&store).create(&session_id(), doc("v1"), operation(1)).unwrap_err();
    assert_eq!(error.code(), "STATE_DIR_UNUSABLE");
    assert!(!workspace.journal().exists());
}

#[test]
fn a_linked_journal_is_not_appended_to() {
    let (workspace, outside) = (Workspace::with_texts(&["v1"]), tempfile::tempdir().unwrap());
    let journal = fs_err::read(workspace.journal()).unwrap();
    replace_by_link(&workspace.journal(), outside.path());
    put(&workspace.active(), doc("hand"));
    let store = workspace.store();
    assert_eq!(open(&mut lock(&store), 9).unwrap_err().code(), "STATE_DIR_UNUSABLE");
    assert_eq!(store.history(&session_id()).unwrap_err().code(), "STATE_DIR_UNUSABLE");
    assert_eq!(fs_err::read(outside.path().join("target")).unwrap(), journal);
}

#[test]
fn a_linked_lock_is_not_locked_and_a_linked_holder_is_not_written() {
    let (workspace, outside) = (Workspace::new(), tempfile::tempdir().unwrap());
    let target = outside.path().join("target");
    put(&target, "mine");
    let store = workspace.store();
    symlink(&target, store.dir().lock_holder()).unwrap();
    drop(lock(&store));
    assert_eq!(fs_err::read(&target).unwrap(), b"mine");
    fs_err::remove_file(store.dir().lock_file()).unwrap();
    symlink(&target, store.dir().lock_file()).unwrap();
    let error = store.lock(&holder("x"), Duration::ZERO).map(|_| ()).unwrap_err();
    assert_eq!(error.code(), "STATE_DIR_UNUSABLE");
}

#[test]
fn an_edit_that_makes_the_document_a_link_displaces_the_change() {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    let outside = tempfile::tempdir().unwrap();
    let store = workspace.store_on(Arc::new(disk.clone()));
    let mut locked = lock(&store);
    let current = open(&mut locked, 9).unwrap().unwrap();
    let (active, target) = (workspace.active(), outside.path().to_owned());
    disk.before("exchange", move || replace_by_link(&active, &target));
    let outcome = crate::fixture::try_commit(&mut locked, current, 2, &doc("v2")).unwrap();
    assert!(matches!(outcome, maestro_state_store::Outcome::Displaced));
    assert_eq!(fs_err::read_to_string(outside.path().join("target")).unwrap(), doc("v1"));
    assert_eq!(open(&mut locked, 9).unwrap_err().code(), "STATE_DIR_UNUSABLE");
}

#[test]
fn a_huge_document_is_refused_without_reading_it() {
    let (workspace, disk) = (Workspace::with_texts(&["v1"]), FaultyDisk::new());
    let file = fs_err::OpenOptions::new().write(true).open(workspace.active()).unwrap();
    file.set_len(200_000_000).unwrap();
    let store = workspace.store_on(Arc::new(disk.clone()));
    disk.arm(Plan::Work);
    let error = store.read().unwrap_err();
    assert_eq!(error.code(), "TOO_LARGE");
    assert!(error.to_string().contains("200000000 bytes"), "{error}");
    let log = disk.log();
    assert!(
        !log.iter().any(|call| call.starts_with("open") || call.starts_with("read")),
        "{log:?}"
    );
    assert_eq!(open(&mut lock(&store), 9).unwrap_err().code(), "TOO_LARGE");
    let outcome = lock(&store).replace(&session_id(), doc("v1"), operation(2)).unwrap();
    assert!(matches!(outcome, maestro_state_store::Outcome::Committed(_)));
    assert_eq!(workspace.text(), Some(doc("v1")));
}

#[test]
fn a_document_that_would_be_refused_later_is_refused_now() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    let current = open(&mut locked, 9).unwrap().unwrap();
    let text = "x".repeat(usize::try_from(MAX_DOCUMENT_BYTES).unwrap() + 1);
    let error = crate::fixture::try_commit(&mut locked, current, 2, &text).unwrap_err();
    assert_eq!(error.code(), "TOO_LARGE");
    drop(locked);
    assert_eq!(workspace.text(), Some(doc("v1")));
}

#[test]
fn a_pipe_in_the_place_of_the_document_does_not_block() {
    let workspace = Workspace::new();
    rustix::fs::mkfifoat(rustix::fs::CWD, workspace.active(), rustix::fs::Mode::RUSR).unwrap();
    let store = workspace.store();
    assert_eq!(store.read().unwrap_err().code(), "STATE_DIR_UNUSABLE");
    assert_eq!(open(&mut lock(&store), 9).unwrap_err().code(), "STATE_DIR_UNUSABLE");
}

#[test]
fn a_document_named_by_a_user_must_lie_in_the_workspace_after_links() {
    let (workspace, outside) = (Workspace::new(), tempfile::tempdir().unwrap());
    let state_dir = workspace.state_dir();
    let secret = outside.path().join("secret.md");
    put(&secret, "x");
    put(&workspace.root().join("design.md"), "x");
    symlink(&secret, workspace.root().join("leads-out.md")).unwrap();
    symlink(outside.path(), workspace.root().join("out")).unwrap();
    symlink("design.md", workspace.root().join("leads-in.md")).unwrap();

    let absolute = workspace.root().join("design.md");
    for good in ["design.md", "./docs/../design.md", "leads-in.md", absolute.to_str().unwrap()] {
        assert_eq!(state_dir.resolve_document(good).unwrap().as_str(), "design.md", "{good}");
    }
    for bad in ["leads-out.md", "out/secret.md", secret.to_str().unwrap(), "/etc/hostname", "."] {
        let code = state_dir.resolve_document(bad).unwrap_err().code();
        assert_eq!(code, "OUTSIDE_WORKSPACE", "{bad}");
    }
    assert_eq!(state_dir.resolve_document("docs").unwrap_err().code(), "DOCUMENT_UNUSABLE");
    assert_eq!(state_dir.resolve_document("absent.md").unwrap_err().code(), "DOCUMENT_MISSING");
}
