//! Listing and searching many archived sessions, against the bare calls on the same files.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use maestro_session::{ArchiveOptions, ArchivedFilter, Page, Query, Workspace};
use maestro_state_store::OsDisk;
use xtask::Failure;

use crate::bench::{Bench, begun, command, env, failed};
use crate::measure::{Bar, Row, alternate};

/// How many sessions are archived.
const SESSIONS: usize = 10_000;

/// How many phases each has: then a file is about 10 kB long.
const PHASES: usize = 10;

/// Each round reads 100 MB, so a few of them must do.
const MAX_ROUNDS: usize = 20;

/// A workspace with many archived sessions.
pub(super) struct Archived {
    workspace: Workspace,
    folder: PathBuf,
    bytes: u64,
    rounds: usize,
}

impl Archived {
    /// Archives one session, and makes the others from its file. To be called well before anything is measured: what has just
    /// changed is not kept in the index.
    pub(super) fn prepare(bench: &Bench) -> Result<Self, Failure> {
        let root = bench.scratch.join("archived");
        let workspace = begun(&root, PHASES)?;
        for step in 0..2 * PHASES {
            workspace.apply(&command(step)?).map_err(|error| failed(&error))?;
        }
        let receipt = workspace.archive(ArchiveOptions::default()).map_err(|e| failed(&e))?;
        let text = fs_err::read_to_string(root.join(&receipt.archive_path))?;
        let folder = workspace.state_dir().archive();
        let mut bytes = 0;
        for n in 1..SESSIONS {
            let id = format!("2026-{:02}-{:02}-session-{n}", n % 12 + 1, n % 28 + 1);
            let rare = if n.is_multiple_of(100) { "Rare" } else { "Ordinary" };
            let text = text
                .replace(receipt.session_id.as_str(), &id)
                .replace("task: \"Measure\"", &format!("task: \"{rare} task number {n}\""))
                .replace("step_", &format!("step_{}_", n % 97));
            bytes += text.len() as u64;
            fs_err::File::create(folder.join(format!("{id}.md")))?.write_all(text.as_bytes())?;
            // Each has a journal, which a list has to pass by.
            drop(fs_err::File::create(folder.join(format!("{id}.journal.jsonl")))?);
        }
        let workspace =
            Workspace::open(&root, env(), Arc::new(OsDisk)).map_err(|error| failed(&error))?;
        Ok(Self { workspace, folder, bytes, rounds: bench.rounds.min(MAX_ROUNDS) })
    }

    /// The list of all, against looking at each file.
    pub(super) fn list(&self) -> Result<Row, Failure> {
        let list = || {
            let page = Page { offset: 0, limit: Some(50) };
            let filter = ArchivedFilter::default();
            let list = self.workspace.archived(&filter, page, &mut |_, _| {});
            expect(list.map_err(|error| failed(&error))?.total, SESSIONS)
        };
        let floor = || {
            for path in files(&self.folder)? {
                fs_err::symlink_metadata(path)?;
            }
            Ok(())
        };
        let name = format!("list {SESSIONS} archived sessions");
        self.row(name, Duration::from_millis(50), floor, list)
    }

    /// A search for two words, against reading each file.
    pub(super) fn search(&self, name: &str, words: &[&str], found: usize) -> Result<Row, Failure> {
        let query = Query::parse(words.iter().copied()).map_err(|error| failed(&error))?;
        let search = || {
            let page = Page { offset: 0, limit: Some(50) };
            let filter = ArchivedFilter::default();
            let hits = self.workspace.search_archived(&query, &filter, page, &mut |_, _| {});
            expect(hits.map_err(|error| failed(&error))?.total, found)
        };
        let floor = || {
            for path in files(&self.folder)? {
                drop(fs_err::read(path)?);
            }
            Ok(())
        };
        let size = self.bytes / 1_000_000;
        let name = format!("search {SESSIONS} archived sessions ({size} MB), {name}");
        self.row(name, Duration::from_millis(300), floor, search)
    }

    fn row(
        &self,
        name: String,
        limit: Duration,
        floor: impl FnMut() -> Result<(), Failure>,
        operation: impl FnMut() -> Result<(), Failure>,
    ) -> Result<Row, Failure> {
        let (low, ours) = alternate(self.rounds, floor, operation)?;
        let bar = Some(Bar { times: 0.0, plus: limit });
        Ok(Row { name, floor: low.median, measured: Some(ours.median), bar, kept: None })
    }
}

/// The files of the sessions.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::with_capacity(SESSIONS);
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
    Ok(files)
}

fn expect(found: usize, expected: usize) -> Result<(), Failure> {
    if found == expected {
        return Ok(());
    }
    Err(Failure::Found(format!(
        "bench: found {found} archived sessions in the place of {expected}"
    )))
}
