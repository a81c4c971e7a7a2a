//! Which operation is undone: the newest that is not, or the one that was named.
//!
//! Pure: looks at operations, touches nothing.

use std::collections::BTreeMap;

use maestro_state_store::journal::{ActorKind, History, Newest};
use serde_json::Value;
use uuid::Uuid;

use crate::overtaken::{again, again_of};
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

/// Why an operation that took effect does not hold any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It was undone, by the operation with this number.
    Undone(u64),
    /// An edit took it back, and it was made again, by the operation with this number.
    MadeAgain(u64),
}

/// The operations that do not hold any more.
pub(crate) fn gone(operations: &[Newest]) -> BTreeMap<Uuid, Gone> {
    let effective = operations.iter().filter(|operation| !operation.abandoned);
    gone_of(effective.map(|operation| {
        let record = &operation.record;
        (record.seq, record.operation.id, &record.operation.command)
    }))
}

/// The same of operations that took effect, each with its number, its id and its command, the oldest first.
pub(crate) fn gone_of<'o>(
    operations: impl DoubleEndedIterator<Item = (u64, Uuid, &'o Value)>,
) -> BTreeMap<Uuid, Gone> {
    let mut gone = BTreeMap::new();
    // What undoes something or makes it again comes after it, so the newest say first which of the older ones count.
    for (seq, id, command) in operations.rev() {
        if let Some(target) = again_of(command) {
            gone.entry(target).or_insert(Gone::MadeAgain(seq));
        }
        if !gone.contains_key(&id)
            && let Some(target) = target_of(command)
        {
            gone.entry(target).or_insert(Gone::Undone(seq));
        }
    }
    gone
}

/// Finds the newest operation that changed a document that was there, is no undo itself and is not undone; nothing if
/// there is none in what was read.
///
/// Passes by edits on which changes were made again: the text before such an edit has those changes too, and whoever goes back
/// step by step has just undone them.
pub(crate) fn newest(history: &History) -> Option<&Newest> {
    let gone = gone(history.operations());
    history.operations().iter().rev().find(|operation| {
        let record = &operation.record;
        changed_something(operation)
            && record.before.is_some()
            && !is_late_edit(operation)
            && target_of(&record.operation.command).is_none()
            && !gone.contains_key(&record.operation.id)
    })
}

/// Refuses an operation that left nothing to undo.
pub(crate) fn check(history: &History, operation: &Newest) -> Result<(), UndoError> {
    let record = &operation.record;
    let seq = record.seq;
    if operation.abandoned {
        return Err(UndoError::NeverTookEffect { seq });
    }
    match gone(history.operations()).get(&record.operation.id) {
        Some(Gone::Undone(by)) => return Err(UndoError::UndoneAlready { seq, by: *by }),
        Some(Gone::MadeAgain(by)) => return Err(UndoError::MadeAgain { seq, by: *by }),
        None => {}
    }
    if !changed_something(operation) {
        return Err(UndoError::ChangedNothing { seq });
    }
    Ok(())
}

/// Whether an operation records an edit on which changes were made again.
fn is_late_edit(operation: &Newest) -> bool {
    let recorded = &operation.record.operation;
    recorded.actor.kind == ActorKind::External && !again(&recorded.command).is_empty()
}

/// Whether an operation took effect and left another document than it found.
fn changed_something(operation: &Newest) -> bool {
    !operation.abandoned && operation.record.before != Some(operation.record.after)
}
