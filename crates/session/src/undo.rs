//! Undoing operations, by operations of their own.
//!
//! An undo takes back what one operation changed in the session file, and nothing else, so it can be undone itself. Files
//! that an agent wrote are not touched, and tokens stay counted.

use maestro_archive::is_restoring;
use maestro_session_model::{Command, Document, PhaseId, Progress, SessionId};
use maestro_state_store::journal::{History, Newest};
use maestro_state_store::store::{LockedStore, Outcome};
use maestro_state_store::{Change, Current, Operation};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::change::{Carried, Origin, pending_note};
use crate::error::SessionError;
use crate::log::{LogEntry, STARTS, entry, named, phases};
use crate::status::{PhaseView, startable};
use crate::undo::choose::{check, newest};
use crate::undo::reverse::{Blocked, reverse};
use crate::workspace::Workspace;

mod choose;
mod error;
mod reverse;

pub use crate::undo::error::UndoError;

pub(crate) use crate::undo::choose::{COMMAND, Gone, gone, gone_of, target_of};

/// What an undo did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Undone {
    /// The operation, as the journal knows it. Undoing it brings back what it undid.
    pub operation: Uuid,
    /// Its number in the log.
    pub seq: u64,
    /// The session.
    pub session_id: SessionId,
    /// What was undone.
    pub undid: LogEntry,
    /// The phase that it was about, as it is now.
    pub phase: Option<PhaseView>,
    /// The phase that is being carried out or comes next.
    pub current_phase: Option<PhaseId>,
    /// The phases that can begin now.
    pub ready: Vec<PhaseId>,
    /// How many phases are in each status.
    pub progress: Progress,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What is to be undone.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target<'t> {
    /// The newest operation that is not undone and is no undo.
    Newest,
    /// The one with this number or beginning of an id.
    Named(&'t str),
    /// The one with this id, which is undone, but the session file lacks that.
    Again(&'t str),
}

impl Workspace {
    /// Undoes the newest operation that is not undone, or the one that `operation` names: its number in the log or the
    /// beginning of its id. Only so an undo is undone.
    ///
    /// The newest one leaves the session file byte for byte as it was before it. Of an older one the lines that it changed are
    /// put back, if nothing that came after it changed them too, and if no rule of the session is broken by that.
    pub fn undo(&self, operation: Option<&str>) -> Result<Undone, SessionError> {
        let target = operation.map_or(Target::Newest, Target::Named);
        let mut locked = self.lock()?;
        let origin = self.own();
        let outcome = self.until_kept(&mut locked, |locked, current, document| {
            self.carry_out_undo(locked, current, document, target, &origin)
        });
        let ((carried, undid), notes) = outcome.map_err(|error| self.of_no_session(error))?;
        Ok(self.undone(carried, undid, notes))
    }

    /// Where there is no session, but one was archived: the archiving is what was done last, and there is a way to undo it.
    fn of_no_session(&self, error: SessionError) -> SessionError {
        if !matches!(error.bare(), SessionError::NoSession { .. }) {
            return error;
        }
        let notes = error.notes().to_vec();
        match self.newest_archived() {
            Some(id) => SessionError::from(UndoError::Archived { id }).noting(notes),
            None => error,
        }
    }

    /// Undoes an operation on an opened session; nothing if the file was edited meanwhile.
    pub(crate) fn carry_out_undo(
        &self,
        locked: &mut LockedStore<'_>,
        current: Current,
        document: &Document,
        target: Target<'_>,
        origin: &Origin,
    ) -> Result<Option<(Carried, LogEntry)>, SessionError> {
        let Found { target, before, after, phase } = self.find(&current.session_id, target)?;
        let undid = entry(&target);
        let now = self.now_after(&current);
        // An order counts tokens that an agent used; an edit, or a repair, says what the counts are.
        let keeps_tokens = is_ordered(&target.record.operation.command);
        let left = reverse(document, &before, &after, phase.as_ref(), keeps_tokens, now)
            .map_err(|blocked| self.blocked(&current.session_id, &target, blocked))?;
        let mut command = json!({
            "command": COMMAND,
            "undoes": target.record.operation.id,
            "seq": target.record.seq,
            "what": undid.command,
            "phase": phase,
        });
        // So that the log of a phase that was started with others has the undo of that too.
        if let Some(started) = target.record.operation.command.get(STARTS) {
            command[STARTS] = started.clone();
        }
        let operation = Operation {
            id: self.env.new_id(),
            time: now,
            actor: origin.actor.clone(),
            command: origin.marked(command),
            canonical: left.is_canonical(),
        };
        let id = operation.id;
        let change = Change::between(&current, left.text().to_owned(), operation);
        let Outcome::Committed(committed) = locked.commit(current, change)? else {
            return Ok(None);
        };
        let warnings = pending_note(&committed).into_iter().collect();
        let document = self.remember(left);
        let carried = Carried {
            operation: id,
            current: committed.current,
            document,
            warnings,
            unfinished: committed.finish_pending,
        };
        Ok(Some((carried, undid)))
    }

    /// Finds what is to be undone in the journal, read as far back as that takes.
    fn find(&self, id: &SessionId, target: Target<'_>) -> Result<Found, SessionError> {
        let choose = |history: &History| match target {
            Target::Newest => newest(history).cloned().ok_or(UndoError::NothingLeft.into()),
            Target::Named(name) | Target::Again(name) => named(history, name).cloned(),
        };
        let lacks_it = |history: &History| match choose(history) {
            Ok(found) => !matches!(history.text_before(found.record.seq), Ok(Some(_))),
            Err(_) => true,
        };
        let history = self.store.recent_history(id, &lacks_it)?;
        let history = history.ok_or_else(|| SessionError::NoJournal { session_id: id.clone() })?;
        let found = choose(&history)?;
        if !matches!(target, Target::Again(_)) {
            check(&history, &found)?;
        }
        let target = found;
        let seq = target.record.seq;
        let command = target.record.operation.command.get("command");
        if command.and_then(serde_json::Value::as_str) == Some("create") {
            return Err(UndoError::IsTheBeginning { seq }.into());
        }
        if is_restoring(&target.record.operation.command) {
            return Err(UndoError::BroughtBack { seq }.into());
        }
        let before = history.text_before(seq)?.ok_or(UndoError::NotKept { seq })?;
        let after = history.text_after(seq)?;
        let phase = entry(&target).phase;
        Ok(Found { target, before, after, phase })
    }

    fn blocked(&self, id: &SessionId, target: &Newest, blocked: Blocked) -> SessionError {
        let seq = target.record.seq;
        match blocked {
            Blocked::Entangled => {
                let later = self.later_on_the_same(id, target);
                UndoError::Entangled { seq, later }.into()
            }
            Blocked::BreaksRules(rules) => UndoError::BreaksRules { seq, rules }.into(),
            Blocked::NoSession => UndoError::NotKept { seq }.into(),
        }
    }

    /// The operations after `target` that may have changed the same lines, the newest first: those on the same phases, and
    /// edits.
    fn later_on_the_same(&self, id: &SessionId, target: &Newest) -> Vec<u64> {
        let Ok(Some(history)) = self.store.history(id) else { return Vec::new() };
        let seq = target.record.seq;
        let same = phases(&target.record.operation.command);
        let gone = gone(history.operations());
        let later = history.operations().iter().rev().take_while(|later| later.record.seq > seq);
        let later = later.filter(|later| {
            let operation = &later.record.operation;
            let its = phases(&operation.command);
            let is_same = same.is_empty() || its.iter().any(|phase| same.contains(phase));
            let is_edit = its.is_empty() && target_of(&operation.command).is_none();
            !later.abandoned
                && later.record.before != Some(later.record.after)
                && !gone.contains_key(&operation.id)
                && (is_same || is_edit)
        });
        later.map(|later| later.record.seq).collect()
    }

    fn undone(&self, carried: Carried, undid: LogEntry, mut notes: Vec<String>) -> Undone {
        let session = carried.document.session();
        let phase = undid.phase.as_ref().and_then(|id| session.phase(id));
        notes.extend(carried.warnings);
        Undone {
            operation: carried.operation,
            seq: carried.current.seq,
            session_id: session.session_id.clone(),
            phase: phase.map(|phase| PhaseView::in_session(session, phase)),
            undid,
            current_phase: session.current_phase.clone(),
            ready: startable(session, self.settings.max_concurrent.value),
            progress: Progress::of(session),
            warnings: notes,
        }
    }
}

/// Whether a recorded command is an order on the session, or takes one back.
fn is_ordered(command: &serde_json::Value) -> bool {
    target_of(command).is_some() || serde_json::from_value::<Command>(command.clone()).is_ok()
}

/// An operation that is to be undone, with the texts on both sides of it.
struct Found {
    target: Newest,
    before: String,
    after: String,
    phase: Option<PhaseId>,
}
