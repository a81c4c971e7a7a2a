//! Many processes at once on one session, and people and models who edit its file without knowing of the lock.

mod archiving;
mod creation;
// Where files cannot be exchanged, an edit in the instant between comparing and renaming is lost.
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod edits;
#[cfg(any(target_os = "linux", target_os = "macos"))]
mod late_edits;
#[cfg(unix)]
mod locking;
// Windows may refuse to open a file in the moment in which another takes its place.
#[cfg(unix)]
mod readers;
mod restoring;
mod updates;
