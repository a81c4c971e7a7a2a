//! What the next command must find on a disk, and whether it does.

use std::cell::RefCell;
use std::collections::BTreeSet;

use maestro_state_store::store::Recovered;
use maestro_state_store::{ContentHash, Current, LockedStore, OpenError, Store};
use maestro_testutils::{Progress, SimDisk, Verdict};
use uuid::Uuid;

use crate::fixture::{doc, inspect, kinds, now, operation, session_id, try_commit};
use crate::power::world::{Failure, active, at, finished, journal, lock, store};

/// What `open` finds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    /// No session.
    Nothing,
    Text(String),
    /// An error with this code.
    Refused(&'static str),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// It did not, or nobody can say how.
    Open,
    /// With an error that says that nothing happened.
    Failed,
}

/// What must be found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expectation {
    /// Any of these.
    pub(crate) found: BTreeSet<Found>,
    /// What may be recovered besides what an interrupted command leaves.
    pub(crate) may: BTreeSet<&'static str>,
    /// What must be recovered.
    pub(crate) must: BTreeSet<&'static str>,
    /// Whether any of them may be found later, whichever was found first.
    pub(crate) is_undecided: bool,
    /// Texts that must be in the journal, if there is a session.
    pub(crate) recorded: BTreeSet<String>,
    /// Texts by hand that must be in the file, the journal or the quarantine.
    pub(crate) edits: BTreeSet<String>,
    /// For checks of the scenario's own.
    pub(crate) progress: Progress,
    pub(crate) end: End,
}

impl Expectation {
    pub(crate) fn of(found: impl IntoIterator<Item = Found>, progress: Progress, end: End) -> Self {
        Self {
            found: found.into_iter().collect(),
            may: BTreeSet::new(),
            must: BTreeSet::new(),
            is_undecided: false,
            recorded: BTreeSet::new(),
            edits: BTreeSet::new(),
            progress,
            end,
        }
    }
}

/// A check of a scenario's own: of a disk, before anything is brought in order or after.
pub(crate) type Check = Box<dyn Fn(&SimDisk, &Expectation) -> Result<(), String>>;

/// What is checked on every disk.
pub(crate) struct Judge<'s> {
    /// Every text that a reader may see at any time; what is half written by hand is none.
    pub(crate) texts: &'s BTreeSet<String>,
    /// What the journal had before everything.
    pub(crate) replayed: &'s [String],
    pub(crate) before: &'s Check,
    pub(crate) after: &'s Check,
    /// The rows of the recovery table that were reached.
    pub(crate) rows: &'s RefCell<BTreeSet<&'static str>>,
}

/// What an interrupted command leaves to be recovered where nobody edits anything.
const OWN: [&str; 3] = ["cut off", "finished", "rolled forward"];

impl Judge<'_> {
    /// Runs the next command on `disk`, which is recording.
    pub(crate) fn judge(
        &self,
        disk: &SimDisk,
        expected: &Expectation,
    ) -> Result<Verdict<Expectation>, String> {
        (self.before)(&disk.copy(), expected)?;
        let said = |failure: Failure| failure.text;
        let store = store(disk).map_err(said)?;
        self.check_reader(&store, expected)?;
        let before = Before::of(disk);
        let mut locked = lock(&store).map_err(|failure| format!("lock: {}", failure.text))?;
        let opened = reopen(&mut locked, disk);
        disk.acknowledge();
        let recording = disk.stop_recording();
        let found = match &opened {
            Ok(None) => Found::Nothing,
            Ok(Some(current)) => Found::Text(current.text.clone()),
            Err(error) => Found::Refused(error.code()),
        };
        self.note_rows(&opened, &before, disk);
        if !expected.found.contains(&found) {
            return Err(format!("found {found:?} in the place of {:?}", expected.found));
        }
        match opened {
            Ok(opened) => {
                check_recovered(opened.as_ref(), expected)?;
                self.check_order(disk, &store, opened.as_ref(), expected)?;
                go_on(&mut locked, opened).map_err(|failure| format!("going on: {failure}"))?;
            }
            Err(error) => {
                before.check_unchanged(disk, error.code())?;
                let put_back = locked.replace(&session_id(), doc("put back"), operation(7000));
                finished(put_back).map_err(|failure| format!("putting back: {failure}"))?;
            }
        }
        drop(locked);
        check_edits(disk, &store, &expected.edits)?;
        check_next(disk)?;
        (self.after)(disk, expected)?;
        let mut then = expected.clone();
        if !expected.is_undecided {
            then.found = BTreeSet::from([found]);
        }
        Ok(Verdict { recording, then })
    }

    /// A reader takes no lock, and sees a whole text, or what people wrote.
    fn check_reader(&self, store: &Store, expected: &Expectation) -> Result<(), String> {
        let is_broken_by_hand = expected.found.contains(&Found::Refused("CORRUPT"));
        let may_see = |text: &String| self.texts.contains(text) || expected.edits.contains(text);
        match store.read() {
            Ok(Some(read)) if !may_see(&read.text) && !is_broken_by_hand => {
                Err(format!("a reader sees {:?}", read.text))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(format!("a reader fails: {error}")),
        }
    }

    /// Everything is as a finished command leaves it.
    fn check_order(
        &self,
        disk: &SimDisk,
        store: &Store,
        opened: Option<&Current>,
        expected: &Expectation,
    ) -> Result<(), String> {
        let files = disk.files();
        if let Some(stray) = files.keys().find(|path| path.extension().is_some_and(|e| e == "tmp"))
        {
            return Err(format!("{} is left", stray.display()));
        }
        let quarantined = files
            .keys()
            .filter(|path| path.parent().is_some_and(|dir| dir == at("state/quarantine")));
        let quarantined = quarantined.count();
        if expected.edits.is_empty() && !expected.may.contains("set aside") && 0 < quarantined {
            return Err(format!("{quarantined} files are in the quarantine"));
        }
        if let Some(current) = opened {
            let replayed = replay(store)?;
            if replayed.last() != Some(&current.text) {
                return Err(format!("the journal ends with {:?}", replayed.last()));
            }
            if let Some(strange) = replayed.iter().find(|text| !self.texts.contains(*text)) {
                return Err(format!("the journal has {strange:?}"));
            }
            if !replayed.starts_with(self.replayed) {
                return Err(format!("the journal had {:?}, and now {replayed:?}", self.replayed));
            }
            if let Some(lost) = expected.recorded.iter().find(|text| !replayed.contains(text)) {
                return Err(format!("the journal does not have {lost:?}"));
            }
        }
        check_edits(disk, store, &expected.edits)
    }

    /// Notes which rows of the recovery table were reached.
    fn note_rows(
        &self,
        opened: &Result<Option<Current>, OpenError>,
        before: &Before,
        disk: &SimDisk,
    ) {
        let mut rows = self.rows.borrow_mut();
        match opened {
            Ok(None) if before.journal.is_some() && disk.bytes(&journal()).is_none() => {
                rows.insert("creation dropped");
            }
            Ok(None) => {
                rows.insert("no session");
            }
            Ok(Some(current)) if current.recovered.is_empty() => {
                rows.insert("nothing to do");
            }
            Ok(Some(current)) => {
                for kind in kinds(&current.recovered) {
                    rows.insert(match kind {
                        "rolled forward" if before.file.is_none() => "creation finished",
                        "external edit" if is_text_before(disk, &current.text) => {
                            "external edit: the text before"
                        }
                        kind => kind,
                    });
                }
            }
            Err(error) => {
                rows.insert(error.code());
            }
        }
    }
}

/// Whether the newest text is one that the journal had before.
fn is_text_before(disk: &SimDisk, text: &String) -> bool {
    let replayed = store(disk).map_err(|failure| failure.text).and_then(|store| replay(&store));
    replayed.is_ok_and(|texts| texts[..texts.len() - 1].contains(text))
}

/// The command after the next finds what the next one made, and nothing to do.
fn check_next(disk: &SimDisk) -> Result<(), String> {
    let store = store(disk).map_err(|failure| failure.text)?;
    let mut locked = lock(&store).map_err(|failure| failure.text)?;
    let current = reopen(&mut locked, disk).map_err(|error| format!("opening again: {error}"))?;
    let current = current.ok_or("the next text is not there")?;
    if !current.recovered.is_empty() {
        return Err(format!("the next command left {:?}", kinds(&current.recovered)));
    }
    if replay(&store)?.last() != Some(&current.text) {
        return Err("the journal does not have the next text".to_owned());
    }
    Ok(())
}

/// What was there before the session was opened.
struct Before {
    file: Option<Vec<u8>>,
    journal: Option<Vec<u8>>,
}

impl Before {
    fn of(disk: &SimDisk) -> Self {
        Self { file: disk.bytes(&active()), journal: disk.bytes(&journal()) }
    }

    /// An error has changed nothing, except that what is torn may be cut off where there is no file to lose, and that what
    /// people wrote may be put back in the place of a text of ours.
    fn check_unchanged(&self, disk: &SimDisk, code: &str) -> Result<(), String> {
        let now = Self::of(disk);
        let is_session = |bytes: &Vec<u8>| {
            String::from_utf8(bytes.clone()).is_ok_and(|text| inspect(&text).is_ok())
        };
        if self.file.as_ref().is_some_and(is_session) {
            return Ok(());
        }
        let is_cut = match (&self.journal, &now.journal) {
            (Some(before), Some(now)) => code == "SESSION_FILE_MISSING" && before.starts_with(now),
            _ => false,
        };
        if now.file == self.file && (now.journal == self.journal || is_cut) {
            Ok(())
        } else {
            Err("opening has failed and changed something".to_owned())
        }
    }
}

/// Opens the session. What it records gets an id that depends on what is there alone, so that it is the same in every run.
pub(crate) fn reopen(
    locked: &mut LockedStore<'_>,
    disk: &SimDisk,
) -> Result<Option<Current>, OpenError> {
    let present = disk.bytes(&active()).unwrap_or_default();
    let digits = &ContentHash::of(&present).to_string()[..32];
    locked.open(&inspect, now(), Uuid::try_parse(digits).unwrap())
}

fn check_recovered(opened: Option<&Current>, expected: &Expectation) -> Result<(), String> {
    let recovered: &[Recovered] = opened.map_or(&[], |current| &current.recovered);
    let kinds = kinds(recovered);
    if let Some(kind) =
        kinds.iter().find(|kind| !OWN.contains(kind) && !expected.may.contains(*kind))
    {
        return Err(format!("recovered: {kind}"));
    }
    match expected.must.iter().find(|kind| !kinds.contains(kind)) {
        Some(kind) => Err(format!("not recovered: {kind}, only {kinds:?}")),
        None => Ok(()),
    }
}

/// The documents that the journal has.
pub(crate) fn replay(store: &Store) -> Result<Vec<String>, String> {
    let history = store.history(&session_id()).map_err(|error| error.to_string())?;
    let Some(history) = history else { return Ok(Vec::new()) };
    let mut replay = history.replay();
    let mut texts = Vec::new();
    while let Some(step) = replay.advance().map_err(|error| error.to_string())? {
        if !step.operation.abandoned {
            texts.push(step.text.to_owned());
        }
    }
    Ok(texts)
}

/// What people wrote is still somewhere.
fn check_edits(disk: &SimDisk, store: &Store, edits: &BTreeSet<String>) -> Result<(), String> {
    if edits.is_empty() {
        return Ok(());
    }
    let kept = replay(store)?;
    let files = disk.files();
    let in_file = |text: &str| {
        files.iter().any(|(path, bytes)| {
            let is_kept = *path == active() || path.starts_with(at("state/quarantine"));
            is_kept && bytes == text.as_bytes()
        })
    };
    match edits.iter().find(|text| !kept.contains(text) && !in_file(text)) {
        Some(text) => Err(format!("the edit {text:?} is lost")),
        None => Ok(()),
    }
}

/// Carries out the next command.
fn go_on(locked: &mut LockedStore<'_>, opened: Option<Current>) -> Result<(), Failure> {
    let made = match opened {
        Some(current) => {
            let text = format!("{}next\n", current.text);
            finished(try_commit(locked, current, 7000, &text))?;
            return Ok(());
        }
        None if locked.attach()?.archived.is_empty() => {
            locked.create(&session_id(), doc("next"), operation(7000))?
        }
        None => locked.restore(&session_id(), doc("next"), operation(7000))?,
    };
    match made.finish_pending {
        None => Ok(()),
        Some(error) => Err(error.into()),
    }
}
