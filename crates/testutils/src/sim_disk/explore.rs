//! Trying what every instant of a command may leave, and every instant of the recovery after it.
//!
//! The test of a crate brings two things: what a command may leave behind, as a value of its own (the expectation), and a
//! judge, which runs the next command on a disk and says whether it found what it should.
//!
//! ```
//! use std::path::Path;
//!
//! use maestro_state_store::Disk;
//! use maestro_state_store::disk::Access;
//! use maestro_testutils::{Explorer, SimDisk, Verdict};
//!
//! # fn main() -> std::io::Result<()> {
//! let place = Path::new("/home/u/app/x");
//! // The command: it makes a file and says so, but does not make its entry durable.
//! let disk = SimDisk::new(Path::new("/home/u/app"));
//! disk.record();
//! let mut file = disk.open(place, Access::CreateNew)?;
//! file.write_all(b"whole")?;
//! file.sync_all()?;
//! disk.acknowledge();
//!
//! // The judge: once it was acknowledged, the file must be there. There is nothing to recover here; whatever is done to
//! // bring the disk in order comes before `stop_recording`, which `acknowledge` precedes when it was done.
//! let judge = |disk: &SimDisk, must_be_there: &bool| {
//!     let recording = disk.stop_recording();
//!     match disk.bytes(place).is_some() {
//!         found if *must_be_there && !found => Err("the file is lost".to_owned()),
//!         found => Ok(Verdict { recording, then: found }),
//!     }
//! };
//! let mut explorer = Explorer::new();
//! explorer.explore(&disk.stop_recording(), |progress| progress.acknowledged > 0, judge);
//! assert!(explorer.violations()[0].to_string().contains("the file is lost"));
//! # Ok(())
//! # }
//! ```

use std::collections::BTreeSet;
use std::fmt;

use maestro_state_store::ContentHash;

use crate::sim_disk::{Image, Progress, SimDisk, Snapshot};

/// What a judge found in order.
pub struct Verdict<E> {
    /// The recording of what it did to bring the disk in order. It was recording when it was given the disk.
    pub recording: Vec<Snapshot>,
    /// What must be found from the instant on in which that was [acknowledged](SimDisk::acknowledge).
    pub then: E,
}

/// Something that was not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What had happened to the disk.
    pub when: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.when, self.what)
    }
}

/// How much was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The instants.
    pub snapshots: usize,
    /// The disks that they may leave, where each instant's are different from each other.
    pub images: usize,
    /// The disks that were judged: those that were not, with the same expectation, before.
    pub judged: usize,
}

/// Runs the next command on a disk that was recording when it got it.
type Judge<'j, E> = dyn Fn(&SimDisk, &E) -> Result<Verdict<E>, String> + 'j;

/// Which recoveries are interrupted in turn, each at every instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondCrash {
    /// Every one.
    Always,
    /// Those after the death of a process, which leaves what is not durable.
    AfterDeath,
    /// None.
    Never,
}

/// Tries what recorded commands may leave.
#[derive(Debug)]
pub struct Explorer<E> {
    /// What was judged.
    seen: BTreeSet<(ContentHash, E)>,
    /// That of it whose recovery was interrupted.
    interrupted: BTreeSet<(ContentHash, E)>,
    violations: Vec<Violation>,
    counts: Counts,
    second_crash: SecondCrash,
    stops_early: bool,
}

impl<E: Ord + Clone> Default for Explorer<E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<E: Ord + Clone> Explorer<E> {
    /// Returns an explorer that also interrupts the recovery, once.
    pub fn new() -> Self {
        Self {
            seen: BTreeSet::new(),
            interrupted: BTreeSet::new(),
            violations: Vec::new(),
            counts: Counts::default(),
            second_crash: SecondCrash::Always,
            stops_early: false,
        }
    }

    /// Chooses which recoveries are interrupted.
    #[must_use]
    pub fn with_second_crash(mut self, second_crash: SecondCrash) -> Self {
        self.second_crash = second_crash;
        self
    }

    /// Stops at the first violation.
    #[must_use]
    pub fn until_violated(mut self) -> Self {
        self.stops_early = true;
        self
    }

    /// Judges every disk that an instant of `recording` may leave, and every one that an instant of bringing it in order
    /// may leave. `expected` says what must be found after something happened at an instant with this progress.
    pub fn explore(
        &mut self,
        recording: &[Snapshot],
        expected: impl Fn(Progress) -> E,
        judge: impl Fn(&SimDisk, &E) -> Result<Verdict<E>, String>,
    ) {
        self.go(recording, &expected, &judge, None);
    }

    /// `before` says what had happened to the disk before the command that was recorded, if that was a recovery.
    fn go(
        &mut self,
        recording: &[Snapshot],
        expected: &dyn Fn(Progress) -> E,
        judge: &Judge<'_, E>,
        before: Option<&str>,
    ) {
        for snapshot in recording {
            self.counts.snapshots += 1;
            let expectation = expected(snapshot.progress());
            let killed = (snapshot.after_kill(), self.second_crash != SecondCrash::Never);
            let is_second = self.second_crash == SecondCrash::Always;
            let without_power = snapshot.after_power_loss().into_iter();
            for (image, goes_on) in without_power.map(|left| (left, is_second)).chain([killed]) {
                if self.stops_early && !self.violations.is_empty() {
                    return;
                }
                self.counts.images += 1;
                let goes_on = goes_on && before.is_none();
                let key = (image.digest(), expectation.clone());
                // What was judged after a second crash may still have to be interrupted after a first one.
                let is_new = if goes_on { self.interrupted.insert(key.clone()) } else { true };
                if (self.seen.insert(key) || goes_on) && is_new {
                    self.judge(&image, &expectation, judge, before, goes_on);
                }
            }
        }
    }

    fn judge(
        &mut self,
        image: &Image,
        expectation: &E,
        judge: &Judge<'_, E>,
        before: Option<&str>,
        goes_on: bool,
    ) {
        self.counts.judged += 1;
        let disk = image.disk();
        disk.record();
        let when = before.map_or_else(|| image.to_string(), |before| format!("{before}; {image}"));
        match judge(&disk, expectation) {
            Err(what) => self.violations.push(Violation { when, what }),
            Ok(Verdict { recording, then }) if goes_on => {
                let expected = |progress: Progress| match progress.acknowledged {
                    0 => expectation.clone(),
                    _ => then.clone(),
                };
                self.go(&recording, &expected, judge, Some(&when));
            }
            Ok(_) => {}
        }
    }

    /// Returns what was not as it should be.
    pub fn violations(&self) -> &[Violation] {
        &self.violations
    }

    /// Returns how much was tried.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}
