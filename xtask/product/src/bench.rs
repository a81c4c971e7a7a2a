//! What the operations cost, each against its floor.
//!
//! To add an operation, add its row in `rows`.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use maestro_session::{Env, NewSessionRequest, Workspace};
use maestro_session_model::{Command, DownstreamContext, Handoff, PhaseId, RelPath, Timestamp};
use maestro_state_store::{Actor, ActorKind, Environment, Holder, OsDisk};
use uuid::Uuid;
use xtask::Failure;

use crate::bench::archived::Archived;
use crate::measure::{Bar, Floor, Row, alternate, table};

mod archived;
mod contention;
mod mcp;

/// The first argument of the processes that the bench begins.
pub(crate) const WORKER: &str = "bench-worker";

/// How to measure.
#[derive(Clone, Debug)]
pub(crate) struct Bench {
    /// Where the files are written. Its disk is the one that is measured.
    pub(crate) scratch: PathBuf,
    /// How often each row is measured.
    pub(crate) rounds: usize,
}

/// Prints the table; fails if a bar is missed.
pub(crate) fn run(bench: &Bench) -> Result<(), Failure> {
    match fs_err::remove_dir_all(&bench.scratch) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    fs_err::create_dir_all(&bench.scratch)?;
    let rows = rows(bench)?;
    println!("median of {} rounds, in {}\n", bench.rounds, bench.scratch.display());
    print!("{}", table(&rows));
    let missed: Vec<&str> =
        rows.iter().filter(|row| row.is_missed()).map(|row| row.name.as_str()).collect();
    if missed.is_empty() {
        return Ok(());
    }
    Err(Failure::Found(format!("bench: missed the bar: {}", missed.join(", "))))
}

/// Measures every row. **New operations are added here.**
fn rows(bench: &Bench) -> Result<Vec<Row>, Failure> {
    let bars = [
        (10, Bar { times: 2.0, plus: Duration::ZERO }),
        (1_000, Bar { times: 2.0, plus: Duration::from_millis(1) }),
    ];
    let archived = Archived::prepare(bench)?;
    let transitions = bars.iter().map(|(phases, bar)| durable_transition(bench, *phases, *bar));
    let mut rows: Vec<Row> =
        transitions.chain([contention::row(bench)]).collect::<Result<_, _>>()?;
    rows.extend(mcp::rows(bench)?);
    rows.push(archived.list()?);
    rows.push(archived.search("words in one of 100", &["rare", "ordinary length"], 99)?);
    rows.push(archived.search("words in each", &["step", "ordinary length"], 10_000)?);
    Ok(rows)
}

/// What one of the processes does that the bench begins.
pub(crate) fn work(args: &[&str]) -> Result<(), Failure> {
    mcp::work(args).unwrap_or_else(|| contention::work(args))
}

/// A transition of one phase in a process that goes on running, against the bare calls for a document of that size.
///
/// Phases are started and completed one after the other. When a session has none left, the next one follows, begun
/// before anything is measured.
fn durable_transition(bench: &Bench, phases: usize, bar: Bar) -> Result<Row, Failure> {
    let sessions = bench.rounds / (2 * phases) + 1;
    let workspaces: Vec<Workspace> = (0..sessions)
        .map(|i| begun(&bench.scratch.join(format!("session-{phases}-{i}")), phases))
        .collect::<Result<_, Failure>>()?;
    let file = workspaces.first().map(|workspace| workspace.state_dir().active_session());
    let size = file.map(fs_err::metadata).transpose()?.map_or(0, |found| found.len());
    let mut floor = Floor::new(&bench.scratch, usize::try_from(size).unwrap_or(usize::MAX))?;
    let mut done = 0;
    let transition = || {
        let (session, step) = (done / (2 * phases), done % (2 * phases));
        done += 1;
        let workspace = &workspaces[session];
        let command = command(step)?;
        workspace.apply(&command).map(drop).map_err(|error| failed(&error))
    };
    let (low, ours) = alternate(bench.rounds, || floor.write(), transition)?;
    Ok(Row {
        name: format!("durable transition, {phases} phases ({} kB)", size / 1_000),
        floor: low.median,
        measured: Some(ours.median),
        bar: Some(bar),
        kept: None,
    })
}

/// The command of a step: even ones start a phase, odd ones complete it.
fn command(step: usize) -> Result<Command, Failure> {
    let phase = PhaseId::from_number(step as u64 / 2 + 1).map_err(|error| failed(&error))?;
    if step.is_multiple_of(2) {
        return Ok(Command::Start { phase });
    }
    let file = RelPath::parse(&format!("src/step_{step}.rs")).map_err(|error| failed(&error))?;
    let downstream_context = DownstreamContext {
        key_interfaces_introduced: vec![format!("step_{step}(input: &str) -> Output")],
        ..DownstreamContext::default()
    };
    let handoff = Handoff { files_created: vec![file], downstream_context, ..Handoff::default() };
    Ok(Command::Complete { phase, handoff })
}

/// A workspace with a session of so many phases, none of which waits for another.
fn begun(folder: &Path, phases: usize) -> Result<Workspace, Failure> {
    fs_err::create_dir_all(folder)?;
    let mut plan = "---\nphases:\n".to_owned();
    for i in 1..=phases {
        // About as long as the phases of real plans.
        let _infallible = writeln!(
            plan,
            "  - {{id: {i}, name: 'Step {i} of a plan of ordinary length', agent: coder, files: \
             [src/module_{i}/mod.rs, src/module_{i}/parts.rs, tests/module_{i}.rs]}}"
        );
    }
    plan.push_str("---\n");
    fs_err::File::create(folder.join("plan.md"))?.write_all(plan.as_bytes())?;
    let workspace =
        Workspace::open(folder, env(), Arc::new(OsDisk)).map_err(|error| failed(&error))?;
    let request = NewSessionRequest {
        from: folder.to_owned(),
        ..NewSessionRequest::new("Measure", "plan.md")
    };
    workspace.create_session(&request).map_err(|error| failed(&error))?;
    Ok(workspace)
}

#[expect(clippy::disallowed_methods, reason = "what is measured runs with real clocks and ids")]
fn env() -> Env {
    let now = || Timestamp::from(SystemTime::now());
    let holder = Holder {
        pid: std::process::id(),
        host: "bench".to_owned(),
        command: "cargo xtask bench".to_owned(),
        started: now(),
    };
    let actor = Actor { kind: ActorKind::Cli, name: None };
    Env::new(Environment::default(), actor, holder, now, Uuid::now_v7)
}

fn failed(error: &dyn Error) -> Failure {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message += &format!(": {cause}");
        source = cause.source();
    }
    Failure::Found(message)
}
