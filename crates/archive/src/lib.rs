//! Moves a finished session and its documents to the archive, finds it there, and brings it back.
//!
//! Archiving touches several files, and the machine may stop between any two of them. So it is decided first
//! ([`plan()`], pure), written down in the journal (the *intent*), and carried out in an order whose every prefix the next
//! command of anyone can finish ([`finish`]). Nothing is removed before its copy is durable, and nothing that was edited
//! in between is removed at all: then the archiving is withdrawn, and everything is where it was.
//!
//! | the process dies after | the next command |
//! |---|---|
//! | the intent | finishes |
//! | writing `archive/<id>.md` | finishes |
//! | copying a document | finishes |
//! | removing a document | finishes |
//! | removing `active-session.md`, or the design gate | finishes |
//! | moving the ledger | finishes |
//! | the mark `archived` | moves the journal |
//! | moving the journal | has nothing to do |
//!
//! Bringing one back ([`restore()`]) is decided, written down and finished in the same way; its order, and what comes after a
//! crash, is in `docs/ARCHIVED-SESSIONS.md`. Listing ([`archived_sessions`]) and searching ([`search()`]) read the
//! files where they are, and keep what they found out in a cache that nobody relies on.
//!
//! # Guarantees
//!
//! Nothing is overwritten: a taken name gets a suffix, and the receipt names what went where. Files in `plans/` that do not
//! belong to the session stay and are reported.
//!
//! # Limitations
//!
//! An edit of a file in the instant between comparing it and removing it is lost; the copy in the archive has the text
//! before the edit.

mod archived;
mod cache;
mod catalogue;
mod each;
mod error;
mod execute;
mod finish;
mod journal;
mod plan;
mod query;
mod receipt;
mod rescue;
mod restore;
mod search;
mod select;
mod verify;

pub use crate::archived::{ArchivedSession, Content, Summary, archived_file};
pub use crate::catalogue::{archived_name, archived_sessions};
pub use crate::error::RetrieveError;
pub use crate::execute::{ArchiveError, ArchiveRequest, Archiver, archive};
pub use crate::finish::{Finished, documents_in_archive, finish, is_in_archive};
pub use crate::journal::{JournalOfArchived, find_journal};
pub use crate::plan::{
    ArchivePlan, DocumentMove, DocumentPlace, KeepReason, KeptDocument, Present, plan,
};
pub use crate::query::{NoWords, Query};
pub use crate::receipt::ArchiveReceipt;
pub use crate::rescue::{archive_from_journal, archive_unreadable, begins_archiving};
pub use crate::restore::plan::{
    PresentDocuments, RestorePlan, ReturningDocument, plan_restoring, whereabouts_of,
};
pub use crate::restore::{
    RestoreReceipt, begins_restoring, is_restoring, present_documents, restore,
};
pub use crate::search::lines::HitPlace;
pub use crate::search::{Found, Hit, HitLine, search};
pub use crate::select::ArchivedFilter;
pub use crate::verify::{
    Active, Check, Surroundings, VerifiedSession, remove_leftovers, verify_archived,
};
