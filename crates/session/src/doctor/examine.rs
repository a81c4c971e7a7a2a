//! Looking at everything, and saying what is wrong. Changes nothing.

use maestro_archive::{begins_archiving, begins_restoring};
use maestro_session_model::{DesignGate, Document, RelPath, Session, SessionId, broken_rules};
use maestro_state_store::journal::History;
use maestro_state_store::state_dir::DESIGN_GATE_ENDING;
use maestro_state_store::store::{Condition, LockedStore};
use maestro_state_store::{Inspected, OpenError, ReadError};

use crate::doctor::finding::{Finding, Repair};
use crate::error::SessionError;
use crate::workspace::Workspace;

/// How long a design may be under way without its session, in milliseconds: a day.
const GATE_MILLIS: i64 = 24 * 60 * 60 * 1_000;

impl Workspace {
    /// Returns what is wrong with everything but the archived sessions, the most pressing first.
    pub(super) fn examine(&self, locked: &mut LockedStore<'_>) -> Vec<Finding> {
        let mut findings = self.examine_journals();
        // A journal that cannot be read hides what the rest would tell.
        if findings.is_empty() {
            match self.examine_session(locked) {
                Ok(found) => findings.extend(found),
                Err(error) => findings.push(self.of_open_error(error)),
            }
        }
        let rest =
            [self.examine_layout(), self.examine_leftovers(locked), self.examine_gates(locked)];
        for found in rest {
            findings.extend(found.unwrap_or_else(|error| vec![Finding::of_error(&error)]));
        }
        // While a session comes back, its documents are still on the way.
        if !findings.iter().any(|finding| finding.code == "RESTORE_INTERRUPTED") {
            let moved = self.moved_by_archiving(locked).unwrap_or_default();
            findings.extend(self.examine_content(&moved));
        }
        findings
    }

    fn examine_journals(&self) -> Vec<Finding> {
        let ids = match self.store.journals() {
            Ok(ids) => ids,
            Err(error) => return vec![Finding::of_error(&error.into())],
        };
        let mut findings = Vec::new();
        for id in ids {
            // One that is archived has nothing to say any more; it is on its way to its session.
            if self.store.is_archived_journal(&id) {
                continue;
            }
            if let Err(error) = self.store.check_journal(&id) {
                findings.push(self.of_journal_error(&id, error));
            }
        }
        findings
    }

    fn of_journal_error(&self, id: &SessionId, error: ReadError) -> Finding {
        let Some(damaged) = error.damaged_journal().map(ToOwned::to_owned) else {
            return Finding::of_error(&error.into());
        };
        let file = self.state_dir().active_session();
        let active = self.read_file();
        let is_unreadable = active.is_err();
        let is_active = active.ok().flatten().is_some_and(|d| d.session().session_id == *id);
        let finding = match &error {
            // What the journal gives back may be old, while a typing error may be all that is wrong with the file.
            _ if is_unreadable => Finding::by_person(
                "JOURNAL_DAMAGED",
                format!(
                    "the journal of session {id} is damaged, and the session file cannot be read either"
                ),
                "mend the session file, which `maestro status` says where, and then repair the journal; or remove the file, and \
                 what the sound lines of the journal give back is written again",
            ),
            // The end is sound, so commands go on, and only what is older is lost to `log` and `undo`.
            _ if self.store.tail_is_sound(id) && is_active => Finding::by_repair(
                "JOURNAL_DAMAGED",
                format!("the journal of session {id} is damaged in what it says about the past"),
                "moves the damaged part to the quarantine; what was recorded after it stays",
                Repair::ShortenJournal(damaged.clone()),
            ),
            _ if is_active => Finding::by_repair(
                "JOURNAL_DAMAGED",
                format!(
                    "the journal of session {id} is damaged at its end; the session file is sound"
                ),
                "moves the journal to the quarantine, and begins a new one",
                Repair::NewJournal(id.clone()),
            ),
            _ if self.store.salvage(id).ok().flatten().is_some() => Finding::by_repair(
                "JOURNAL_DAMAGED",
                format!(
                    "the journal of session {id} is damaged, and `{}` is not its sound document",
                    file.display()
                ),
                "moves the journal to the quarantine; what its sound lines give back becomes the session file again, \
                 unless there is another",
                Repair::NewJournal(id.clone()),
            ),
            _ => Finding::by_repair(
                "JOURNAL_DAMAGED",
                format!(
                    "the journal of session {id} is damaged, and no document can be had from it"
                ),
                "moves the journal to the quarantine",
                Repair::NewJournal(id.clone()),
            ),
        };
        finding.because_of(&error).at(self.state_dir().workspace(), &damaged)
    }

    fn examine_session(&self, locked: &mut LockedStore<'_>) -> Result<Vec<Finding>, OpenError> {
        let inspect = |text: &str| {
            let document = Document::parse(text.to_owned())?;
            Ok(Inspected::from(document.session().session_id.clone()))
        };
        let mut findings = Vec::new();
        let attached = locked.survey()?;
        for archived in attached.archived {
            findings.push(Finding::by_itself(
                "JOURNAL_LEFT",
                format!(
                    "the journal of the archived session {} is not with its session yet",
                    archived.session_id
                ),
                "the next command that changes something moves it",
            ));
        }
        if let Some(live) = &attached.live {
            // Everything else is as it is in the middle of these.
            if begins_archiving(&live.newest) {
                findings.push(Finding::by_itself(
                    "ARCHIVE_INTERRUPTED",
                    format!("the archiving of session {} was interrupted", live.session_id),
                    "the next command that changes something finishes it, or takes it back for an edit that came first",
                ));
                return Ok(findings);
            }
            if begins_restoring(&live.newest) && !self.is_taken_by_another(&live.session_id) {
                findings.push(Finding::by_itself(
                    "RESTORE_INTERRUPTED",
                    format!(
                        "the way back of session {} from the archive was interrupted",
                        live.session_id
                    ),
                    "the next command that changes something finishes it",
                ));
                return Ok(findings);
            }
        }
        let condition = locked.examine(&inspect)?;
        findings.extend(self.of_condition(condition));
        Ok(findings)
    }

    /// The documents that an archiving has moved that was interrupted.
    fn moved_by_archiving(
        &self,
        locked: &mut LockedStore<'_>,
    ) -> Result<Vec<RelPath>, SessionError> {
        match locked.survey()?.live {
            Some(live) => self.moved_documents(&live.newest),
            None => Ok(Vec::new()),
        }
    }

    /// Whether the session file is of another session.
    fn is_taken_by_another(&self, id: &SessionId) -> bool {
        self.read_file().ok().flatten().is_some_and(|document| document.session().session_id != *id)
    }

    fn of_condition(&self, condition: Condition) -> Option<Finding> {
        let (workspace, file) = (self.state_dir().workspace(), self.state_dir().active_session());
        let finding = match condition {
            Condition::NoSession | Condition::Sound => return None,
            Condition::TornJournal => Finding::by_itself(
                "JOURNAL_TORN",
                "the journal ends in the middle of a line, which no command was told is written".to_owned(),
                "the next command that changes something cuts it off",
            ),
            Condition::Unfinished => Finding::by_itself(
                "OPERATION_UNFINISHED",
                "an operation was interrupted".to_owned(),
                "the next command that changes something finishes it, or takes it back for an edit that came first",
            ),
            Condition::Edited => Finding::by_itself(
                "EDIT_NOT_RECORDED",
                "the session file was edited by hand since the last operation".to_owned(),
                "the next command that changes something records the edit",
            ),
            Condition::NoJournal => Finding::by_itself(
                "NO_JOURNAL",
                "the session file has no journal".to_owned(),
                "the next command that changes something begins one",
            ),
            Condition::FileMissing { session_id } => self.missing(session_id),
            Condition::Unreadable { session_id, because } => {
                let message = "the session file cannot be read".to_owned();
                match session_id.filter(|id| self.is_recorded(id)) {
                    Some(id) => Finding::by_repair(
                        "SESSION_FILE_CORRUPT",
                        message,
                        "moves it to the quarantine and writes the last recorded text; or mend it yourself, where the error \
                         points",
                        Repair::Rebuild(id),
                    ),
                    None => Finding::by_person(
                        "SESSION_FILE_CORRUPT",
                        message,
                        "mend it where the error points; there is no journal to rebuild it from. `maestro archive --force` puts \
                         it away as it is",
                    ),
                }
                .because_of(&because)
            }
            Condition::OtherSession { session_id, because } => Finding::by_repair(
                "OTHER_SESSION",
                format!(
                    "the session file is of another session than the journal, which is of {session_id} and not archived"
                ),
                "archives the session of the journal as it was recorded last; the session file stays, and gets a journal of \
                 its own",
                Repair::ArchiveFromJournal(session_id),
            )
            .because_of(&because),
            other => Finding::by_person(
                "UNKNOWN",
                format!("the session is in a condition that this version does not know: {other:?}"),
                "update maestro",
            ),
        };
        Some(finding.at(workspace, &file))
    }

    fn missing(&self, session_id: SessionId) -> Finding {
        let message = format!("the file of session {session_id} is gone");
        if self.is_recorded(&session_id) {
            let advice = "writes the last recorded text again";
            Finding::by_repair("SESSION_FILE_MISSING", message, advice, Repair::Rebuild(session_id))
        } else {
            let advice = "put a copy of it back, if there is one";
            Finding::by_person("SESSION_FILE_MISSING", message, advice)
        }
    }

    /// Whether the journal gives a document back.
    fn is_recorded(&self, id: &SessionId) -> bool {
        self.last_text(id).is_some()
    }

    /// The document of a session as its journal has it last; nothing where it has none.
    pub(crate) fn last_text(&self, id: &SessionId) -> Option<String> {
        let lacks_text = |history: &History| !matches!(history.last_document(), Ok(Some(_)));
        self.store.recent_history(id, &lacks_text).ok()??.last_document().ok()?
    }

    fn of_open_error(&self, error: OpenError) -> Finding {
        let OpenError::TwoSessions { first, second } = &error else {
            return Finding::of_error(&error.into());
        };
        let active = self.read_file().ok().flatten().map(|d| d.session().session_id.clone());
        let id = |path: &std::path::Path| -> Option<SessionId> {
            path.file_name()?.to_str()?.split('.').next()?.parse().ok()
        };
        let others: Vec<SessionId> = [first, second]
            .into_iter()
            .filter_map(|path| id(path))
            .filter(|id| Some(id) != active.as_ref())
            .collect();
        let message = format!("{error}");
        let finding = match (active, others.as_slice()) {
            (Some(_), [other, ..]) => Finding::by_repair(
                "TWO_SESSIONS",
                message,
                "archives the one that is not in the session file, as it was recorded last",
                Repair::ArchiveFromJournal(other.clone()),
            ),
            _ => Finding::by_person(
                "TWO_SESSIONS",
                message,
                "put the session file of the one to go on with in its place; a repair then archives the other",
            ),
        };
        finding.at(self.state_dir().workspace(), first)
    }

    fn examine_layout(&self) -> Result<Vec<Finding>, SessionError> {
        let missing = self.state_dir().missing()?;
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Finding::by_repair(
            "LAYOUT_INCOMPLETE",
            format!("missing, or not complete: {}", missing.join(", ")),
            "makes what is missing, and leaves alone what is there",
            Repair::Layout,
        )])
    }

    fn examine_leftovers(&self, locked: &LockedStore<'_>) -> Result<Vec<Finding>, SessionError> {
        let workspace = self.state_dir().workspace();
        let findings = locked.leftovers()?.into_iter().map(|left| {
            let message = "a temporary file was left behind".to_owned();
            let finding = if left.is_swept {
                Finding::by_itself(
                    "TEMP_FILE",
                    message,
                    "the next command that changes something removes it, or sets it aside if it may be an edit by hand",
                )
            } else {
                Finding::by_repair(
                    "TEMP_FILE",
                    message,
                    "moves it to the quarantine: it may be the only copy of something",
                    Repair::SetAside(left.path.clone()),
                )
            };
            finding.at(workspace, &left.path)
        });
        Ok(findings.collect())
    }

    fn examine_gates(&self, locked: &LockedStore<'_>) -> Result<Vec<Finding>, SessionError> {
        let dir = self.state_dir();
        let read = self.read_file();
        // A session whose file cannot be read may be the one that a gate is of.
        let is_known = read.is_ok();
        let active = read.ok().flatten().map(|d| d.session().session_id.clone());
        let with_journal = self.store.journals()?;
        let archived = locked.list(&dir.archive())?;
        let mut findings = Vec::new();
        for listed in locked.list(&dir.state())? {
            let Some(id) = listed.name.strip_suffix(DESIGN_GATE_ENDING) else { continue };
            let path = dir.state().join(&listed.name);
            if active.iter().chain(&with_journal).any(|session| session.as_str() == id) {
                continue;
            }
            let is_archived = archived.iter().any(|listed| listed.name == format!("{id}.md"));
            let entered = match locked.read_file(&path) {
                Ok(bytes) => bytes
                    .and_then(|bytes| DesignGate::parse(&bytes).ok())
                    .filter(|gate| gate.session_id.as_str() == id)
                    .map(|gate| gate.entered_at),
                Err(_) => None,
            };
            let age = entered.map(|time| self.env.now().unix_millis() - time.unix_millis());
            let why = match age {
                _ if is_archived => "its session is archived",
                None if is_known => "it is none of that session, or cannot be read",
                Some(age) if age > GATE_MILLIS && is_known => {
                    "it is older than a day, and its session was never begun"
                }
                Some(_) | None => continue,
            };
            let finding = Finding::by_repair(
                "STRANDED_GATE",
                format!("the design gate of {id} is of no use any more: {why}"),
                "moves it to the quarantine",
                Repair::SetAside(path.clone()),
            );
            findings.push(finding.at(dir.workspace(), &path));
        }
        Ok(findings)
    }

    /// What the session says that cannot be, or does not fit what is on the disk.
    ///
    /// The documents in `moved` are on their way to the archive.
    fn examine_content(&self, moved: &[RelPath]) -> Vec<Finding> {
        let Ok(Some(document)) = self.read_file() else { return Vec::new() };
        let session = document.session();
        let file = self.state_dir().active_session();
        let mut findings = Vec::new();
        if totals_disagree(session) {
            findings.push(Finding::by_repair(
                "TOTALS_DISAGREE",
                "the token totals are less than what the agents used".to_owned(),
                "makes them what the agents used",
                Repair::Totals,
            ));
        }
        for rule in broken_rules(session) {
            findings.push(Finding::by_person(
                "RULE_BROKEN",
                rule,
                "correct it in the session file; until then it stands in the way of what it touches only",
            ));
        }
        let documents = [&session.design_document, &session.implementation_plan];
        for path in documents.into_iter().flatten() {
            let is_gone = self.state_dir().resolve_document(path).is_err();
            if is_gone && !self.is_among(path, moved) {
                findings.push(Finding::by_person(
                    "DOCUMENT_MISSING",
                    format!("the document `{path}` of the session cannot be found"),
                    "put it back, or correct its path in the session file",
                ));
            }
        }
        let workspace = self.state_dir().workspace();
        findings.into_iter().map(|finding| finding.at(workspace, &file)).collect()
    }
}

/// Whether a total is less than what the agents used. It may be more: the Node server counts without naming agents.
pub(super) fn totals_disagree(session: &Session) -> bool {
    let usage = &session.token_usage;
    usage.at_least_the_sums().is_some_and(|sums| sums != *usage)
}
