//! What a tool gets to work with besides its arguments: the workspace, and the session that is meant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use maestro_session::model::SessionId;
use maestro_session::store::Disk;
use maestro_session::{Env, Workspace};
use serde_json::{Map, Value};

use crate::error::ToolError;
use crate::place;
use crate::roots::Roots;
use crate::schema::{SESSION_ID, WORKSPACE_PATH};
use crate::tool::{Scope, wrong_field};
use crate::worker::Worker;

/// What surrounds one call.
#[derive(Debug)]
pub(crate) struct Context<'w> {
    worker: &'w mut Worker,
    roots: &'w Roots,
    tool: &'static str,
    scope: Scope,
    workspace_path: Option<String>,
    session_id: Option<SessionId>,
    opened: Option<Workspace>,
}

impl<'w> Context<'w> {
    /// Takes from the arguments what is not the tool's own.
    pub(crate) fn take(
        worker: &'w mut Worker,
        roots: &'w Roots,
        tool: &'static str,
        scope: Scope,
        arguments: &mut Map<String, Value>,
    ) -> Result<Self, ToolError> {
        let mut context = Self {
            worker,
            roots,
            tool,
            scope,
            workspace_path: None,
            session_id: None,
            opened: None,
        };
        if scope != Scope::None {
            context.workspace_path = text(tool, WORKSPACE_PATH, arguments.remove(WORKSPACE_PATH))?;
        }
        if matches!(scope, Scope::Session | Scope::NamedSession) {
            let id = text(tool, SESSION_ID, arguments.remove(SESSION_ID))?;
            context.session_id = id.map(|id| session_id(tool, &id)).transpose()?;
        }
        Ok(context)
    }

    /// Returns the session that the call names, or that it names none.
    pub(crate) fn named_session(&self) -> Result<&SessionId, ToolError> {
        self.session_id.as_ref().ok_or_else(|| {
            wrong_field(self.tool, Some(SESSION_ID), "missing field: name the session")
        })
    }

    /// Returns the workspace of the call, for operations on the session that it names.
    pub(crate) fn workspace(&mut self) -> Result<Workspace, ToolError> {
        let only = match self.scope {
            Scope::NamedSession => Some(self.named_session()?.clone()),
            Scope::None | Scope::Workspace | Scope::Session => self.session_id.clone(),
        };
        let workspace = self.whole_workspace()?;
        Ok(match only {
            Some(id) => workspace.only_for(id),
            None => workspace,
        })
    }

    /// Returns the workspace of the call, for operations that are about any session, or about one that is still to be begun.
    pub(crate) fn whole_workspace(&mut self) -> Result<Workspace, ToolError> {
        let root = self.root()?;
        let workspace = self.worker.open(&root)?;
        self.opened = Some(workspace.clone());
        Ok(workspace)
    }

    /// Returns the workspace that the call has opened.
    pub(crate) fn opened(&self) -> Option<&Workspace> {
        self.opened.as_ref()
    }

    /// Returns the workspace of the call if it is known and can be used, for tools that do without.
    pub(crate) fn workspace_if_known(&mut self) -> Result<Option<Workspace>, ToolError> {
        match self.root() {
            Ok(root) => match self.worker.open(&root) {
                // The one that was chosen is gone.
                Err(error) if error.code == "WORKSPACE_NOT_FOUND" => Ok(None),
                opened => opened.map(Some),
            },
            Err(error) if error.code == "WORKSPACE_NOT_INITIALIZED" => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn root(&self) -> Result<PathBuf, ToolError> {
        let disk = self.worker.disk();
        if let Some(path) = &self.workspace_path {
            return place::named(path, self.worker.cwd(), disk.as_ref());
        }
        if let Some(root) = self.worker.chosen() {
            return Ok(root.to_owned());
        }
        let environment = &self.env().environment;
        let (roots, cwd) = (self.roots.wait(), self.worker.cwd());
        let candidates = place::candidates(environment, &roots, cwd, disk.as_ref());
        let found = place::find(&candidates, environment, disk.as_ref());
        found.ok_or_else(|| place::unknown(self.tool, &candidates))
    }

    /// Returns what a caller chose before, in this process.
    pub(crate) fn chosen(&self) -> Option<&Path> {
        self.worker.chosen()
    }

    /// Makes `root` the workspace of the calls that name none.
    pub(crate) fn choose(&mut self, root: PathBuf) {
        self.worker.choose(root);
    }

    /// Returns the directory that a path of the caller names.
    pub(crate) fn directory(&self, path: &str) -> Result<PathBuf, ToolError> {
        place::named(path, self.worker.cwd(), self.worker.disk().as_ref())
    }

    /// Returns clock, ids and environment.
    pub(crate) fn env(&self) -> &Arc<Env> {
        self.worker.env()
    }

    /// Returns the file system.
    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        self.worker.disk()
    }

    /// Returns what carries the calls out, for what it remembers from call to call.
    pub(crate) fn worker(&mut self) -> &mut Worker {
        self.worker
    }
}

/// An argument that is a text or absent.
fn text(tool: &str, name: &str, value: Option<Value>) -> Result<Option<String>, ToolError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            Err(wrong_field(tool, Some(name), &format!("expected a string, not {}", kind(&other))))
        }
    }
}

fn session_id(tool: &str, text: &str) -> Result<SessionId, ToolError> {
    text.parse().map_err(|error| {
        wrong_field(tool, Some(SESSION_ID), &format!("{error}")).detail("value", text)
    })
}

/// What kind of JSON value it is, for people.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
