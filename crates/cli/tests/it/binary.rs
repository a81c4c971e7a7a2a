//! The real binary: what `main` adds.

use std::process::{Command, Stdio};

use crate::env::TestEnv;

pub(crate) fn maestro(env: &TestEnv) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maestro"));
    command.env_clear().current_dir(env.workspace()).stdin(Stdio::null());
    command
}

#[test]
fn the_version_is_that_of_the_package() {
    let env = TestEnv::new();
    let output = maestro(&env).arg("--version").output().unwrap();
    let expected = format!("maestro {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn exit_codes_reach_the_shell() {
    let env = TestEnv::new();
    for (args, code) in [
        (&["init"][..], 0),
        (&["archive"], 3),
        (&["new"], 2),
        (&["status"], 3),
        (&["plan", "check", "absent.md"], 2),
    ] {
        let output = maestro(&env).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
    }
}

#[test]
fn piped_output_has_no_colours_and_the_clock_is_real() {
    let env = TestEnv::with_session();
    let output = maestro(&env).args(["phase", "start", "1"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let output = maestro(&env).arg("status").env("TERM", "xterm").output().unwrap();
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
    assert!(shown.contains("◯ in progress  1"), "{shown}");
    assert!(
        !shown.contains("2026-01-15T"),
        "the clock of the tests is not that of the binary: {shown}"
    );
}

#[test]
fn the_user_is_the_author() {
    let env = TestEnv::with_session();
    let start = maestro(&env).args(["phase", "start", "1"]).env("USER", "ada").output().unwrap();
    assert!(start.status.success(), "{start:?}");
    let log = env.ok(["log", "-n", "1"]).stdout;
    assert!(log.contains("cli (ada)"), "{log}");
}

#[test]
fn a_pipe_without_reader_is_no_failure() {
    let env = TestEnv::with_session();
    let mut child =
        maestro(&env).arg("status").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(output.stderr, b"");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_under_stdout_is_a_failure() {
    let env = TestEnv::with_session();
    let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = maestro(&env).arg("status").stdout(full.into_file()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.starts_with("error: the command was carried out, but its result"), "{said}");
}
