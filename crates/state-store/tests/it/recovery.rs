//! Every row of the recovery table, made on a real directory and opened like the next command would.

use maestro_state_store::OpenError;

use crate::fixture::{Workspace, doc, kinds, lock, operation, put, session_id, try_commit};

/// Removes the last line of the journal.
fn drop_last_line(workspace: &Workspace) {
    let text = fs_err::read_to_string(workspace.journal()).unwrap();
    let end = text.trim_end().rfind('\n').map_or(0, |newline| newline + 1);
    put(&workspace.journal(), &text[..end]);
}

/// A session whose newest operation has no `done`: from `v1` to `v2`, or the creation of `v1`.
fn unfinished(texts: &[&str]) -> Workspace {
    let workspace = Workspace::with_texts(texts);
    drop_last_line(&workspace);
    workspace
}

fn assert_clean(workspace: &Workspace) {
    assert_eq!(workspace.strays(), Vec::<String>::new());
    assert_eq!(workspace.quarantined(), Vec::<String>::new());
    assert_eq!(kinds(&workspace.open().unwrap().unwrap().recovered), Vec::<&str>::new());
}

#[test]
fn a_finished_operation_needs_nothing() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    let journal = fs_err::read(workspace.journal()).unwrap();
    let current = workspace.open().unwrap().unwrap();
    assert_eq!((current.text, current.seq, current.operation.canonical), (doc("v2"), 2, true));
    assert_eq!(kinds(&current.recovered), Vec::<&str>::new());
    assert_eq!(fs_err::read(workspace.journal()).unwrap(), journal);
}

#[test]
fn an_operation_that_the_file_shows_is_marked_as_done() {
    let workspace = unfinished(&["v1", "v2"]);
    let current = workspace.open().unwrap().unwrap();
    assert_eq!((current.text, kinds(&current.recovered)), (doc("v2"), vec!["finished"]));
    assert_clean(&workspace);
}

#[test]
fn an_operation_that_the_file_does_not_show_is_rolled_forward() {
    let workspace = unfinished(&["v1", "v2"]);
    put(&workspace.active(), doc("v1"));
    let current = workspace.open().unwrap().unwrap();
    assert_eq!((current.text, kinds(&current.recovered)), (doc("v2"), vec!["rolled forward"]));
    assert_eq!(fs_err::read_to_string(workspace.active()).unwrap(), doc("v2"));
    assert_clean(&workspace);
}

#[test]
fn rolling_forward_uses_a_text_that_is_already_written() {
    let workspace = unfinished(&["v1", "v2"]);
    put(&workspace.active(), doc("v1"));
    put(&workspace.temp(2), doc("v2"));
    let current = workspace.open().unwrap().unwrap();
    assert_eq!((current.text, kinds(&current.recovered)), (doc("v2"), vec!["rolled forward"]));
    assert_clean(&workspace);
}

#[test]
fn a_rename_that_the_loss_of_power_has_undone_is_done_again() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    put(&workspace.active(), doc("v1"));
    put(&workspace.temp(2), doc("v2"));
    let current = workspace.open().unwrap().unwrap();
    assert_eq!((current.text, kinds(&current.recovered)), (doc("v2"), vec!["rolled forward"]));
    assert_eq!(workspace.replayed(), [doc("v1"), doc("v2")]);
    assert_clean(&workspace);

    let workspace = Workspace::with_texts(&["v1"]);
    fs_err::rename(workspace.active(), workspace.temp(1)).unwrap();
    let current = workspace.open().unwrap().unwrap();
    assert_eq!((current.text, kinds(&current.recovered)), (doc("v1"), vec!["rolled forward"]));
    assert_clean(&workspace);
}

#[test]
fn another_text_is_an_external_edit() {
    for edited in ["v1", "v3"] {
        let workspace = Workspace::with_texts(&["v1", "v2"]);
        put(&workspace.active(), doc(edited));
        let current = workspace.open().unwrap().unwrap();
        assert_eq!(
            (current.text, current.seq, current.operation.canonical),
            (doc(edited), 3, false)
        );
        assert_eq!(kinds(&current.recovered), ["external edit"]);
        assert_eq!(workspace.replayed(), [doc("v1"), doc("v2"), doc(edited)]);
        assert_clean(&workspace);
    }
}

#[test]
fn an_edit_before_the_exchange_makes_the_operation_abandoned() {
    let workspace = unfinished(&["v1", "v2"]);
    put(&workspace.active(), doc("hand"));
    put(&workspace.temp(2), doc("v2"));
    let current = workspace.open().unwrap().unwrap();
    assert_eq!(current.text, doc("hand"));
    assert_eq!(kinds(&current.recovered), ["abandoned", "external edit"]);
    assert_eq!(workspace.replayed(), [doc("v1"), doc("v1"), doc("hand")]);
    workspace.settle(2);
    assert_clean(&workspace);
}

#[test]
fn an_edit_after_the_exchange_comes_after_the_operation() {
    let workspace = unfinished(&["v1", "v2"]);
    put(&workspace.active(), doc("hand"));
    let current = workspace.open().unwrap().unwrap();
    assert_eq!((current.text, kinds(&current.recovered)), (doc("hand"), vec!["external edit"]));
    assert_eq!(workspace.replayed(), [doc("v1"), doc("v2"), doc("hand")]);
    assert_clean(&workspace);
}

#[test]
fn a_displaced_edit_is_put_back() {
    let workspace = unfinished(&["v1", "v2"]);
    put(&workspace.temp(2), doc("hand"));
    let current = workspace.open().unwrap().unwrap();
    assert_eq!(current.text, doc("hand"));
    assert_eq!(kinds(&current.recovered), ["abandoned", "external edit"]);
    workspace.settle(2);
    assert_clean(&workspace);
}

#[test]
fn a_displaced_edit_and_a_later_one_are_both_kept() {
    let workspace = unfinished(&["v1", "v2"]);
    put(&workspace.temp(2), doc("first edit"));
    put(&workspace.active(), doc("second edit"));
    let current = workspace.open().unwrap().unwrap();
    assert_eq!(current.text, doc("second edit"));
    assert_eq!(kinds(&current.recovered), ["external edit", "set aside"]);
    assert_eq!(workspace.quarantined(), [doc("first edit")]);
}

#[test]
fn a_file_that_does_not_parse_is_corrupt_and_nothing_changes() {
    for (texts, is_torn) in [(&["v1"][..], false), (&["v1", "v2"], false), (&["v1", "v2"], true)] {
        let workspace = unfinished(texts);
        if is_torn {
            let mut journal = fs_err::read(workspace.journal()).unwrap();
            journal.extend_from_slice(b"{\"v\":1,");
            put(&workspace.journal(), journal);
        }
        put(&workspace.temp(2), doc("v2"));
        put(&workspace.active(), doc("BROKEN"));
        let journal = fs_err::read(workspace.journal()).unwrap();
        let error = workspace.open().unwrap_err();
        assert_eq!(error.code(), "CORRUPT");
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "it says that it is broken");
        assert!(error.hint().unwrap().contains("maestro doctor --fix"));
        assert_eq!(fs_err::read(workspace.journal()).unwrap(), journal);
        assert_eq!(fs_err::read_to_string(workspace.active()).unwrap(), doc("BROKEN"));
        assert_eq!(fs_err::read_to_string(workspace.temp(2)).unwrap(), doc("v2"));
    }
}

#[test]
fn a_file_that_is_not_utf_8_is_an_error_with_the_place() {
    let workspace = Workspace::with_texts(&["v1"]);
    put(&workspace.active(), b"session: 2026-01-15-x\nab\xffc\n");
    let error = workspace.open().unwrap_err();
    assert_eq!(error.code(), "NOT_UTF8");
    assert!(error.to_string().contains("line 2 has an illegal byte at offset 24"), "{error}");
    assert_eq!(workspace.store().read().unwrap_err().code(), "NOT_UTF8");
}

#[test]
fn a_document_without_a_journal_that_does_not_parse_is_corrupt() {
    let workspace = Workspace::new();
    put(&workspace.active(), "nothing");
    assert_eq!(workspace.open().unwrap_err().code(), "CORRUPT");
    assert!(!workspace.journal().exists());
}

#[test]
fn a_committed_creation_without_a_file_is_finished() {
    for has_temp in [false, true] {
        let workspace = unfinished(&["v1"]);
        fs_err::remove_file(workspace.active()).unwrap();
        if has_temp {
            put(&workspace.temp(1), doc("v1"));
        }
        let current = workspace.open().unwrap().unwrap();
        assert_eq!((current.text, kinds(&current.recovered)), (doc("v1"), vec!["rolled forward"]));
        assert_clean(&workspace);
    }
}

#[test]
fn a_creation_that_was_not_committed_is_dropped() {
    for journal in ["", "{\"v\":1,\"seq\":1,"] {
        let workspace = Workspace::new();
        put(&workspace.journal(), journal);
        assert_eq!(workspace.open().unwrap(), None);
        assert!(!workspace.journal().exists());
        let store = workspace.store();
        lock(&store).create(&session_id(), doc("v1"), operation(1)).unwrap();
        assert_eq!(workspace.text(), Some(doc("v1")));
    }
}

#[test]
fn a_creation_that_met_a_file_is_abandoned_and_the_file_is_recorded() {
    let workspace = unfinished(&["v1"]);
    put(&workspace.temp(1), doc("v1"));
    put(&workspace.active(), doc("hand"));
    let current = workspace.open().unwrap().unwrap();
    assert_eq!(current.text, doc("hand"));
    assert_eq!(kinds(&current.recovered), ["abandoned", "external edit"]);
    workspace.settle(1);
    assert_clean(&workspace);
}

#[test]
fn a_missing_file_is_an_error_that_says_how_to_get_it_back() {
    for workspace in [
        Workspace::with_texts(&["v1"]),
        Workspace::with_texts(&["v1", "v2"]),
        unfinished(&["v1", "v2"]),
    ] {
        assert_eq!(workspace.store().without_document().unwrap(), None);
        fs_err::remove_file(workspace.active()).unwrap();
        // A reader finds the same.
        let lost = workspace.store().without_document().unwrap();
        assert_eq!(lost.map(|live| live.session_id), Some(session_id()));
        let error = workspace.open().unwrap_err();
        assert_eq!(error.code(), "SESSION_FILE_MISSING");
        assert!(error.hint().unwrap().contains("maestro doctor --fix"));
        assert!(!workspace.active().exists());
    }
}

#[test]
fn a_reader_without_a_file_takes_no_torn_line_for_an_answer() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    let journal = workspace.journal();
    put(&journal, fs_err::read_to_string(&journal).unwrap() + "{\"v\":1,\"seq\":3");
    fs_err::remove_file(workspace.active()).unwrap();
    let before = fs_err::read(&journal).unwrap();
    assert!(workspace.store().without_document().unwrap().is_some());
    assert_eq!(fs_err::read(&journal).unwrap(), before);
    assert_eq!(workspace.open().unwrap_err().code(), "SESSION_FILE_MISSING");
}

#[test]
fn a_creation_that_came_to_no_end_has_lost_no_file() {
    let workspace = unfinished(&["v1"]);
    fs_err::remove_file(workspace.active()).unwrap();
    assert_eq!(workspace.store().without_document().unwrap(), None);
    assert_eq!(workspace.open().unwrap().unwrap().text, doc("v1"));
}

#[test]
fn a_torn_line_is_cut_off() {
    let workspace = Workspace::with_texts(&["v1"]);
    let good = fs_err::read(workspace.journal()).unwrap();
    put(&workspace.journal(), [&good[..], b"{\"v\":1,\"seq\":2"].concat());
    let current = workspace.open().unwrap().unwrap();
    assert_eq!((current.text, kinds(&current.recovered)), (doc("v1"), vec!["cut off"]));
    assert_eq!(fs_err::read(workspace.journal()).unwrap(), good);
}

#[test]
fn a_document_without_a_journal_is_adopted() {
    let workspace = Workspace::new();
    fs_err::remove_dir(workspace.journal().parent().unwrap()).unwrap();
    put(&workspace.active(), doc("by the Node server"));
    let current = workspace.open().unwrap().unwrap();
    assert_eq!((current.seq, current.operation.canonical), (1, false));
    assert_eq!(kinds(&current.recovered), ["adopted"]);
    assert_eq!(workspace.replayed(), [doc("by the Node server")]);
    assert_clean(&workspace);
}

#[test]
fn a_document_of_another_session_than_the_journal_is_a_conflict() {
    for workspace in [Workspace::with_texts(&["v1"]), unfinished(&["v1", "v2"])] {
        put(&workspace.active(), "session: 2026-01-16-y\n");
        let error = workspace.open().unwrap_err();
        assert_eq!(error.code(), "CONFLICT");
        assert!(matches!(error, OpenError::OtherSession { .. }));
        assert!(error.to_string().contains("2026-01-16-y"), "{error}");
    }
}

#[test]
fn two_journals_that_are_not_archived_are_a_conflict() {
    let workspace = Workspace::with_texts(&["v1"]);
    let other = workspace.journal().with_file_name("2026-01-16-y.jsonl");
    fs_err::copy(workspace.journal(), other).unwrap();
    let error = workspace.open().unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
    let text = error.to_string();
    assert!(text.contains("2026-01-15-x.jsonl") && text.contains("2026-01-16-y.jsonl"), "{text}");
}

#[test]
fn a_journal_of_a_newer_version_is_refused_and_left_as_it_is() {
    let workspace = Workspace::with_texts(&["v1"]);
    let mut journal = fs_err::read(workspace.journal()).unwrap();
    journal.extend_from_slice(b"{\"v\":2,\"seq\":2,\"sum\":\"?\"}\n");
    put(&workspace.journal(), &journal);
    let error = workspace.open().unwrap_err();
    assert_eq!(error.code(), "TOO_NEW");
    assert_eq!(fs_err::read(workspace.journal()).unwrap(), journal);
}

#[test]
fn a_damaged_line_that_is_not_the_last_is_an_error_with_its_number() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    let text = fs_err::read_to_string(workspace.journal()).unwrap();
    put(&workspace.journal(), text.replacen("\"seq\":2,\"op\"", "\"seq\":3,\"op\"", 1));
    let error = workspace.open().unwrap_err();
    assert_eq!(error.code(), "CORRUPT");
    assert!(error.to_string().contains("line 3 of the journal"), "{error}");
}

#[test]
fn an_archived_journal_is_no_session() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    crate::fixture::open(&mut locked, 9).unwrap();
    locked.append_archived(crate::fixture::now()).unwrap();
    fs_err::remove_file(workspace.active()).unwrap();
    assert_eq!(crate::fixture::open(&mut locked, 9).unwrap(), None);
    let error = locked.create(&session_id(), doc("again"), operation(2)).unwrap_err();
    assert_eq!(error.code(), "SESSION_EXISTS");
    locked.restore(&session_id(), doc("v1"), operation(2)).unwrap();
    drop(locked);
    assert_eq!(workspace.open().unwrap().unwrap().seq, 2);
    assert_clean(&workspace);
}

#[test]
fn temporary_files_of_operations_that_never_were_are_removed() {
    let workspace = Workspace::with_texts(&["v1"]);
    put(&workspace.temp(77), "half of a te");
    assert_eq!(workspace.text(), Some(doc("v1")));
    assert_clean(&workspace);
}

#[test]
fn the_temporary_file_of_a_restoration_that_never_was_is_removed() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    crate::fixture::open(&mut locked, 9).unwrap();
    locked.append_archived(crate::fixture::now()).unwrap();
    drop(locked);
    fs_err::remove_file(workspace.active()).unwrap();
    put(&workspace.temp(77), "half of a te");
    put(&workspace.temp(1), "an edit?");
    assert_eq!(workspace.open().unwrap(), None);
    assert_eq!(workspace.strays(), Vec::<String>::new());
    assert_eq!(workspace.quarantined(), ["an edit?"], "its operation was, so it may be an edit");
}

#[test]
fn temporary_files_that_nobody_knows_are_set_aside() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    put(&workspace.temp(1), "an edit?");
    assert_eq!(kinds(&workspace.open().unwrap().unwrap().recovered), ["set aside"]);
    assert_eq!(workspace.quarantined(), ["an edit?"]);

    let workspace = Workspace::new();
    put(&workspace.temp(1), "an edit?");
    assert_eq!(workspace.open().unwrap(), None);
    assert_eq!(workspace.quarantined(), ["an edit?"]);
}

#[test]
fn a_change_to_a_session_that_was_not_opened_is_stale() {
    let workspace = Workspace::with_texts(&["v1"]);
    let current = workspace.open().unwrap().unwrap();
    let store = workspace.store();
    let mut locked = lock(&store);
    let error = try_commit(&mut locked, current, 2, &doc("v2")).unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
}

#[test]
fn a_second_session_is_refused() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    let other = "2026-01-16-y".parse().unwrap();
    let error = locked.create(&other, doc("y"), operation(5)).unwrap_err();
    assert_eq!(error.code(), "SESSION_EXISTS");
    fs_err::remove_file(workspace.active()).unwrap();
    let error = locked.create(&other, doc("y"), operation(5)).unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
    assert!(error.to_string().contains("2026-01-15-x"), "{error}");
}

#[test]
fn a_session_in_the_way_of_another_is_to_be_archived_first() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let other = "2026-01-16-y".parse().unwrap();
    let error = lock(&store).replace(&other, doc("y"), operation(5)).unwrap_err();
    assert_eq!(error.code(), "CONFLICT");
    assert_eq!(
        error.hint().unwrap(),
        "archive session 2026-01-15-x first (`maestro archive --force`), or write a document whose session_id is \
         2026-01-15-x"
    );
}

#[test]
fn the_journal_that_a_restored_session_continues_is_cut_to_whole_lines() {
    let workspace = Workspace::with_texts(&["v1"]);
    let store = workspace.store();
    let mut locked = lock(&store);
    crate::fixture::open(&mut locked, 9).unwrap();
    locked.append_archived(crate::fixture::now()).unwrap();
    fs_err::remove_file(workspace.active()).unwrap();
    let whole = fs_err::read(workspace.journal()).unwrap();
    put(&workspace.journal(), [&whole[..], b"{\"v\":1,\"seq\":2"].concat());
    locked.restore(&session_id(), doc("v2"), operation(2)).unwrap();
    drop(locked);
    assert_eq!(workspace.replayed(), [doc("v1"), doc("v2")]);
    assert_eq!(workspace.open().unwrap().unwrap().seq, 2);
    assert_clean(&workspace);
}
