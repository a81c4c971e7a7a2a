//! `cargo xtask <task>`: reads the arguments and the environment, runs one task.

use std::path::Path;
use std::process::ExitCode;

use xtask::e2e::E2e;
use xtask::fuzz::Fuzz;
use xtask::{Failure, Project, ci, e2e, fuzz, tidy};

const HELP: &str = "\
Usage: cargo xtask <task>

Tasks:
  ci              run every check of this repository
  tidy            check the rules of the repository that no compiler knows
  docs [--check]  write the generated pages of docs/, or check that they are up to date
  bench [--rounds N] [--dir DIR]
                  measure the operations against their floors; DIR (default: target/xtask-bench)
                  is where the files are written, so that its disk is the one that is measured
  fuzz [TARGET] [--minutes N] [--jobs N]
                  make up inputs for the readers (document, plan, handoff, journal; default: each for
                  5 minutes) until one breaks a promise; needs nightly Rust and cargo-fuzz
  e2e [--keep]    drive the MCP server with the official clients and the MCP Inspector; needs Node.js and
                  downloads the clients into target/e2e, which --keep leaves there
  help            print this
";

#[expect(clippy::disallowed_methods, reason = "only `main` reads the environment")]
fn main() -> ExitCode {
    // Compiled in, so that tasks work from every directory; cargo builds xtask again in a moved checkout.
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."));
    let project = Project {
        root: root.to_owned(),
        cargo: std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()),
        in_ci: std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false"),
    };
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&project, &args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

fn run(project: &Project, args: &[&str]) -> Result<(), Failure> {
    match args {
        ["ci"] => ci::run(project),
        ["tidy"] => tidy::run(project),
        ["docs", ..] => product(project, &[], args),
        ["bench", ..] => product(project, &["--release"], args),
        ["fuzz", options @ ..] => fuzz::run(project, &Fuzz::parse(options)?),
        ["e2e", options @ ..] => e2e::run(project, &E2e::parse(options)?),
        ["help" | "--help" | "-h"] => {
            print_help();
            Ok(())
        }
        [] => Err(Failure::Usage("a task is missing".to_owned())),
        words => Err(Failure::Usage(format!("`{}` is not a task", words.join(" ")))),
    }
}

/// Runs a task that needs the product, in a binary of its own.
fn product(project: &Project, profile: &[&str], task: &[&str]) -> Result<(), Failure> {
    let root = project.root.to_string_lossy();
    let mut args = vec!["run", "--quiet", "--package", "xtask-product"];
    args.extend(profile);
    args.extend(["--", root.as_ref()]);
    args.extend(task);
    let status = project.cargo(args).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::Found(format!("{} failed", task.join(" "))))
    }
}

#[expect(clippy::print_stdout, reason = "the help was asked for")]
fn print_help() {
    print!("{HELP}");
}

#[expect(clippy::print_stderr, reason = "the one place that reports a failed task")]
fn report(failure: &Failure) -> ExitCode {
    eprintln!("xtask: {failure}");
    if let Failure::Usage(_) = failure {
        eprint!("\n{HELP}");
        return ExitCode::from(2);
    }
    ExitCode::FAILURE
}
