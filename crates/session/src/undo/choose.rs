//! Which operation is undone: the newest that is not, or the one that was named.
//!
//! Pure: looks at operations, touches nothing.

use std::collections::BTreeMap;

use maestro_state_store::journal::{History, Newest};
use serde_json::Value;
use uuid::Uuid;

use crate::undo::UndoError;

/// The name of the command in the journal.
pub(crate) const COMMAND: &str = "undo";

/// The operation that an operation undoes, if it is an undo.
pub(crate) fn target_of(command: &Value) -> Option<Uuid> {
    if command.get("command")?.as_str()? != COMMAND {
        return None;
    }
    command.get("undoes")?.as_str()?.parse().ok()
}

/// What is undone at present, each with the number of the operation that undid it.
pub(crate) fn undone(operations: &[Newest]) -> BTreeMap<Uuid, u64> {
    let mut undone = BTreeMap::new();
    // An undo comes after what it undoes, so the newest say first which of the older ones count.
    for operation in operations.iter().rev().filter(|operation| !operation.abandoned) {
        let record = &operation.record;
        if !undone.contains_key(&record.operation.id)
            && let Some(target) = target_of(&record.operation.command)
        {
            undone.insert(target, record.seq);
        }
    }
    undone
}

/// Finds the newest operation that changed a document that was there, is no undo itself and is not undone; nothing if
/// there is none in what was read.
pub(crate) fn newest(history: &History) -> Option<&Newest> {
    let undone = undone(history.operations());
    history.operations().iter().rev().find(|operation| {
        let record = &operation.record;
        changed_something(operation)
            && record.before.is_some()
            && target_of(&record.operation.command).is_none()
            && !undone.contains_key(&record.operation.id)
    })
}

/// Refuses an operation that left nothing to undo.
pub(crate) fn check(history: &History, operation: &Newest) -> Result<(), UndoError> {
    let record = &operation.record;
    let seq = record.seq;
    if operation.abandoned {
        return Err(UndoError::NeverTookEffect { seq });
    }
    if let Some(by) = undone(history.operations()).get(&record.operation.id) {
        return Err(UndoError::UndoneAlready { seq, by: *by });
    }
    if !changed_something(operation) {
        return Err(UndoError::ChangedNothing { seq });
    }
    Ok(())
}

/// Whether an operation took effect and left another document than it found.
fn changed_something(operation: &Newest) -> bool {
    !operation.abandoned && operation.record.before != Some(operation.record.after)
}
