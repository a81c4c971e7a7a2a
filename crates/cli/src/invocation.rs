//! What a command gets from the world: put together by `main`, or by a test.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use maestro_session::{Env, Workspace};
use maestro_state_store::disk::{Disk, Kind};

use crate::failure::Failure;

/// Everything around a command that is not its arguments.
pub struct Invocation {
    /// Clock, ids, environment, and who is asking.
    pub env: Env,
    /// The directory that relative paths refer to, absolute.
    pub cwd: PathBuf,
    /// Where reports, contents and answers come from.
    pub stdin: Box<dyn Read + Send>,
    /// Whether someone is there to answer.
    pub stdin_is_terminal: bool,
    /// Where data goes.
    pub stdout: Output,
    /// Where messages go.
    pub stderr: Output,
    /// Whether someone is there to read questions.
    pub stderr_is_terminal: bool,
    /// The file system.
    pub disk: Arc<dyn Disk>,
}

impl fmt::Debug for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("env", &self.env)
            .field("cwd", &self.cwd)
            .field("stdin_is_terminal", &self.stdin_is_terminal)
            .field("stderr_is_terminal", &self.stderr_is_terminal)
            .finish_non_exhaustive()
    }
}

/// A stream that is written to.
pub struct Output {
    /// The stream.
    pub stream: Box<dyn Write + Send>,
    /// Whether it shows colours.
    pub colour: bool,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("colour", &self.colour).finish_non_exhaustive()
    }
}

/// Where a command is carried out.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) env: Env,
    pub(crate) cwd: PathBuf,
    pub(crate) disk: Arc<dyn Disk>,
}

impl Place {
    /// Goes to `dir`, which must be there.
    pub(crate) fn enter(&mut self, dir: &Path) -> Result<(), Failure> {
        let unusable = |source| Failure::Directory { path: dir.to_owned(), source };
        let path = self.disk.canonicalize(&self.cwd.join(dir)).map_err(unusable)?;
        match self.disk.entry(&path).map_err(unusable)? {
            Some(entry) if entry.kind == Kind::Directory => {}
            _ => return Err(unusable(io::ErrorKind::NotADirectory.into())),
        }
        self.cwd = path;
        Ok(())
    }

    /// Opens the workspace that the current directory lies in.
    pub(crate) fn workspace(self) -> Result<Workspace, Failure> {
        Ok(Workspace::discover(&self.cwd, self.env, self.disk)?)
    }
}
