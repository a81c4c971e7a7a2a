//! Runs the fuzz targets of `fuzz/`, which need a nightly compiler and cargo-fuzz.
//!
//! A run begins with the kept inputs and adds none to them: what it makes up stays below `target/`, and what it finds is
//! to be looked at before it is kept.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{Failure, Project};

/// The targets, in the order in which they run; each has a file in `fuzz/fuzz_targets/`, a folder in `fuzz/corpus/` and
/// the words of its language in `fuzz/dictionaries/`.
pub const TARGETS: [&str; 4] = ["document", "plan", "handoff", "journal"];

/// The bounds of one input. Longer ones find nothing that these do not, and cost more.
const LIMITS: [&str; 3] = ["-max_len=16384", "-timeout=10", "-rss_limit_mb=2048"];

/// What to run, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fuzz {
    /// The targets.
    pub targets: Vec<&'static str>,
    /// How long each runs.
    pub minutes: NonZeroU64,
    /// How many processes work on each.
    pub jobs: NonZeroU64,
}

impl Fuzz {
    /// Reads the arguments of the task.
    pub fn parse(args: &[&str]) -> Result<Self, Failure> {
        let (one, options) = match args {
            [name, options @ ..] if !name.starts_with('-') => (Some(*name), options),
            options => (None, options),
        };
        let targets = match one {
            None => TARGETS.to_vec(),
            Some(name) => {
                let known = TARGETS.into_iter().find(|target| *target == name);
                vec![known.ok_or_else(|| {
                    Failure::Usage(format!("`{name}` is not one of {}", TARGETS.join(", ")))
                })?]
            }
        };
        let mut fuzz = Self { targets, minutes: FIVE, jobs: NonZeroU64::MIN };
        for pair in options.chunks(2) {
            let number = match pair {
                ["--minutes", _] => &mut fuzz.minutes,
                ["--jobs", _] => &mut fuzz.jobs,
                [option @ ("--minutes" | "--jobs")] => {
                    return Err(Failure::Usage(format!("`{option}` needs a value")));
                }
                _ => return Err(Failure::Usage(format!("`{}` is not an option", pair.join(" ")))),
            };
            *number = pair[1].parse().map_err(|_| {
                Failure::Usage(format!("`{}` is not a positive number", pair.join(" ")))
            })?;
        }
        Ok(fuzz)
    }
}

const FIVE: NonZeroU64 = NonZeroU64::new(5).expect("five is positive");

/// Runs the targets one after the other; fails if one of them found something.
pub fn run(project: &Project, fuzz: &Fuzz) -> Result<(), Failure> {
    installed(&["--version"], "rustup toolchain install nightly")?;
    installed(&["fuzz", "--version"], "cargo install cargo-fuzz")?;
    let mut found = Vec::new();
    for target in &fuzz.targets {
        let scratch = Scratch::of(project, target)?;
        println!("\n==> {target}: {} min, seeds from {}", fuzz.minutes, scratch.seeds.display());
        let status =
            nightly().current_dir(&project.root).args(args(target, fuzz, &scratch)).status()?;
        let findings = scratch.findings()?;
        for finding in &findings {
            println!("{}", advice(target, finding));
        }
        if !findings.is_empty() {
            found.push(*target);
        } else if !status.success() {
            let command = format!("cargo +nightly fuzz run {target}");
            return Err(Failure::Program { command, detail: status.to_string() });
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    Err(Failure::Found(format!("fuzz: something was found by {}", found.join(", "))))
}

/// A cargo of the nightly toolchain. Not the one that runs this task, which sees to it that nested calls are stable too.
fn nightly() -> Command {
    let mut command = Command::new("rustup");
    command.args(["run", "nightly", "cargo"]).env_remove("CARGO").env_remove("RUSTC");
    command
}

/// Makes sure that the nightly cargo can be called with `args`.
fn installed(args: &[&str], remedy: &str) -> Result<(), Failure> {
    let status = nightly().args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    Err(Failure::Program {
        command: format!("cargo +nightly {}", args.join(" ")),
        detail: format!("it is not installed; `{remedy}` installs it"),
    })
}

/// Where a target takes inputs from, and where it leaves them.
#[derive(Clone, Debug)]
struct Scratch {
    /// The kept inputs; only read.
    seeds: PathBuf,
    /// Inputs that reach something new, for the next run.
    made_up: PathBuf,
    /// Inputs that break something.
    findings: PathBuf,
}

impl Scratch {
    fn of(project: &Project, target: &str) -> Result<Self, Failure> {
        let below = project.root.join("target/xtask-fuzz").join(target);
        let scratch = Self {
            seeds: project.root.join("fuzz/corpus").join(target),
            made_up: below.join("made-up"),
            findings: below.join("findings"),
        };
        fs_err::create_dir_all(&scratch.made_up)?;
        fs_err::create_dir_all(&scratch.findings)?;
        Ok(scratch)
    }

    fn findings(&self) -> Result<Vec<PathBuf>, Failure> {
        let entries = fs_err::read_dir(&self.findings)?;
        let mut paths =
            entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Failure>>()?;
        paths.sort_unstable();
        Ok(paths)
    }
}

/// Returns the arguments of the nightly cargo. Of the folders, the first gets what is new.
fn args(target: &str, fuzz: &Fuzz, scratch: &Scratch) -> Vec<String> {
    let mut args: Vec<String> =
        ["fuzz", "run", "--target-dir", "target/xtask-fuzz/build"].map(str::to_owned).to_vec();
    args.push(format!("--jobs={}", fuzz.jobs));
    args.push(target.to_owned());
    args.push(scratch.made_up.display().to_string());
    args.push(scratch.seeds.display().to_string());
    args.push("--".to_owned());
    args.extend(LIMITS.map(str::to_owned));
    args.push(format!("-max_total_time={}", fuzz.minutes.saturating_mul(MINUTE)));
    args.push(format!("-dict=fuzz/dictionaries/{target}.dict"));
    // With a separator at its end, or it would be the beginning of a file's name.
    args.push(format!("-artifact_prefix={}/", scratch.findings.display()));
    args
}

const MINUTE: NonZeroU64 = NonZeroU64::new(60).expect("sixty is positive");

/// Returns what to do with a finding.
fn advice(target: &str, finding: &Path) -> String {
    let path = finding.display();
    format!(
        "found: {path}\n  again:   cargo +nightly fuzz run {target} {path}\n  \
         smaller: cargo +nightly fuzz tmin {target} {path}\n  \
         keep it as fuzz/corpus/{target}/<what it shows> once it is mended, and delete it there"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<(Vec<&'static str>, u64, u64), String> {
        Fuzz::parse(args)
            .map(|fuzz| (fuzz.targets, fuzz.minutes.get(), fuzz.jobs.get()))
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn one_target_runs_or_all_of_them() {
        assert_eq!(parsed(&[]), Ok((TARGETS.to_vec(), 5, 1)));
        assert_eq!(parsed(&["plan", "--jobs", "2", "--minutes", "30"]), Ok((vec!["plan"], 30, 2)));
        assert_eq!(parsed(&["--minutes", "1"]), Ok((TARGETS.to_vec(), 1, 1)));
    }

    #[test]
    fn other_arguments_are_refused() {
        for (args, message) in [
            (&["plans"][..], "`plans` is not one of document, plan, handoff, journal"),
            (&["plan", "journal"], "`journal` is not an option"),
            (&["--minutes"], "`--minutes` needs a value"),
            (&["--minutes", "0"], "`--minutes 0` is not a positive number"),
            (&["--forever", "1"], "`--forever 1` is not an option"),
        ] {
            assert_eq!(parsed(args), Err(message.to_owned()));
        }
    }

    #[test]
    fn what_is_new_stays_out_of_the_kept_inputs() -> Result<(), Failure> {
        let dir = tempfile::tempdir()?;
        let project = Project { root: dir.path().to_owned(), cargo: "cargo".into(), in_ci: false };
        let scratch = Scratch::of(&project, "plan")?;
        let args = args("plan", &Fuzz::parse(&["plan"])?, &scratch);
        let place = |part: &str| args.iter().position(|arg| arg.ends_with(part));
        assert!(place("made-up") < place("corpus/plan"));
        assert_eq!(scratch.findings()?, Vec::<PathBuf>::new());
        Ok(())
    }

    #[test]
    fn every_target_has_its_files() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in a folder");
        for target in TARGETS {
            for path in [
                format!("fuzz/fuzz_targets/{target}.rs"),
                format!("fuzz/dictionaries/{target}.dict"),
                format!("fuzz/corpus/{target}"),
            ] {
                assert!(root.join(&path).exists(), "{path}");
            }
        }
    }
}
