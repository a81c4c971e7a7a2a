//! Another process that comes in the middle of every call of a commit.

use std::sync::{Arc, Mutex};

use maestro_testutils::{Call, SimDisk, Weakness};

use crate::fixture::{doc, session_id, try_commit};
use crate::power::judge::reopen;
use crate::power::world::{Failure, Ran, finished, lock, store, with_texts};

/// Adds a line to the document.
fn add_line(disk: &SimDisk, n: u128, line: &str) -> Ran {
    let store = store(disk)?;
    let mut locked = lock(&store)?;
    let current = reopen(&mut locked, disk)?.ok_or(Failure::new("no session".to_owned(), None))?;
    let text = format!("{}{line}\n", current.text);
    finished(try_commit(&mut locked, current, n, &text))?;
    Ok(())
}

/// What came of two processes, of which the second came in the middle of a call of the first.
pub(crate) struct Meeting {
    /// Whether the first had the lock then.
    pub(crate) is_held: bool,
    pub(crate) first: Ran,
    pub(crate) second: Ran,
    /// What is wrong afterwards.
    pub(crate) violation: Option<String>,
}

/// Lets the second process come at every call of the first.
pub(crate) fn meetings(weakness: Option<Weakness>) -> Vec<Meeting> {
    let base = with_texts(&["v1"]);
    let calls = {
        let disk = base.copy();
        disk.count_calls();
        add_line(&disk, 2, "first").unwrap();
        disk.calls()
    };
    let opens_lock = calls.iter().position(|(call, _)| *call == Call::OpenLock).unwrap();
    let meet = |index: usize| {
        let disk = base.copy();
        if let Some(weakness) = weakness {
            disk.weaken(weakness);
        }
        disk.count_calls();
        let (told, other) = (Arc::new(Mutex::new(Ok(()))), disk.another());
        let second = Arc::clone(&told);
        disk.at(index, move || *second.lock().unwrap() = add_line(&other, 3, "second"));
        let first = add_line(&disk, 2, "first");
        let second = told.lock().unwrap().clone();
        let violation = check(&disk, &[("first", &first), ("second", &second)]).err();
        Meeting { is_held: opens_lock < index, first, second, violation }
    };
    (0..calls.len()).map(meet).collect()
}

/// Every line that was acknowledged is there once, and work goes on.
fn check(disk: &SimDisk, told: &[(&str, &Ran)]) -> Result<(), String> {
    add_line(disk, 4, "next").map_err(|failure| format!("the next command: {failure}"))?;
    let store = store(disk).map_err(|failure| failure.to_string())?;
    let read = store.read().map_err(|error| error.to_string())?;
    let text = read.ok_or("there is no session")?.text;
    for (line, told) in told {
        let times = text.lines().filter(|found| found == line).count();
        if times != usize::from(told.is_ok()) {
            return Err(format!("{told:?}, but {line:?} is there {times} times"));
        }
    }
    let history = store.history(&session_id()).map_err(|error| error.to_string())?;
    let last = history.ok_or("there is no journal")?.last_document();
    match last.map_err(|error| error.to_string())? {
        Some(last) if last == text && text.starts_with(&doc("v1")) => Ok(()),
        last => Err(format!("the journal ends with {last:?}")),
    }
}
