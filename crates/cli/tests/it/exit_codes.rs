//! Every exit code, by a command that ends with it.

use std::fmt::Write as _;

use insta::assert_snapshot;
use maestro_cli::ExitCode;

use crate::env::{Ended, TestEnv};

#[test]
fn every_kind_of_failure_has_its_code() {
    let mut table = String::new();
    let mut row = |code: ExitCode, what: &str, ended: Ended| {
        assert_eq!(ended.code, code, "{what}: {ended}");
        let first = ended.stderr.lines().next().or(ended.stdout.lines().next()).unwrap_or_default();
        writeln!(table, "{} {what}: {first}", code.get()).unwrap();
    };
    let mut env = TestEnv::new();
    row(ExitCode::NO_SESSION, "no session", env.run(["status"]));
    env.ok(["init"]);
    row(ExitCode::NO_SESSION, "no session to change", env.run(["phase", "start", "1"]));
    row(ExitCode::USAGE, "no such command", env.run(["begin"]));
    row(ExitCode::USAGE, "a bad id", env.run(["new", "x", "--plan", "p", "--id", "../x"]));

    env.begin(crate::env::PLAN);
    row(ExitCode::DONE, "status", env.run(["status"]));
    row(ExitCode::REFUSED, "blocked", env.run(["phase", "start", "2"]));
    row(ExitCode::REFUSED, "exists", env.run(["new", "x", "--plan", "plan.md"]));

    let lock = fs_err::OpenOptions::new()
        .write(true)
        .open(env.path("docs/maestro/state/lock"))
        .unwrap()
        .into_file();
    lock.lock().unwrap();
    row(ExitCode::LOCKED, "locked", env.run(["phase", "start", "1", "--wait", "0.05"]));
    row(ExitCode::DONE, "readers need no lock", env.run(["status", "--wait", "0"]));
    lock.unlock().unwrap();

    env.write(".gemini/state/active-session.md", env.read("docs/maestro/state/active-session.md"));
    row(ExitCode::CONFLICT, "two sessions", env.run(["status"]));
    fs_err::remove_dir_all(env.path(".gemini")).unwrap();

    env.write("docs/maestro/state/active-session.md", "no front matter\n");
    row(ExitCode::CORRUPT, "corrupt", env.run(["status"]));
    fs_err::remove_file(env.session_file()).unwrap();
    row(ExitCode::CORRUPT, "gone", env.run(["phase", "start", "1"]));
    row(ExitCode::CORRUPT, "gone for readers", env.run(["next"]));

    env.set("MAESTRO_AUTO_ARCHIVE", "perhaps");
    row(ExitCode::USAGE, "a bad setting", env.run(["status"]));
    assert_snapshot!(table, @"
    3 no session: No active session
    3 no session to change: error: there is no active session in `[root]/project/docs/maestro`
    2 no such command: error: unrecognized subcommand 'begin'
    2 a bad id: error: invalid value '../x' for '--id <ID>': `../x` is not a session id: use 1 to 128 ASCII letters, digits, `-` and `_`
    0 status: Session  2026-01-15-rate-limiting
    1 blocked: error: phase 2 waits for phase 1 (pending)
    1 exists: error: session `2026-01-15-rate-limiting` is active (in_progress)
    4 locked: error: `[root]/project/docs/maestro/state/lock` is locked by `maestro` (process 4711 on test)
    0 readers need no lock: Session  2026-01-15-rate-limiting
    6 two sessions: error: there are two active sessions: `[root]/project/docs/maestro/state/active-session.md` and `[root]/project/.gemini/state/active-session.md`
    5 corrupt: error: `[root]/project/docs/maestro/state/active-session.md` is not a valid session
    5 gone: error: the document of the session 2026-01-15-rate-limiting is missing: `[root]/project/docs/maestro/state/active-session.md`
    5 gone for readers: error: the document of the session 2026-01-15-rate-limiting is missing: `[root]/project/docs/maestro/state/active-session.md`
    2 a bad setting: error: MAESTRO_AUTO_ARCHIVE is `perhaps` (environment), which must be true or false
    ");
}
