//! Many processes begin a session in one workspace, and one of them does.

use std::sync::Barrier;
use std::thread;

use crate::processes::{Project, Ran, names};

const PROCESSES: usize = 6;
const ROUNDS: usize = 5;

/// Lets processes begin a session each at the same time, and checks what came out.
fn race(project: &Project) {
    let barrier = Barrier::new(PROCESSES);
    let ran: Vec<(String, Ran)> = thread::scope(|scope| {
        let threads: Vec<_> = (0..PROCESSES)
            .map(|n| {
                let barrier = &barrier;
                scope.spawn(move || {
                    let task = format!("Task {n}");
                    let args = ["new", &task, "--plan", "plan.md"];
                    barrier.wait();
                    (task.clone(), project.run(&args))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    let (won, lost): (Vec<_>, Vec<_>) = ran.iter().partition(|(_, ran)| ran.code == Some(0));
    let [(task, winner)] = won[..] else { panic!("not one has won: {ran:?}") };
    for (_, ran) in lost {
        assert_eq!((ran.code, ran.error()), (Some(1), Some("SESSION_EXISTS")), "{ran:?}");
    }
    assert_eq!(project.document().session().task, *task);
    let journal = project.journal();
    assert_eq!(journal.operations().len(), 1);
    assert_eq!(journal.count(winner.operation().unwrap()), 1);
    assert_eq!(journal.document(), project.text());
    assert_eq!(names(&project.state("plans")), ["archive", "plan.md"]);
    project.assert_in_order();
    project.ok(&["phase", "start", "1"]);
}

#[test]
fn one_of_many_processes_begins_a_session() {
    for _ in 0..ROUNDS {
        let project = Project::new(2);
        project.ok(&["init"]);
        race(&project);
    }
}

#[test]
fn one_of_many_processes_begins_a_session_where_there_is_no_state_dir() {
    for _ in 0..ROUNDS {
        race(&Project::new(2));
    }
}
