//! The tasks that need the product itself, called by `cargo xtask docs` and `cargo xtask bench`.
//!
//! Apart from xtask, so that the checks of the repository can run while the product does not compile, and so that benches
//! measure a release build.
#![expect(clippy::print_stdout, reason = "what a task prints is its result")]

mod bench;
mod docs;
mod measure;

use std::path::PathBuf;
use std::process::ExitCode;

use xtask::{Failure, Project};

use crate::bench::Bench;

#[expect(clippy::disallowed_methods, reason = "only `main` reads the arguments")]
fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => report(&failure),
    }
}

/// The first two arguments are the root of the repository and the task.
fn run(args: &[&str]) -> Result<(), Failure> {
    match args {
        [root, "docs", check @ ..] => {
            let project =
                Project { root: PathBuf::from(root), cargo: "cargo".into(), in_ci: false };
            match check {
                [] => docs::write(&project),
                ["--check"] => docs::check(&project),
                _ => Err(Failure::Usage(format!("`{}` is not an option of docs", check.join(" ")))),
            }
        }
        [bench::WORKER, rest @ ..] => bench::work(rest),
        [root, "bench", options @ ..] => bench::run(&bench_options(root, options)?),
        _ => Err(Failure::Usage("call this through `cargo xtask`".to_owned())),
    }
}

fn bench_options(root: &str, options: &[&str]) -> Result<Bench, Failure> {
    let mut bench = Bench { scratch: PathBuf::from(root).join("target/xtask-bench"), rounds: 200 };
    for pair in options.chunks(2) {
        match pair {
            ["--rounds", value] => {
                let rounds = value.parse().ok().filter(|rounds| *rounds > 0);
                bench.rounds = rounds.ok_or_else(|| {
                    Failure::Usage(format!("`--rounds {value}` is not a positive number"))
                })?;
            }
            ["--dir", value] => bench.scratch = PathBuf::from(value),
            [option @ ("--rounds" | "--dir")] => {
                return Err(Failure::Usage(format!("`{option}` needs a value")));
            }
            _ => return Err(Failure::Usage(format!("`{}` is not an option", pair.join(" ")))),
        }
    }
    Ok(bench)
}

#[expect(clippy::print_stderr, reason = "the one place that reports a failed task")]
fn report(failure: &Failure) -> ExitCode {
    eprintln!("xtask: {failure}");
    if let Failure::Usage(_) = failure { ExitCode::from(2) } else { ExitCode::FAILURE }
}
