//! Edits of the session file while processes change it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use maestro_session_model::{Document, PhaseId, PhaseStatus};
use maestro_state_store::ContentHash;
use maestro_state_store::journal::{ActorKind, Newest};
use uuid::Uuid;

use super::readers::{ask, read};
use crate::editor::{Editor, Save, note};
use crate::processes::{Project, Recorded, done, until};

const WORKERS: usize = 4;

/// How many phases each worker has for itself.
const PHASES: usize = 8;

/// A change that a command said it had made.
pub(super) struct Acknowledged {
    phase: String,
    operation: Uuid,
    status: PhaseStatus,
}

/// What is going on between workers and editor.
#[derive(Default)]
pub(super) struct Progress {
    acknowledged: AtomicUsize,
    is_over: AtomicBool,
}

impl Progress {
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Waits until so many more changes were acknowledged.
    pub(super) fn wait_for(&self, changes: usize) {
        let enough = self.acknowledged.load(Ordering::Relaxed) + changes;
        until("changes are acknowledged", || {
            self.is_over() || self.acknowledged.load(Ordering::Relaxed) >= enough
        });
    }
}

/// Lets workers start and complete their phases while `edit` runs, which ends when the workers have.
pub(super) fn work(project: &Project, edit: impl FnOnce(&Progress) + Send) -> Vec<Acknowledged> {
    let progress = Progress::default();
    thread::scope(|scope| {
        let progress = &progress;
        let editor = scope.spawn(move || edit(progress));
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| scope.spawn(move || work_on(project, worker, progress)))
            .collect();
        let done: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Also when a worker has failed, or the editor would never end.
        progress.is_over.store(true, Ordering::Relaxed);
        editor.join().unwrap();
        done.into_iter().flat_map(Result::unwrap).collect()
    })
}

fn work_on(project: &Project, worker: usize, progress: &Progress) -> Vec<Acknowledged> {
    let mut acknowledged = Vec::new();
    for phase in (1..=PHASES).map(|n| (worker * PHASES + n).to_string()) {
        for (args, status) in [
            (&["phase", "start", &phase][..], PhaseStatus::InProgress),
            (&["phase", "complete", &phase, "--pattern", "edited"], PhaseStatus::Completed),
        ] {
            let mut ran = project.run(args);
            until("nobody is writing the file in place", || {
                let is_being_written = ran.error() == Some("CORRUPT");
                if is_being_written {
                    ran = project.run(args);
                }
                !is_being_written
            });
            assert_eq!(ran.code, Some(0), "{ran:?}");
            let operation = ran.operation().unwrap();
            acknowledged.push(Acknowledged { phase: phase.clone(), operation, status });
            progress.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
    acknowledged
}

/// A session in which every worker has phases, and one more phase is left.
pub(super) fn project() -> Project {
    Project::begun(WORKERS * PHASES + 1)
}

/// Checks, after one more command, what holds whatever the editor does: what was acknowledged is in the journal and shows in
/// the file, what was saved is in the journal as an edit and shows in the file, and the file is where the journal ends.
pub(super) fn assert_nothing_lost(
    project: &Project,
    acknowledged: &[Acknowledged],
    editor: &Editor<'_>,
) -> Recorded {
    let last = project.ok(&["phase", "start", &(WORKERS * PHASES + 1).to_string()]);
    let journal = project.journal();
    let ids = acknowledged.iter().map(|change| change.operation).chain(last.operation());
    for id in ids {
        assert_eq!(journal.count(id), 1, "{id} was acknowledged");
    }
    let edits: Vec<&String> = journal
        .operations()
        .iter()
        .zip(&journal.texts)
        .filter(|(operation, _)| is_edit(operation))
        .map(|(_, text)| text)
        .collect();
    for note in (1..=editor.saved).map(note) {
        assert!(edits.iter().any(|text| text.contains(&note)), "{note} is nowhere");
    }
    assert_eq!(project.text(), journal.document());
    assert_eq!(editor.lacks(journal.document()), None);
    let expected: BTreeMap<&str, PhaseStatus> =
        acknowledged.iter().map(|change| (change.phase.as_str(), change.status)).collect();
    let document = project.document();
    let session = document.session();
    for (phase, status) in expected {
        let id = phase.parse().unwrap();
        assert_eq!(session.phase(&id).unwrap().status, status, "phase {phase}");
    }
    project.assert_in_order();
    assert_only_edits_take_back(&journal);
    journal
}

fn is_edit(operation: &Newest) -> bool {
    operation.record.operation.actor.kind == ActorKind::External
}

/// Checks that a command changes the status of its own phase and no other, and no note.
fn assert_only_edits_take_back(journal: &Recorded) {
    let mut before: Option<(Vec<(PhaseId, PhaseStatus)>, usize)> = None;
    for (operation, text) in journal.operations().iter().zip(&journal.texts) {
        let session = Document::parse(text.clone()).unwrap().session().clone();
        let phases = session.phases.into_iter().map(|phase| (phase.id, phase.status)).collect();
        let after: (Vec<(PhaseId, PhaseStatus)>, usize) = (phases, text.matches("- note ").count());
        if let Some(before) = before.filter(|_| !is_edit(operation)) {
            let (_, phase) = done(operation);
            let others = |(phases, notes): &(Vec<(PhaseId, PhaseStatus)>, usize)| {
                let mut phases = phases.clone();
                phases.retain(|(id, _)| id.to_string() != phase);
                (phases, *notes)
            };
            assert_eq!(others(&after), others(&before), "operation {}", operation.record.seq);
        }
        before = Some(after);
    }
}

#[test]
fn no_edit_and_no_acknowledged_change_is_lost() {
    let project = project();
    let mut editor = Editor::new(&project);
    let acknowledged = work(&project, |progress| {
        for save in [Save::ByRename, Save::InPlace].into_iter().cycle() {
            progress.wait_for(2);
            if progress.is_over() {
                return;
            }
            editor.edit(save);
        }
    });
    let journal = assert_nothing_lost(&project, &acknowledged, &editor);
    assert!(editor.saved > 1);
    let given_way = journal.operations().iter().filter(|operation| operation.abandoned).count();
    println!(
        "{} changes, {} edits, {given_way} of them overtook a change",
        acknowledged.len(),
        editor.saved
    );
}

#[test]
fn a_reader_sees_only_texts_that_were_recorded_or_saved_by_hand() {
    let project = project();
    let mut editor = Editor::new(&project);
    let mut saved = BTreeSet::from([ContentHash::of(project.text().as_bytes())]);
    let mut seen = BTreeMap::new();
    let acknowledged = work(&project, |progress| {
        thread::scope(|scope| {
            let reader = scope.spawn(|| read(&project, || progress.is_over()));
            let asking = scope.spawn(|| ask(&project, || progress.is_over()));
            while !progress.is_over() {
                progress.wait_for(2);
                saved.insert(ContentHash::of(editor.edit(Save::ByRename).as_bytes()));
            }
            seen = reader.join().unwrap();
            assert!(asking.join().unwrap() > 0);
        });
    });
    let journal = assert_nothing_lost(&project, &acknowledged, &editor);
    // A change that has to give way to an edit can be seen for an instant, and is in the journal as abandoned.
    let recorded: BTreeSet<ContentHash> =
        journal.operations().iter().map(|operation| operation.record.after).collect();
    assert!(seen.len() > 1);
    for (hash, text) in &seen {
        Document::parse(text.clone()).unwrap_or_else(|error| panic!("{error}:\n{text}"));
        assert!(recorded.contains(hash) || saved.contains(hash), "nobody wrote this:\n{text}");
    }
}
