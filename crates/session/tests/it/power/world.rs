//! A workspace on a disk in memory, and what a person would say is in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use maestro_session::{NewSessionRequest, Workspace};
use maestro_testutils::{Reach, SimDisk};

use crate::fixture::{PLAN, env_of};

pub(crate) const ROOT: &str = "/home/u/app";
pub(crate) const FILE: &str = "docs/maestro/state/active-session.md";
pub(crate) const JOURNAL: &str =
    "docs/maestro/state/journal/2026-01-15-add-a-token-bucket-rate-limiter.jsonl";

pub(crate) fn at(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

/// A disk with a plan and nothing else.
pub(crate) fn bare() -> SimDisk {
    let disk = SimDisk::new(Path::new(ROOT));
    put(&disk, "plan.md", PLAN);
    disk
}

/// A disk with a session, all of it durable.
pub(crate) fn begun() -> SimDisk {
    let disk = bare();
    open(&disk).create_session(&request()).unwrap();
    disk.sync_everything();
    disk
}

pub(crate) fn put(disk: &SimDisk, name: &str, text: &str) {
    disk.put(&at(name), text.as_bytes(), Reach::Disk);
}

pub(crate) fn text(disk: &SimDisk, name: &str) -> String {
    String::from_utf8(disk.bytes(&at(name)).unwrap()).unwrap()
}

/// Opens the workspace as another process does. Its ids follow from what is on the disk, so that what is done twice is the
/// same twice, and need not be tried again.
pub(crate) fn open(disk: &SimDisk) -> Workspace {
    let digest = disk.snapshot().after_kill().digest().to_string();
    let process = u64::from_str_radix(&digest[..16], 16).unwrap();
    Workspace::open(Path::new(ROOT), env_of(&[], process), Arc::new(disk.clone())).unwrap()
}

pub(crate) fn request() -> NewSessionRequest {
    NewSessionRequest {
        from: PathBuf::from(ROOT),
        ..NewSessionRequest::new("Add a token bucket rate limiter", "plan.md")
    }
}

/// What is there: the files that are somebody's work, without the times in them.
pub(crate) type State = BTreeMap<String, String>;

pub(crate) fn state(disk: &SimDisk) -> State {
    let files = disk.files().into_iter().filter_map(|(path, bytes)| {
        let name = path.strip_prefix(ROOT).ok()?.to_str()?.to_owned();
        let is_work = name == FILE
            || name.contains("/plans/")
            || name.contains("/quarantine/")
            || name.ends_with(".design-gate.json")
            || name.contains("ledger")
            || name.contains("/state/archive/") && name.strip_suffix(".md").is_some();
        // A journal has ids and times, which are others each time.
        let is_journal = name.contains(".jsonl");
        let text = if is_journal { "a journal".into() } else { String::from_utf8_lossy(&bytes) };
        is_work.then(|| (name, without_times(&text)))
    });
    files.collect()
}

/// The text with `T` for every point in time: how late a repeated change is, does not matter.
fn without_times(text: &str) -> String {
    const SHAPE: &[u8] = b"0000-00-00T00:00:00.000Z";
    let mut left = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let is_time = rest.len() >= SHAPE.len()
            && rest.bytes().zip(SHAPE).all(|(byte, shape)| match shape {
                b'0' => byte.is_ascii_digit(),
                shape => byte == *shape,
            });
        if is_time {
            left.push('T');
            rest = &rest[SHAPE.len()..];
        } else {
            left.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    left
}
