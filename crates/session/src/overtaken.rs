//! Edits by hand that were made on an older text than the last one, and so take back what came in between.
//!
//! A model or an editor reads the session file, takes its time, and saves the whole of it. What we changed meanwhile is
//! not in that text. The edit is kept as it is, and those changes are made again on it. Which text an edit was made on
//! its `updated` says: every operation changes it, and whoever edits something else leaves it alone. A text that is
//! exactly an older one was put back on purpose, and nothing is made again.
//!
//! What is left to be made again is said by the newest operation, so that whoever comes next goes on with it should we die.

use std::collections::{BTreeMap, BTreeSet};

use maestro_session_model::{Command, Document, SessionId, Timestamp};
use maestro_state_store::journal::{History, Newest};
use maestro_state_store::{ActorKind, ContentHash, Operation};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::error::SessionError;
use crate::undo::{gone, target_of};
use crate::workspace::Workspace;

/// The member of a recorded command that lists which operations are to be made again after it.
const AGAIN: &str = "again";

/// The member that says which operation it makes again.
pub(crate) const AGAIN_OF: &str = "again_of";

/// The member of a recorded edit that says on which operation's text it was made, if not on the last one.
const MADE_ON: &str = "made_on";

/// How many operations an edit may be late.
const MAX_LATE: usize = 256;

impl Workspace {
    /// Returns what the record of an edit is to say besides: nothing for an edit of the last text, unless that was one on which
    /// something is still to be made again.
    ///
    /// Of a journal that is damaged, what is sound behind the damage counts. One that cannot be read now is an error, because
    /// what it would have said must not be forgotten.
    pub(crate) fn details_of_edit(
        &self,
        edit: &Document,
    ) -> Result<Map<String, Value>, SessionError> {
        let id = &edit.session().session_id;
        let wants_more = |history: &History| history.operations().len() < MAX_LATE;
        let history = match self.store.recent_history(id, &wants_more) {
            Ok(history) => history,
            Err(error) if error.code() == "CORRUPT" => self.store.sound_end(id)?,
            Err(error) => return Err(error.into()),
        };
        let Some(late) = history.and_then(|history| late(&history, edit)) else {
            return Ok(Map::new());
        };
        let mut details = Map::new();
        if let Some(made_on) = late.made_on {
            details.insert(MADE_ON.to_owned(), made_on.into());
        }
        if !late.overtaken.is_empty() {
            details.insert(AGAIN.to_owned(), json!(late.overtaken));
        }
        Ok(details)
    }

    /// Returns what is left to be made again at the end of a journal: what its newest operation says, and one that was
    /// abandoned and neither made again nor refused.
    pub(crate) fn left_at_the_end(&self, id: &SessionId) -> Vec<Uuid> {
        let history = match self.store.recent_history(id, &|h| h.operations().len() < MAX_LATE) {
            Err(_) => self.store.sound_end(id),
            history => history,
        };
        let Ok(Some(history)) = history else { return Vec::new() };
        let operations = history.operations();
        let newest = operations.iter().rfind(|operation| !operation.abandoned);
        let mut left =
            newest.map_or_else(Vec::new, |newest| again(&newest.record.operation.command));
        let ordered =
            operations.iter().rfind(|op| op.record.operation.actor.kind != ActorKind::External);
        let waits = |op: &&Newest| op.abandoned && !op.settled && !op.archived;
        left.extend(ordered.filter(waits).map(|op| op.record.operation.id));
        left
    }

    /// Returns the operations that `newest` leaves to be made again, in order.
    pub(crate) fn left_by(
        &self,
        id: &SessionId,
        newest: &Operation,
    ) -> Result<Vec<Operation>, SessionError> {
        let ids = again(&newest.command);
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let has_all = |history: &History| {
            let known: BTreeSet<Uuid> =
                history.operations().iter().map(|op| op.record.operation.id).collect();
            ids.iter().all(|id| known.contains(id))
        };
        let history = match self.store.recent_history(id, &|history| !has_all(history)) {
            Err(error) if error.code() == "CORRUPT" => self.store.sound_end(id)?,
            history => history?,
        };
        let operations = history.iter().flat_map(History::operations);
        let operations: BTreeMap<Uuid, &Operation> =
            operations.map(|op| (op.record.operation.id, &op.record.operation)).collect();
        // In the order in which they were made at first, which is not that of the journal.
        Ok(ids.iter().filter_map(|id| operations.get(id).copied().cloned()).collect())
    }
}

/// What a record says of operations that are to be made again after it.
pub(crate) fn left(rest: &[Uuid]) -> Map<String, Value> {
    let mut marks = Map::new();
    if !rest.is_empty() {
        marks.insert(AGAIN.to_owned(), json!(rest));
    }
    marks
}

/// What a command that makes `operation` again says besides, when `rest` is still to follow.
pub(crate) fn marks(operation: Uuid, rest: &[Operation]) -> Map<String, Value> {
    let rest: Vec<Uuid> = rest.iter().map(|operation| operation.id).collect();
    let mut marks = left(&rest);
    marks.insert(AGAIN_OF.to_owned(), json!(operation));
    marks
}

/// Says what an edit that was late did, for the user; nothing for other operations.
pub(crate) fn note(command: &Value) -> Option<String> {
    let made_on = command.get(MADE_ON)?.as_u64()?;
    Some(match again(command).len() {
        0 => format!("the session file is again as operation {made_on} left it"),
        1 => {
            format!("the edit was made on the text of operation {made_on}, before the last change")
        }
        n => format!(
            "the edit was made on the text of operation {made_on}, before the last {n} changes"
        ),
    })
}

/// The operations that a recorded command leaves to be made again.
pub(crate) fn again(command: &Value) -> Vec<Uuid> {
    let ids = command.get(AGAIN).and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(|id| id.as_str()?.parse().ok()).collect()
}

/// The operation that a recorded command makes again, if it does.
pub(crate) fn again_of(command: &Value) -> Option<Uuid> {
    command.get(AGAIN_OF)?.as_str()?.parse().ok()
}

/// An edit of a text that lacks something.
#[derive(Debug, PartialEq, Eq)]
struct Late {
    /// The number of the operation whose text it was made on, if that is not the last one.
    made_on: Option<u64>,
    /// What the text lacks and what still holds, in order.
    overtaken: Vec<Uuid>,
}

/// Finds out whether `edit` was made on a text that lacks something: on an older one than the last, or on one on which
/// changes were just being made again.
fn late(history: &History, edit: &Document) -> Option<Late> {
    let updated = edit.session().updated;
    let operations = history.operations();
    let last = operations.iter().rposition(|operation| !operation.abandoned)?;
    let is_base = |operation: &Newest| updated_by(history, operation) == Some(updated);
    let base = if is_base(&operations[last]) {
        last
    } else {
        // A text that had to give way to another edit could be seen for an instant, and be edited.
        let window = operations.len().saturating_sub(MAX_LATE);
        window + operations[window..].iter().rposition(is_base)?
    };
    // Edits by hand leave `updated` alone, so that several texts have it: one of them may have been put back as it was.
    let hash = ContentHash::of(edit.text().as_bytes());
    let is_it = |operation: &&Newest| !operation.abandoned && operation.record.after == hash;
    let put_back = operations.iter().rev().find(is_it);
    // But a late text that is saved twice is as late as it was.
    if let Some(old) = put_back.filter(|old| again(&old.record.operation.command).is_empty()) {
        return Some(Late { made_on: Some(old.record.seq), overtaken: Vec::new() });
    }
    let made_on = (base != last).then_some(operations[base].record.seq);
    let left = again(&operations[base].record.operation.command);
    let since = operations[base + 1..].iter().filter(|operation| !operation.abandoned);
    let order = Order::of(&left, since.clone());
    let gone = gone(operations);
    let overtaken = since.filter(|op| {
        let operation = &op.record.operation;
        // What was done and undone since then leaves nothing; the undo of something older is an order like any other.
        let undoes_known = target_of(&operation.command).is_some_and(|target| order.knows(target));
        operation.actor.kind != ActorKind::External
            && op.record.before != Some(op.record.after)
            && !undoes_known
    });
    let overtaken = overtaken.map(|op| op.record.operation.id);
    let overtaken = left.into_iter().chain(overtaken).filter(|id| !gone.contains_key(id));
    let mut overtaken: Vec<Uuid> = overtaken.collect();
    overtaken.sort_by_key(|id| order.place(*id));
    (!overtaken.is_empty()).then_some(Late { made_on, overtaken })
}

/// The order in which operations were made at first.
///
/// Where some were made again and others not yet, the journal has them in another: what was made again must not come after
/// what was built on it.
struct Order {
    places: BTreeMap<Uuid, usize>,
    /// Which operation makes which again, of those that have a place.
    again_of: BTreeMap<Uuid, Uuid>,
}

impl Order {
    /// The order of what was left to be made again, and of what came after it.
    fn of<'o>(left: &[Uuid], since: impl Iterator<Item = &'o Newest>) -> Self {
        let places = left.iter().copied().enumerate().map(|(place, id)| (id, place)).collect();
        let mut order = Self { places, again_of: BTreeMap::new() };
        for operation in since.map(|operation| &operation.record.operation) {
            if order.knows(operation.id) {
                continue;
            }
            if let Some(of) = again_of(&operation.command).filter(|of| order.knows(*of)) {
                order.again_of.insert(operation.id, of);
            }
            order.places.insert(operation.id, order.places.len());
        }
        order
    }

    fn knows(&self, id: Uuid) -> bool {
        self.places.contains_key(&id)
    }

    /// The place of an operation: that of the one that it makes again, if it does.
    fn place(&self, id: Uuid) -> Option<usize> {
        let mut first = id;
        // Each came before the one that makes it again.
        while let Some(of) = self.again_of.get(&first) {
            first = *of;
        }
        self.places.get(&first).copied()
    }
}

/// What the session file said in `updated` after an operation.
fn updated_by(history: &History, operation: &Newest) -> Option<Timestamp> {
    let record = &operation.record;
    if is_dated(&record.operation) && record.before != Some(record.after) {
        return Some(record.operation.time);
    }
    let text = history.text_after(record.seq).ok()?;
    Some(Document::parse(text).ok()?.session().updated)
}

/// Whether an operation writes its time into the session file, so that the text need not be read.
fn is_dated(operation: &Operation) -> bool {
    let command = &operation.command;
    let begins = command.get("command").and_then(Value::as_str) == Some("create");
    let is_ordered = || serde_json::from_value::<Command>(command.clone()).is_ok();
    operation.actor.kind != ActorKind::External && (begins || is_ordered())
}
