//! A journal that ends anywhere.

use maestro_state_store::Store;
use proptest::prelude::*;

use crate::fixture::{Workspace, doc, kinds, put, session_id};

/// Where the lines of a journal end.
fn ends(journal: &[u8]) -> Vec<usize> {
    let newlines = journal.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    newlines.map(|(at, _)| at + 1).collect()
}

#[test]
fn an_operation_cut_anywhere_never_was() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    let journal = fs_err::read(workspace.journal()).unwrap();
    let ends = ends(&journal);
    let (before, after) = (ends[1], ends[2]);
    for end in before..after {
        put(&workspace.journal(), &journal[..end]);
        put(&workspace.active(), doc("v1"));
        let history = history(&workspace.store());
        assert_eq!(history, 1, "a reader leaves out what is not whole");
        let current = workspace.open().unwrap().unwrap();
        assert_eq!(current.text, doc("v1"), "cut at {end}");
        let expected = if end == before { &[][..] } else { &["cut off"] };
        assert_eq!(kinds(&current.recovered), expected, "cut at {end}");
        assert_eq!(fs_err::read(workspace.journal()).unwrap(), &journal[..before]);
    }
}

#[test]
fn a_mark_cut_anywhere_is_written_again() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    let journal = fs_err::read(workspace.journal()).unwrap();
    let before = ends(&journal)[2];
    for end in before..journal.len() {
        put(&workspace.journal(), &journal[..end]);
        let current = workspace.open().unwrap().unwrap();
        assert_eq!(current.text, doc("v2"), "cut at {end}");
        assert_eq!(*kinds(&current.recovered).last().unwrap(), "finished");
        assert_eq!(fs_err::read(workspace.journal()).unwrap(), journal);
    }
}

#[test]
fn a_last_line_with_any_wrong_byte_is_cut_off() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    let journal = fs_err::read(workspace.journal()).unwrap();
    let (start, end) = (ends(&journal)[1], ends(&journal)[2]);
    for at in start..end {
        let mut bad = journal[..end].to_vec();
        bad[at] ^= 0x01;
        put(&workspace.journal(), &bad);
        put(&workspace.active(), doc("v1"));
        let current = workspace.open().unwrap().unwrap();
        assert_eq!((current.text, kinds(&current.recovered)), (doc("v1"), vec!["cut off"]));
    }
}

#[test]
fn a_last_line_of_zeros_is_cut_off() {
    let workspace = Workspace::with_texts(&["v1"]);
    let journal = fs_err::read(workspace.journal()).unwrap();
    put(&workspace.journal(), [&journal[..], &[0; 5000]].concat());
    assert_eq!(kinds(&workspace.open().unwrap().unwrap().recovered), ["cut off"]);
    assert_eq!(fs_err::read(workspace.journal()).unwrap(), journal);
}

/// Writes zeros over a part of the journal, as a file system leaves them that had the length before the bytes.
fn zero(journal: &mut [u8], at: std::ops::Range<usize>) {
    journal[at].fill(0);
}

#[test]
fn a_mark_that_never_came_to_the_disk_is_passed_by() {
    let workspace = Workspace::with_texts(&["v1", "v2", "v3"]);
    let journal = fs_err::read(workspace.journal()).unwrap();
    let ends = ends(&journal);
    // From any place in the mark of operation 2 to its end, but for its newline.
    for start in ends[2]..ends[3] - 2 {
        let mut zeroed = journal.clone();
        zero(&mut zeroed, start..ends[3] - 1);
        put(&workspace.journal(), &zeroed);
        let current = workspace.open().unwrap().unwrap();
        assert_eq!((current.text, kinds(&current.recovered)), (doc("v3"), Vec::new()));
        let history = workspace.store().history(&session_id()).unwrap().unwrap();
        assert_eq!(history.operations().iter().filter(|op| op.done).count(), 3);
        assert_eq!(workspace.replayed(), [doc("v1"), doc("v2"), doc("v3")]);
    }
    let mut zeroed = journal.clone();
    zero(&mut zeroed, ends[4]..journal.len() - 1);
    put(&workspace.journal(), &zeroed);
    let current = workspace.open().unwrap().unwrap();
    assert_eq!(kinds(&current.recovered), ["cut off", "finished"]);
    assert_eq!(fs_err::read(workspace.journal()).unwrap(), journal);
}

#[test]
fn an_operation_that_is_marked_was_there_once() {
    let workspace = Workspace::with_texts(&["v1", "v2"]);
    let mut journal = fs_err::read(workspace.journal()).unwrap();
    let ends = ends(&journal);
    zero(&mut journal, ends[1]..ends[2] - 1);
    put(&workspace.journal(), &journal);
    let error = workspace.open().unwrap_err();
    assert_eq!(error.code(), "CORRUPT");
    assert!(error.to_string().contains("line 3 of the journal"), "{error}");
    let error = workspace.store().history(&session_id()).unwrap_err();
    assert_eq!(error.code(), "CORRUPT");
    assert_eq!(fs_err::read(workspace.journal()).unwrap(), journal);
}

#[test]
fn an_operation_that_is_followed_was_there_once() {
    let workspace = Workspace::with_texts(&["v1", "v2", "v3"]);
    let mut journal = fs_err::read(workspace.journal()).unwrap();
    let ends = ends(&journal);
    zero(&mut journal, ends[1]..ends[3] - 1);
    put(&workspace.journal(), &journal);
    assert_eq!(workspace.store().history(&session_id()).unwrap_err().code(), "CORRUPT");
}

fn history(store: &Store) -> usize {
    store.history(&session_id()).unwrap().unwrap().operations().len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_journal_with_any_damage_is_repaired_or_refused(
        at in 0.0..1.0_f64,
        removed in 0..40_usize,
        inserted in "[\\x00-\\x7f]{0,20}",
        file in prop_oneof![Just("v1"), Just("v2"), Just("v3"), Just("BROKEN")],
    ) {
        let workspace = Workspace::with_texts(&["v1", "v2"]);
        let mut journal = fs_err::read(workspace.journal()).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "any place will do")]
        let start = (at * journal.len() as f64) as usize;
        let end = journal.len().min(start + removed);
        journal.splice(start..end, inserted.bytes());
        put(&workspace.journal(), &journal);
        put(&workspace.active(), doc(file));
        match workspace.open() {
            Ok(current) => {
                let text = current.unwrap().text;
                prop_assert!(text == doc(file) || (file == "v1" && text == doc("v2")));
                prop_assert_eq!(workspace.text(), Some(text));
            }
            Err(error) => {
                prop_assert_eq!(error.code(), "CORRUPT");
                prop_assert_eq!(fs_err::read_to_string(workspace.active()).unwrap(), doc(file));
            }
        }
    }
}
