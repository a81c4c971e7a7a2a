//! A command on a disk, and what may be found when something happens to it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use maestro_testutils::{
    Call, Explorer, Progress, Role, SecondCrash, SimDisk, Snapshot, Trouble, Violation, Weakness,
};

use crate::power::judge::{Check, End, Expectation, Found, Judge, replay};
use crate::power::world::{Ran, store};

/// A command, or several in a row.
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// The disk before, wholly durable.
    pub(crate) base: SimDisk,
    /// What people do, then or meanwhile.
    pub(crate) hands: Box<dyn Fn(&SimDisk)>,
    /// The command. Acknowledges each thing that it was told is done.
    pub(crate) run: Box<dyn Fn(&SimDisk) -> Ran>,
    /// What must be found, by what was acknowledged and what people have done.
    pub(crate) expected: Box<dyn Fn(Progress, End) -> Expectation>,
    pub(crate) second_crash: SecondCrash,
    /// Every text that there ever is.
    pub(crate) texts: BTreeSet<String>,
    /// What the journal has before.
    replayed: Vec<String>,
    pub(crate) before: Check,
    pub(crate) after: Check,
}

impl Scenario {
    /// A command that leads from each of `states` to the next, with an acknowledgement for each step.
    pub(crate) fn steps(
        name: &str,
        base: SimDisk,
        states: &[Found],
        run: impl Fn(&SimDisk) -> Ran + 'static,
    ) -> Self {
        let of_states = states.to_vec();
        let expected = move |progress: Progress, end| {
            let may_be_next = usize::from(end == End::Open);
            let at = progress.acknowledged.min(of_states.len().saturating_sub(1));
            let found = of_states.iter().skip(at).take(1 + may_be_next).cloned();
            let mut expected = Expectation::of(found, progress, end);
            let acknowledged = of_states.iter().skip(1).take(at);
            expected.recorded.extend(acknowledged.filter_map(text_of).cloned());
            expected
        };
        let texts = states.iter().filter_map(text_of).cloned();
        let replayed = store(&base).map_err(|failure| failure.to_string());
        let replayed = replayed.and_then(|store| replay(&store)).unwrap();
        Self {
            name: name.to_owned(),
            base,
            hands: Box::new(|_| {}),
            run: Box::new(run),
            expected: Box::new(expected),
            second_crash: SecondCrash::Always,
            texts: texts.collect(),
            replayed,
            before: Box::new(|_, _| Ok(())),
            after: Box::new(|_, _| Ok(())),
        }
    }

    /// Says more about what must be found.
    pub(crate) fn expecting(
        mut self,
        more: impl Fn(Progress, End, Expectation) -> Expectation + 'static,
    ) -> Self {
        let expected = self.expected;
        self.expected = Box::new(move |progress, end| more(progress, end, expected(progress, end)));
        self
    }

    /// Adds texts that there may be.
    pub(crate) fn with_texts<'t>(mut self, texts: impl IntoIterator<Item = &'t str>) -> Self {
        self.texts.extend(texts.into_iter().map(str::to_owned));
        self
    }

    /// Interrupts fewer recoveries, because each takes long.
    pub(crate) fn interrupted_twice_only_by_death(mut self) -> Self {
        self.second_crash = SecondCrash::AfterDeath;
        self
    }

    /// Lets people do something, before the command and while it runs.
    pub(crate) fn with_hands(mut self, hands: impl Fn(&SimDisk) + 'static) -> Self {
        self.hands = Box::new(hands);
        self
    }

    /// Checks each disk as it is left.
    pub(crate) fn checked_before(
        mut self,
        check: impl Fn(&SimDisk, &Expectation) -> Result<(), String> + 'static,
    ) -> Self {
        self.before = Box::new(check);
        self
    }

    /// Checks each disk after it was brought in order.
    pub(crate) fn checked_after(
        mut self,
        check: impl Fn(&SimDisk, &Expectation) -> Result<(), String> + 'static,
    ) -> Self {
        self.after = Box::new(check);
        self
    }

    /// Runs the command with nothing in its way, on a disk that does without something.
    pub(crate) fn record(&self, without: Option<Without>) -> Recorded {
        let disk = self.base.copy();
        (self.hands)(&disk);
        disk.count_calls();
        match without {
            Some(Without::Kind(weakness)) => disk.weaken(weakness),
            Some(Without::SyncAt(index)) => disk.skip_sync_at(index),
            None => {}
        }
        disk.record();
        let ran = (self.run)(&disk);
        let calls = disk.calls();
        Recorded { ran, calls, recording: disk.stop_recording() }
    }

    pub(crate) fn judge<'s>(&'s self, rows: &'s RefCell<BTreeSet<&'static str>>) -> Judge<'s> {
        let Self { texts, replayed, before, after, .. } = self;
        Judge { texts, replayed, before, after, rows }
    }

    /// Tries what every instant of the command may leave.
    pub(crate) fn explore(
        &self,
        explorer: &mut Explorer<Expectation>,
        without: Option<Without>,
        rows: &RefCell<BTreeSet<&'static str>>,
    ) -> Ran {
        let Recorded { ran, recording, .. } = self.record(without);
        ran?;
        let judge = self.judge(rows);
        let expected = |progress| (self.expected)(progress, End::Open);
        explorer.explore(&recording, expected, |disk, expected| judge.judge(disk, expected));
        Ok(())
    }

    /// The first thing that goes wrong without something.
    pub(crate) fn first_violation(&self, without: Without) -> Option<Violation> {
        let rows = RefCell::new(BTreeSet::new());
        let mut explorer = Explorer::new().with_second_crash(self.second_crash).until_violated();
        match self.explore(&mut explorer, Some(without), &rows) {
            Ok(()) => explorer.violations().first().cloned(),
            Err(failure) => Some(Violation { when: "as it runs".to_owned(), what: failure.text }),
        }
    }

    /// Runs the command on a disk with each fault at each call, and tries what is left after it has returned: the old state
    /// after an error, the new one after none. Returns how often a fault has shown.
    pub(crate) fn explore_faults(
        &self,
        explorer: &mut Explorer<Expectation>,
        rows: &RefCell<BTreeSet<&'static str>>,
    ) -> (usize, Vec<Violation>) {
        let (mut shown, mut violations) = (0, Vec::new());
        for (index, (call, _)) in self.record(None).calls.into_iter().enumerate() {
            let mut faults = Vec::new();
            for trouble in Trouble::ALL.into_iter().filter(|trouble| trouble.can_hit(call)) {
                faults.push(Fault::At(index, trouble));
                if call.is_mutating() || trouble == Trouble::TooManyFiles {
                    faults.push(Fault::From(index, trouble));
                }
            }
            if call.needs_room() {
                faults.push(Fault::FillFrom(index));
            }
            for fault in faults {
                match self.explore_fault(explorer, fault, rows) {
                    Ok(has_failed) => shown += usize::from(has_failed),
                    Err(violation) => violations.push(violation),
                }
            }
        }
        (shown, violations)
    }

    fn explore_fault(
        &self,
        explorer: &mut Explorer<Expectation>,
        fault: Fault,
        rows: &RefCell<BTreeSet<&'static str>>,
    ) -> Result<bool, Violation> {
        let disk = self.base.copy();
        (self.hands)(&disk);
        fault.plan(&disk);
        disk.record();
        let ran = (self.run)(&disk);
        let has_failed = disk.has_failed();
        let calls = disk.log();
        disk.heal();
        let last = disk.stop_recording().pop();
        let violation = |what: String| Violation {
            when: format!("{fault:?}, told {ran:?}, calls {calls:?}"),
            what,
        };
        let end = match &ran {
            Err(failure) if failure.kind != Some(fault.trouble().kind()) => {
                return Err(violation("the error does not say what failed".to_owned()));
            }
            Err(failure) if !failure.in_doubt => End::Failed,
            Ok(()) | Err(_) => End::Open,
        };
        let known = explorer.violations().len();
        let judge = self.judge(rows);
        let expected = |progress| (self.expected)(progress, end);
        explorer.explore(last.as_slice(), expected, |disk, expected| judge.judge(disk, expected));
        match explorer.violations().get(known) {
            Some(found) => Err(violation(found.to_string())),
            None => Ok(has_failed),
        }
    }
}

fn text_of(found: &Found) -> Option<&String> {
    match found {
        Found::Text(text) => Some(text),
        Found::Nothing | Found::Refused(_) => None,
    }
}

/// What a disk does without.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Without {
    /// Something, here and in every recovery.
    Kind(Weakness),
    /// One sync of the command.
    SyncAt(usize),
}

/// A command that ran to its end.
pub(crate) struct Recorded {
    pub(crate) ran: Ran,
    pub(crate) calls: Vec<(Call, Role)>,
    pub(crate) recording: Vec<Snapshot>,
}

/// What is wrong with the disk.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// One call fails.
    At(usize, Trouble),
    /// Everything that changes something fails from one call on.
    From(usize, Trouble),
    /// There is no room from one call on.
    FillFrom(usize),
}

impl Fault {
    fn plan(self, disk: &SimDisk) {
        match self {
            Self::At(index, trouble) => disk.fail_at(index, trouble),
            Self::From(index, trouble) => disk.fail_from(index, trouble),
            Self::FillFrom(index) => disk.fill_from(index),
        }
    }

    fn trouble(self) -> Trouble {
        match self {
            Self::At(_, trouble) | Self::From(_, trouble) => trouble,
            Self::FillFrom(_) => Trouble::Full,
        }
    }
}
