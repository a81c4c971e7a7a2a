//! The workspace: where its state dir is, and the way in to every operation.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use maestro_archive::is_in_archive;
use maestro_session_model::{Document, InvalidPath, RelPath, SessionId};
use maestro_state_store::settings::{DEFAULT_STATE_DIR, Origin};
use maestro_state_store::state_dir::{Creation, LEGACY_STATE_DIR};
use maestro_state_store::{
    Disk, Environment, OpenError, Settings, StateDir, Store, discover_workspace,
};

use crate::baselines::carry;
use crate::env::Env;
use crate::error::SessionError;
use crate::status::{NoSession, SessionView, Status};

/// A project directory with its state dir and settings.
///
/// Holding one holds no lock and no open file: every operation takes what it needs and lets go of it. Reading
/// operations take no lock at all. Clones share what they know of the session file.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) env: Arc<Env>,
    /// Under which names the workspace is known, the one without links first: agents report absolute paths under the name
    /// that they were given.
    pub(crate) root_names: Vec<String>,
    /// The document that was seen or written last, so that a process that goes on running parses a text once.
    pub(crate) last_seen: Arc<Mutex<Option<Arc<Document>>>>,
    /// The only session that operations are meant for; any, when absent.
    pub(crate) only: Option<SessionId>,
}

/// What [`Workspace::init`] did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Initialised {
    /// The workspace.
    pub workspace: PathBuf,
    /// Its state dir, relative to it.
    pub state_dir: RelPath,
    /// What was created.
    pub creation: Creation,
    /// The file that remembers a state dir other than the default, if one was written.
    pub marker: Option<PathBuf>,
}

impl Workspace {
    /// Opens the workspace that `start` lies in: the nearest directory upwards that has a state dir, else `start`.
    ///
    /// Creates nothing.
    pub fn discover(start: &Path, env: Env, disk: Arc<dyn Disk>) -> Result<Self, SessionError> {
        let root = discover_workspace(start, &env.environment, disk.as_ref());
        Self::open(&root, env, disk)
    }

    /// Opens the workspace `root`, exactly that directory.
    ///
    /// Creates nothing.
    pub fn open(
        root: &Path,
        env: impl Into<Arc<Env>>,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, SessionError> {
        let env = env.into();
        let settings = Settings::resolve(root, &env.environment, disk.as_ref())?;
        let dir = StateDir::locate(root, &settings, disk)?;
        let root_names = root_names(dir.workspace(), root, &env.environment, dir.disk());
        let store = Store::new(dir).carrying(carry);
        Ok(Self { settings, store, env, root_names, last_seen: Arc::default(), only: None })
    }

    /// Opens the same workspace once more, with what its settings say now, and keeps what is known of the session file.
    ///
    /// For a process that goes on running while people edit their settings.
    pub fn reopened(&self, disk: Arc<dyn Disk>) -> Result<Self, SessionError> {
        let root = self.state_dir().workspace();
        let settings = Settings::resolve(root, &self.env.environment, disk.as_ref())?;
        let dir = StateDir::locate(root, &settings, disk)?;
        let is_same = dir.root() == self.state_dir().root();
        let last_seen = if is_same { Arc::clone(&self.last_seen) } else { Arc::default() };
        let store = Store::new(dir).carrying(carry);
        let (env, root_names) = (Arc::clone(&self.env), self.root_names.clone());
        Ok(Self { settings, store, env, root_names, last_seen, only: None })
    }

    /// Returns the workspace for operations that are meant for one session: as long as another one is active, they fail with
    /// [`SessionError::OtherSession`].
    ///
    /// Whether it is active is asked under the lock, of the session that is to be changed. What is about the workspace as a
    /// whole, such as [`doctor`](Self::doctor), or about archived sessions, asks nothing.
    #[must_use]
    pub fn only_for(&self, session_id: SessionId) -> Self {
        Self { only: Some(session_id), ..self.clone() }
    }

    /// The workspace for operations that are meant for whatever session there is.
    pub(crate) fn for_any(&self) -> Self {
        Self { only: None, ..self.clone() }
    }

    /// Makes `root`, exactly that directory, a workspace: creates its state dir, or what is missing of it.
    ///
    /// A `state_dir` that is given is remembered in the marker file, so that everyone finds it.
    pub fn init(
        root: &Path,
        state_dir: Option<&RelPath>,
        env: &Env,
        disk: &Arc<dyn Disk>,
    ) -> Result<Initialised, SessionError> {
        let mut settings = Settings::resolve(root, &env.environment, disk.as_ref())?;
        if let Some(state_dir) = state_dir {
            refuse_second_state_dir(root, &settings, state_dir, disk)?;
            settings.choose_state_dir(state_dir.clone())?;
        }
        let dir = StateDir::locate(root, &settings, Arc::clone(disk))?;
        let creation = dir.create()?;
        let marker = if state_dir.is_some() {
            dir.write_marker()?;
            Some(dir.marker())
        } else {
            None
        };
        let workspace = dir.workspace().to_owned();
        Ok(Initialised { workspace, state_dir: dir.relative().clone(), creation, marker })
    }

    /// Returns the path relative to the workspace of what a user or an agent names: a path that is relative to it, or an
    /// absolute one under any of its names.
    pub fn relative(&self, path: &str) -> Result<RelPath, InvalidPath> {
        let found = self.root_names.iter().map(|name| RelPath::within(name, path));
        let mut last = Err(InvalidPath::Empty);
        for found in found {
            if found.is_ok() {
                return found;
            }
            last = found;
        }
        last
    }

    /// Returns the state dir.
    pub fn state_dir(&self) -> &StateDir {
        self.store.dir()
    }

    /// Returns the settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns where the active session stands. Takes no lock.
    pub fn status(&self) -> Result<Status, SessionError> {
        Ok(match self.read()? {
            Some(document) => Status::Active(Box::new(self.view(&document))),
            None => Status::None(NoSession::default()),
        })
    }

    /// Returns a document that was read as `status` shows it.
    pub fn view(&self, document: &Document) -> SessionView {
        let slots = self.settings.max_concurrent.value;
        SessionView::of(document.session(), self.state_dir().relative(), slots)
    }

    /// Reads the active session's document, if there is one. Takes no lock.
    ///
    /// Fails for a session whose file is gone, as an operation that changes it does. Only where there is no file are the ends
    /// of journals read.
    pub fn read(&self) -> Result<Option<Arc<Document>>, SessionError> {
        let document = self.read_file()?;
        if document.is_none() {
            self.refuse_lost()?;
        }
        Ok(document)
    }

    /// Reads the session file, if there is one, and asks no journal whether there should be one.
    pub(crate) fn read_file(&self) -> Result<Option<Arc<Document>>, SessionError> {
        let Some(stored) = self.store.read()? else { return Ok(None) };
        self.document_of(stored.text).map(Some)
    }

    /// Refuses a session that has lost its file. One that an archiving has brought to the archive has not, though the next
    /// operation still has to finish that.
    fn refuse_lost(&self) -> Result<(), SessionError> {
        let Some(live) = self.store.without_document()? else { return Ok(()) };
        if is_in_archive(&self.store, &live)? {
            return Ok(());
        }
        let path = self.state_dir().active_session();
        let session_id = live.session_id;
        Err(OpenError::SessionFileMissing { path, session_id }.into())
    }

    /// The document of a text of the session file; the one that is known, if it has this text.
    ///
    /// Fails for another session than the one that operations are meant for: everything comes by here before it is decided.
    pub(crate) fn document_of(&self, text: String) -> Result<Arc<Document>, SessionError> {
        let known = self.last_seen().filter(|known| known.text() == text);
        let document = if let Some(known) = known {
            known
        } else {
            let path = self.state_dir().active_session();
            let document =
                Document::parse(text).map_err(|source| SessionError::Corrupt { path, source })?;
            self.remember(document)
        };
        self.refuse_other(&document.session().session_id)?;
        Ok(document)
    }

    /// Refuses a session that operations are not meant for.
    pub(crate) fn refuse_other(&self, active: &SessionId) -> Result<(), SessionError> {
        match &self.only {
            Some(meant) if meant != active => {
                Err(SessionError::OtherSession { meant: meant.clone(), active: active.clone() })
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn remember(&self, document: Document) -> Arc<Document> {
        let document = Arc::new(document);
        if let Ok(mut last_seen) = self.last_seen.lock() {
            *last_seen = Some(Arc::clone(&document));
        }
        document
    }

    /// Returns the session as it was read or written last by this process, without reading it again.
    pub fn last_seen(&self) -> Option<Arc<Document>> {
        // A thread that panicked with this lock has left an older document at worst, and texts are compared.
        self.last_seen.lock().ok()?.clone()
    }

    pub(crate) fn no_session(&self) -> SessionError {
        SessionError::NoSession { dir: self.state_dir().root().to_owned() }
    }
}

/// Refuses `chosen` as state dir where another one is set or in use: what is written there would not be found.
fn refuse_second_state_dir(
    root: &Path,
    settings: &Settings,
    chosen: &RelPath,
    disk: &Arc<dyn Disk>,
) -> Result<(), SessionError> {
    let set = &settings.state_dir;
    if set.origin == Origin::Environment && set.value != *chosen {
        let (chosen, set) = (chosen.clone(), set.value.clone());
        return Err(SessionError::StateDirSet { chosen, set });
    }
    // What is there now, by whatever names it; and those that are known by their names, if something else is set.
    let mut in_use = settings.clone();
    for known in [None, Some(DEFAULT_STATE_DIR), Some(LEGACY_STATE_DIR)] {
        if let Some(known) = known {
            in_use.state_dir.value = RelPath::parse(known)?;
        }
        let present = StateDir::locate(root, &in_use, Arc::clone(disk))?;
        if present.relative() != chosen && Store::new(present.clone()).stamp()?.is_some() {
            let (chosen, present) = (chosen.clone(), present.relative().clone());
            return Err(SessionError::StateDirInUse { chosen, present });
        }
    }
    Ok(())
}

/// The names of a workspace: without links, as it was opened, and as the shell that we were started from sees it.
fn root_names(
    canonical: &Path,
    opened: &Path,
    environment: &Environment,
    disk: &dyn Disk,
) -> Vec<String> {
    let shell = environment.get("PWD").map(Path::new).filter(|path| path.is_absolute());
    let shell = shell.and_then(|path| {
        path.ancestors().find(|dir| disk.canonicalize(dir).is_ok_and(|dir| dir == canonical))
    });
    let mut names = vec![canonical.to_string_lossy().into_owned()];
    for path in [Some(opened), shell].into_iter().flatten().filter(|path| path.is_absolute()) {
        let name = path.to_string_lossy().into_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
