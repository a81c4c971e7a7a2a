//! What stands in for the scripts of older versions: reading and writing files of the state dir by their names.

use maestro_session_model::{Document, broken_rules};
use maestro_state_store::store::Outcome;
use maestro_state_store::{Actor, Change, Operation};
use serde::Serialize;

use crate::archiving::is_unreadable;
use crate::change::{MAX_ATTEMPTS, Opened, pending_note};
use crate::error::SessionError;
use crate::overtaken;
use crate::workspace::Workspace;

/// What [`Workspace::write_state`] did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StateWritten {
    /// The file, as it was named.
    pub path: String,
    /// Its size.
    pub bytes: usize,
    /// Whether it is the session file, so that the write was checked and journalled as an edit by hand.
    pub is_session: bool,
    /// What else the user should know.
    pub notes: Vec<String>,
}

impl Workspace {
    /// Reads a file of the state dir.
    ///
    /// `path` is relative to the workspace (`docs/maestro/plans/plan.md`), or begins with `state/` or `plans/` and is relative
    /// to the state dir. It may not lead out of the state dir, through links neither.
    pub fn read_state(&self, path: &str) -> Result<Vec<u8>, SessionError> {
        let content = self.store.read_state_file(path)?;
        content.ok_or_else(|| SessionError::NoSuchFile { path: path.to_owned() })
    }

    /// Writes a file of the state dir in one step.
    ///
    /// The session file is checked first and recorded as an edit by hand; lock, journals, ledgers, archive and quarantine
    /// are refused.
    pub fn write_state(&self, path: &str, content: &[u8]) -> Result<StateWritten, SessionError> {
        let mut written = StateWritten {
            path: path.to_owned(),
            bytes: content.len(),
            is_session: self.store.is_active_session(path),
            notes: Vec::new(),
        };
        if written.is_session {
            written.notes = self.write_session_file(content)?;
        } else {
            self.state_dir().create()?;
            self.lock()?.write_state_file(path, content)?;
        }
        Ok(written)
    }

    /// Returns the text of the session file, if there is one. Takes no lock, and does not ask whether it is readable.
    pub fn active(&self) -> Result<Option<String>, SessionError> {
        Ok(self.store.read()?.map(|stored| stored.text))
    }

    /// Makes `content` the session file, as a person would who saves it in an editor; returns what the user should know.
    fn write_session_file(&self, content: &[u8]) -> Result<Vec<String>, SessionError> {
        let path = self.state_dir().active_session();
        let text = str::from_utf8(content)
            .map_err(|_| SessionError::NotText { path: path.clone() })?
            .to_owned();
        let document = Document::parse(text.clone())
            .map_err(|source| SessionError::Rejected { path: path.clone(), source })?;
        self.state_dir().create()?;
        let mut locked = self.lock()?;
        let mut notes = Vec::new();
        for _ in 0..MAX_ATTEMPTS {
            let mut operation = Operation {
                id: self.env.new_id(),
                time: self.env.now(),
                actor: Actor::EXTERNAL,
                command: serde_json::json!({ "command": "external_edit", "by": self.env.actor }),
                canonical: document.is_canonical(),
            };
            let id = &document.session().session_id;
            let outcome = match self.open_session(&mut locked) {
                Ok((Some(Opened { current, notes: found, .. }), _))
                    if current.session_id == *id =>
                {
                    notes.extend(found);
                    operation.time = self.now_after(&current);
                    self.say_what_it_lacks(&document, &mut operation, &mut notes)?;
                    locked.commit(
                        current.clone(),
                        Change::between(&current, text.clone(), operation),
                    )?
                }
                Ok((None, found)) => {
                    notes.extend(found);
                    Outcome::Committed(locked.create(id, text.clone(), operation)?)
                }
                // Another session, which is refused.
                Ok(_) => locked.replace(id, text.clone(), operation)?,
                // Nothing readable, which is set aside if it is known to nobody.
                Err(error) if is_unreadable(&error) => {
                    notes.extend(error.notes().to_vec());
                    self.say_what_it_lacks(&document, &mut operation, &mut notes)?;
                    locked.replace(id, text.clone(), operation)?
                }
                Err(error) => return Err(error.noting(notes)),
            };
            // Displaced: someone saved the file at the same moment. Theirs is recorded first, then ours follows.
            if let Outcome::Committed(committed) = outcome {
                notes.extend(pending_note(&committed));
                notes.extend(broken_rules(document.session()));
                // What the text lacks because its author began with an older one is made again at once.
                if !overtaken::again(&committed.current.operation.command).is_empty() {
                    notes.extend(self.open_or_refuse(&mut locked)?.notes);
                }
                return Ok(notes);
            }
        }
        Err(self.contended().noting(notes))
    }

    /// Puts into the record of an edit what its text lacks.
    fn say_what_it_lacks(
        &self,
        edit: &Document,
        operation: &mut Operation,
        notes: &mut Vec<String>,
    ) -> Result<(), SessionError> {
        if let Some(fields) = operation.command.as_object_mut() {
            fields.extend(self.details_of_edit(edit)?);
        }
        notes.extend(overtaken::note(&operation.command));
        Ok(())
    }
}
