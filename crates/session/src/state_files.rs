//! What stands in for the scripts of older versions: reading and writing files of the state dir by their names.

use maestro_session_model::Document;
use maestro_state_store::store::Outcome;
use maestro_state_store::{Change, Operation};
use serde::Serialize;

use crate::change::Opened;
use crate::error::SessionError;
use crate::workspace::Workspace;

/// What [`Workspace::write_state`] did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StateWritten {
    /// The file, as it was named.
    pub path: String,
    /// Its size.
    pub bytes: usize,
    /// Whether it is the session file, so that the write was checked and journalled as an edit by hand.
    pub is_session: bool,
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
        let written = StateWritten {
            path: path.to_owned(),
            bytes: content.len(),
            is_session: self.store.is_active_session(path),
        };
        if written.is_session {
            self.write_session_file(content)?;
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

    /// Makes `content` the session file, as a person would who saves it in an editor.
    fn write_session_file(&self, content: &[u8]) -> Result<(), SessionError> {
        let path = self.state_dir().active_session();
        let text = str::from_utf8(content)
            .map_err(|_| SessionError::NotText { path: path.clone() })?
            .to_owned();
        let document = Document::parse(text.clone())
            .map_err(|source| SessionError::Rejected { path: path.clone(), source })?;
        self.state_dir().create()?;
        let mut locked = self.lock()?;
        self.finish_archiving(&mut locked)?;
        let operation = Operation {
            id: self.env.new_id(),
            time: self.env.now(),
            actor: maestro_state_store::Actor::EXTERNAL,
            command: serde_json::json!({ "command": "external_edit", "by": self.env.actor }),
            canonical: document.is_canonical(),
        };
        let id = &document.session().session_id;
        // Whatever is there, readable or not, is replaced; the store keeps what the journal does not have.
        match self.open_session(&mut locked) {
            Ok(Some(Opened { current, .. })) => {
                let change = Change::between(&current, text.clone(), operation.clone());
                if current.session_id == *id
                    && let Outcome::Committed(_) = locked.commit(current, change)?
                {
                    return Ok(());
                }
                let _replaced = locked.replace(id, text, operation)?;
                Ok(())
            }
            Ok(None) => {
                locked.create(id, text, operation)?;
                Ok(())
            }
            Err(_) => {
                let _replaced = locked.replace(id, text, operation)?;
                Ok(())
            }
        }
    }
}
