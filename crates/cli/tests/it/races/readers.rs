//! Readers take no lock, and see nothing that is not whole.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use maestro_session_model::Document;
use maestro_state_store::ContentHash;

use crate::processes::Project;

const WRITERS: usize = 4;

/// How many phases each writer has for itself.
const PHASES: usize = 8;

/// Starts and completes the phases of one writer, one after the other.
fn write(project: &Project, writer: usize) {
    for phase in (1..=PHASES).map(|n| (writer * PHASES + n).to_string()) {
        project.ok(&["phase", "start", &phase]);
        project.ok(&["phase", "complete", &phase, "--pattern", "whole"]);
    }
}

/// Reads the session file again and again, and returns each text once, by its hash.
pub(super) fn read(project: &Project, is_over: impl Fn() -> bool) -> BTreeMap<ContentHash, String> {
    let mut seen = BTreeMap::new();
    while !is_over() {
        let text = project.text();
        seen.entry(ContentHash::of(text.as_bytes())).or_insert(text);
    }
    seen
}

/// Asks for the status again and again, and returns how often.
pub(super) fn ask(project: &Project, is_over: impl Fn() -> bool) -> usize {
    let phases = project.document().session().phases.len() as u64;
    let mut asked = 0;
    while !is_over() {
        let status = project.ok(&["status"]);
        let counts = status.answer["progress"].as_object().unwrap().values();
        assert_eq!(counts.map(|count| count.as_u64().unwrap()).sum::<u64>(), phases, "{status:?}");
        asked += 1;
    }
    asked
}

#[test]
fn a_reader_sees_only_texts_that_the_journal_has() {
    // One phase more than are written, so that the session is not archived.
    let project = Project::begun(1 + WRITERS * PHASES);
    let is_over = AtomicBool::new(false);
    let (seen, asked) = thread::scope(|scope| {
        let (project, is_over) = (&project, &is_over);
        let reader = scope.spawn(|| read(project, || is_over.load(Ordering::Relaxed)));
        let asking = scope.spawn(|| ask(project, || is_over.load(Ordering::Relaxed)));
        let writers: Vec<_> =
            (0..WRITERS).map(|writer| scope.spawn(move || write(project, writer))).collect();
        let written: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Also when a writer has failed, or the readers would never end.
        is_over.store(true, Ordering::Relaxed);
        for result in written {
            result.unwrap();
        }
        (reader.join().unwrap(), asking.join().unwrap())
    });

    let journal = project.journal();
    for (hash, text) in &seen {
        Document::parse(text.clone()).unwrap_or_else(|error| panic!("{error}:\n{text}"));
        assert!(journal.texts.contains(text), "{hash} is nowhere in the journal:\n{text}");
    }
    assert_eq!(journal.texts.len(), 1 + 2 * WRITERS * PHASES);
    assert!(seen.len() > 1, "only {} texts were seen", seen.len());
    assert!(asked > 0);
    println!("{} texts seen, {asked} times asked", seen.len());
}
