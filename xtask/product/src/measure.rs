//! Measuring: rounds, medians, floors and bars.
//!
//! Absolute times say more about the disk than about us. So each row has a *floor*: the same bytes brought to the disk
//! by the bare calls that durability needs, measured in the same run. A bar is a multiple of the floor.
//! Knows nothing of what is measured.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use xtask::Failure;

/// The length of a journal line without splices of documents: sequence, ids, time, actor, command, hashes, checksum.
const JOURNAL_LINE_BYTES: usize = 1_024;

/// One line of the table.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// What is measured.
    pub(crate) name: String,
    /// What the system alone needs for it.
    pub(crate) floor: Duration,
    /// What we need; nothing in a row that only shows a floor.
    pub(crate) measured: Option<Duration>,
    /// What we allow ourselves.
    pub(crate) bar: Option<Bar>,
    /// What has to be there in the end, where something could get lost.
    pub(crate) kept: Option<Kept>,
}

impl Row {
    /// Returns how many times the floor was needed.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.measured.map(|measured| measured.as_secs_f64() / self.floor.as_secs_f64())
    }

    /// Whether the bar is missed, or something is lost. A row without a measurement or a bar misses none.
    pub(crate) fn is_missed(&self) -> bool {
        let is_above = match (self.measured, self.bar) {
            (Some(measured), Some(bar)) => measured > bar.limit(self.floor),
            (Some(_) | None, None) | (None, Some(_)) => false,
        };
        is_above || self.kept.is_some_and(|kept| kept.kept != kept.of)
    }

    fn describe_bar(&self) -> String {
        let bars = [self.bar.map(Bar::describe), self.kept.map(Kept::describe)];
        let bars: Vec<String> = bars.into_iter().flatten().collect();
        if bars.is_empty() { "-".to_owned() } else { bars.join(", ") }
    }
}

/// How much of what was done is there in the end. Less than all of it is a missed bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// How much is there.
    pub(crate) kept: usize,
    /// How much was done.
    pub(crate) of: usize,
}

impl Kept {
    fn describe(self) -> String {
        format!("{} of {} kept", self.kept, self.of)
    }
}

/// The most that an operation may take: a multiple of the floor and a constant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bar {
    /// How many times the floor; 0 for a bar that is only a time.
    pub(crate) times: f64,
    /// How much more.
    pub(crate) plus: Duration,
}

impl Bar {
    /// Returns the time that the bar allows above `floor`.
    fn limit(self, floor: Duration) -> Duration {
        floor.mul_f64(self.times) + self.plus
    }

    fn describe(self) -> String {
        match (self.times > 0.0, self.plus.is_zero()) {
            (true, true) => format!("≤ {} ×", self.times),
            (true, false) => format!("≤ {} × + {:?}", self.times, self.plus),
            (false, _) => format!("≤ {:?}", self.plus),
        }
    }
}

/// The calls that a durable change of a document can't do without, on files of their own.
///
/// A temporary file is written and synced, renamed over the document, the directory synced, a line appended to a
/// journal that is open already, and that synced. No hashes, checks or reads, and a lock only where processes take turns.
#[derive(Debug)]
pub(crate) struct Floor {
    folder: PathBuf,
    document: Vec<u8>,
    line: Vec<u8>,
    journal: fs_err::File,
}

impl Floor {
    /// Prepares the files for a document of `bytes` bytes in a folder of its own below `scratch`.
    pub(crate) fn new(scratch: &Path, bytes: usize) -> Result<Self, Failure> {
        let folder = scratch.join(format!("floor-{bytes}"));
        fs_err::create_dir_all(&folder)?;
        for name in ["journal.jsonl", "lock"] {
            // Begun anew, so that an earlier run makes no difference.
            drop(fs_err::File::create(folder.join(name))?);
        }
        Self::open(scratch, bytes)
    }

    /// Opens files that were [prepared](Self::new), by this process or by another.
    pub(crate) fn open(scratch: &Path, bytes: usize) -> Result<Self, Failure> {
        let folder = scratch.join(format!("floor-{bytes}"));
        let mut options = fs_err::OpenOptions::new();
        let journal = options.append(true).open(folder.join("journal.jsonl"))?;
        let mut line = vec![b'.'; JOURNAL_LINE_BYTES];
        line.push(b'\n');
        Ok(Self { folder, document: vec![b'.'; bytes], line, journal })
    }

    /// Does the same as [`write`](Self::write) under an exclusive lock, when it is this process's turn.
    pub(crate) fn write_locked(&mut self) -> Result<(), Failure> {
        // Opened each time, as every command does.
        let lock =
            fs_err::OpenOptions::new().read(true).write(true).open(self.folder.join("lock"))?;
        lock.file().lock()?;
        self.write()
    }

    /// Brings the document and the line to the disk.
    pub(crate) fn write(&mut self) -> Result<(), Failure> {
        let temp = self.folder.join("document.tmp");
        let mut file = fs_err::File::create(&temp)?;
        file.write_all(&self.document)?;
        file.sync_all()?;
        drop(file);
        fs_err::rename(&temp, self.folder.join("document.md"))?;
        sync_directory(&self.folder)?;
        self.journal.write_all(&self.line)?;
        self.journal.sync_data()?;
        Ok(())
    }
}

/// Makes the entries of a directory durable. Windows has no such call, and no need of it on NTFS.
fn sync_directory(folder: &Path) -> Result<(), Failure> {
    if cfg!(unix) {
        fs_err::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The times of the rounds, reduced to what is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// The time that half of the rounds needed at most.
    pub(crate) median: Duration,
    /// The time of the fastest round.
    pub(crate) min: Duration,
}

impl Sample {
    /// Returns the sample of `times`, which must not be empty.
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let min = times.first().copied().expect("something was measured");
        Self { median: times[times.len() / 2], min }
    }
}

/// Measures `floor` and `operation` in turns, so that what else the machine does slows down both.
pub(crate) fn alternate(
    rounds: usize,
    mut floor: impl FnMut() -> Result<(), Failure>,
    mut operation: impl FnMut() -> Result<(), Failure>,
) -> Result<(Sample, Sample), Failure> {
    floor()?;
    operation()?;
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        times.0.push(timed(&mut floor)?);
        times.1.push(timed(&mut operation)?);
    }
    Ok((Sample::of(times.0), Sample::of(times.1)))
}

/// Returns how long an operation takes.
#[expect(clippy::disallowed_methods, reason = "benches measure time")]
pub(crate) fn timed(
    operation: &mut impl FnMut() -> Result<(), Failure>,
) -> Result<Duration, Failure> {
    let start = Instant::now();
    operation()?;
    Ok(start.elapsed())
}

/// Renders the rows with aligned columns.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut lines = vec![["what", "floor", "measured", "ratio", "bar", ""].map(str::to_owned)];
    for row in rows {
        lines.push([
            row.name.clone(),
            time(row.floor),
            row.measured.map_or("-".to_owned(), time),
            row.ratio().map_or("-".to_owned(), |ratio| format!("{ratio:.2}")),
            row.describe_bar(),
            if row.is_missed() { "MISSED".to_owned() } else { String::new() },
        ]);
    }
    let width = |column: usize| {
        lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default()
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut table = String::new();
    for [name, floor, measured, ratio, bar, verdict] in &lines {
        let [w0, w1, w2, w3, w4, _] = widths;
        let line = format!(
            "{name:<w0$}  {floor:>w1$}  {measured:>w2$}  {ratio:>w3$}  {bar:<w4$}  {verdict}"
        );
        let _ = writeln!(table, "{}", line.trim_end());
    }
    table
}

/// Three digits are more than the measurements are worth.
fn time(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..1_000.0 => format!("{micros:.0} µs"),
        ..10_000.0 => format!("{:.2} ms", micros / 1e3),
        ..1_000_000.0 => format!("{:.1} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn row(name: &str, floor: Duration, measured: Duration, bar: Bar) -> Row {
        Row { name: name.to_owned(), floor, measured: Some(measured), bar: Some(bar), kept: None }
    }

    #[test]
    fn the_table_shows_ratios_and_what_missed_its_bar() {
        let rows = [
            Row {
                name: "durable write, 9 kB".to_owned(),
                floor: Duration::from_micros(312),
                measured: None,
                bar: None,
                kept: None,
            },
            row("transition, 10 phases", ms(2), ms(3), Bar { times: 2.0, plus: ms(0) }),
            row("transition, 1,000 phases", ms(12), ms(26), Bar { times: 2.0, plus: ms(1) }),
            row("status", ms(1), Duration::from_micros(400), Bar { times: 0.0, plus: ms(5) }),
            Row {
                bar: None,
                kept: Some(Kept { kept: 1_599, of: 1_600 }),
                ..row("8 processes", ms(2), ms(3), Bar { times: 2.0, plus: ms(0) })
            },
        ];
        insta::assert_snapshot!(table(&rows), @"
        what                        floor  measured  ratio  bar
        durable write, 9 kB        312 µs         -      -  -
        transition, 10 phases     2.00 ms   3.00 ms   1.50  ≤ 2 ×
        transition, 1,000 phases  12.0 ms   26.0 ms   2.17  ≤ 2 × + 1ms        MISSED
        status                    1.00 ms    400 µs   0.40  ≤ 5ms
        8 processes               2.00 ms   3.00 ms   1.50  1599 of 1600 kept  MISSED
        ");
    }

    #[test]
    fn a_bar_is_missed_above_it_and_not_on_it() {
        let bar = Bar { times: 2.0, plus: ms(1) };
        assert!(!row("a", ms(10), ms(21), bar).is_missed());
        assert!(row("a", ms(10), ms(22), bar).is_missed());
        let unmeasured = Row { measured: None, ..row("a", ms(10), ms(0), bar) };
        assert!(!unmeasured.is_missed());
    }

    #[test]
    fn what_is_lost_misses_the_bar_however_fast_it_was() {
        let bar = Bar { times: 2.0, plus: ms(1) };
        let kept = |kept| Row { kept: Some(Kept { kept, of: 8 }), ..row("a", ms(10), ms(1), bar) };
        assert!(!kept(8).is_missed());
        assert!(kept(7).is_missed());
        assert_eq!(kept(7).describe_bar(), "≤ 2 × + 1ms, 7 of 8 kept");
    }

    #[test]
    fn floor_and_operation_take_turns() {
        let order = std::cell::RefCell::new(String::new());
        let push = |c: char| {
            order.borrow_mut().push(c);
            Ok(())
        };
        alternate(2, || push('f'), || push('o')).unwrap();
        assert_eq!(order.into_inner(), "fofofo");
    }

    #[test]
    fn an_operation_that_fails_ends_the_measurement() {
        let failed = alternate(3, || Ok(()), || Err(Failure::Found("no".to_owned())));
        assert!(failed.is_err());
    }

    #[test]
    fn the_floor_writes_the_document_and_appends_the_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut floor = Floor::new(dir.path(), 9_000).unwrap();
        floor.write().unwrap();
        Floor::open(dir.path(), 9_000).unwrap().write_locked().unwrap();
        let size = |name: &str| {
            fs_err::metadata(dir.path().join("floor-9000").join(name)).map(|found| found.len()).ok()
        };
        assert_eq!(size("document.md"), Some(9_000));
        assert_eq!(size("journal.jsonl"), Some(2 * 1_025));
        assert_eq!(size("document.tmp"), None);
    }
}
