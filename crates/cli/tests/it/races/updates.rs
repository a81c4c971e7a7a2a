//! Commands of many processes at once leave what they leave one after the other.

use std::collections::BTreeMap;
use std::thread;

use maestro_session_model::{Document, Phase, Timestamp, TokenUsage};

use crate::env::{Input, TestEnv};
use crate::processes::{Project, Ran, done};

const THREADS: usize = 8;

/// How many phases each thread has for itself.
const PHASES: usize = 7;

/// A command, and the code of the error that it ends with if it is to be refused.
type Step = (String, Option<&'static str>);

/// What one thread does. Whether a command is refused depends on nothing but the commands before it on the same phase.
fn script(thread: usize) -> Vec<Step> {
    let [easy, hard, needless, hopeless, vague, late, open] =
        std::array::from_fn(|n| thread * PHASES + n + 1);
    let files = |phase: usize| format!("--created src/{phase}.rs --interface step_{phase}");
    let tokens = "--tokens input=1000,output=10,cached=100";
    let steps: [(String, Option<&'static str>); 20] = [
        (format!("start {easy}"), None),
        (format!("complete {easy} {} {tokens}", files(easy)), None),
        (format!("start {hard}"), None),
        (format!("fail {hard} --message broken-{hard} --tokens input=30"), None),
        (format!("retry {hard} --resolution smaller-{hard}"), None),
        (format!("complete {hard} {}", files(hard)), None),
        (format!("complete {needless}"), Some("ILLEGAL_TRANSITION")),
        (format!("skip {needless}"), Some("USER_DECISION_REQUIRED")),
        (format!("skip {needless} --by-user"), None),
        (format!("start {hopeless}"), None),
        (format!("fail {hopeless} --message hopeless-{hopeless}"), None),
        (format!("skip {hopeless} --by-user --reason known-{hopeless}"), None),
        (format!("start {vague}"), None),
        (format!("start {vague}"), Some("ILLEGAL_TRANSITION")),
        (format!("complete {vague} --created src/{vague}.rs"), Some("HANDOFF_INCOMPLETE")),
        (format!("complete {vague} {} --modified src/lib.rs", files(vague)), None),
        (format!("start {late}"), None),
        (format!("complete {late}"), None),
        (format!("reconcile {late} --created src/{late}.rs --reason late-{late}"), None),
        (format!("start {open}"), None),
    ];
    steps.into_iter().map(|(step, refused)| (format!("phase {step}"), refused)).collect()
}

#[test]
fn no_acknowledged_update_of_eight_processes_is_lost() {
    let project = Project::begun(THREADS * PHASES);
    let ran: Vec<Vec<(Step, Ran)>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|n| {
                let project = &project;
                let run = |step: Step| {
                    let ran = project.run(&words(&step.0));
                    (step, ran)
                };
                scope.spawn(move || script(n).into_iter().map(run).collect())
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });

    let journal = project.journal();
    let mut acknowledged = BTreeMap::<String, Vec<String>>::new();
    for ((step, refused), ran) in ran.iter().flatten() {
        assert_eq!((ran.code, ran.error()), expected(*refused), "{step}: {ran:?}");
        let Some(id) = ran.operation() else { continue };
        assert_eq!(journal.count(id), 1, "{step} was acknowledged");
        let [_, command, phase, ..] = words(step)[..] else { unreachable!("{step}") };
        acknowledged.entry(phase.to_owned()).or_default().push(command.to_owned());
    }
    assert_eq!(journal.operations().len(), journal.ordered().count(), "nothing is abandoned");
    let mut recorded = BTreeMap::<String, Vec<String>>::new();
    for operation in journal.ordered().skip(1) {
        let (command, phase) = done(operation);
        recorded.entry(phase).or_default().push(command);
    }
    assert_eq!(recorded, acknowledged, "each once, in the order of its phase, and nothing else");

    let text = project.text();
    assert_eq!(journal.document(), text, "the journal gives the document back");
    assert_eq!(project.ok(&["log", "--document"]).answer["document"], text);
    let log = project.ok(&["log"]);
    let logged: Vec<&str> = log.answer["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["operation"].as_str().unwrap())
        .collect();
    let ids: Vec<String> =
        journal.operations().iter().map(|op| op.record.operation.id.to_string()).collect();
    assert_eq!(logged, ids);
    project.assert_in_order();
    assert_eq!(told(&project.document()), told(&one_after_the_other(&project)));
}

fn words(step: &str) -> Vec<&str> {
    step.split(' ').collect()
}

fn expected(refused: Option<&str>) -> (Option<i32>, Option<&str>) {
    (Some(refused.map_or(0, |_| 1)), refused)
}

/// The session after the same scripts, in one process.
fn one_after_the_other(project: &Project) -> Document {
    let env = TestEnv::new();
    env.write("plan.md", project.env().read("plan.md"));
    env.ok(["new", "Many steps", "--plan", "plan.md", "--mode", "parallel"]);
    for (step, _) in (0..THREADS).flat_map(script) {
        env.run_line(&Input::default(), &words(&step));
    }
    Document::parse(env.read("docs/maestro/state/active-session.md")).unwrap()
}

/// What a document tells, but for the times, and for the order in which phases ended.
fn told(document: &Document) -> (Vec<Phase>, TokenUsage, Vec<&str>) {
    let some_time: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
    let session = document.session();
    let mut phases = session.phases.clone();
    for phase in &mut phases {
        phase.started = phase.started.map(|_| some_time);
        phase.completed = phase.completed.map(|_| some_time);
        for error in &mut phase.errors {
            error.timestamp = some_time;
        }
    }
    let mut sections: Vec<&str> = document.body().split("\n## ").map(str::trim_end).collect();
    sections.sort_unstable();
    (phases, session.token_usage.clone(), sections)
}
