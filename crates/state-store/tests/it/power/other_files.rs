//! What is recorded without changing the document, archiving, and the other files of the state dir.

use std::path::PathBuf;

use maestro_state_store::ContentHash;
use maestro_state_store::journal::History;
use maestro_state_store::store::Removal;
use maestro_testutils::{Reach, SimDisk};

use crate::fixture::{doc, now, operation, session_id};
use crate::power::judge::{End, Expectation, Found, reopen};
use crate::power::scenario::Scenario;
use crate::power::world::{Failure, Ran, active, at, journal, lock, store, with_texts};

fn v1() -> Found {
    Found::Text(doc("v1"))
}

/// What the journal says.
pub(crate) fn records() -> Vec<Scenario> {
    let append = |disk: &SimDisk| {
        let store = store(disk)?;
        let mut locked = lock(&store)?;
        reopen(&mut locked, disk)?;
        locked.append_operation(operation(2))?;
        disk.acknowledge();
        locked.append_operation(operation(3))?;
        disk.acknowledge();
        Ok(())
    };
    let torn = with_texts(&["v1"]);
    let whole = torn.bytes(&journal()).unwrap();
    torn.put(&journal(), &[&whole[..], b"{\"v\":1,\"seq\":2"].concat(), Reach::Disk);
    let attach = |disk: &SimDisk| {
        let store = store(disk)?;
        let mut locked = lock(&store)?;
        locked.attach()?;
        disk.acknowledge();
        Ok(())
    };
    vec![
        Scenario::steps("record operations without a text", with_texts(&["v1"]), &[v1()], append)
            .checked_after(|disk, expected| {
                let store = store(disk).map_err(|failure| failure.text)?;
                let history = store.history(&session_id()).map_err(|error| error.to_string())?;
                let operations = history.iter().flat_map(History::operations);
                let ours = [operation(2).id, operation(3).id];
                let recorded =
                    operations.filter(|found| ours.contains(&found.record.operation.id)).count();
                let least = expected.progress.acknowledged;
                let most = if expected.end == End::Failed { least } else { 2 };
                if (least..=most).contains(&recorded) {
                    return Ok(());
                }
                Err(format!("the journal has {recorded} operations, not {least} to {most}"))
            }),
        Scenario::steps("attach to a torn journal", torn, &[v1()], attach),
    ]
}

/// Archives a session step by step, as whoever plans an archiving does.
pub(crate) fn archiving() -> Vec<Scenario> {
    let archived = at("state/archive/x.md");
    let document = archived.clone();
    let run = move |disk: &SimDisk| {
        let store = store(disk)?;
        let mut locked = lock(&store)?;
        let current = reopen(&mut locked, disk)?.ok_or(Failure::new("none".to_owned(), None))?;
        locked.copy_to_new(&active(), &document)?;
        disk.acknowledge();
        locked.append_archived(now())?;
        disk.acknowledge();
        if locked.remove_if_hash(&active(), current.hash)? != Removal::Removed {
            return Err(Failure::new("it is not removed".to_owned(), None));
        }
        disk.acknowledge();
        locked.move_journal(&session_id(), &at("state/archive"), "x.journal")?;
        disk.acknowledge();
        Ok(())
    };
    let states = [v1(), v1(), v1(), Found::Nothing, Found::Nothing];
    let kept = with_texts(&["v1"]).bytes(&journal()).unwrap();
    vec![
        Scenario::steps("archive", with_texts(&["v1"]), &states, run)
            .expecting(|progress, end, mut expected| {
                // Whoever does not finish the archiving takes the document for one without a journal, or does not see that its
                // removal is not durable.
                if 1 <= progress.acknowledged {
                    expected.may.insert("adopted");
                }
                expected.is_undecided = 2 <= progress.acknowledged;
                if progress.acknowledged == 2 && end == End::Failed {
                    // The file is gone, but that cannot be made durable.
                    expected.found.insert(Found::Nothing);
                }
                expected
            })
            .checked_before(|disk, expected| {
                let store = store(disk).map_err(|failure| failure.text)?;
                let mut locked = lock(&store).map_err(|failure| failure.text)?;
                let attached = locked.attach().map_err(|error| error.to_string())?;
                match (expected.progress.acknowledged, attached.archived.len()) {
                    (4, _) if disk.bytes(&journal()).is_some() => {
                        Err("the journal is still in its old place".to_owned())
                    }
                    (0, 1) => Err("the session is archived before its document is".to_owned()),
                    (2 | 3, 0)
                        if attached
                            .live
                            .as_ref()
                            .is_some_and(|live| live.newest.record.seq == 1) =>
                    {
                        Err("the session is not archived any more".to_owned())
                    }
                    _ => Ok(()),
                }
            })
            .checked_after(move |disk, expected| {
                let document = disk.bytes(&archived);
                let is_whole = document.as_deref() == Some(doc("v1").as_bytes());
                let is_due = 1 <= expected.progress.acknowledged;
                if !is_whole && (is_due || document.is_some()) {
                    return Err(format!("the archive has {document:?}"));
                }
                let moved = disk.bytes(&at("state/archive/x.journal.jsonl"));
                let is_kept = moved.as_ref().is_some_and(|moved| moved.starts_with(&kept));
                match expected.progress.acknowledged {
                    4 if !is_kept => Err("the journal is not in the archive".to_owned()),
                    _ if moved.is_some() && !is_kept => {
                        Err("the archive has another journal".to_owned())
                    }
                    _ => Ok(()),
                }
            }),
    ]
}

/// A step that makes, replaces, moves or removes a file, and what is there before and after.
struct Step {
    what: &'static str,
    run: fn(&SimDisk) -> Ran,
    before: &'static [(&'static str, &'static str)],
    after: &'static [(&'static str, &'static str)],
}

/// Writes, moves and removes other files.
pub(crate) fn files() -> Vec<Scenario> {
    let steps = [
        Step {
            what: "write a new file",
            run: |disk| {
                let store = store(disk)?;
                lock(&store)?.write_new(&at("plans/new.md"), b"new")?;
                Ok(())
            },
            before: &[],
            after: &[("plans/new.md", "new")],
        },
        Step {
            what: "write a new file in a new directory",
            run: |disk| {
                let store = store(disk)?;
                lock(&store)?.write_new(&at("state/contexts/new/a.json"), b"new")?;
                Ok(())
            },
            before: &[],
            after: &[("state/contexts/new/a.json", "new")],
        },
        Step {
            what: "copy a file",
            run: |disk| {
                let store = store(disk)?;
                lock(&store)?.copy_to_new(&at("plans/old.md"), &at("plans/archive/old.md"))?;
                Ok(())
            },
            before: &[("plans/old.md", "old")],
            after: &[("plans/old.md", "old"), ("plans/archive/old.md", "old")],
        },
        Step {
            what: "move a file",
            run: |disk| {
                let store = store(disk)?;
                lock(&store)?.move_new(&at("plans/old.md"), &at("plans/archive/old.md"))?;
                Ok(())
            },
            before: &[("plans/old.md", "old")],
            after: &[("plans/archive/old.md", "old")],
        },
        Step {
            what: "rename a file",
            run: |disk| {
                let store = store(disk)?;
                lock(&store)?.move_new(&at("plans/old.md"), &at("plans/older.md"))?;
                Ok(())
            },
            before: &[("plans/old.md", "old")],
            after: &[("plans/older.md", "old")],
        },
        Step {
            what: "remove a file",
            run: |disk| {
                let (store, hash) = (store(disk)?, ContentHash::of(b"old"));
                match lock(&store)?.remove_if_hash(&at("plans/archive/old.md"), hash)? {
                    Removal::Removed => Ok(()),
                    removal => Err(Failure::new(format!("{removal:?}"), None)),
                }
            },
            before: &[("plans/archive/old.md", "old")],
            after: &[],
        },
        Step {
            what: "write a state file",
            run: |disk| {
                let store = store(disk)?;
                Ok(lock(&store)?.write_state_file("plans/new/a.md", b"new")?)
            },
            before: &[],
            after: &[("plans/new/a.md", "new")],
        },
        Step {
            what: "write over a state file",
            run: |disk| {
                let store = store(disk)?;
                Ok(lock(&store)?.write_state_file("plans/old.md", b"new")?)
            },
            before: &[("plans/old.md", "old")],
            after: &[("plans/old.md", "new")],
        },
    ];
    steps.into_iter().map(Step::scenario).collect()
}

impl Step {
    fn scenario(self) -> Scenario {
        let Self { what, run, before, after } = self;
        let base = with_texts(&["v1"]);
        for (path, text) in before {
            base.put(&at(path), text.as_bytes(), Reach::Disk);
        }
        let run_once = move |disk: &SimDisk| {
            run(disk)?;
            disk.acknowledge();
            Ok(())
        };
        let check = move |disk: &SimDisk, expected: &Expectation| {
            let is_done = expected.progress.acknowledged > 0;
            check_files(disk, before, after, is_done)?;
            if !is_done && lists(disk, before) {
                // What was not done can be done.
                run(disk).map_err(|failure| format!("again: {failure}"))?;
                check_files(disk, before, after, true)?;
            }
            Ok(())
        };
        Scenario::steps(what, base, &[v1()], run_once).checked_after(check)
    }
}

type Listed = [(&'static str, &'static str)];

/// Nothing is lost, and nothing is there in part; once it is done, all is as it should be.
fn check_files(
    disk: &SimDisk,
    before: &Listed,
    after: &Listed,
    is_done: bool,
) -> Result<(), String> {
    let found = other_files(disk);
    for (path, text) in &found {
        let is_known =
            before.iter().chain(after).any(|(name, known)| *path == at(name) && text == known);
        if !is_known {
            return Err(format!("{} has {text:?}", path.display()));
        }
    }
    if is_done && !lists(disk, after) {
        return Err(format!("it was done, but there is {found:?}"));
    }
    let has_text = |text: &str| found.iter().any(|(_, found)| found == text);
    let stays = |text: &str| after.iter().any(|(_, after)| *after == text);
    let lost = before.iter().find(|(_, text)| stays(text) && !has_text(text));
    match lost {
        Some((path, _)) => Err(format!("what was in {path} is lost")),
        None => Ok(()),
    }
}

fn lists(disk: &SimDisk, files: &Listed) -> bool {
    let found = other_files(disk);
    let mut expected: Vec<(PathBuf, String)> =
        files.iter().map(|(path, text)| (at(path), (*text).to_owned())).collect();
    expected.sort();
    found == expected
}

/// The files below `plans/` and `state/contexts/`, with their texts.
fn other_files(disk: &SimDisk) -> Vec<(PathBuf, String)> {
    let is_other =
        |path: &PathBuf| path.starts_with(at("plans")) || path.starts_with(at("state/contexts"));
    let files = disk.files().into_iter().filter(|(path, _)| is_other(path));
    files.map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned())).collect()
}
