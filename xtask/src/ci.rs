//! Every check of this repository, in one command.
//!
//! All steps run even if one fails, so that one run tells everything. A tool that a fresh machine may lack (rustfmt,
//! clippy) skips its step there, with a line that says so; in the CI its absence is a failure.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::{Failure, Project, tidy};

/// One check.
struct Step {
    name: &'static str,
    work: Work,
}

/// What a step does.
enum Work {
    /// Runs cargo.
    Cargo {
        args: Vec<&'static str>,
        env: &'static [(&'static str, &'static str)],
        /// The rustup component that provides the subcommand, if it is an optional one.
        component: Option<&'static str>,
    },
    /// Runs a task of this crate.
    Task(fn(&Project) -> Result<(), Failure>),
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    Skipped(String),
    Failed(String),
}

/// Runs all steps; fails if one of them does.
pub fn run(project: &Project) -> Result<(), Failure> {
    let mut results = Vec::new();
    for step in steps() {
        println!("\n==> {}: {}", step.name, describe(&step.work));
        let (outcome, time) = timed(|| perform(project, &step.work));
        println!("<== {}", line(step.name, &outcome, time));
        results.push((step.name, outcome, time));
    }

    println!("\nsummary");
    for (name, outcome, time) in &results {
        println!("  {}", line(name, outcome, *time));
    }
    verdict(results.iter().map(|(name, outcome, _)| (*name, outcome)))
}

/// The steps, cheap ones and those with the clearest messages first.
fn steps() -> Vec<Step> {
    let cargo = |name, args: &[&'static str], env, component| Step {
        name,
        work: Work::Cargo { args: args.to_vec(), env, component },
    };
    let mut test = vec!["test", "--workspace", "--no-fail-fast"];
    if cfg!(windows) {
        // Testing xtask would replace xtask.exe, which Windows refuses while it runs. Tidy runs all the same.
        test.extend(["--exclude", "xtask"]);
    }
    vec![
        cargo("fmt", &["fmt", "--all", "--check"], &[], Some("rustfmt")),
        cargo(
            "clippy",
            &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
            &[],
            Some("clippy"),
        ),
        // A snapshot that differs is a failure, not a file to be reviewed.
        cargo("test", &test, &[("INSTA_UPDATE", "no")], None),
        cargo(
            "doc",
            &["doc", "--workspace", "--no-deps"],
            &[("RUSTDOCFLAGS", "-D warnings")],
            None,
        ),
        Step { name: "tidy", work: Work::Task(tidy::run) },
        cargo(
            "docs",
            &["run", "--quiet", "--package", "xtask-product", "--", ".", "docs", "--check"],
            &[],
            None,
        ),
    ]
}

/// Returns the command line by which a person repeats the step.
fn describe(work: &Work) -> String {
    match work {
        Work::Cargo { args, env, .. } => {
            let mut words: Vec<String> =
                env.iter().map(|(name, value)| format!("{name}='{value}'")).collect();
            words.push("cargo".to_owned());
            words.extend(args.iter().map(|arg| (*arg).to_owned()));
            words.join(" ")
        }
        Work::Task(_) => "inside xtask".to_owned(),
    }
}

fn perform(project: &Project, work: &Work) -> Outcome {
    match work {
        Work::Cargo { args, env, component } => {
            if let Some(component) = component
                && !has_subcommand(project, args[0])
            {
                return missing(component, project.in_ci);
            }
            let status = project.cargo(args.iter().copied()).envs(env.iter().copied()).status();
            match status {
                Ok(status) if status.success() => Outcome::Passed,
                Ok(status) => Outcome::Failed(status.to_string()),
                Err(error) => Outcome::Failed(error.to_string()),
            }
        }
        Work::Task(task) => match task(project) {
            Ok(()) => Outcome::Passed,
            Err(failure) => Outcome::Failed(failure.to_string()),
        },
    }
}

/// Whether cargo knows the subcommand.
fn has_subcommand(project: &Project, name: &str) -> bool {
    let mut probe = project.cargo([name, "--version"]);
    probe.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Returns what the lack of a component means.
fn missing(component: &str, in_ci: bool) -> Outcome {
    let text = format!("{component} is not installed; `rustup component add {component}` adds it");
    if in_ci { Outcome::Failed(text) } else { Outcome::Skipped(text) }
}

#[expect(clippy::disallowed_methods, reason = "the time of a step is shown, nothing depends on it")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

fn line(name: &str, outcome: &Outcome, time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match outcome {
        Outcome::Passed => format!("{name:<6} passed in {seconds:.1} s"),
        Outcome::Skipped(why) => format!("{name:<6} skipped: {why}"),
        Outcome::Failed(why) => format!("{name:<6} FAILED after {seconds:.1} s: {why}"),
    }
}

fn verdict<'a>(results: impl Iterator<Item = (&'a str, &'a Outcome)>) -> Result<(), Failure> {
    let failed: Vec<&str> = results
        .filter(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
        .map(|(name, _)| name)
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Found(format!("ci: failed: {}", failed.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_component_is_bad_luck_at_home_and_a_defect_in_the_ci() {
        assert!(matches!(missing("rustfmt", false), Outcome::Skipped(_)));
        assert!(matches!(missing("rustfmt", true), Outcome::Failed(_)));
    }

    #[test]
    fn only_a_failure_fails_the_run() {
        let skipped = Outcome::Skipped("no rustfmt".to_owned());
        let failed = Outcome::Failed("exit status: 1".to_owned());
        assert!(verdict([("fmt", &skipped), ("test", &Outcome::Passed)].into_iter()).is_ok());
        let results = [("fmt", &failed), ("test", &Outcome::Passed), ("doc", &failed)];
        let failure = verdict(results.into_iter()).unwrap_err();
        assert_eq!(failure.to_string(), "ci: failed: fmt, doc");
    }

    #[test]
    fn the_steps_can_be_repeated_by_hand() {
        let lines: Vec<String> = steps().iter().map(|step| describe(&step.work)).collect();
        assert_eq!(lines[0], "cargo fmt --all --check");
        assert_eq!(lines[3], "RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps");
    }
}
