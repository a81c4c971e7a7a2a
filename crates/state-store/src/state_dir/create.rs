//! Creating the state dir.
//!
//! Everything here is idempotent and safe to do twice at the same time: directories that are already there are left as
//! they are, and files appear whole.

use std::io;
use std::path::{Path, PathBuf};

use maestro_session_model::RelPath;

use crate::disk::{Access, Privacy};
use crate::state_dir::{StateDir, StateDirError};

/// The directories that every state dir has, below it.
const DIRECTORIES: [&str; 5] =
    ["state", "state/archive", "state/journal", "plans", "plans/archive"];

/// What `state/.gitignore` keeps out of the user's repository. The first two lines are those of the Node server.
const IGNORED: [&str; 11] = [
    "active-session.md",
    "archive/",
    "*.design-gate.json",
    "journal/",
    "ledger/",
    "contexts/",
    "inbox/",
    "lock",
    "lock.holder",
    "quarantine/",
    "*.tmp",
];

/// How often a small file is written again because someone took its temporary file for a leftover.
const MAX_WRITES: u32 = 16;

/// What [`StateDir::create`] found and made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Creation {
    /// The directories of the layout, in the order in which they are made.
    pub directories: Vec<CreatedDir>,
    /// What became of `state/.gitignore`.
    pub gitignore: GitignoreChange,
}

impl Creation {
    /// Whether `state/` was there before.
    pub fn already_existed(&self) -> bool {
        self.directories.first().is_some_and(|state| !state.created)
    }
}

/// A directory of the layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedDir {
    /// The path relative to the workspace.
    pub path: RelPath,
    /// Whether it was not there before.
    pub created: bool,
}

/// What became of `state/.gitignore`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GitignoreChange {
    /// It had every line.
    Unchanged,
    /// It was not there.
    Created,
    /// It lacked lines, which now stand at its end.
    Extended,
}

/// A `.gitignore` that is there.
struct Gitignore {
    bytes: Vec<u8>,
    /// The lines that it lacks.
    missing: Vec<&'static str>,
}

impl StateDir {
    /// Makes the directories of the layout (0700) and `state/.gitignore`, and leaves alone what is there.
    ///
    /// The parent of each new entry is made durable. On an error, what was made stays; calling again goes on from there.
    pub fn create(&self) -> Result<Creation, StateDirError> {
        let mut directories = Vec::new();
        for name in DIRECTORIES {
            let created = self.ensure_directory(&self.root.join(name))?;
            let path = self.relative.join(name).expect("the layout has legal names");
            directories.push(CreatedDir { path, created });
        }
        let gitignore = self.ensure_gitignore()?;
        Ok(Creation { directories, gitignore })
    }

    /// Lists what [`create`](Self::create) would make, relative to the workspace: directories, and the `.gitignore` if it is
    /// absent or lacks lines. Changes nothing.
    pub fn missing(&self) -> Result<Vec<String>, StateDirError> {
        let mut missing = Vec::new();
        for name in DIRECTORIES {
            if !self.check_directory(&self.root.join(name))? {
                missing.push(format!("{}/{name}", self.relative));
            }
        }
        if self.read_gitignore()?.is_none_or(|found| !found.missing.is_empty()) {
            missing.push(format!("{}/state/.gitignore", self.relative));
        }
        Ok(missing)
    }

    /// Reads the `.gitignore`, if there is one, and says which lines it lacks.
    fn read_gitignore(&self) -> Result<Option<Gitignore>, StateDirError> {
        let path = self.gitignore();
        let Some(entry) = self.file_entry(&path)? else { return Ok(None) };
        let len = usize::try_from(entry.len).unwrap_or(usize::MAX);
        let bytes = self.disk.open(&path, Access::Read)?.read_at(0, len)?;
        let present: Vec<&[u8]> =
            bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        let missing =
            IGNORED.into_iter().filter(|line| !present.contains(&line.as_bytes())).collect();
        Ok(Some(Gitignore { bytes, missing }))
    }

    /// Makes `path`, which lies in the state dir, and what is missing above it, and makes each new entry durable. Says
    /// whether it was not there before.
    ///
    /// A directory that is empty may have been made by someone who died before its entry was durable. One that is not is
    /// durable, because nobody puts anything into it before.
    pub(crate) fn ensure_directory(&self, path: &Path) -> Result<bool, StateDirError> {
        if self.check_directory(path)? {
            self.keep_if_empty(path)?;
            return Ok(false);
        }
        let rest = path
            .strip_prefix(&self.workspace)
            .map_err(|_| StateDirError::Outside { path: path.to_owned() })?;
        let mut at = self.workspace.clone();
        for part in rest.components() {
            let parent = at.clone();
            at.push(part);
            if self.check_directory(&at)? {
                self.keep_if_empty(&at)?;
                continue;
            }
            // Directories above the state dir are the user's: `docs` is not for us to close to others.
            let privacy =
                if at.starts_with(&self.root) { Privacy::Private } else { Privacy::Shared };
            match self.disk.create_dir(&at, privacy) {
                Ok(()) => self.disk.sync_dir(&parent)?,
                // Another process was faster.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.check_directory(&at)?;
                    self.disk.sync_dir(&parent)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }

    fn keep_if_empty(&self, path: &Path) -> Result<(), StateDirError> {
        match path.parent() {
            Some(parent) if self.disk.list(path)?.is_empty() => Ok(self.disk.sync_dir(parent)?),
            Some(_) | None => Ok(()),
        }
    }

    fn ensure_gitignore(&self) -> Result<GitignoreChange, StateDirError> {
        let path = self.gitignore();
        let Some(Gitignore { mut bytes, missing }) = self.read_gitignore()? else {
            let text = format!("{}\n", IGNORED.join("\n"));
            self.replace_small_file(&path, text.as_bytes())?;
            return Ok(GitignoreChange::Created);
        };
        if missing.is_empty() {
            // Whoever wrote it may have died before its entry was durable.
            self.disk.sync_dir(&self.state())?;
            return Ok(GitignoreChange::Unchanged);
        }
        if !bytes.is_empty() && !bytes.ends_with(b"\n") {
            bytes.push(b'\n');
        }
        for line in missing {
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
        }
        self.replace_small_file(&path, &bytes)?;
        Ok(GitignoreChange::Extended)
    }

    /// Writes the marker file of the workspace, so that later commands find this state dir without a setting.
    ///
    /// The file is replaced as a whole.
    pub fn write_marker(&self) -> Result<(), StateDirError> {
        let path = self.marker();
        self.file_entry(&path)?;
        self.replace_small_file(&path, format!("{}\n", self.relative).as_bytes())
    }

    /// Replaces a file by a durable rename. Needs no lock: two processes that do this at once use different temporary
    /// names, and either result is whole. Whoever has the lock may [sweep](is_gitignore_temp) what is being written; then
    /// it is written again.
    fn replace_small_file(&self, path: &Path, bytes: &[u8]) -> Result<(), StateDirError> {
        let mut writes = 0;
        loop {
            writes += 1;
            let (temp, mut file) = self.create_free_temp(path)?;
            let written = file
                .write_all(bytes)
                .and_then(|()| file.sync_all())
                .and_then(|()| self.disk.rename(&temp, path));
            match written {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound && writes < MAX_WRITES => {}
                Err(error) => {
                    // The error that is reported is the one that came first.
                    drop(self.disk.remove_file(&temp));
                    return Err(error.into());
                }
            }
        }
        if let Some(parent) = path.parent() {
            self.disk.sync_dir(parent)?;
        }
        Ok(())
    }

    fn create_free_temp(
        &self,
        path: &Path,
    ) -> Result<(PathBuf, Box<dyn crate::disk::DiskFile>), StateDirError> {
        const TRIES: u32 = 64;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.trim_start_matches('.');
        let mut n = 0;
        loop {
            let temp = path.with_file_name(format!(".{name}.{n}.tmp"));
            match self.disk.open(&temp, Access::CreateNew) {
                Ok(file) => return Ok((temp, file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && n < TRIES => n += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Whether a file in `state/` is a `.gitignore` that is being written, or was when its process died.
pub(crate) fn is_gitignore_temp(name: &str) -> bool {
    let number = name.strip_prefix(".gitignore.").and_then(|rest| rest.strip_suffix(".tmp"));
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}
