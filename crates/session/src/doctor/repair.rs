//! Carrying a repair out.

use std::path::Path;

use maestro_archive::archive_from_journal;
use maestro_session_model::{Document, SessionId};
use maestro_state_store::store::{LockedStore, Outcome};
use maestro_state_store::{Change, Operation};
use serde_json::{Value, json};

use crate::change::{MAX_ATTEMPTS, Opened, pending_note};
use crate::doctor::examine::totals_disagree;
use crate::doctor::finding::{Finding, Repair};
use crate::error::SessionError;
use crate::overtaken;
use crate::workspace::Workspace;

impl Workspace {
    /// Repairs what was found, and says what was done.
    pub(super) fn repair(
        &self,
        locked: &mut LockedStore<'_>,
        finding: &Finding,
    ) -> Result<Vec<String>, SessionError> {
        match &finding.repair {
            Repair::None => Ok(Vec::new()),
            Repair::Open => match self.open_session(locked)? {
                (Some(opened), _) => Ok(opened.notes),
                (None, notes) => Ok(notes),
            },
            Repair::Layout => {
                self.state_dir().create()?;
                Ok(vec!["what was missing of the state dir was made".to_owned()])
            }
            Repair::Rebuild(id) => self.rebuild(locked, id, finding.code),
            Repair::ArchiveFromJournal(id) => {
                let text = self
                    .last_text(id)
                    .ok_or_else(|| SessionError::NoJournal { session_id: id.clone() })?;
                let receipt = archive_from_journal(locked, id, text, &self.archiver())?;
                Ok(vec![format!("session {id} was archived as `{}`", receipt.archive_path)])
            }
            Repair::NewJournal(id) => self.renew_journal(locked, id),
            Repair::ShortenJournal(damaged) => {
                let Opened { current, .. } = self.open_or_refuse(locked)?;
                let command = json!({ "command": "repair", "found": [finding.code] });
                let operation = self.repairing(command, current.operation.canonical);
                let places = locked.quarantine_segments(&current, damaged, operation)?;
                Ok(places.iter().map(|place| self.moved(place)).collect())
            }
            Repair::SetAside(path) => Ok(vec![self.moved(&locked.quarantine(path)?)]),
            Repair::Totals => self.add_up(locked),
        }
    }

    /// Writes the last recorded document in the place of one that is gone or cannot be read.
    pub(crate) fn rebuild(
        &self,
        locked: &mut LockedStore<'_>,
        id: &SessionId,
        code: &str,
    ) -> Result<Vec<String>, SessionError> {
        let text =
            self.last_text(id).ok_or_else(|| SessionError::NoJournal { session_id: id.clone() })?;
        let before = self.store.quarantined()?;
        let document = Document::parse(text.clone()).ok();
        let canonical = document.is_some_and(|document| document.is_canonical());
        let left = self.left_at_the_end(id);
        for _ in 0..MAX_ATTEMPTS {
            let mut command = json!({ "command": "repair", "found": [code] });
            if let Some(fields) = command.as_object_mut() {
                fields.extend(overtaken::left(&left));
            }
            let operation = self.repairing(command, canonical);
            match locked.replace(id, text.clone(), operation)? {
                Outcome::Committed(committed) => {
                    let mut done = vec![
                        "the session file was written again as it was recorded last".to_owned(),
                    ];
                    let quarantine = self.state_dir().quarantine();
                    let set_aside = self.store.quarantined()?;
                    done.extend(
                        set_aside
                            .iter()
                            .filter(|name| !before.contains(name))
                            .map(|name| self.moved(&quarantine.join(name))),
                    );
                    done.extend(pending_note(&committed));
                    return Ok(done);
                }
                // Someone is writing the file at this very moment, and may be putting it right.
                Outcome::Displaced => {}
            }
        }
        Err(self.contended())
    }

    /// Sets a damaged journal aside, once what can be had from it is safe.
    fn renew_journal(
        &self,
        locked: &mut LockedStore<'_>,
        id: &SessionId,
    ) -> Result<Vec<String>, SessionError> {
        let file = self.state_dir().active_session();
        let mut done = Vec::new();
        // First the session file: once the journal is in the quarantine, nobody would look for the text in it.
        if !matches!(self.read_file(), Ok(Some(_)))
            && let Some(text) = self.store.salvage(id)?
        {
            if locked.is_there(&file)? {
                done.push(self.moved(&locked.quarantine(&file)?));
            }
            locked.write_new(&file, text.as_bytes())?;
            done.push(
                "the session file was written again from the sound lines of the journal".to_owned(),
            );
        }
        let places = locked.quarantine_journal(id)?;
        done.extend(places.iter().map(|place| self.moved(place)));
        Ok(done)
    }

    /// Makes the token totals at least the sums of what the agents used.
    fn add_up(&self, locked: &mut LockedStore<'_>) -> Result<Vec<String>, SessionError> {
        let (mut done, notes) = self.until_kept(locked, |locked, current, document| {
            let session = document.session();
            let sums = session.token_usage.at_least_the_sums().filter(|_| totals_disagree(session));
            let Some(sums) = sums else { return Ok(Some(Vec::new())) };
            let mut after = session.clone();
            after.token_usage = sums;
            after.updated = self.now_after(&current).max(session.updated.next());
            let update = document.update(after, "").map_err(|source| SessionError::Uneditable {
                path: self.state_dir().active_session(),
                source,
            })?;
            let command = json!({ "command": "repair", "found": ["TOTALS_DISAGREE"] });
            let operation = self.repairing(command, update.document.is_canonical());
            let text = update.document.text().to_owned();
            let change = Change { text, splices: update.splices, operation };
            let Outcome::Committed(committed) = locked.commit(current, change)? else {
                return Ok(None);
            };
            let mut done = vec!["the token totals were added up again".to_owned()];
            done.extend(pending_note(&committed));
            Ok(Some(done))
        })?;
        done.extend(notes);
        Ok(done)
    }

    /// The operation that records a repair.
    fn repairing(&self, command: Value, canonical: bool) -> Operation {
        Operation {
            id: self.env.new_id(),
            time: self.env.now(),
            actor: self.env.actor.clone(),
            command,
            canonical,
        }
    }

    fn moved(&self, place: &Path) -> String {
        format!("what was there is now `{}`", self.state_dir().show(place))
    }
}
