//! What people do to the state dir after a crash, before the next command.

use std::cell::RefCell;
use std::collections::BTreeSet;

use maestro_state_store::journal::History;
use maestro_testutils::{Explorer, Reach, SecondCrash, SimDisk};

use crate::fixture::{doc, inspect, session_id};
use crate::power::judge::{Check, End, Expectation, Found, Judge};
use crate::power::scenario::{Recorded, Scenario};
use crate::power::world::{active, journal, store};

/// Every row of the recovery table, and what else opening may say.
pub(crate) const ROWS: [&str; 15] = [
    "CONFLICT",
    "CORRUPT",
    "SESSION_FILE_MISSING",
    "abandoned",
    "adopted",
    "creation dropped",
    "creation finished",
    "cut off",
    "external edit",
    "external edit: the text before",
    "finished",
    "no session",
    "nothing to do",
    "rolled forward",
    "set aside",
];

const OTHER_SESSION: &str = "session: 2026-01-16-y\n";

/// What people do.
#[derive(Clone, Copy, Debug)]
enum Hand {
    Removes,
    Garbles,
    TakesAnotherSession,
    RemovesJournal,
    Edits,
    PutsTextBack,
}

const HANDS: [Hand; 6] = [
    Hand::Removes,
    Hand::Garbles,
    Hand::TakesAnotherSession,
    Hand::RemovesJournal,
    Hand::Edits,
    Hand::PutsTextBack,
];

/// Lets people do each of these things on every disk that an instant of each scenario may leave, and returns the rows of
/// the recovery table that this has reached, and what went wrong.
pub(crate) fn explore(scenarios: &[Scenario]) -> (BTreeSet<&'static str>, Vec<String>) {
    let rows = RefCell::new(BTreeSet::new());
    let mut violations = Vec::new();
    for scenario in scenarios {
        let Recorded { ran, recording, .. } = scenario.record(None);
        if let Err(failure) = ran {
            violations.push(format!("{}: {failure}", scenario.name));
        }
        let mut texts = scenario.texts.clone();
        texts.extend([doc("v1"), doc("by hand"), OTHER_SESSION.to_owned(), "BROKEN".to_owned()]);
        let nothing: Check = Box::new(|_, _| Ok(()));
        let by_hand =
            Judge { texts: &texts, replayed: &[], before: &nothing, after: &nothing, rows: &rows };
        let judge = scenario.judge(&rows);
        let mut explorer = Explorer::new().with_second_crash(SecondCrash::Never);
        let expected = |progress| (scenario.expected)(progress, End::Open);
        explorer.explore(&recording, expected, |disk, expected| {
            for hand in HANDS {
                let copy = disk.copy();
                if let Some(expected) = hand.works(&copy, expected) {
                    let judged = by_hand.judge(&copy, &expected);
                    judged.map_err(|what| format!("a hand {hand:?}: {what}"))?;
                }
            }
            judge.judge(disk, expected)
        });
        let found = explorer.violations().iter();
        violations.extend(found.map(|violation| format!("{}: {violation}", scenario.name)));
    }
    (rows.into_inner(), violations)
}

impl Hand {
    /// Changes the disk durably, and says what must be found then; nothing where there is nothing to do.
    fn works(self, disk: &SimDisk, before: &Expectation) -> Option<Expectation> {
        let newest = newest(disk);
        let file = disk.bytes(&active());
        let mut expected = Expectation::of([], before.progress, before.end);
        expected.may.extend(["external edit", "abandoned", "set aside", "adopted"]);
        let mut put = |text: &str| {
            disk.put(&active(), text.as_bytes(), Reach::Disk);
            expected.edits.insert(text.to_owned());
        };
        match self {
            Self::Removes => {
                file?;
                disk.take_away(&active(), Reach::Disk);
                expected.found.extend(match newest {
                    None => vec![Found::Nothing],
                    // Whose temporary file is still there, or back.
                    Some(Newest { is_creation: true, after: Some(text) }) => {
                        vec![Found::Text(text), Found::Refused("SESSION_FILE_MISSING")]
                    }
                    Some(_) => vec![Found::Refused("SESSION_FILE_MISSING")],
                });
            }
            Self::Garbles => {
                put("BROKEN");
                expected.found.insert(Found::Refused("CORRUPT"));
            }
            Self::TakesAnotherSession => {
                newest?;
                put(OTHER_SESSION);
                expected.found.insert(Found::Refused("CONFLICT"));
            }
            Self::RemovesJournal => {
                disk.bytes(&journal())?;
                disk.take_away(&journal(), Reach::Disk);
                let text = file.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                expected.found.insert(match text {
                    None => Found::Nothing,
                    Some(text) if inspect(&text).is_ok() => Found::Text(text),
                    Some(_) => Found::Refused("CORRUPT"),
                });
            }
            Self::Edits => {
                put(&doc("by hand"));
                expected.found.insert(Found::Text(doc("by hand")));
            }
            Self::PutsTextBack => {
                let after = newest?.after?;
                disk.put(&active(), doc("v1").as_bytes(), Reach::Disk);
                // An operation that is not done is carried out on it.
                expected.found.extend([Found::Text(doc("v1")), Found::Text(after)]);
            }
        }
        Some(expected)
    }
}

/// The newest operation that counts.
struct Newest {
    is_creation: bool,
    after: Option<String>,
}

fn newest(disk: &SimDisk) -> Option<Newest> {
    let history: History = store(disk).ok()?.history(&session_id()).ok()??;
    let newest = history.operations().iter().rfind(|op| !op.abandoned)?;
    let after = history.text_after(newest.record.seq).ok();
    Some(Newest { is_creation: newest.record.before.is_none(), after })
}
