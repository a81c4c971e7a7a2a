//! Making a state dir.

use maestro_state_store::state_dir::GitignoreChange;
use maestro_testutils::{Call, Explorer, Progress, Role, SimDisk, Verdict, Violation};

use crate::fixture::{doc, operation, session_id};
use crate::power::judge::reopen;
use crate::power::scenario::Without;
use crate::power::world::{Failure, Ran, at, bare, finished, lock, state_dir, store};
use maestro_state_store::Outcome;

/// Makes a state dir, and writes the marker that leads to it.
fn init(disk: &SimDisk) -> Ran {
    let dir = state_dir(disk)?;
    dir.create()?;
    disk.acknowledge();
    dir.write_marker()?;
    disk.acknowledge();
    Ok(())
}

/// Makes it again, and works in it.
fn judge(disk: &SimDisk, progress: &Progress) -> Result<Verdict<Progress>, String> {
    let said = |failure: Failure| failure.to_string();
    let dir = state_dir(disk).map_err(said)?;
    let marker = disk.bytes(&dir.marker());
    let is_whole = marker.as_deref() == Some(b"docs/maestro\n");
    if !is_whole && (marker.is_some() || 2 <= progress.acknowledged) {
        return Err(format!("the marker is {marker:?}"));
    }
    let creation = dir.create().map_err(|error| error.to_string())?;
    let is_new = creation.directories.iter().any(|directory| directory.created)
        || creation.gitignore != GitignoreChange::Unchanged;
    if is_new && 1 <= progress.acknowledged {
        return Err("what was made is not there".to_owned());
    }
    disk.acknowledge();
    let recording = disk.stop_recording();
    let store = store(disk).map_err(said)?;
    let mut locked = lock(&store).map_err(said)?;
    let made = locked.create(&session_id(), doc("v1"), operation(1)).map(Outcome::Committed);
    finished(made).map_err(said)?;
    let current = reopen(&mut locked, disk).map_err(|error| error.to_string())?;
    if current.is_none_or(|current| current.text != doc("v1")) {
        return Err("the session is not there".to_owned());
    }
    if let Some(stray) = disk
        .files()
        .keys()
        .find(|path| path.starts_with(at("state")) && path.extension().is_some_and(|e| e == "tmp"))
    {
        return Err(format!("{} is left", stray.display()));
    }
    let then = Progress { acknowledged: progress.acknowledged.max(1), ..*progress };
    Ok(Verdict { recording, then })
}

/// The kinds of syncs that it performs.
pub(crate) fn kinds() -> impl Iterator<Item = (Call, Role)> {
    let disk = bare();
    disk.count_calls();
    init(&disk).unwrap_or_else(|failure| panic!("{failure}"));
    disk.calls().into_iter().filter(|(call, _)| call.is_sync())
}

/// Tries every instant, and returns what goes wrong.
pub(crate) fn explore(without: Option<Without>) -> Vec<Violation> {
    let disk = bare();
    disk.count_calls();
    match without {
        Some(Without::Kind(weakness)) => disk.weaken(weakness),
        Some(Without::SyncAt(index)) => disk.skip_sync_at(index),
        None => {}
    }
    disk.record();
    init(&disk).unwrap_or_else(|failure| panic!("{failure}"));
    let mut explorer = Explorer::new();
    explorer.explore(&disk.stop_recording(), |progress| progress, judge);
    explorer.violations().to_vec()
}
