//! Reading many files, and the caches beside them.

use crate::fixture::{Workspace, put};

#[test]
fn writers_of_one_cache_do_not_mix_and_leave_nothing() {
    let workspace = Workspace::new();
    let store = workspace.store();
    let place = store.dir().archive().join(".index");
    let first = store.begin_cache(&place).unwrap();
    let second = store.begin_cache(&place).unwrap();
    let third = store.begin_cache(&place).unwrap();
    assert!(first.begun().is_some());
    second.put(b"second").unwrap();
    first.put(b"first").unwrap();
    drop(third);
    assert_eq!(fs_err::read(&place).unwrap(), b"first");
    assert_eq!(workspace.strays(), [""; 0]);
}

#[test]
fn a_cache_whose_draft_was_swept_is_not_written() {
    let workspace = Workspace::new();
    let store = workspace.store();
    let place = store.dir().archive().join(".index");
    let draft = store.begin_cache(&place).unwrap();
    // Whoever has the lock clears away what a dead process has left.
    assert!(workspace.open().unwrap().is_none());
    assert!(draft.put(b"late").is_err());
    assert!(!place.exists());
}

#[test]
fn a_folder_has_regular_files_of_the_state_dir_only() {
    let workspace = Workspace::new();
    let store = workspace.store();
    let archive = store.dir().archive();
    put(&archive.join("a.md"), "a");
    fs_err::create_dir(archive.join("b.md")).unwrap();
    #[cfg(unix)]
    fs_err::os::unix::fs::symlink(archive.join("a.md"), archive.join("c.md")).unwrap();
    let folder = store.folder(&archive).unwrap().unwrap();
    let listed = folder.stamped(&|_| true).unwrap();
    let names: Vec<&str> = listed.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.md"]);
    assert_eq!(folder.read("a.md").unwrap().unwrap().bytes, b"a");
    assert_eq!(folder.read("gone.md").unwrap(), None);
    #[cfg(unix)]
    assert!(folder.read("c.md").is_err(), "links are not followed");
    assert!(store.folder(&archive.join("absent")).unwrap().is_none());
    assert!(store.folder(&workspace.root()).is_err(), "outside the state dir");
}
