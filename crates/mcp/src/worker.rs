//! Carries out calls, one after the other, and keeps what makes the next one faster.
//!
//! What it keeps is a cache and a choice: the workspaces that were open last, so that a session that did not change on disk
//! is not parsed again, and the workspace that `initialize_workspace` chose. All else is on disk.

use std::any::Any;
use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use maestro_session::store::Disk;
use maestro_session::{Env, Workspace};
use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::ToolError;
use crate::log::Log;
use crate::place;
use crate::roots::Roots;
use crate::tool::rendered;
use crate::tools::status::Shown;
use crate::tools::{entries, is_left_out};

/// How many workspaces are kept open.
const MAX_WORKSPACES: usize = 8;

/// A call, as it came in.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) tool: String,
    pub(crate) arguments: Map<String, Value>,
    pub(crate) roots: Roots,
}

/// What came of a call: a JSON object, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

/// Carries out calls.
pub(crate) struct Worker {
    env: Arc<Env>,
    disk: Arc<dyn Disk>,
    cwd: PathBuf,
    log: Log,
    /// The workspace of the calls that name none.
    chosen: Option<PathBuf>,
    /// The workspaces that were open last, each with the name that it was opened by, the newest last.
    open: Vec<(PathBuf, Workspace)>,
    /// The status that was shown last.
    pub(crate) shown: Option<Shown>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("cwd", &self.cwd)
            .field("chosen", &self.chosen)
            .finish_non_exhaustive()
    }
}

impl Worker {
    pub(crate) fn new(env: Arc<Env>, disk: Arc<dyn Disk>, cwd: PathBuf, log: Log) -> Self {
        Self { env, disk, cwd, log, chosen: None, open: Vec::new(), shown: None }
    }

    /// Carries out a call. Whatever happens, there is an answer.
    pub(crate) fn carry_out(&mut self, call: Call) -> Answer {
        let tool = call.tool.clone();
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| self.dispatch(call)));
        let outcome = outcome.unwrap_or_else(|panic| {
            // What it was about to keep may be half made.
            self.open.clear();
            self.shown = None;
            Err(bug(panic.as_ref()))
        });
        match outcome {
            Ok(text) => Answer { text, is_error: false },
            Err(error) => {
                self.log.error(&format!("Tool {tool} failed: {}", error.error));
                // It is made of texts, numbers and lists: it always fits.
                Answer { text: rendered(&error).unwrap_or_default(), is_error: true }
            }
        }
    }

    fn dispatch(&mut self, call: Call) -> Result<String, ToolError> {
        let Call { tool, mut arguments, roots } = call;
        let Some(entry) = entries().iter().find(|entry| entry.name == tool) else {
            let error = ToolError::new("UNKNOWN_TOOL", format!("Unknown tool: {tool}"));
            return Err(error.hint(if is_left_out(&tool) {
                "this server keeps sessions; agents and skills come with the host's extension"
            } else {
                "`tools/list` has the names of all tools"
            }));
        };
        let mut context = Context::take(self, &roots, entry.name, entry.scope, &mut arguments)?;
        (entry.run)(&mut context, arguments).map_err(|error| match context.opened() {
            Some(workspace) => error.with_last_record(workspace),
            None => error,
        })
    }

    /// Opens a workspace with what its settings say now. What is known of its session file is kept.
    ///
    /// The name by which it is opened is one that files in it may be given by.
    pub(crate) fn open(&mut self, root: &Path) -> Result<Workspace, ToolError> {
        let disk = Arc::clone(&self.disk);
        let is_there = self.disk.canonicalize(root);
        if is_there.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            return Err(place::missing(&root.to_string_lossy()));
        }
        let is_same = |open: &(PathBuf, Workspace)| {
            let (name, workspace) = open;
            name == root
                && is_there.as_ref().is_ok_and(|is| is == workspace.state_dir().workspace())
        };
        let known = self.open.iter().position(is_same).map(|at| self.open.remove(at).1);
        let workspace = match known {
            Some(known) => known.reopened(disk),
            None => Workspace::open(root, Arc::clone(&self.env), disk),
        }?;
        if MAX_WORKSPACES <= self.open.len() {
            self.open.remove(0);
        }
        self.open.push((root.to_owned(), workspace.clone()));
        Ok(workspace)
    }

    pub(crate) fn chosen(&self) -> Option<&Path> {
        self.chosen.as_deref()
    }

    pub(crate) fn choose(&mut self, root: PathBuf) {
        self.chosen = Some(root);
    }

    pub(crate) fn env(&self) -> &Arc<Env> {
        &self.env
    }

    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    pub(crate) fn cwd(&self) -> &Path {
        &self.cwd
    }
}

fn bug(panic: &(dyn Any + Send)) -> ToolError {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    ToolError::new("INTERNAL_TOOL_ERROR", format!("this is a bug in maestro: {text}")).hint(
        concat!("please report it at ", env!("CARGO_PKG_REPOSITORY"), "/issues, with the call"),
    )
}
