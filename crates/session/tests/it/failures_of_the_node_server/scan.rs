//! W18: what the Node server's scan overlooks and invents.

use std::time::{Duration, UNIX_EPOCH};

use crate::fixture::{id, start};
use crate::scan::{Scanned, lists};

#[test]
fn w18_deletions_and_renames_are_found() {
    let Some(scanned) = Scanned::with_commit(&["src/a.rs", "src/old_name.rs", "src/gone.rs"])
    else {
        return;
    };
    scanned.begin();
    scanned.apply(&start("1"));
    fs_err::remove_file(scanned.fixture.path("src/gone.rs")).unwrap();
    let [old, new] = ["src/old_name.rs", "lib/new_name.rs"].map(|name| scanned.fixture.path(name));
    fs_err::create_dir(scanned.fixture.path("lib")).unwrap();
    // A rename keeps the times of the file.
    fs_err::rename(old, new).unwrap();
    let report = scanned.scan("1");
    assert_eq!(
        lists(&report),
        [vec!["lib/new_name.rs"], vec![], vec!["src/gone.rs", "src/old_name.rs"]]
    );
}

#[test]
fn w18_an_atomic_replacement_is_a_modification() {
    let Some(scanned) = Scanned::with_commit(&["src/a.rs"]) else { return };
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write("src/.a.rs.tmp", "new inode");
    fs_err::rename(scanned.fixture.path("src/.a.rs.tmp"), scanned.fixture.path("src/a.rs"))
        .unwrap();
    assert_eq!(lists(&scanned.scan("1")), [vec![], vec!["src/a.rs"], vec![]]);
}

#[test]
fn w18_thousands_of_build_files_hide_nothing_and_what_git_ignores_is_left_out() {
    let Some(scanned) = Scanned::with_commit(&["src/a.rs"]) else { return };
    scanned.fixture.write(".gitignore", "target/\nlib\n");
    scanned.set_time(".gitignore", UNIX_EPOCH + Duration::from_secs(1));
    scanned.begin();
    scanned.apply(&start("1"));
    for n in 0..5_200 {
        scanned.fixture.write(&format!("target/debug/{n}.o"), "");
        scanned.fixture.write(&format!("build/{n}.o"), "");
    }
    scanned.fixture.write("zebra/last.rs", "the last one that a walk comes by");
    scanned.fixture.write("lib/ignored.rs", "");
    scanned.fixture.write("library/kept.rs", "`lib` is another name");
    let report = scanned.scan("1");
    let [created, modified, deleted] = lists(&report);
    assert!(created.contains(&"zebra/last.rs"));
    assert!(created.contains(&"library/kept.rs"));
    assert!(!created.iter().any(|file| file.starts_with("target/") || file.starts_with("lib/")));
    assert_eq!(created.iter().filter(|file| file.starts_with("build/")).count(), 5_200);
    assert_eq!((modified, deleted), (vec![], vec![]));
    assert_eq!((report.ignored_count, report.truncated, report.max_files), (2, false, None));
}

#[test]
fn w18_a_state_dir_of_another_name_is_not_scanned() {
    let Some(mut scanned) = Scanned::with_commit(&["src/a.rs"]) else { return };
    scanned.fixture.variables.push(("MAESTRO_STATE_DIR".to_owned(), ".agents/state".to_owned()));
    scanned.begin();
    scanned.apply(&start("1"));
    scanned.fixture.write("docs/maestro/a.md", "not ours here");
    let report = scanned.scan("1");
    assert_eq!(lists(&report), [vec!["docs/maestro/a.md"], vec![], vec![]]);
    assert!(report.skipped.iter().any(|skipped| skipped.path == ".agents/state"));
}

#[test]
fn w18_a_phase_that_has_not_begun_is_not_scanned() {
    let scanned = Scanned::without_git();
    scanned.begin();
    let error = scanned.workspace().scan_phase(&id("2"), &mut |_, _| {}).unwrap_err();
    assert_eq!(error.code(), "PHASE_NOT_STARTED");
    assert!(error.hint().unwrap().contains("maestro phase start 2"));
}
