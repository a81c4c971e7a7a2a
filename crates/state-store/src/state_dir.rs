//! The state dir: where everything lies, and that nothing of it lies elsewhere.
//!
//! Owns the layout, the check that no symbolic link inside the state dir is ever followed, and the choice between the
//! configured state dir and the old ones. Creates directories; touches no session file.
//!
//! ```text
//! <state_dir>/
//!   state/active-session.md
//!   state/<session-id>.design-gate.json
//!   state/journal/<session-id>.jsonl  (+ <session-id>.<number>.jsonl)
//!   state/ledger/<session-id>.jsonl
//!   state/contexts/  state/inbox/  state/quarantine/
//!   state/archive/<session-id>.md  (+ .journal.jsonl, .ledger.jsonl)
//!   state/lock  state/lock.holder  state/.gitignore
//!   plans/  plans/archive/
//! ```

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use maestro_session_model::{MAX_PLAN_BYTES, RelPath, SessionId};

use crate::disk::{Access, Disk, Entry, Kind, io_hint};
use crate::settings::{DEFAULT_STATE_DIR, MARKER_FILE, Origin, Settings};

mod create;
mod discover;

pub use crate::state_dir::create::{CreatedDir, Creation, GitignoreChange};
pub use crate::state_dir::discover::{discover_workspace, find_workspace};

pub(crate) use crate::state_dir::create::is_gitignore_temp;

/// The state dir of older versions for Gemini CLI.
pub const LEGACY_STATE_DIR: &str = ".gemini";

/// The file of the active session, below the state dir.
const ACTIVE_SESSION: &str = "state/active-session.md";

/// How the name of a design gate ends, after the id of its session.
pub const DESIGN_GATE_ENDING: &str = ".design-gate.json";

/// The state dir of a workspace, checked to lie inside it.
///
/// Having one does not mean that it exists: [`StateDir::create`] makes it.
#[derive(Clone, Debug)]
pub struct StateDir {
    disk: Arc<dyn Disk>,
    workspace: PathBuf,
    relative: RelPath,
    root: PathBuf,
}

impl StateDir {
    /// Finds the state dir of `workspace` that `settings` name; when they name none, an existing
    /// `.gemini/state/active-session.md` is found too.
    ///
    /// Refuses a state dir that is a file, a symbolic link, or reached through one. Two state dirs with an active
    /// session each are a conflict: which of them is meant only the user can say.
    pub fn locate(
        workspace: &Path,
        settings: &Settings,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, StateDirError> {
        let workspace = disk.canonicalize(workspace)?;
        let configured = settings.state_dir.value.clone();
        let by_default = settings.state_dir.origin == Origin::Default;

        let mut candidates = vec![configured.clone()];
        for older in [DEFAULT_STATE_DIR, LEGACY_STATE_DIR] {
            let older = RelPath::parse(older).expect("the known state dirs are legal paths");
            if !candidates.contains(&older) {
                candidates.push(older);
            }
        }
        let mut active = Vec::new();
        for candidate in candidates {
            let file = workspace.join(candidate.as_str()).join(ACTIVE_SESSION);
            if entry_if_reachable(disk.as_ref(), &file)?.is_some() {
                active.push(candidate);
            }
        }
        if let [first, second, ..] = active.as_slice() {
            let file = |dir: &RelPath| workspace.join(dir.as_str()).join(ACTIVE_SESSION);
            return Err(StateDirError::TwoSessions { first: file(first), second: file(second) });
        }
        let legacy = active.pop().filter(|dir| by_default && dir.as_str() == LEGACY_STATE_DIR);
        let relative = legacy.unwrap_or(configured);

        let root = workspace.join(relative.as_str());
        let dir = Self { disk, workspace, relative, root };
        dir.check_directory(&dir.root)?;
        Ok(dir)
    }

    /// Returns the workspace, as an absolute path without links.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// Returns the state dir as an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the state dir relative to the workspace.
    pub fn relative(&self) -> &RelPath {
        &self.relative
    }

    /// Returns a path as it is shown: relative to the workspace if it is in it, with forward slashes.
    pub fn show(&self, path: &Path) -> String {
        path.strip_prefix(&self.workspace).unwrap_or(path).to_string_lossy().replace('\\', "/")
    }

    /// Returns the disk that the state dir is on.
    pub fn disk(&self) -> &dyn Disk {
        self.disk.as_ref()
    }

    /// Returns the directory `state/`.
    pub fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// Returns the document of the active session.
    pub fn active_session(&self) -> PathBuf {
        self.root.join(ACTIVE_SESSION)
    }

    /// Returns the design gate of a session.
    pub fn design_gate(&self, id: &SessionId) -> PathBuf {
        self.state().join(format!("{id}{DESIGN_GATE_ENDING}"))
    }

    /// Returns the directory of the journals.
    pub fn journals(&self) -> PathBuf {
        self.root.join("state/journal")
    }

    /// Returns the file that the journal of a session that is not archived begins with.
    pub fn journal(&self, id: &SessionId) -> PathBuf {
        self.journals().join(format!("{id}.jsonl"))
    }

    /// Returns the directory of the ledgers.
    pub fn ledgers(&self) -> PathBuf {
        self.root.join("state/ledger")
    }

    /// Returns the ledger of a session that is not archived.
    pub fn ledger(&self, id: &SessionId) -> PathBuf {
        self.ledgers().join(format!("{id}.jsonl"))
    }

    /// Returns the directory of fingerprints and artifacts.
    pub fn contexts(&self) -> PathBuf {
        self.root.join("state/contexts")
    }

    /// Returns the directory of archived sessions.
    pub fn archive(&self) -> PathBuf {
        self.root.join("state/archive")
    }

    /// Returns the directory of what was set aside; nothing in it is ever deleted.
    pub fn quarantine(&self) -> PathBuf {
        self.root.join("state/quarantine")
    }

    /// Returns the lock file, which is never deleted or replaced.
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("state/lock")
    }

    /// Returns the file that says who holds the lock.
    pub fn lock_holder(&self) -> PathBuf {
        self.root.join("state/lock.holder")
    }

    /// Returns the file that keeps our files out of the user's repository.
    pub fn gitignore(&self) -> PathBuf {
        self.root.join("state/.gitignore")
    }

    /// Returns the directory of design and plan documents.
    pub fn plans(&self) -> PathBuf {
        self.root.join("plans")
    }

    /// Returns the directory of archived design and plan documents.
    pub fn archived_plans(&self) -> PathBuf {
        self.root.join("plans/archive")
    }

    /// Returns the file in the workspace that names the state dir that its user chose.
    pub fn marker(&self) -> PathBuf {
        self.workspace.join(MARKER_FILE)
    }

    /// Returns `path`, which must lie in the state dir, relative to it.
    pub(crate) fn within(&self, path: &Path) -> Result<PathBuf, StateDirError> {
        let outside = || StateDirError::Outside { path: path.to_owned() };
        let rest = path.strip_prefix(&self.root).map_err(|_| outside())?;
        if rest.components().all(|part| matches!(part, Component::Normal(_))) {
            Ok(rest.to_owned())
        } else {
            Err(outside())
        }
    }

    /// Describes what is at `path`; refuses a link there or anywhere on the way from the workspace.
    pub(crate) fn entry(&self, path: &Path) -> Result<Option<Entry>, StateDirError> {
        let outside = || StateDirError::Outside { path: path.to_owned() };
        let rest = path.strip_prefix(&self.workspace).map_err(|_| outside())?;
        let mut at = self.workspace.clone();
        let mut parts = rest.components().peekable();
        while let Some(part) = parts.next() {
            let Component::Normal(name) = part else { return Err(outside()) };
            at.push(name);
            let Some(entry) = self.disk.entry(&at)? else { return Ok(None) };
            match entry.kind {
                Kind::Symlink => return Err(StateDirError::Symlink { path: at }),
                Kind::Directory => {}
                Kind::File | Kind::Other if parts.peek().is_none() => {}
                Kind::File | Kind::Other => {
                    return Err(StateDirError::NotADirectory { path: at });
                }
            }
            if parts.peek().is_none() {
                return Ok(Some(entry));
            }
        }
        Err(outside())
    }

    /// Like [`entry`](Self::entry), and refuses what is there unless it is a regular file.
    pub(crate) fn file_entry(&self, path: &Path) -> Result<Option<Entry>, StateDirError> {
        match self.entry(path)? {
            Some(entry) if entry.kind != Kind::File => {
                Err(StateDirError::NotAFile { path: path.to_owned(), kind: entry.kind })
            }
            found => Ok(found),
        }
    }

    /// Refuses `path` unless it is absent or a directory that is reached without links; says whether it is there.
    pub(crate) fn check_directory(&self, path: &Path) -> Result<bool, StateDirError> {
        match self.entry(path)? {
            None => Ok(false),
            Some(entry) if entry.kind == Kind::Directory => Ok(true),
            Some(_) => Err(StateDirError::NotADirectory { path: path.to_owned() }),
        }
    }

    /// Finds the document that a user names by `text`, a path that is absolute or relative to the workspace.
    ///
    /// It must be an existing regular file, and after all links are resolved it must lie inside the workspace; the
    /// path that is returned is the resolved one.
    pub fn resolve_document(&self, text: &str) -> Result<RelPath, StateDirError> {
        let named = self.workspace.join(text);
        let unusable = |path: PathBuf, problem| StateDirError::DocumentUnusable { path, problem };
        let missing = |source: io::Error| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                StateDirError::DocumentMissing { path: named.clone(), source }
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidFilename => {
                unusable(named.clone(), "no file can have this path")
            }
            _ => source.into(),
        };
        let path = self.disk.canonicalize(&named).map_err(missing)?;
        let outside = || StateDirError::Outside { path: path.clone() };
        let inside = path.strip_prefix(&self.workspace).map_err(|_| outside())?;
        let relative = inside.to_str().and_then(|inside| RelPath::parse(inside).ok());
        let relative = relative.ok_or_else(outside)?;
        match self.disk.entry(&path)? {
            Some(entry) if entry.kind == Kind::File => Ok(relative),
            Some(_) => Err(unusable(path, "it is no file")),
            None => Err(missing(io::ErrorKind::NotFound.into())),
        }
    }
}

impl StateDir {
    /// Reads the document that a user names by `text`, as [`resolve_document`](Self::resolve_document) finds it.
    ///
    /// It must be UTF-8 text of at most [`MAX_PLAN_BYTES`] bytes.
    pub fn read_document(&self, text: &str) -> Result<(RelPath, String), StateDirError> {
        let relative = self.resolve_document(text)?;
        let path = self.workspace.join(relative.as_str());
        let mut file = self.disk.open(&path, Access::Read)?;
        let bytes = file.read_at(0, MAX_PLAN_BYTES + 1)?;
        let unusable = |problem| StateDirError::DocumentUnusable { path: path.clone(), problem };
        if bytes.len() > MAX_PLAN_BYTES {
            return Err(unusable("it is larger than 16 MiB"));
        }
        let text = String::from_utf8(bytes).map_err(|_| unusable("it is not UTF-8 text"))?;
        Ok((relative, text))
    }
}

/// Describes `path`, or nothing when it is absent or below something that is no directory.
fn entry_if_reachable(disk: &dyn Disk, path: &Path) -> io::Result<Option<Entry>> {
    match disk.entry(path) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(None),
        found => found,
    }
}

/// An error from finding, checking or creating the state dir.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateDirError {
    /// A symbolic link where only our own files belong.
    #[error("`{}` is a symbolic link, which is not followed inside the state dir", path.display())]
    Symlink {
        /// The link.
        path: PathBuf,
    },
    /// Something other than a directory is where one belongs.
    #[error("`{}` is not a directory", path.display())]
    NotADirectory {
        /// What is in the way.
        path: PathBuf,
    },
    /// Something other than a file is where one belongs.
    #[error("`{}` is {kind}, not a file", path.display())]
    NotAFile {
        /// What is in the way.
        path: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// A path leads out of where it must stay.
    #[error("`{}` lies outside the directory that it must stay in", path.display())]
    Outside {
        /// The path.
        path: PathBuf,
    },
    /// A document cannot be a plan or a design.
    #[error("the document `{}` cannot be used: {problem}", path.display())]
    DocumentUnusable {
        /// The document.
        path: PathBuf,
        /// Why not.
        problem: &'static str,
    },
    /// A document does not exist.
    #[error("the document `{}` cannot be found", path.display())]
    DocumentMissing {
        /// The path as it was named.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two state dirs have an active session each.
    #[error("there are two active sessions: `{}` and `{}`", first.display(), second.display())]
    TwoSessions {
        /// The document in the configured state dir, or in the first of the known ones.
        first: PathBuf,
        /// The other document.
        second: PathBuf,
    },
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl StateDirError {
    /// Returns the stable code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Symlink { .. } | Self::NotADirectory { .. } | Self::NotAFile { .. } => {
                "STATE_DIR_UNUSABLE"
            }
            Self::Outside { .. } => "OUTSIDE_WORKSPACE",
            Self::DocumentUnusable { .. } => "DOCUMENT_UNUSABLE",
            Self::DocumentMissing { .. } => "DOCUMENT_MISSING",
            Self::TwoSessions { .. } => "CONFLICT",
            Self::Io(_) => "IO",
        }
    }

    /// Returns the next step for the user.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Symlink { path } => Some(format!(
                "replace `{}` by what it points to, or set MAESTRO_STATE_DIR to a path without links",
                path.display()
            )),
            Self::NotADirectory { path } | Self::NotAFile { path, .. } => Some(format!(
                "move `{}` out of the way, or set MAESTRO_STATE_DIR to another path",
                path.display()
            )),
            Self::Outside { .. } => {
                Some("give a path that stays inside after links are resolved".to_owned())
            }
            Self::DocumentUnusable { .. } => Some("give a Markdown file".to_owned()),
            Self::DocumentMissing { .. } => {
                Some("give the path of an existing file, relative to the workspace".to_owned())
            }
            Self::TwoSessions { first, second } => Some(format!(
                "keep one of them: archive the other with `MAESTRO_STATE_DIR=… maestro archive`, or move `{}` or `{}` \
                 out of the workspace",
                first.display(),
                second.display()
            )),
            Self::Io(error) => io_hint(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::OsDisk;
    use crate::environment::Environment;

    fn locate(workspace: &Path, state_dir: Option<&str>) -> Result<StateDir, StateDirError> {
        let environment: Environment = state_dir
            .map(|dir| ("MAESTRO_STATE_DIR".to_owned(), dir.to_owned()))
            .into_iter()
            .collect();
        let settings = Settings::resolve(workspace, &environment, &OsDisk).unwrap();
        StateDir::locate(workspace, &settings, Arc::new(OsDisk))
    }

    #[expect(clippy::disallowed_methods, reason = "a test writes what a user would")]
    fn active_session(workspace: &Path, state_dir: &str) {
        let dir = workspace.join(state_dir).join("state");
        fs_err::create_dir_all(&dir).unwrap();
        fs_err::write(dir.join("active-session.md"), "---\n---\n").unwrap();
    }

    #[test]
    fn the_session_of_an_older_version_is_found_by_default() {
        let dir = tempfile::tempdir().unwrap();
        active_session(dir.path(), ".gemini");
        assert_eq!(locate(dir.path(), None).unwrap().relative().as_str(), ".gemini");
        assert_eq!(locate(dir.path(), Some("x")).unwrap().relative().as_str(), "x");
    }

    #[test]
    fn a_path_is_shown_relative_to_the_workspace_it_is_in() {
        let folder = tempfile::tempdir().unwrap();
        let dir = locate(folder.path(), None).unwrap();
        assert_eq!(dir.show(&dir.active_session()), "docs/maestro/state/active-session.md");
        assert_eq!(dir.show(Path::new("/elsewhere/a.md")), "/elsewhere/a.md");
    }

    #[test]
    fn two_active_sessions_are_a_conflict_that_names_both() {
        let dir = tempfile::tempdir().unwrap();
        active_session(dir.path(), ".gemini");
        active_session(dir.path(), "docs/maestro");
        let error = locate(dir.path(), None).unwrap_err();
        assert_eq!(error.code(), "CONFLICT");
        let text = error.to_string();
        assert!(text.contains(".gemini/state") && text.contains("docs/maestro/state"), "{text}");
        assert_eq!(locate(dir.path(), Some("docs/maestro")).unwrap_err().code(), "CONFLICT");
    }

    #[test]
    fn a_configured_state_dir_and_the_default_one_cannot_both_be_active() {
        let dir = tempfile::tempdir().unwrap();
        active_session(dir.path(), "docs/maestro");
        assert!(locate(dir.path(), Some("x")).is_ok());
        active_session(dir.path(), "x");
        assert_eq!(locate(dir.path(), Some("x")).unwrap_err().code(), "CONFLICT");
    }

    #[test]
    fn a_path_that_leaves_the_state_dir_is_outside() {
        let dir = tempfile::tempdir().unwrap();
        let state_dir = locate(dir.path(), None).unwrap();
        for path in [state_dir.workspace().join("a"), state_dir.root().join("../x")] {
            assert!(matches!(state_dir.within(&path), Err(StateDirError::Outside { .. })));
        }
        assert_eq!(state_dir.within(&state_dir.plans()).unwrap(), Path::new("plans"));
    }
}
