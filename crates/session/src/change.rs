//! Changing the active session: lock, read, decide, store.

use std::cell::RefCell;
use std::io;
use std::sync::Arc;

use maestro_session_model::{
    Command, Decision, Document, Handoff, HandoffError, HandoffReport, Phase, PhaseId, PhaseStatus,
    Progress, ReportStatus, Session, SessionId, Timestamp, decide, read_report,
};
use maestro_state_store::store::Recovered;
use maestro_state_store::{
    Actor, Change, Committed, Current, Inspected, LockedStore, Operation, Outcome,
};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::error::SessionError;
use crate::overtaken;
use crate::status::{PhaseView, startable};
use crate::workspace::Workspace;

/// How often a change is decided anew because someone edited the file in between.
pub(crate) const MAX_ATTEMPTS: u32 = 16;

/// What a command did.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Changed {
    /// The operation, as the journal knows it.
    pub operation: Uuid,
    /// The session.
    pub session_id: SessionId,
    /// The phase that the command was about, as it is now.
    pub phase: Option<PhaseView>,
    /// The status that the phase had before.
    pub before: Option<PhaseStatus>,
    /// The phases that are in progress now and were not before, in the order of the plan.
    pub started: Vec<PhaseId>,
    /// The phase that is being carried out or comes next.
    pub current_phase: Option<PhaseId>,
    /// The phases that can begin now.
    pub ready: Vec<PhaseId>,
    /// How many phases are in each status.
    pub progress: Progress,
    /// Whether all phases are done and none waits for reconciliation.
    pub ready_to_archive: bool,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// What a handoff report says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReadReport {
    /// What the agent hands over.
    pub handoff: Handoff,
    /// What is odd about the report.
    pub notes: Vec<String>,
    /// Whether the agent says that it failed, so that the phase is perhaps not to be completed.
    pub says_failed: bool,
}

impl Workspace {
    /// Carries out a command on the active session.
    ///
    /// When this returns, the change has survived. Should someone edit the file at the same moment, their edit is kept and
    /// the command is decided again on what they wrote.
    ///
    /// A command that ends a phase (complete, transition, reconcile, skip of one that failed) reads and hashes all files of
    /// that phase before, which takes as long as they are large: to know of them,
    /// [`apply_with_progress`](Self::apply_with_progress). One that is refused reads none.
    pub fn apply(&self, command: &Command) -> Result<Changed, SessionError> {
        self.apply_with_progress(command, &mut |_, _| {})
    }

    /// Does the same as [`apply`](Self::apply). A command that ends a phase first reads the files of the phase, to remember
    /// how they were; `progress` is told how many of how many, and the same again for every MiB of a large one.
    pub fn apply_with_progress(
        &self,
        command: &Command,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Changed, SessionError> {
        // Before the lock is taken: that may take long, and nobody else should have to wait for it.
        let looked_before = self.baseline_for(command, progress);
        let mut locked = self.lock()?;
        let ((before, carried), notes) =
            self.until_kept(&mut locked, |locked, current, document| {
                // What was refused a moment ago is refused again, unless the session changed just then.
                let marks = match &looked_before {
                    Some(marks) => marks.clone(),
                    None => self.baseline_in(document.session(), command, progress)?,
                };
                let origin = Origin { marks, ..self.own() };
                let carried = self.carry_out(locked, current, document, command, &origin)?;
                Ok(carried.map(|carried| (Arc::clone(document), carried)))
            })?;
        let sessions = (before.session(), carried.document.session());
        let warnings = notes.into_iter().chain(carried.warnings).collect();
        let slots = self.settings.max_concurrent.value;
        Ok(changed(carried.operation, command, sessions, slots, warnings))
    }

    /// Opens the session and makes a change to it, again on what is there then for as long as someone edits the file in
    /// between. Returns what the change returned, and what had to be put in order first.
    pub(crate) fn until_kept<T>(
        &self,
        locked: &mut LockedStore<'_>,
        mut change: impl FnMut(
            &mut LockedStore<'_>,
            Current,
            &Arc<Document>,
        ) -> Result<Option<T>, SessionError>,
    ) -> Result<(T, Vec<String>), SessionError> {
        let mut notes = Vec::new();
        for _ in 0..MAX_ATTEMPTS {
            let Opened { current, document, notes: found } = self.open_or_refuse(locked)?;
            notes.extend(found);
            match change(locked, current, &document) {
                Ok(Some(done)) => return Ok((done, notes)),
                Ok(None) => {}
                Err(error) => return Err(error.noting(notes)),
            }
        }
        Err(self.contended().noting(notes))
    }

    /// Decides a command on an opened session and stores what comes out; nothing if the file was edited meanwhile.
    pub(crate) fn carry_out(
        &self,
        locked: &mut LockedStore<'_>,
        current: Current,
        document: &Document,
        command: &Command,
        origin: &Origin,
    ) -> Result<Option<Carried>, SessionError> {
        let now = self.now_after(&current);
        let decision = decide(document.session(), command, &self.rules(command), now)?;
        let Decision { session: after, log, mut warnings } = decision;
        let time = after.updated;
        let update = document.update(after, &log).map_err(|source| SessionError::Uneditable {
            path: self.state_dir().active_session(),
            source,
        })?;
        let operation = Operation {
            id: self.env.new_id(),
            time,
            actor: origin.actor.clone(),
            command: origin.marked(recorded(command)),
            canonical: update.document.is_canonical(),
        };
        let id = operation.id;
        let text = update.document.text().to_owned();
        let change = Change { text, splices: update.splices, operation };
        let Outcome::Committed(committed) = locked.commit(current, change)? else {
            return Ok(None);
        };
        warnings.extend(pending_note(&committed));
        let document = self.remember(update.document);
        let unfinished = committed.finish_pending;
        Ok(Some(Carried {
            operation: id,
            current: committed.current,
            document,
            warnings,
            unfinished,
        }))
    }

    /// Reads a handoff report into what [`Command::Complete`] takes, with what is odd about it.
    pub fn read_report(&self, phase: &PhaseId, text: &str) -> Result<ReadReport, SessionError> {
        let report = self
            .report(text)
            .map_err(|source| SessionError::Report { phase: phase.clone(), source })?;
        Ok(ReadReport {
            handoff: Handoff::from_report(&report, text),
            notes: report.notes(),
            says_failed: report.status == Some(ReportStatus::Failure),
        })
    }

    /// Reads a report under the name of the workspace that its paths fit best.
    fn report(&self, text: &str) -> Result<HandoffReport, HandoffError> {
        let mut best = read_report(text, &self.root_names[0])?;
        for name in &self.root_names[1..] {
            if best.problems.is_empty() {
                break;
            }
            let other = read_report(text, name)?;
            if other.problems.len() < best.problems.len() {
                best = other;
            }
        }
        Ok(best)
    }

    /// Returns what a report says went wrong: its errors, else its first line that is no heading.
    pub fn failure_in_report(&self, text: &str) -> String {
        let errors = self.report(text).map(|report| report.errors).unwrap_or_default();
        if !errors.is_empty() {
            return errors.join("\n");
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.find(|line| !line.starts_with('#')).unwrap_or_default().to_owned()
    }

    /// The time of an operation that follows on `current`: later than that of the one before, whatever the clock says, so that
    /// no two texts of a session have the same `updated` by chance.
    pub(crate) fn now_after(&self, current: &Current) -> Timestamp {
        self.env.now().max(current.operation.time.next())
    }

    /// The origin of what is ordered now.
    pub(crate) fn own(&self) -> Origin {
        Origin { actor: self.env.actor.clone(), marks: Map::new() }
    }

    pub(crate) fn lock(&self) -> Result<LockedStore<'_>, SessionError> {
        Ok(self.store.lock(&self.env.holder, self.env.lock_wait)?)
    }

    /// Opens the active session, or fails because there is none.
    pub(crate) fn open_or_refuse(
        &self,
        locked: &mut LockedStore<'_>,
    ) -> Result<Opened, SessionError> {
        let (opened, notes) = self.open_session(locked)?;
        opened.ok_or_else(|| self.no_session().noting(notes))
    }

    /// Opens the active session for a change: finishes what was begun, records what was edited by hand.
    ///
    /// An operation that was recorded, but whose text never came to the file because someone edited it first, is decided
    /// again on that edit: it may have been acknowledged. Returns the session, if there is one, and otherwise what had to be
    /// put in order all the same.
    pub(crate) fn open_session(
        &self,
        locked: &mut LockedStore<'_>,
    ) -> Result<(Option<Opened>, Vec<String>), SessionError> {
        let mut notes: Vec<String> = self.finish_archiving(locked)?.into_iter().collect();
        for _ in 0..MAX_ATTEMPTS {
            // Why a text could not be inspected, other than for what is in it.
            let failed = RefCell::new(None);
            // Asked only about texts that the journal does not know; what it finds is remembered.
            let inspect = |text: &str| {
                let document = self.remember(Document::parse(text.to_owned())?);
                match self.details_of_edit(&document) {
                    Ok(details) => {
                        let session_id = document.session().session_id.clone();
                        Ok(Inspected { session_id, details })
                    }
                    Err(error) => {
                        let what = error.to_string();
                        failed.replace(Some(error));
                        Err(what.into())
                    }
                }
            };
            let opened = locked.open(&inspect, self.env.now(), self.env.new_id());
            if let Some(error) = failed.take() {
                return Err(error.noting(notes));
            }
            let opened = opened?;
            let Some(mut current) = opened else { return Ok((None, notes)) };
            // What is to be made again is told by every opening until it is settled.
            let mut left = self.left_by(&current.session_id, &current.operation)?;
            for recovered in std::mem::take(&mut current.recovered) {
                notes.push(recovered.to_string());
                match recovered {
                    Recovered::ExternalEdit { operation } => {
                        notes.extend(overtaken::note(&operation.command));
                    }
                    Recovered::Abandoned { operation } => {
                        // One that was being made again is among those that are left.
                        let of = overtaken::again_of(&operation.command);
                        if !left.iter().any(|left| Some(left.id) == of) {
                            left.push(operation);
                        }
                    }
                    _ => {}
                }
            }
            let mut document = match self.document_of(current.text.clone()) {
                Ok(document) => document,
                Err(error) => return Err(error.noting(notes)),
            };
            match self.make_all_again(locked, &mut current, &mut document, &left, &mut notes) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error) => return Err(error.noting(notes)),
            }
            return Ok((Some(Opened { current, document, notes }), Vec::new()));
        }
        Err(self.contended().noting(notes))
    }

    pub(crate) fn contended(&self) -> SessionError {
        let path = self.state_dir().active_session();
        SessionError::Contended { path, attempts: MAX_ATTEMPTS }
    }
}

/// A session that is open for a change.
pub(crate) struct Opened {
    pub(crate) current: Current,
    pub(crate) document: Arc<Document>,
    /// What had to be put in order first, for the user to know.
    pub(crate) notes: Vec<String>,
}

/// Who ordered something, and what its record says besides.
pub(crate) struct Origin {
    pub(crate) actor: Actor,
    pub(crate) marks: Map<String, Value>,
}

impl Origin {
    /// Puts the marks on a command that is to be recorded.
    pub(crate) fn marked(&self, mut command: Value) -> Value {
        if let Some(fields) = command.as_object_mut() {
            fields.extend(self.marks.clone());
        }
        command
    }
}

/// A command that was carried out.
pub(crate) struct Carried {
    pub(crate) operation: Uuid,
    pub(crate) current: Current,
    pub(crate) document: Arc<Document>,
    pub(crate) warnings: Vec<String>,
    /// Why nothing can be built on it before the next command has finished it.
    pub(crate) unfinished: Option<io::Error>,
}

/// What is left to be done for a change that is safe already.
pub(crate) fn pending_note(committed: &Committed) -> Option<String> {
    let error = committed.finish_pending.as_ref()?;
    Some(format!(
        "the change is recorded, but the session file does not show it yet ({error}); the next command \
         that changes the session finishes it"
    ))
}

/// A command as the journal keeps it.
fn recorded(command: &Command) -> Value {
    // Commands have text keys and no maps of other types: they always fit.
    serde_json::to_value(command).unwrap_or_default()
}

pub(crate) fn changed(
    operation: Uuid,
    command: &Command,
    (before, after): (&Session, &Session),
    max_concurrent: u32,
    warnings: Vec<String>,
) -> Changed {
    let id = command.phase();
    let is_running = |phase: &Phase| phase.status == PhaseStatus::InProgress;
    // No command adds a phase, takes one away or moves one.
    let phases = before.phases.iter().zip(&after.phases);
    let started = phases.filter(|(before, after)| is_running(after) && !is_running(before));
    Changed {
        operation,
        session_id: after.session_id.clone(),
        phase: id.and_then(|id| after.phase(id)).map(|phase| PhaseView::in_session(after, phase)),
        before: id.and_then(|id| before.phase(id)).map(|phase| phase.status),
        started: started.map(|(_, after)| after.id.clone()).collect(),
        current_phase: after.current_phase.clone(),
        ready: startable(after, max_concurrent),
        progress: Progress::of(after),
        ready_to_archive: after.is_ready_to_archive(),
        warnings,
    }
}
