//! Creating, changing and replacing the document, with nobody else at work.

use maestro_state_store::Operation;
use maestro_state_store::journal::Actor;
use maestro_testutils::{Reach, SimDisk};

use crate::fixture::{doc, inspect, now, operation, session_id, try_commit};
use crate::power::judge::{Found, reopen};
use crate::power::scenario::Scenario;
use crate::power::world::{
    Failure, Ran, active, at, bare, committed, initialised, journal, lock, store, was_locked,
    with_long_journal, with_texts,
};

fn text(text: &str) -> Found {
    Found::Text(doc(text))
}

fn create(disk: &SimDisk) -> Ran {
    let store = store(disk)?;
    let mut locked = lock(&store)?;
    locked.create(&session_id(), doc("v1"), operation(1))?;
    disk.acknowledge();
    Ok(())
}

/// Opens the session and commits `texts`, each on the one before.
fn commits(disk: &SimDisk, from: u128, texts: &[&str]) -> Ran {
    let store = store(disk)?;
    let mut locked = lock(&store)?;
    for (n, text) in (from..).zip(texts) {
        let current =
            reopen(&mut locked, disk)?.ok_or(Failure::new("no session".to_owned(), None))?;
        committed(try_commit(&mut locked, current, n, &doc(text)))?;
        disk.acknowledge();
    }
    Ok(())
}

fn replace(disk: &SimDisk, with: &str) -> Ran {
    let store = store(disk)?;
    let mut locked = lock(&store)?;
    let by_hand = Operation { actor: Actor::EXTERNAL, ..operation(50) };
    committed(locked.replace(&session_id(), doc(with), by_hand))?;
    disk.acknowledge();
    Ok(())
}

fn restore(disk: &SimDisk) -> Ran {
    let store = store(disk)?;
    let mut locked = lock(&store)?;
    locked.restore(&session_id(), doc("v2"), operation(50))?;
    disk.acknowledge();
    Ok(())
}

/// A workspace whose session is archived: its document is gone, its journal is back in its place.
fn archived() -> SimDisk {
    let disk = with_texts(&["v1", "v2"]);
    let store = store(&disk).unwrap();
    let mut locked = lock(&store).unwrap();
    locked.open(&inspect, now(), uuid::Uuid::nil()).unwrap();
    locked.append_archived(now()).unwrap();
    disk.take_away(&active(), Reach::Disk);
    disk.sync_everything();
    disk
}

pub(crate) fn creations() -> Vec<Scenario> {
    let states = [Found::Nothing, text("v1")];
    let older = initialised();
    // A state dir of an older version has no directory for journals.
    let without_journals = bare();
    for dir in ["state/archive", "plans/archive"] {
        without_journals.make_dirs(&at(dir));
    }
    was_locked(&without_journals);
    older.put(&journal(), b"", Reach::Disk);
    older.put(
        &at(&format!("state/.active-session.md.{}.tmp", uuid::Uuid::from_u128(1))),
        b"v",
        Reach::Disk,
    );
    vec![
        Scenario::steps("create", initialised(), &states, create),
        Scenario::steps("create, first journal", without_journals.copy(), &states, create),
        // Whoever made the directory died before its entry was durable.
        Scenario::steps(
            "create, first journal, directory of another",
            without_journals,
            &states,
            create,
        )
        .with_hands(|disk| disk.make_dir(&at("state/journal"), Reach::Cache)),
        Scenario::steps("create, after a creation that never was", older, &states, create),
        Scenario::steps("restore", archived(), &[Found::Nothing, text("v2")], restore)
            .with_texts([doc("v1").as_str()]),
        Scenario::steps(
            "restore, no journal",
            initialised(),
            &[Found::Nothing, text("v2")],
            restore,
        ),
    ]
}

pub(crate) fn commits_of_texts() -> Vec<Scenario> {
    let many: Vec<String> = (1..=63).map(|n| format!("v{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let of_many: Vec<String> = many.iter().map(|text| doc(text)).collect();
    let without_exchange = with_texts(&["v1"]);
    without_exchange.forbid_exchange();
    vec![
        Scenario::steps("commit", with_texts(&["v1"]), &[text("v1"), text("v2")], |disk| {
            commits(disk, 2, &["v2"])
        }),
        Scenario::steps(
            "commit, no exchange",
            without_exchange,
            &[text("v1"), text("v2")],
            |disk| commits(disk, 2, &["v2"]),
        ),
        Scenario::steps(
            "commits in a row",
            with_texts(&["v1"]),
            &[text("v1"), text("v2"), text("v3"), text("v4")],
            |disk| commits(disk, 2, &["v2", "v3", "v4"]),
        ),
        Scenario::steps(
            "commit with the whole document",
            with_texts(&many),
            &[text("v63"), text("v64"), text("v65")],
            |disk| commits(disk, 64, &["v64", "v65"]),
        )
        .with_texts(of_many.iter().map(String::as_str)),
        Scenario::steps(
            "commit in a new segment",
            with_long_journal("v1"),
            &[text("v1"), text("v2")],
            |disk| commits(disk, 2, &["v2"]),
        )
        .interrupted_twice_only_by_death(),
    ]
}

/// Edits that nobody can read are the only ones here.
pub(crate) fn replacements() -> Vec<Scenario> {
    let broken = |base: SimDisk| {
        base.put(&active(), b"BROKEN", Reach::Disk);
        base
    };
    let missing = with_texts(&["v1", "v2"]);
    missing.take_away(&active(), Reach::Disk);
    let keeps_broken = |scenario: Scenario| {
        scenario.expecting(|_, _, mut expected| {
            expected.edits.insert("BROKEN".to_owned());
            expected
        })
    };
    let corrupt = [Found::Refused("CORRUPT"), text("v3")];
    vec![
        keeps_broken(Scenario::steps(
            "replace what is corrupt",
            broken(with_texts(&["v1", "v2"])),
            &corrupt,
            |disk| replace(disk, "v3"),
        ))
        .with_texts([doc("v1"), doc("v2")].iter().map(String::as_str)),
        keeps_broken(Scenario::steps(
            "replace what is corrupt and has no journal",
            broken(initialised()),
            &corrupt,
            |disk| replace(disk, "v3"),
        )),
        keeps_broken(Scenario::steps(
            "replace what is corrupt and was set aside by another",
            broken(with_texts(&["v1", "v2"])),
            &corrupt,
            |disk| replace(disk, "v3"),
        ))
        .with_texts([doc("v1"), doc("v2")].iter().map(String::as_str))
        .with_hands(|disk| {
            // Who died before that was durable. The directory was, before anything was put into it.
            disk.make_dir(&at("state/quarantine"), Reach::Disk);
            disk.put(&at("state/quarantine/active-session.md"), b"BROKEN", Reach::Cache);
        }),
        Scenario::steps(
            "replace what is missing",
            missing,
            &[Found::Refused("SESSION_FILE_MISSING"), text("v3")],
            |disk| replace(disk, "v3"),
        )
        .with_texts([doc("v1"), doc("v2")].iter().map(String::as_str)),
    ]
}
