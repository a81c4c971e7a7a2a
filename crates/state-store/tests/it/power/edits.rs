//! People who edit the document, before a command or while it runs.

use std::path::Path;

use maestro_state_store::{Committed, Outcome};
use maestro_testutils::{Call, Progress, Reach, SimDisk};
use uuid::Uuid;

use crate::fixture::{doc, operation, session_id, try_commit};
use crate::power::judge::{End, Expectation, Found, reopen};
use crate::power::scenario::Scenario;
use crate::power::world::{
    Failure, Ran, active, committed, initialised, lock, store, with_texts, with_waiting_operation,
};

/// An edit that is still a text of the session when half of it is lost.
fn hand() -> String {
    doc("by a hand that wrote much and slowly")
}

/// What a change makes of a text.
fn changed(text: &str) -> String {
    format!("{text}changed\n")
}

/// What the loss of power may leave of [`hand`] that nobody made durable.
fn half() -> String {
    let hand = hand();
    hand[..hand.len() / 2].to_owned()
}

fn found(texts: &[&str]) -> Vec<Found> {
    texts.iter().map(|text| Found::Text((*text).to_owned())).collect()
}

fn no_session() -> Failure {
    Failure::new("there is no session".to_owned(), None)
}

fn open(disk: &SimDisk) -> Ran {
    let store = store(disk)?;
    let mut locked = lock(&store)?;
    reopen(&mut locked, disk)?.ok_or_else(no_session)?;
    disk.acknowledge();
    Ok(())
}

/// Changes the document, and decides again when someone edits it meanwhile.
fn change(disk: &SimDisk) -> Ran {
    let store = store(disk)?;
    let mut locked = lock(&store)?;
    for n in 2.. {
        let current = reopen(&mut locked, disk)?.ok_or_else(no_session)?;
        let text = changed(&current.text);
        match try_commit(&mut locked, current, n, &text)? {
            Outcome::Displaced => {}
            Outcome::Committed(Committed { finish_pending: None, .. }) => {
                disk.acknowledge();
                return Ok(());
            }
            // An edit that is found before the end of a change makes the change wait to be decided again.
            Outcome::Committed(_) => return Ok(()),
        }
    }
    Ok(())
}

/// How an editor writes.
type Edit = fn(&SimDisk, &Path, &[u8], Reach);

const EDITS: [(Edit, &str); 2] = [(SimDisk::put, "in place"), (SimDisk::replace, "by a rename")];

/// What was edited before the command.
pub(crate) fn before_the_command() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (edit, how) in EDITS {
        for reach in [Reach::Cache, Reach::Bytes, Reach::Disk] {
            for is_adopted in [false, true] {
                let base = if is_adopted { initialised() } else { with_texts(&["v1"]) };
                let what = if is_adopted { "made" } else { "edited" };
                let name = format!("open what was {what} {how}, {reach:?}");
                let states = found(&[&hand()]);
                scenarios.push(
                    Scenario::steps(&name, base, &states, open)
                        .with_hands(move |disk| edit(disk, &active(), hand().as_bytes(), reach))
                        .with_texts([doc("v1").as_str(), &half()])
                        .expecting(move |progress, _, mut expected| {
                            // Once it was opened, it is recorded.
                            if progress.acknowledged == 0 {
                                expected.may.extend(["external edit", "adopted"]);
                            }
                            if progress.acknowledged == 0 && reach != Reach::Disk {
                                let before = if is_adopted { Found::Nothing } else { text("v1") };
                                expected.found.insert(before);
                            } else {
                                expected.edits.insert(hand());
                            }
                            if progress.acknowledged == 0 && reach == Reach::Cache {
                                expected.found.extend(found(&[&half()]));
                                expected.found.insert(Found::Refused("CORRUPT"));
                            }
                            expected
                        }),
                );
            }
        }
    }
    let base = with_texts(&["v1", "v2"]);
    base.put(&active(), doc("v1").as_bytes(), Reach::Disk);
    scenarios.push(
        Scenario::steps("open the text before", base, &[text("v1")], open)
            .with_texts([doc("v2").as_str()])
            .expecting(|progress, _, mut expected| {
                if progress.acknowledged == 0 {
                    expected.may.insert("external edit");
                }
                expected
            }),
    );
    scenarios
}

fn text(text: &str) -> Found {
    Found::Text(doc(text))
}

/// What may be found of a change that was edited meanwhile.
fn edited(progress: Progress, end: End, before_exchange: bool, reach: Reach) -> Expectation {
    let (v1, v2, hand) = (doc("v1"), changed(&doc("v1")), hand());
    let last = changed(&hand);
    let mut expected = Expectation::of([], progress, end);
    if progress.deeds == 0 {
        expected.found.extend(found(&[&v1]));
        if progress.acknowledged > 0 || end == End::Open {
            expected.found.extend(found(&[&v2]));
        }
        return expected;
    }
    if before_exchange && progress.acknowledged > 0 {
        expected.found.extend(found(&[&last]));
        expected.edits.insert(hand);
        return expected;
    }
    expected.may.extend(["external edit", "abandoned", "set aside"]);
    expected.found.extend(found(&[&hand]));
    if progress.acknowledged > 0 {
        expected.recorded.insert(v2.clone());
    }
    if before_exchange {
        expected.found.extend(found(&[&last]));
    }
    match reach {
        Reach::Disk => {
            expected.edits.insert(hand);
        }
        // The bytes are safe, but perhaps in another place than they were written to.
        Reach::Bytes => expected.found.extend(found(&[&v1, &v2])),
        Reach::Cache => {
            expected.found.extend(found(&[&v1, &v2, &half()]));
            expected.found.insert(Found::Refused("CORRUPT"));
        }
    }
    expected
}

/// What is edited while the document is changed: before and after the exchange, in every way; and, so that what it wrote is
/// wholly durable, at other instants.
pub(crate) fn during_a_change() -> Vec<Scenario> {
    let mut moments = vec![
        (Call::Sync, EDITS[1], Reach::Disk),
        (Call::SyncData, EDITS[0], Reach::Disk),
        (Call::SyncDir, EDITS[0], Reach::Disk),
    ];
    for call in [Call::Exchange, Call::Remove] {
        for edit in EDITS {
            moments
                .extend([Reach::Cache, Reach::Bytes, Reach::Disk].map(|reach| (call, edit, reach)));
        }
    }
    let mut scenarios = vec![second_edit(), edit_during_creation()];
    for (call, (edit, how), reach) in moments {
        let (v1, hand) = (doc("v1"), hand());
        let texts = [changed(&v1), hand.clone(), half(), changed(&hand)];
        let name = format!("edit {how} before {call}, {reach:?}");
        scenarios.push(
            Scenario::steps(&name, with_texts(&["v1"]), &[], change)
                .with_hands(move |disk| {
                    let (hand_on, hand) = (disk.clone(), hand.clone());
                    disk.before(call, move || edit(&hand_on, &active(), hand.as_bytes(), reach));
                })
                .with_texts(texts.iter().map(String::as_str).chain([v1.as_str()]))
                .expecting(move |progress, end, _| {
                    let before_exchange = !matches!(call, Call::Remove | Call::SyncDir);
                    edited(progress, end, before_exchange, reach)
                }),
        );
    }
    scenarios
}

/// A second edit comes while the first is put back.
fn second_edit() -> Scenario {
    let (first, second) = (doc("first"), doc("second"));
    let texts = [doc("v1"), changed(&doc("v1")), first.clone(), second.clone(), changed(&second)];
    Scenario::steps("second edit while the first is put back", with_texts(&["v1"]), &[], change)
        .with_hands(|disk| {
            let (one, two) = (disk.clone(), disk.clone());
            disk.before(Call::Exchange, move || {
                one.replace(&active(), doc("first").as_bytes(), Reach::Disk);
                one.before(Call::Exchange, move || {
                    two.replace(&active(), doc("second").as_bytes(), Reach::Disk);
                });
            });
        })
        .with_texts(texts.iter().map(String::as_str))
        .expecting(move |progress, end, _| {
            let mut expected = Expectation::of([], progress, end);
            expected.may.extend(["external edit", "abandoned", "set aside"]);
            expected.found.extend(match (progress.deeds, progress.acknowledged) {
                (0, _) => found(&[&doc("v1"), &changed(&doc("v1"))]),
                (1, _) => found(&[&first]),
                // Where only one of the exchanges is durable, the older edit is in the place, and the newer set aside.
                (_, 0) => found(&[&first, &second, &changed(&second)]),
                (_, _) => found(&[&changed(&second)]),
            });
            let edits = [first.clone(), second.clone()];
            expected.edits.extend(edits.into_iter().take(progress.deeds));
            expected
        })
}

/// A file appears where a session is being created.
fn edit_during_creation() -> Scenario {
    let run = |disk: &SimDisk| {
        let store = store(disk)?;
        let mut locked = lock(&store)?;
        match locked.create(&session_id(), doc("v1"), operation(1)) {
            Ok(_) => {}
            Err(error) if error.code() == "SESSION_EXISTS" => {
                reopen(&mut locked, disk)?.ok_or_else(no_session)?;
            }
            Err(error) => return Err(error.into()),
        }
        disk.acknowledge();
        Ok(())
    };
    Scenario::steps("file in the way of a creation", initialised(), &[], run)
        .with_hands(|disk| {
            let hand_on = disk.clone();
            disk.before(Call::RenameNew, move || {
                hand_on.put(&active(), hand().as_bytes(), Reach::Disk);
            });
        })
        .with_texts([hand().as_str(), &doc("v1")])
        .expecting(|progress, end, _| {
            let mut expected = Expectation::of([], progress, end);
            if progress.deeds == 0 {
                expected.found.extend([Found::Nothing, text("v1")]);
                return expected;
            }
            expected.found.extend(found(&[&hand()]));
            expected.may.extend(["adopted", "abandoned", "external edit"]);
            expected.edits.insert(hand());
            expected
        })
}

/// An operation that gave way to an edit waits to be decided again.
pub(crate) fn waiting_operations() -> Vec<Scenario> {
    let settle = |disk: &SimDisk| {
        let store = store(disk)?;
        let mut locked = lock(&store)?;
        reopen(&mut locked, disk)?.ok_or_else(no_session)?;
        locked.settle_abandoned(Uuid::from_u128(2))?;
        disk.acknowledge();
        Ok(())
    };
    let texts = [doc("v1"), doc("v2"), doc("hand"), changed(&doc("hand"))];
    let edited = |mut expected: Expectation| {
        expected.edits.insert(doc("hand"));
        expected
    };
    vec![
        Scenario::steps("settle what waits", with_waiting_operation(), &[text("hand")], settle)
            .with_texts(texts.iter().map(String::as_str))
            .expecting(move |progress, end, expected| {
                let mut expected = edited(expected);
                if progress.acknowledged == 0 {
                    expected.may.insert("abandoned");
                }
                if end == End::Failed {
                    expected.must.insert("abandoned");
                }
                expected
            }),
        Scenario::steps(
            "decide again what waits",
            with_waiting_operation(),
            &[text("hand"), Found::Text(changed(&doc("hand")))],
            |disk| {
                let store = store(disk)?;
                let mut locked = lock(&store)?;
                let current = reopen(&mut locked, disk)?.ok_or_else(no_session)?;
                let text = changed(&current.text);
                committed(try_commit(&mut locked, current, 3, &text))?;
                disk.acknowledge();
                Ok(())
            },
        )
        .with_texts(texts.iter().map(String::as_str))
        .expecting(move |progress, end, expected| {
            let mut expected = edited(expected);
            if progress.acknowledged == 0 {
                expected.may.insert("abandoned");
            }
            if end == End::Failed {
                expected.must.insert("abandoned");
            }
            expected
        }),
    ]
}
