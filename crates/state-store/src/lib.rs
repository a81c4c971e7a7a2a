//! The state dir of a workspace: settings, lock, durable writes, journal and recovery.
//!
//! A session is one text file that models, people and `grep` can read and that anyone may edit. This crate is the only
//! one that touches it and the files around it. To the crate a document is text: what is in it, and whether that makes
//! sense, its caller says through a function. Reading needs nothing but a [`Store`]. Changing needs the exclusive lock,
//! and the lock is a type: only a [`LockedStore`] has methods that change something. A change takes the text that was
//! opened ([`Current`]), so that nobody can change what they have not read; it is written beside the document, recorded
//! in an append-only [`journal`], and then put in the document's place.
//!
//! # Guarantees
//!
//! * A change that was acknowledged survives the death of the process and, where the disk keeps its word, the loss of
//!   power, at any instant. The document is always one that someone wrote, whole.
//! * A change is made to the text that was read. Processes exclude each other by the lock; when a person or a model edits
//!   the file in between, their text is kept, and the caller is told to decide again ([`Outcome::Displaced`]).
//! * The journal gives back the document after every operation, byte for byte.
//! * Nothing is overwritten that the journal could not give back: what nobody knows is moved to the quarantine.
//! * No symbolic link inside the state dir is followed, and no path leads out of where it belongs.
//! * Every error has a stable code and, where there is one, the next step. Absent, corrupt, newer, locked and conflicting
//!   are different errors.
//!
//! The crate prints nothing and reads neither clock nor environment nor current directory: times, ids and variables are
//! arguments.
//!
//! # Limitations
//!
//! * Where the system cannot exchange two files in one step, an edit in the instant between the last look and the rename
//!   is lost. An editor that keeps the old file open and writes into it later writes into a file that is gone.
//! * Windows cannot make a directory durable: there, the loss of power can undo the last rename of a document. Its text is
//!   then back in the temporary file, and the next command puts it in its place again. Should the disk have lost that file
//!   as well, the document is the one before, which is taken for an edit by hand; the journal has the text.
//! * The lock is one of the local machine; network file systems may not keep it.
//! * The check for links looks before it opens. It protects against links that are there, not against someone who
//!   exchanges directories of the workspace while we work.
//! * A journal keeps its last [`MAX_SEGMENTS`](journal::MAX_SEGMENTS) files. Older operations are lost with their texts.
//!
//! # Example
//!
//! ```
//! use std::error::Error;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use maestro_session_model::SessionId;
//! use maestro_state_store::{
//!     Actor, ActorKind, Change, Environment, Holder, Inspected, Operation, OsDisk, Outcome, Settings,
//!     StateDir, Store,
//! };
//!
//! # fn main() -> Result<(), Box<dyn Error>> {
//! # let workspace = tempfile::tempdir()?;
//! # let now = "2026-01-15T10:00:00Z".parse()?;
//! // What `main` knows: the environment, the time, ids, and who it is.
//! let environment = Environment::default();
//! let holder =
//!     Holder { pid: 1, host: "localhost".into(), command: "example".into(), started: now };
//! let operation = |id: u128, command: &str| Operation {
//!     id: uuid::Uuid::from_u128(id),
//!     time: now,
//!     actor: Actor { kind: ActorKind::Cli, name: None },
//!     command: serde_json::json!({ "command": command }),
//!     canonical: true,
//! };
//!
//! let disk = Arc::new(OsDisk);
//! let settings = Settings::resolve(workspace.path(), &environment, disk.as_ref())?;
//! let dir = StateDir::locate(workspace.path(), &settings, disk)?;
//! dir.create()?;
//! let store = Store::new(dir);
//!
//! let mut locked = store.lock(&holder, Duration::from_secs(5))?;
//! let id = "2026-01-15-example".parse()?;
//! locked.create(&id, "one\n".to_owned(), operation(1, "create"))?;
//!
//! // Says which session a text is of; asked only about texts that the journal does not know.
//! let inspect = |_: &str| Ok(Inspected::from("2026-01-15-example".parse::<SessionId>()?));
//! let current = locked.open(&inspect, now, uuid::Uuid::from_u128(2))?.expect("it was just made");
//! let text = format!("{}two\n", current.text);
//! let change = Change::between(&current, text, operation(3, "add"));
//! match locked.commit(current, change)? {
//!     Outcome::Committed(committed) => assert!(committed.finish_pending.is_none()),
//!     Outcome::Displaced => unreachable!("nobody edits the file"),
//! }
//! drop(locked);
//!
//! assert_eq!(store.read()?.expect("there is a session").text, "one\ntwo\n");
//! # Ok(())
//! # }
//! ```
//!
//! The layout of the state dir is in [`state_dir`], the form of the journal in [`journal`], and what a crash leaves behind
//! in [`store`].

pub mod store;

pub mod state_dir;

mod lock;

pub mod journal;

pub mod settings;

mod environment;

pub mod splice;

mod hash;

pub mod disk;

pub use crate::disk::{Disk, OsDisk};
pub use crate::environment::{Environment, extension_path};
pub use crate::hash::{ContentHash, ContentHasher, InvalidHash};
pub use crate::journal::{Actor, ActorKind, JournalError, Operation};
pub use crate::lock::{Holder, Lock, LockError};
pub use crate::settings::{Settings, SettingsError};
pub use crate::splice::Splice;
pub use crate::state_dir::{StateDir, StateDirError, discover_workspace, find_workspace};
pub use crate::store::{
    Carry, Change, CommitError, Committed, Current, Inspected, LockedStore, OpenError, Outcome,
    ReadError, Store, StoredText,
};
