//! Beginning a session.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use maestro_session_model::{
    Document, ExecutionMode, FrontMatter, NewSession, Plan, PlanRules, SessionId, TaskComplexity,
    Timestamp, Violation, WorkflowMode,
};
use maestro_state_store::Operation;
use maestro_state_store::settings::{ExecutionModeSetting, FrontMatterForm};
use maestro_state_store::store::LockedStore;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::baselines::{DOCUMENTS, documents_of};
use crate::documents::{FoundDocument, PlacedDocument};
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
    /// The implementation plan, relative to `from` or absolute.
    pub plan: String,
    /// The design document, likewise.
    pub design: Option<String>,
    /// Whether this is an express session, with a single phase.
    pub express: bool,
    /// Whether phases may run side by side; the setting decides when absent.
    pub execution_mode: Option<ExecutionMode>,
    /// How demanding the task is; the plan and the design may say it.
    pub complexity: Option<TaskComplexity>,
    /// The directory that relative paths are relative to.
    pub from: PathBuf,
}

impl NewSessionRequest {
    /// Returns a request with a task and a plan, and everything else left to the settings. Relative paths are relative to
    /// the workspace.
    pub fn new(task: &str, plan: &str) -> Self {
        Self {
            task: task.to_owned(),
            id: None,
            topic: None,
            plan: plan.to_owned(),
            design: None,
            express: false,
            execution_mode: None,
            complexity: None,
            from: PathBuf::new(),
        }
    }
}

/// A session that was begun.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreatedSession {
    /// The operation, as the journal knows it.
    pub operation: Uuid,
    /// The session.
    pub session: SessionView,
    /// The session file, relative to the workspace.
    pub path: String,
    /// Documents that were copied to `plans/`: from, to.
    pub copied: Vec<(String, String)>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Workspace {
    /// Begins a session with every phase of the plan pending.
    ///
    /// Makes the state dir if it is not there. A session that exists is never replaced. Nothing is written before the plan
    /// has been found good.
    pub fn create_session(
        &self,
        request: &NewSessionRequest,
    ) -> Result<CreatedSession, SessionError> {
        if let Some(document) = self.read()? {
            return Err(exists(&document));
        }
        let plan_document = self.document(&request.plan, &request.from)?;
        let design_document = request
            .design
            .as_ref()
            .map(|design| self.document(design, &request.from))
            .transpose()?;
        let plan = self.plan(&plan_document)?;
        let now = self.env.now();
        let mut new = self.new_session(request, plan, design_document.as_ref(), now);
        // Refuses before anything is written.
        let rules = self.plan_rules();
        let (_, violations) = new.create(&rules, now)?;

        self.state_dir().create()?;
        let mut locked = self.lock()?;
        let (opened, notes) = self.open_session(&mut locked)?;
        if let Some(opened) = opened {
            return Err(exists(&opened.document).noting(opened.notes));
        }
        new.session_id = self.free_id(&locked, request.id.is_some(), new.session_id)?;
        let placed_plan = self.place(&mut locked, &plan_document)?;
        new.implementation_plan = Some(placed_plan.path.clone());
        let mut placed = vec![(plan_document.path.to_string(), placed_plan)];
        if let Some(document) = &design_document {
            match self.place(&mut locked, document) {
                Ok(place) => {
                    new.design_document = Some(place.path.clone());
                    placed.push((document.path.to_string(), place));
                }
                Err(error) => {
                    take_back(&mut locked, &placed);
                    return Err(error);
                }
            }
        }
        let design = new.design_document.as_ref().zip(design_document.as_ref());
        let documents = documents_of(design, (&placed[0].1.path, &plan_document));
        let written = self.write_session(&mut locked, &new, &documents, &rules, now);
        if written.is_err() {
            take_back(&mut locked, &placed);
        }
        let (operation, document, pending) = written?;
        let mut warnings = warnings(&violations);
        warnings.extend(notes);
        warnings.extend(pending);
        let copied = placed.into_iter().filter(|(_, place)| place.copied.is_some());
        let dir = self.state_dir();
        Ok(CreatedSession {
            operation,
            session: self.view(&document),
            path: format!("{}/state/active-session.md", dir.relative()),
            copied: copied.map(|(from, place)| (from, place.path.to_string())).collect(),
            warnings,
        })
    }

    fn new_session(
        &self,
        request: &NewSessionRequest,
        plan: Plan,
        design: Option<&FoundDocument>,
        now: Timestamp,
    ) -> NewSession {
        let topic = request.topic.clone().or_else(|| design.and_then(topic_of));
        let topic = topic.unwrap_or_else(|| request.task.clone());
        let express = request.express || plan.workflow_mode == Some(WorkflowMode::Express);
        let by_setting = match self.settings.execution_mode.value {
            ExecutionModeSetting::Ask => None,
            ExecutionModeSetting::Parallel => Some(ExecutionMode::Parallel),
            ExecutionModeSetting::Sequential => Some(ExecutionMode::Sequential),
        };
        let design_complexity =
            design.and_then(|design| maestro_session_model::task_complexity_of(&design.text));
        NewSession {
            session_id: request.id.clone().unwrap_or_else(|| SessionId::from_topic(now, &topic)),
            task: request.task.trim().to_owned(),
            workflow_mode: if express { WorkflowMode::Express } else { WorkflowMode::Standard },
            design_document: None,
            implementation_plan: None,
            execution_mode: request.execution_mode.or(by_setting),
            execution_backend: None,
            task_complexity: request.complexity.or(design_complexity).or(plan.task_complexity),
            phases: plan.phases,
        }
    }

    /// The id, if no session has it; a made one gets a suffix, a given one is refused.
    fn free_id(
        &self,
        locked: &LockedStore<'_>,
        is_given: bool,
        id: SessionId,
    ) -> Result<SessionId, SessionError> {
        let taken = locked.list(&self.state_dir().archive())?;
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

fn exists(document: &Document) -> SessionError {
    let session = document.session();
    SessionError::SessionExists { session_id: session.session_id.clone(), status: session.status }
}

fn take_back(locked: &mut LockedStore<'_>, placed: &[(String, PlacedDocument)]) {
    for (_, place) in placed {
        place.take_back(locked);
    }
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
