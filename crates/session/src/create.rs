//! Beginning a session.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use maestro_archive::ArchiveReceipt;
use maestro_resume::DocumentRole;
use maestro_session_model::{
    DesignGate, Document, ExecutionMode, FrontMatter, NewSession, Plan, PlanRules, PlannedPhase,
    RelPath, SessionId, TaskComplexity, Timestamp, Violation, WorkflowMode,
};
use maestro_state_store::settings::{ExecutionModeSetting, FrontMatterForm};
use maestro_state_store::store::LockedStore;
use maestro_state_store::{Operation, StateDirError};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::archiving::ArchiveOptions;
use crate::baselines::{DOCUMENTS, documents_of};
use crate::documents::{DocumentSource, FoundDocument, PlacedDocument};
use crate::error::SessionError;
use crate::status::SessionView;
use crate::workspace::Workspace;

/// What a session is to be made of.
#[derive(Clone, Debug)]
pub struct NewSessionRequest {
    /// What the user asked for.
    pub task: String,
    /// The identity; made from date and topic when absent.
    pub id: Option<SessionId>,
    /// What the id is made from, when the design document's name does not say and the task is too long.
    pub topic: Option<String>,
    /// Where the phases come from.
    pub plan: PlanSource,
    /// The design document; the one that was approved in the design gate of the session, when absent.
    pub design: Option<DocumentSource>,
    /// Whether this is an express session, with a single phase.
    pub express: bool,
    /// Whether phases may run side by side; the setting decides when absent.
    pub execution_mode: Option<ExecutionMode>,
    /// How demanding the task is; the plan and the design may say it.
    pub complexity: Option<TaskComplexity>,
    /// What runs the agents.
    pub execution_backend: Option<String>,
    /// Whether the first phase that can begin does so at once.
    pub begins: bool,
    /// How to archive the active session first, if there is one; without this, it is in the way.
    pub archive_active: Option<ArchiveOptions>,
    /// The directory that relative paths are relative to.
    pub from: PathBuf,
}

impl NewSessionRequest {
    /// Returns a request with a task and the file of a plan, and everything else left to the settings. Relative paths are
    /// relative to the workspace.
    pub fn new(task: &str, plan: &str) -> Self {
        Self::of(task, PlanSource::file(plan))
    }

    /// Does the same for a plan from anywhere.
    pub fn of(task: &str, plan: PlanSource) -> Self {
        Self {
            task: task.to_owned(),
            id: None,
            topic: None,
            plan,
            design: None,
            express: false,
            execution_mode: None,
            complexity: None,
            execution_backend: None,
            begins: false,
            archive_active: None,
            from: PathBuf::new(),
        }
    }
}

/// Where the phases of a session come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanSource {
    /// From an implementation plan, which says them.
    Document(DocumentSource),
    /// From the caller.
    Phases {
        /// The phases.
        phases: Vec<PlannedPhase>,
        /// The implementation plan that describes them, for people. It is not asked which phases there are.
        document: Option<DocumentSource>,
    },
}

impl PlanSource {
    /// Returns the phases of the implementation plan in a file.
    pub fn file(plan: &str) -> Self {
        Self::Document(DocumentSource::File(plan.to_owned()))
    }
}

/// A session that was begun.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CreatedSession {
    /// The operation, as the journal knows it.
    pub operation: Uuid,
    /// The session.
    pub session: SessionView,
    /// The session file, relative to the workspace.
    pub path: String,
    /// What became of the session that was active before, if it was to be archived first.
    pub archived: Option<ArchiveReceipt>,
    /// Documents that were copied to `plans/`: from, to.
    pub copied: Vec<(String, String)>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Workspace {
    /// Begins a session with every phase of the plan pending, but for the one that begins at once if the request says so.
    ///
    /// Makes the state dir if it is not there. A session that exists is never replaced: it is archived first, if the request
    /// says so, or else it is an error. Nothing is written, and nothing archived, before the plan has been found good.
    ///
    /// Where the design gate of its id was entered, given or made, the design must have been approved.
    pub fn create_session(
        &self,
        request: &NewSessionRequest,
    ) -> Result<CreatedSession, SessionError> {
        // An unreadable file is a session too, and `archive` knows what to do about it.
        if request.archive_active.is_none()
            && let Some(document) = self.read()?
        {
            return Err(exists(&document));
        }
        let (plan, plan_document) = self.plan_of(request)?;
        let read = |source: &DocumentSource| {
            self.document_for(source, &request.from, DocumentRole::Design)
        };
        let approved = |gate: Option<&DesignGate>| {
            let design = gate.and_then(|gate| self.approved_design(gate));
            design.as_ref().map(read).transpose()
        };
        let mut design_document = request.design.as_ref().map(read).transpose()?;
        let now = self.env.now();
        let id = made_id(request, design_document.as_ref(), now);
        let gate = self.gate_for(request, &id)?;
        if design_document.is_none() {
            design_document = approved(gate.as_ref())?;
        }
        let mut new = self.new_session(request, id, &plan, design_document.as_ref());
        // Refuses before anything is written.
        let rules = self.plan_rules();
        let (_, mut violations) = new.create(&rules, now)?;

        self.state_dir().create()?;
        let mut locked = self.lock()?;
        if request.id.is_some() {
            // Before the active session is archived for nothing.
            self.refuse_active_id(&new.session_id)?;
            self.free_id(true, new.session_id.clone())?;
        }
        // What others did with the gate before the lock was there counts.
        let gate_now = self.gate_for(request, &new.session_id)?;
        if gate_now != gate && request.design.is_none() {
            design_document = approved(gate_now.as_ref())?;
            new = self.new_session(request, new.session_id, &plan, design_document.as_ref());
            (_, violations) = new.create(&rules, now)?;
        }
        let unapproved = match (&gate_now, &design_document) {
            (Some(gate), Some(design)) => self.unapproved(gate, &design.path),
            _ => None,
        };
        let documents = Documents { plan: plan_document, design: design_document };
        let (archived, notes) = self.make_room(&mut locked, request, &documents)?;
        let begun = self
            .free_id(request.id.is_some(), new.session_id.clone())
            .and_then(|id| {
                new.session_id = id;
                self.begin(&mut locked, &mut new, &documents, &rules, now)
            })
            .map_err(|error| error.noting(archived.iter().map(was_archived).collect()))?;
        let mut warnings = warnings(&violations);
        warnings.extend(notes);
        warnings.extend(begun.pending);
        warnings.extend(unapproved);
        warnings.extend(self.waiting_designs(&new));
        let dir = self.state_dir();
        Ok(CreatedSession {
            operation: begun.operation,
            session: self.view(&begun.document),
            path: format!("{}/state/active-session.md", dir.relative()),
            archived,
            copied: begun.copied,
            warnings,
        })
    }

    /// The gate of the session that is to be begun, in which its design is approved.
    fn gate_for(
        &self,
        request: &NewSessionRequest,
        id: &SessionId,
    ) -> Result<Option<DesignGate>, SessionError> {
        // A made id that another session has gets a suffix: the gate is of that other one.
        let is_free = !self.is_active_id(id) && self.free_id(false, id.clone())? == *id;
        if request.id.is_some() || is_free { self.approved_gate(id) } else { Ok(None) }
    }

    /// Refuses the id of the session that is active: once that is archived, the id is taken.
    fn refuse_active_id(&self, id: &SessionId) -> Result<(), SessionError> {
        if self.is_active_id(id) {
            return Err(SessionError::IdTaken { session_id: id.clone() });
        }
        Ok(())
    }

    /// Whether the session that is active has this id, as far as it can be read.
    pub(crate) fn is_active_id(&self, id: &SessionId) -> bool {
        matches!(self.read(), Ok(Some(document)) if document.session().session_id == *id)
    }

    /// Makes sure that no session is active: archives the one that is, if the request says so.
    fn make_room(
        &self,
        locked: &mut LockedStore<'_>,
        request: &NewSessionRequest,
        documents: &Documents,
    ) -> Result<(Option<ArchiveReceipt>, Vec<String>), SessionError> {
        let Some(options) = request.archive_active else {
            let (opened, notes) = self.open_session(locked)?;
            return match opened {
                Some(opened) => Err(exists(&opened.document).noting(opened.notes)),
                None => Ok((None, notes)),
            };
        };
        match self.archive_locked(locked, options, &documents.paths().cloned().collect()) {
            Ok(ArchiveReceipt { session_id, pending: Some(because), .. }) => {
                Err(SessionError::ArchivePending { session_id, because })
            }
            Ok(receipt) => Ok((Some(receipt), Vec::new())),
            Err(error) if matches!(error.bare(), SessionError::NoSession { .. }) => {
                Ok((None, error.notes().to_vec()))
            }
            Err(error) => Err(error),
        }
    }

    /// Puts the documents in their place and writes the session, or nothing.
    fn begin(
        &self,
        locked: &mut LockedStore<'_>,
        new: &mut NewSession,
        documents: &Documents,
        rules: &PlanRules,
        now: Timestamp,
    ) -> Result<Begun, SessionError> {
        let mut placed = Vec::new();
        let written = self
            .place_documents(locked, new, documents, &mut placed)
            .and_then(|()| self.write_session(locked, new, &documents.recorded(new), rules, now));
        let (operation, document, pending) = match written {
            Ok(written) => written,
            Err(error) => {
                for (_, place) in &placed {
                    place.take_back(locked);
                }
                return Err(error);
            }
        };
        let copied = placed.into_iter().filter(|(_, place)| place.copied.is_some());
        let copied = copied.map(|(from, place)| (from, place.path.to_string())).collect();
        Ok(Begun { operation, document, pending, copied })
    }

    /// Puts the documents in their place, and their paths into `new`; what was done is in `placed` even on an error.
    fn place_documents(
        &self,
        locked: &mut LockedStore<'_>,
        new: &mut NewSession,
        documents: &Documents,
        placed: &mut Vec<(String, PlacedDocument)>,
    ) -> Result<(), SessionError> {
        let all = [
            (&documents.plan, &mut new.implementation_plan),
            (&documents.design, &mut new.design_document),
        ];
        for (document, path) in all {
            let Some(document) = document else { continue };
            let place = self.place(locked, document)?;
            *path = Some(place.path.clone());
            placed.push((document.path.to_string(), place));
        }
        Ok(())
    }

    /// Reads a document that a session is to have. One that is not there says which it is.
    fn document_for(
        &self,
        source: &DocumentSource,
        from: &Path,
        role: DocumentRole,
    ) -> Result<FoundDocument, SessionError> {
        self.document(source, from).map_err(|error| match error {
            SessionError::StateDir(StateDirError::DocumentMissing { path, source }) => {
                SessionError::DocumentMissing { role, path, source }
            }
            error => error,
        })
    }

    /// The phases and what else the plan says, and the document that describes them.
    fn plan_of(
        &self,
        request: &NewSessionRequest,
    ) -> Result<(Plan, Option<FoundDocument>), SessionError> {
        let read =
            |source: &DocumentSource| self.document_for(source, &request.from, DocumentRole::Plan);
        match &request.plan {
            PlanSource::Document(source) => {
                let document = read(source)?;
                Ok((self.plan(&document)?, Some(document)))
            }
            PlanSource::Phases { phases, document } => {
                let document = document.as_ref().map(read).transpose()?;
                Ok((Plan::of_phases(phases.clone()), document))
            }
        }
    }

    fn new_session(
        &self,
        request: &NewSessionRequest,
        session_id: SessionId,
        plan: &Plan,
        design: Option<&FoundDocument>,
    ) -> NewSession {
        let express = request.express || plan.workflow_mode == Some(WorkflowMode::Express);
        let by_setting = match self.settings.execution_mode.value {
            ExecutionModeSetting::Ask => None,
            ExecutionModeSetting::Parallel => Some(ExecutionMode::Parallel),
            ExecutionModeSetting::Sequential => Some(ExecutionMode::Sequential),
        };
        let design_complexity =
            design.and_then(|design| maestro_session_model::task_complexity_of(&design.text));
        NewSession {
            session_id,
            task: request.task.trim().to_owned(),
            workflow_mode: if express { WorkflowMode::Express } else { WorkflowMode::Standard },
            design_document: None,
            implementation_plan: None,
            execution_mode: request.execution_mode.or(by_setting),
            execution_backend: request.execution_backend.clone(),
            task_complexity: request.complexity.or(design_complexity).or(plan.task_complexity),
            phases: plan.phases.clone(),
            begins: request.begins,
        }
    }

    /// The id, if no session has it; a made one gets a suffix, a given one is refused.
    pub(crate) fn free_id(&self, is_given: bool, id: SessionId) -> Result<SessionId, SessionError> {
        let taken = self.store.list(&self.state_dir().archive())?;
        let is_taken = |id: &SessionId| {
            let prefix = format!("{id}.").to_lowercase();
            taken.iter().any(|listed| listed.name.to_lowercase().starts_with(&prefix))
        };
        if !is_taken(&id) {
            return Ok(id);
        }
        if is_given {
            return Err(SessionError::IdTaken { session_id: id });
        }
        let mut n = 2;
        loop {
            let candidate = id.with_suffix(n);
            if !is_taken(&candidate) {
                return Ok(candidate);
            }
            n += 1;
        }
    }

    fn write_session(
        &self,
        locked: &mut LockedStore<'_>,
        new: &NewSession,
        documents: &Value,
        rules: &PlanRules,
        now: Timestamp,
    ) -> Result<(Uuid, Arc<Document>, Option<String>), SessionError> {
        let (session, _) = new.create(rules, now)?;
        let style = match self.settings.front_matter.value {
            FrontMatterForm::Yaml => FrontMatter::Yaml,
            FrontMatterForm::Json => FrontMatter::Json,
        };
        let document = Document::create(session, style);
        let operation = Operation {
            id: self.env.new_id(),
            time: now,
            actor: self.env.actor.clone(),
            command: serde_json::json!({
                "command": "create",
                "task": new.task,
                "phases": new.phases.len(),
                DOCUMENTS: documents,
            }),
            canonical: true,
        };
        let id = operation.id;
        let text = document.text().to_owned();
        let committed = locked.create(&new.session_id, text, operation)?;
        Ok((id, self.remember(document), crate::change::pending_note(&committed)))
    }
}

/// The id that a request names, or one of date and topic.
fn made_id(
    request: &NewSessionRequest,
    design: Option<&FoundDocument>,
    now: Timestamp,
) -> SessionId {
    request.id.clone().unwrap_or_else(|| {
        let topic = request.topic.clone().or_else(|| design.and_then(topic_of));
        SessionId::from_topic(now, &topic.unwrap_or_else(|| request.task.clone()))
    })
}

fn exists(document: &Document) -> SessionError {
    let session = document.session();
    SessionError::SessionExists { session_id: session.session_id.clone(), status: session.status }
}

/// The documents that a session is made of.
struct Documents {
    plan: Option<FoundDocument>,
    design: Option<FoundDocument>,
}

impl Documents {
    fn paths(&self) -> impl Iterator<Item = &RelPath> {
        let found = [&self.plan, &self.design].into_iter().flatten();
        // What is still to be written is in nobody's way.
        found.filter(|found| !found.is_new).map(|found| &found.path)
    }

    /// What the record of the creation of `new` says of them.
    fn recorded(&self, new: &NewSession) -> Value {
        let design = new.design_document.as_ref().zip(self.design.as_ref());
        documents_of(design, new.implementation_plan.as_ref().zip(self.plan.as_ref()))
    }
}

/// A session that is written.
struct Begun {
    operation: Uuid,
    document: Arc<Document>,
    /// What is left to be done, if something is.
    pending: Option<String>,
    /// Documents that were copied: from, to.
    copied: Vec<(String, String)>,
}

fn was_archived(receipt: &ArchiveReceipt) -> String {
    format!("session {} was archived: `{}`", receipt.session_id, receipt.archive_path)
}

fn warnings(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(|violation| violation.message.clone()).collect()
}

/// The topic of a design document that is named as the protocol says: `YYYY-MM-DD-<topic>-design.md`.
fn topic_of(design: &FoundDocument) -> Option<String> {
    let stem = Path::new(design.path.file_name()).file_stem()?.to_str()?;
    let dated = stem.get(..11).is_some_and(|date| {
        date.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 | 10 => b == b'-',
            _ => b.is_ascii_digit(),
        })
    });
    let topic = if dated { &stem[11..] } else { return None };
    Some(topic.strip_suffix("-design").unwrap_or(topic).to_owned())
}
