//! Archived sessions are brought back while others bring one back, begin one, or look.

use std::sync::Barrier;
use std::thread;

use crate::processes::{Project, Ran, names};

const ROUNDS: usize = 5;

#[test]
fn one_of_many_processes_has_its_session_and_the_others_stay_archived() {
    let prepared = Project::begun(2);
    prepared.ok(&["archive", "--force"]);
    prepared.ok(&["new", "Second", "--plan", "plan.md"]);
    prepared.ok(&["archive", "--force"]);
    let archived = names(&prepared.state("state/archive"));
    let ids: Vec<&str> = archived.iter().filter_map(|name| name.strip_suffix(".md")).collect();
    let [first, second] = ids[..] else { panic!("{archived:?}") };
    let commands: [&[&str]; 6] = [
        &["archive", "restore", first],
        &["archive", "restore", second],
        &["archive", "restore", first],
        &["archive", "restore", second],
        &["new", "Third", "--plan", "plan.md"],
        &["archive", "list"],
    ];
    for _ in 0..ROUNDS {
        let project = prepared.copy();
        let barrier = Barrier::new(commands.len());
        let mut ran: Vec<Ran> = thread::scope(|scope| {
            let (project, barrier) = (&project, &barrier);
            let threads: Vec<_> = commands
                .iter()
                .map(|args| {
                    scope.spawn(move || {
                        barrier.wait();
                        project.run(args)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let listed = ran.pop().unwrap();
        assert_eq!(listed.code, Some(0), "{listed:?}");
        let (won, lost): (Vec<_>, Vec<_>) = ran.iter().partition(|ran| ran.code == Some(0));
        assert_eq!(won.len(), 1, "{ran:?}");
        for ran in lost {
            assert_eq!((ran.code, ran.error()), (Some(1), Some("SESSION_EXISTS")), "{ran:?}");
        }
        project.assert_in_order();
        let active = project.document().session().session_id.to_string();
        let mut here = names(&project.state("state/archive"));
        here.retain(|name| name.strip_suffix(".md").is_some());
        let mut expected: Vec<String> = [first, second].map(|id| format!("{id}.md")).to_vec();
        expected.retain(|name| *name != format!("{active}.md"));
        assert_eq!(here, expected, "{active}");
        project.ok(&["phase", "start", "1"]);
    }
}
