//! A session is archived while others change it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use maestro_session_model::{Document, Phase};
use uuid::Uuid;

use crate::processes::{Project, Ran, Recorded, names, until};

const ROUNDS: usize = 6;
const WORKERS: usize = 4;
const ARCHIVERS: usize = 2;

/// More than a worker gets done before the session is archived.
const PHASES: usize = 20;

/// Starts and completes phases until there is no session any more. Returns what was acknowledged.
fn work(project: &Project, worker: usize, acknowledged: &AtomicUsize) -> Vec<Uuid> {
    let mut operations = Vec::new();
    for phase in (1..=PHASES).map(|n| (worker * PHASES + n).to_string()) {
        for args in [
            &["phase", "start", &phase][..],
            &["phase", "complete", &phase, "--created", "src/lib.rs", "--pattern", "quick"],
        ] {
            let ran = project.run(args);
            if ran.code == Some(3) {
                assert_eq!(ran.error(), Some("NO_SESSION"), "{ran:?}");
                return operations;
            }
            assert_eq!(ran.code, Some(0), "{ran:?}");
            operations.push(ran.operation().unwrap());
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
    panic!("the session is never archived");
}

/// Archives the session as soon as so many changes were acknowledged.
fn archive(project: &Project, after: usize, acknowledged: &AtomicUsize) -> Ran {
    until("changes are acknowledged", || acknowledged.load(Ordering::Relaxed) >= after);
    project.run(&["archive", "--force"])
}

#[test]
fn every_change_that_was_acknowledged_before_the_archiving_is_archived() {
    let prepared = Project::begun(WORKERS * PHASES);
    for round in 0..ROUNDS {
        let project = prepared.copy();
        let acknowledged = AtomicUsize::new(0);
        let (operations, archived) = thread::scope(|scope| {
            let (project, acknowledged) = (&project, &acknowledged);
            let workers: Vec<_> = (0..WORKERS)
                .map(|worker| scope.spawn(move || work(project, worker, acknowledged)))
                .collect();
            let archivers: Vec<_> = (0..ARCHIVERS)
                .map(|_| scope.spawn(move || archive(project, 2 * round, acknowledged)))
                .collect();
            let archived: Vec<Ran> =
                archivers.into_iter().map(|thread| thread.join().unwrap()).collect();
            let operations: Vec<Uuid> =
                workers.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
            (operations, archived)
        });
        assert_archived(&project, &operations, &archived);
    }
}

fn assert_archived(project: &Project, operations: &[Uuid], archived: &[Ran]) {
    let (done, late): (Vec<_>, Vec<_>) = archived.iter().partition(|ran| ran.code == Some(0));
    assert_eq!(done.len(), 1, "{archived:?}");
    for ran in late {
        assert_eq!((ran.code, ran.error()), (Some(3), Some("NO_SESSION")), "{ran:?}");
    }

    let archive = project.state("state/archive");
    let found = names(&archive);
    let [journal, session] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(journal.strip_suffix(".journal.jsonl"), session.strip_suffix(".md"));
    assert!(!project.env().session_file().exists());
    assert_eq!(names(&project.state("state/journal")), [""; 0]);
    assert_eq!(names(&project.state("plans")), ["archive"]);
    assert_eq!(names(&project.state("plans/archive")), ["plan.md"]);
    project.assert_in_order();

    let journal = Recorded::read(&archive.join(journal));
    for id in operations {
        assert_eq!(journal.count(*id), 1, "{id} was acknowledged");
    }
    // The creation and the archiving are the only others.
    assert_eq!(journal.operations().len(), operations.len() + 2);
    let archived = fs_err::read_to_string(archive.join(session)).unwrap();
    assert_eq!(phases(&archived), phases(journal.document()));
}

fn phases(text: &str) -> Vec<Phase> {
    Document::parse(text.to_owned()).unwrap().session().phases.clone()
}
