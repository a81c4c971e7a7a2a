//! What happened to a session, as its journal has it.

use maestro_session_model::{Document, PhaseId, SessionId, Timestamp};
use maestro_state_store::journal::{ActorKind, History, Newest};
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::error::SessionError;
use crate::status::SessionView;
use crate::undo::{Gone, gone, target_of};
use crate::workspace::Workspace;

/// Which entries of the log to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Only those about this phase, and those that start it.
    pub phase: Option<PhaseId>,
    /// Only those by this kind of actor.
    pub actor: Option<ActorKind>,
    /// Only the newest so many.
    pub limit: Option<usize>,
}

/// The log of a session.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Log {
    /// The session.
    pub session_id: SessionId,
    /// The operations, the oldest first.
    pub entries: Vec<LogEntry>,
}

/// An operation.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LogEntry {
    /// The place in the journal, from 1.
    pub seq: u64,
    /// The identity.
    pub operation: Uuid,
    /// When it was decided.
    pub time: Timestamp,
    /// The way in which it came.
    pub actor: ActorKind,
    /// The agent or user, where known.
    pub name: Option<String>,
    /// What was asked for.
    pub command: String,
    /// The phase that it is about.
    pub phase: Option<PhaseId>,
    /// What it says, on one line.
    pub summary: String,
    /// What became of it.
    pub state: EntryState,
    /// How many bytes of the document it removed and inserted.
    pub changed_bytes: (usize, usize),
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    /// It is made, and the file shows it.
    Done,
    /// It is made; the next command finishes what the file needs.
    Pending,
    /// It never took effect.
    Abandoned,
    /// It was undone since.
    Undone,
    /// An edit by hand that was made on an older text took it back, and it was made again.
    Overtaken,
}

impl Workspace {
    /// Returns what happened to the active session, the oldest first. Takes no lock.
    pub fn log(&self, filter: &LogFilter) -> Result<Log, SessionError> {
        read_log(filter, |wants_more| self.history(wants_more))
    }

    /// Returns the document as an operation left it; the newest operation, when none is named.
    ///
    /// `operation` is its number or the beginning of its id. Takes no lock.
    pub fn recorded_document(&self, operation: Option<&str>) -> Result<String, SessionError> {
        let Some(name) = operation else {
            let is_empty = |history: &History| !history.operations().iter().any(|op| !op.abandoned);
            let (_, history) = self.history(&is_empty)?;
            return history.last_document()?.ok_or_else(|| self.no_session());
        };
        let (_, history) = self.history(&|_| true)?;
        let seq = named(&history, name)?.record.seq;
        Ok(history.text_after(seq)?)
    }

    /// The journal of the active session, as far back as `wants_more` says. An unreadable session file does not hide it.
    pub(crate) fn history(
        &self,
        wants_more: &dyn Fn(&History) -> bool,
    ) -> Result<(SessionId, History), SessionError> {
        let id = match self.read_file() {
            Ok(Some(document)) => Some(document.session().session_id.clone()),
            Err(error @ SessionError::OtherSession { .. }) => return Err(error),
            Ok(None) | Err(_) => None,
        };
        let id = match id {
            Some(id) => Some(id),
            None => self.only_journal()?,
        };
        let id = id.ok_or_else(|| self.no_session())?;
        self.refuse_other(&id)?;
        match self.store.recent_history(&id, wants_more)? {
            Some(history) => Ok((id, history)),
            None => Err(SessionError::NoJournal { session_id: id }),
        }
    }

    /// The session whose journal is not archived, for when the session file does not say; nothing if there are two.
    fn only_journal(&self) -> Result<Option<SessionId>, SessionError> {
        let is_live = |id: &SessionId| {
            let newest_only = self.store.recent_history(id, &|_| false);
            newest_only.ok().flatten().is_none_or(|history| {
                let mut operations = history.operations().iter().rev();
                operations.next().is_some_and(|op| !op.archived && !op.abandoned)
                    || operations.any(|op| !op.archived && !op.abandoned)
            })
        };
        let mut ids = self.store.journals()?.into_iter().filter(is_live);
        Ok(ids.next().filter(|_| ids.next().is_none()))
    }

    /// Returns the session as its journal has it last, for when its file cannot be read: the operation's number and time, and
    /// where the session stood. Takes no lock.
    pub fn last_recorded(&self) -> Result<Option<Recorded>, SessionError> {
        let lacks_text = |history: &History| !matches!(history.last_document(), Ok(Some(_)));
        let (_, history) = match self.history(&lacks_text) {
            Ok(found) => found,
            Err(SessionError::NoSession { .. } | SessionError::NoJournal { .. }) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let Some(newest) = history.operations().iter().rfind(|op| !op.abandoned) else {
            return Ok(None);
        };
        let text = history.text_after(newest.record.seq)?;
        let path = self.state_dir().active_session();
        let document =
            Document::parse(text).map_err(|source| SessionError::Corrupt { path, source })?;
        Ok(Some(Recorded {
            seq: newest.record.seq,
            time: newest.record.operation.time,
            session: self.view(&document),
        }))
    }
}

/// The log of the journal that `read` returns, as far back as it is asked for.
pub(crate) fn read_log(
    filter: &LogFilter,
    read: impl FnOnce(&dyn Fn(&History) -> bool) -> Result<(SessionId, History), SessionError>,
) -> Result<Log, SessionError> {
    let shows = |operation: &Newest| {
        let operation = &operation.record.operation;
        filter.phase.as_ref().is_none_or(|id| phases(&operation.command).contains(id))
            && filter.actor.is_none_or(|kind| operation.actor.kind == kind)
    };
    let found = |history: &History| -> Vec<LogEntry> {
        let gone = gone(history.operations());
        let operations = history.operations().iter().filter(|operation| shows(operation));
        let entries = operations.map(|operation| {
            let entry = entry(operation);
            let state = match gone.get(&entry.operation) {
                Some(Gone::Undone(_)) => EntryState::Undone,
                Some(Gone::MadeAgain(_)) if !operation.abandoned => EntryState::Overtaken,
                Some(Gone::MadeAgain(_)) | None => entry.state,
            };
            LogEntry { state, ..entry }
        });
        entries.collect()
    };
    // A long journal is read as far back as there is something to show.
    let wants_more =
        |history: &History| filter.limit.is_none_or(|limit| found(history).len() < limit);
    let (session_id, history) = read(&wants_more)?;
    let mut entries = found(&history);
    if let Some(limit) = filter.limit {
        entries.drain(..entries.len().saturating_sub(limit));
    }
    Ok(Log { session_id, entries })
}

/// A session as its journal has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recorded {
    /// The number of the newest operation.
    pub seq: u64,
    /// Its time.
    pub time: Timestamp,
    /// Where the session stood after it.
    pub session: SessionView,
}

/// How much of an id has to be said at least.
const MIN_ID_BYTES: usize = 4;

/// Finds the operation with the number that `name` is, or with an id that begins so.
pub(crate) fn named<'h>(history: &'h History, name: &str) -> Result<&'h Newest, SessionError> {
    // Ids begin with digits too, so a number counts only as it is shown.
    let by_number = name.parse::<u64>().ok().filter(|number| number.to_string() == name);
    let operations = history.operations();
    if let Some(found) = operations.iter().find(|op| Some(op.record.seq) == by_number) {
        return Ok(found);
    }
    let begins = name.to_ascii_lowercase();
    let is_named = |op: &&Newest| op.record.operation.id.to_string().starts_with(&begins);
    let mut found = operations.iter().filter(|_| MIN_ID_BYTES <= name.len()).filter(is_named);
    match (found.next(), found.next()) {
        (Some(operation), None) => Ok(operation),
        (found, _) => Err(SessionError::OperationNotFound {
            operation: name.to_owned(),
            is_ambiguous: found.is_some(),
        }),
    }
}

/// The phases that a recorded command is about: first its own, then those that it starts.
pub(crate) fn phases(command: &Value) -> Vec<PhaseId> {
    let own = command.get("phase").and_then(|id| PhaseId::deserialize(id).ok());
    own.into_iter().chain(starts(command)).collect()
}

/// The phases that a recorded command names as those that begin with it.
fn starts(command: &Value) -> Vec<PhaseId> {
    let ids = command.get(STARTS).and_then(Value::as_array).into_iter().flatten();
    ids.filter_map(|id| PhaseId::deserialize(id).ok()).collect()
}

pub(crate) fn entry(newest: &Newest) -> LogEntry {
    let record = &newest.record;
    let operation = &record.operation;
    let text = |key: &str| operation.command.get(key).and_then(|value| value.as_str());
    let phase = phases(&operation.command).into_iter().next();
    let command = text("command").or_else(|| text("name")).unwrap_or("unknown").to_owned();
    let state = if newest.abandoned {
        EntryState::Abandoned
    } else if newest.done || newest.archived {
        EntryState::Done
    } else {
        EntryState::Pending
    };
    LogEntry {
        seq: record.seq,
        operation: operation.id,
        time: operation.time,
        actor: operation.actor.kind,
        name: operation.actor.name.clone(),
        summary: summary(&operation.command),
        command,
        phase,
        state,
        changed_bytes: (
            record.splices.iter().map(|splice| splice.remove.len()).sum(),
            record.splices.iter().map(|splice| splice.insert.len()).sum(),
        ),
    }
}

/// The member of a recorded command that says which phases begin with it.
pub(crate) const STARTS: &str = "start";

/// Where a command may say something telling, the most telling first.
const WORDS: [&str; 7] =
    ["/failure/message", "/reason", "/resolution", "/task", "/agent", "/status", "/archived_as"];

/// The most telling words of a command: what failed, why something was skipped, what was handed over or undone, what begins.
fn summary(command: &Value) -> String {
    if target_of(command).is_some() {
        let what = command.get("what").and_then(|what| what.as_str()).unwrap_or_default();
        let seq = command.get("seq").and_then(Value::as_u64).unwrap_or_default();
        let phase = command.get("phase").filter(|phase| !phase.is_null());
        let phase = phase.map(|phase| format!(" {}", phase.to_string().trim_matches('"')));
        return format!("operation {seq}: {what}{}", phase.unwrap_or_default());
    }
    let found = command.get("found").and_then(|found| found.as_array());
    if let Some(found) = found {
        let codes: Vec<&str> = found.iter().filter_map(|code| code.as_str()).collect();
        return codes.join(", ");
    }
    let words = WORDS.iter().find_map(|path| command.pointer(path)?.as_str());
    if let Some(words) = words {
        return one_line(words);
    }
    match command.get("command").and_then(Value::as_str) {
        Some("transition") => {
            let ids: Vec<String> = starts(command).iter().map(ToString::to_string).collect();
            let mut parts = handed_over(command);
            parts.extend((!ids.is_empty()).then(|| format!("starts {}", ids.join(", "))));
            parts.extend(command.get("batch").map(|batch| named_value("batch", batch)));
            parts.join(", ")
        }
        Some("configure") => {
            let changes = command.get("changes").and_then(Value::as_object).into_iter().flatten();
            let changes = changes.map(|(name, value)| named_value(name, value));
            changes.collect::<Vec<_>>().join(", ")
        }
        _ => handed_over(command).join(", "),
    }
}

/// How many files a command says were handed over, of each kind.
fn handed_over(command: &Value) -> Vec<String> {
    let Some(handoff) = command.get("handoff") else { return Vec::new() };
    let count = |key: &str| handoff.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    let files = [
        (count("files_created"), "created"),
        (count("files_modified"), "modified"),
        (count("files_deleted"), "deleted"),
    ];
    let files = files.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}"));
    files.collect()
}

fn named_value(name: &str, value: &Value) -> String {
    format!("{name} {}", one_line(value.as_str().unwrap_or("none")))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
