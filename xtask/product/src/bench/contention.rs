//! Many processes that change one session at the same time, and what of it is kept.
//!
//! The processes are this binary, called again with arguments that no help names. Their floor are as many processes that do
//! the bare calls in turn, under a lock of the same kind.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::time::Duration;

use maestro_session::Workspace;
use maestro_session_model::{Adjustment, Command, PhaseId};
use maestro_state_store::{OsDisk, Store};
use xtask::Failure;

use super::{Bench, begun, env, failed};
use crate::measure::{Floor, Kept, Row, timed};

const PROCESSES: usize = 8;

/// How many phases the session has. Each process changes one of its own.
const PHASES: usize = 10;

/// Far longer than anyone waits for the others.
const LOCK_WAIT: Duration = Duration::from_mins(10);

/// What a process says when it is ready to begin.
const READY: &[u8] = b"ready\n";

/// What the processes do.
#[derive(Clone, Copy, Debug)]
enum Work {
    Updates,
    Floor,
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::Updates => "updates",
            Self::Floor => "floor",
        }
    }
}

/// Measures an update of one of many processes, and counts what is kept of them all.
pub(super) fn row(bench: &Bench) -> Result<Row, Failure> {
    let folder = bench.scratch.join("contention");
    let workspace = begun(&folder, PHASES)?;
    let size = fs_err::metadata(workspace.state_dir().active_session())?.len();
    drop(Floor::new(&folder, usize::try_from(size).unwrap_or(usize::MAX))?);
    let all = PROCESSES * bench.rounds;
    let shares = u32::try_from(all).unwrap_or(u32::MAX);
    let low = together(Work::Floor, &folder, size, bench.rounds)?;
    let ours = together(Work::Updates, &folder, size, bench.rounds)?;
    Ok(Row {
        name: format!("{PROCESSES} processes × {} updates ({} kB)", bench.rounds, size / 1_000),
        floor: low / shares,
        measured: Some(ours / shares),
        bar: None,
        kept: Some(Kept { kept: kept(&workspace)?, of: all }),
    })
}

/// Lets the processes begin at the same time, and returns how long it takes until the last one is done.
fn together(work: Work, folder: &Path, size: u64, rounds: usize) -> Result<Duration, Failure> {
    let this = std::env::current_exe()?;
    let mut children = (1..=PROCESSES)
        .map(|phase| {
            let numbers = [phase.to_string(), size.to_string(), rounds.to_string()];
            let mut process = Process::new(&this);
            process.args([super::WORKER, work.name()]).arg(folder).args(numbers);
            process.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()
        })
        .collect::<io::Result<Vec<Child>>>()?;
    let mut begin = Vec::new();
    for child in &mut children {
        let mut said = Vec::new();
        let stdout = child.stdout.as_mut();
        stdout.map(|out| out.take(READY.len() as u64).read_to_end(&mut said)).transpose()?;
        if said != READY {
            return Err(Failure::Found(format!("bench: a process with {} failed", work.name())));
        }
        begin.extend(child.stdin.take());
    }
    timed(&mut || {
        begin.clear();
        for child in &mut children {
            if !child.wait()?.success() {
                return Err(Failure::Found(format!("bench: {} failed", work.name())));
            }
        }
        Ok(())
    })
}

/// What one of the processes does: gets ready, waits for the end of stdin, works.
pub(crate) fn work(args: &[&str]) -> Result<(), Failure> {
    let usage = || Failure::Usage("this is for the bench to call".to_owned());
    let [work, folder, phase, size, rounds] = args else { return Err(usage()) };
    let folder = Path::new(folder);
    let number = |text: &str| text.parse::<usize>().map_err(|_| usage());
    let (phase, size, rounds) = (number(phase)?, number(size)?, number(rounds)?);
    match [Work::Updates, Work::Floor].into_iter().find(|known| known.name() == *work) {
        Some(Work::Updates) => {
            let mut env = env();
            env.lock_wait = LOCK_WAIT;
            let workspace =
                Workspace::open(folder, env, Arc::new(OsDisk)).map_err(|error| failed(&error))?;
            wait_for_the_others()?;
            for n in 1..=rounds {
                workspace.apply(&update(phase, n)?).map_err(|error| failed(&error))?;
            }
        }
        Some(Work::Floor) => {
            let mut floor = Floor::open(folder, size)?;
            wait_for_the_others()?;
            for _ in 0..rounds {
                floor.write_locked()?;
            }
        }
        None => return Err(usage()),
    }
    Ok(())
}

fn wait_for_the_others() -> io::Result<()> {
    io::stdout().write_all(READY)?;
    io::stdout().flush()?;
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}

/// The n-th update of a phase: one that leaves the document as long as it is.
fn update(phase: usize, n: usize) -> Result<Command, Failure> {
    let phase = PhaseId::from_number(phase as u64).map_err(|error| failed(&error))?;
    let changes = Adjustment { name: Some(name(n)), ..Adjustment::default() };
    Ok(Command::Adjust { phase, changes })
}

fn name(n: usize) -> String {
    format!("Step that was named {n:06} times")
}

/// Counts the updates that are in the journal, each on the text that the one before has left, if the session file is what
/// the last of them has left.
fn kept(workspace: &Workspace) -> Result<usize, Failure> {
    let none = || Failure::Found("bench: there is no session any more".to_owned());
    let document = workspace.read().map_err(|error| failed(&error))?.ok_or_else(none)?;
    let history = Store::new(workspace.state_dir().clone())
        .history(&document.session().session_id)
        .map_err(|error| failed(&error))?
        .ok_or_else(none)?;
    let mut replay = history.replay();
    let mut found = BTreeSet::new();
    let mut last = String::new();
    while let Some(step) = replay.advance().map_err(|error| failed(&error))? {
        let command = &step.operation.record.operation.command;
        if !step.operation.abandoned && command["command"] == "adjust" {
            found.insert((command["phase"].to_string(), command["changes"]["name"].to_string()));
        }
        step.text.clone_into(&mut last);
    }
    Ok(if last == document.text() { found.len() } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_counted_once_and_only_if_the_file_shows_it() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = begun(dir.path(), PHASES).unwrap();
        for (phase, n) in [(1, 1), (2, 1), (1, 2)] {
            workspace.apply(&update(phase, n).unwrap()).unwrap();
        }
        assert_eq!(kept(&workspace).unwrap(), 3);
        workspace.apply(&update(1, 1).unwrap()).unwrap();
        assert_eq!(kept(&workspace).unwrap(), 3);
        let text = workspace.read().unwrap().unwrap().text().replace(&name(1), "Lost");
        let mut file = fs_err::File::create(workspace.state_dir().active_session()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        assert_eq!(kept(&workspace).unwrap(), 0);
    }

    #[test]
    fn updates_do_not_change_the_length_of_the_document() {
        assert_eq!(name(1).len(), name(999_999).len());
    }

    #[test]
    fn the_arguments_of_a_process_are_its_own() {
        for args in
            [&["updates"][..], &["updates", "x", "1", "2", "many"], &["play", "x", "1", "2", "3"]]
        {
            assert!(matches!(work(args), Err(Failure::Usage(_))), "{args:?}");
        }
    }
}
