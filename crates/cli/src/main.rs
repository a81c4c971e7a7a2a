//! The binary `maestro`: reads what is ambient, and hands it to the library.
//!
//! The only place of this crate that reads the clock, the environment or the current directory, or makes ids.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::time::SystemTime;
use std::{env, panic};

use anstream::{AutoStream, ColorChoice};
use maestro_cli::{Invocation, Output};
use maestro_session::Env;
use maestro_session_model::Timestamp;
use maestro_state_store::{Actor, ActorKind, Environment, Holder, OsDisk};
use uuid::Uuid;

fn main() -> process::ExitCode {
    panic::set_hook(Box::new(|panic| {
        // The library says what it means; this says where it happened.
        drop(writeln!(io::stderr(), "{panic}"));
    }));
    maestro_cli::run(invocation(), env::args_os()).into()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the place where clock, ids and environment are read"
)]
fn invocation() -> Invocation {
    let variables: BTreeMap<String, String> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let environment = Environment::from(variables);
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| environment.get(name));
    let actor = Actor { kind: ActorKind::Cli, name: user.map(str::to_owned) };
    let clock = || Timestamp::from(SystemTime::now());
    let command: Vec<String> =
        env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let holder = Holder {
        pid: process::id(),
        host: host(&environment),
        command: shortened(&command.join(" ")),
        started: clock(),
    };
    let git = program("git", &environment);
    let mut env = Env::new(environment, actor, holder, clock, Uuid::now_v7);
    env.git = git;
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    Invocation {
        env,
        // A directory that was removed has no name; the file system says so when it is used.
        cwd: env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        stdin_is_terminal: stdin.is_terminal(),
        stdin: Box::new(stdin),
        stdout: Output { colour: has_colour(io::stdout()), stream: Box::new(stdout) },
        stderr_is_terminal: stderr.is_terminal(),
        stderr: Output { colour: has_colour(io::stderr()), stream: Box::new(stderr) },
        disk: Arc::new(OsDisk),
    }
}

/// Whether colours are wanted there, and can be shown; on Windows, makes the console show them.
fn has_colour<S: anstream::stream::RawStream>(stream: S) -> bool {
    let choice = AutoStream::choice(&stream);
    if choice == ColorChoice::Never {
        return false;
    }
    drop(AutoStream::always_ansi(stream));
    true
}

/// Finds a program as a shell would, but not in a directory that is named relative to the present one: that may be anybody's.
fn program(name: &str, environment: &Environment) -> Option<PathBuf> {
    let dirs = env::split_paths(environment.get("PATH")?).filter(|dir| dir.is_absolute());
    let mut files = dirs.map(|dir| dir.join(format!("{name}{}", env::consts::EXE_SUFFIX)));
    files.find(|file| file.is_file())
}

fn host(environment: &Environment) -> String {
    let named = ["HOSTNAME", "COMPUTERNAME"].into_iter().find_map(|name| environment.get(name));
    let read = || fs_err::read_to_string("/etc/hostname").ok();
    let host = named.map(str::to_owned).or_else(read).unwrap_or_default();
    let host = host.trim();
    if host.is_empty() { "unknown".to_owned() } else { host.to_owned() }
}

/// The beginning of a command line: it is shown to those who wait for the lock.
fn shortened(command: &str) -> String {
    const SHOWN: usize = 200;
    match command.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &command[..end]),
        None => command.to_owned(),
    }
}
