//! `maestro state`

use insta::assert_snapshot;

use crate::env::{Input, TestEnv};

#[test]
fn active_prints_the_file_or_says_that_there_is_none() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["state", "active"]), @"
    No active session
    [exit status: 0]
    ");
    env.begin(crate::env::PLAN);
    let text = env.read("docs/maestro/state/active-session.md");
    assert_eq!(env.ok(["state", "active"]).stdout, text);
}

#[test]
fn read_prints_a_file_exactly() {
    let env = TestEnv::with_session();
    env.write("docs/maestro/state/contexts/note.md", "\u{1b}[31mred\u{1b}[0m\r\nno end");
    let ended = env.ok(["state", "read", "state/contexts/note.md"]);
    assert_eq!(ended.stdout, "\u{1b}[31mred\u{1b}[0m\r\nno end");
    assert_snapshot!(env.run(["state", "read", "state/absent.md"]), @"
    ------- stderr
    error: `state/absent.md` does not exist in the state dir
    [exit status: 1]
    ");
}

#[test]
fn write_replaces_the_session_as_an_edit_from_outside() {
    let env = TestEnv::with_session();
    let text = env.read("docs/maestro/state/active-session.md");
    let edited = text.replace("HTTP layer", "HTTP");
    let input = Input { stdin: edited.as_bytes(), ..Input::default() };
    assert_snapshot!(env.run_with(&input, ["state", "write", "state/active-session.md"]), @"
    Wrote state/active-session.md (2375 bytes)
    [exit status: 0]
    ");
    assert_eq!(env.read("docs/maestro/state/active-session.md"), edited);
    assert_snapshot!(env.run(["log"]), @"
    1  2026-01-15T10:00:00.000Z  cli (tester)  create         Rate limiting
    2  2026-01-15T10:00:01.000Z  external      external_edit
    [exit status: 0]
    ");
}

#[test]
fn write_refuses_what_is_no_session() {
    let env = TestEnv::with_session();
    let before = env.listing();
    let input = Input { stdin: b"---\ntask: 1\n---\n", ..Input::default() };
    assert_snapshot!(env.run_with(&input, ["state", "write", "state/active-session.md"]), @"
    ------- stderr
    error: what was to be written to `[root]/project/docs/maestro/state/active-session.md` is not a session
      caused by: line 2, column 1: missing field `session_id`

    hint: nothing was written; mend the text and try again
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before);
}

#[test]
fn a_damaged_session_file_is_put_right_with_what_the_journal_has() {
    let env = TestEnv::with_session();
    let good = env.ok(["log", "--document"]).stdout;
    env.write("docs/maestro/state/active-session.md", "oops");
    let input = Input { stdin: good.as_bytes(), ..Input::default() };
    let ended = env.run_with(&input, ["state", "write", "state/active-session.md"]);
    assert_eq!(ended.code, maestro_cli::ExitCode::DONE, "{ended}");
    assert_eq!(env.read("docs/maestro/state/active-session.md"), good);
    env.ok(["phase", "start", "1"]);
}

#[test]
fn what_is_not_for_writing_is_refused() {
    let env = TestEnv::with_session();
    let before = env.listing();
    let refused = [
        "state/lock",
        "state/journal/2026-01-15-rate-limiting.jsonl",
        "state/ledger/x.jsonl",
        "state/archive/x.md",
        "state/quarantine/x",
        "../outside",
        "/etc/passwd",
        "state/../../../outside",
    ];
    let mut said = String::new();
    for path in refused {
        said += &format!("{path}\n{}\n", env.run(["state", "write", path]));
    }
    assert_snapshot!(said, @"
    state/lock
    ------- stderr
    error: `[root]/project/docs/maestro/state/lock` cannot be written from outside

    hint: use the command that the file belongs to, such as `maestro archive`
    [exit status: 1]
    state/journal/2026-01-15-rate-limiting.jsonl
    ------- stderr
    error: `[root]/project/docs/maestro/state/journal/2026-01-15-rate-limiting.jsonl` cannot be written from outside

    hint: use the command that the file belongs to, such as `maestro archive`
    [exit status: 1]
    state/ledger/x.jsonl
    ------- stderr
    error: `[root]/project/docs/maestro/state/ledger/x.jsonl` cannot be written from outside

    hint: use the command that the file belongs to, such as `maestro archive`
    [exit status: 1]
    state/archive/x.md
    ------- stderr
    error: `[root]/project/docs/maestro/state/archive/x.md` cannot be written from outside

    hint: use the command that the file belongs to, such as `maestro archive`
    [exit status: 1]
    state/quarantine/x
    ------- stderr
    error: `[root]/project/docs/maestro/state/quarantine/x` cannot be written from outside

    hint: use the command that the file belongs to, such as `maestro archive`
    [exit status: 1]
    ../outside
    ------- stderr
    error: `[root]/project/../outside` is not in the state dir

    hint: give a path inside the state dir, relative to the workspace
    [exit status: 2]
    /etc/passwd
    ------- stderr
    error: `/etc/passwd` is an absolute path; give it relative to the workspace

    hint: give a path inside the state dir, relative to the workspace
    [exit status: 2]
    state/../../../outside
    ------- stderr
    error: `[root]/project/state/../../../outside` is not in the state dir

    hint: give a path inside the state dir, relative to the workspace
    [exit status: 2]
    ");
    assert_eq!(env.listing(), before);
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let env = TestEnv::with_session();
    env.write("secret", "secret");
    let link = env.path("docs/maestro/state/contexts");
    fs_err::os::unix::fs::symlink(env.workspace(), &link).unwrap();
    assert_snapshot!(env.run(["state", "read", "state/contexts/secret"]), @"
    ------- stderr
    error: `[root]/project/docs/maestro/state/contexts` is a symbolic link, which is not followed inside the state dir

    hint: replace `[root]/project/docs/maestro/state/contexts` by what it points to, or set MAESTRO_STATE_DIR to a path without links
    [exit status: 1]
    ");
    let before = env.listing();
    assert_snapshot!(env.run(["state", "write", "state/contexts/new"]), @"
    ------- stderr
    error: `[root]/project/docs/maestro/state/contexts` is a symbolic link, which is not followed inside the state dir

    hint: replace `[root]/project/docs/maestro/state/contexts` by what it points to, or set MAESTRO_STATE_DIR to a path without links
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before);
}
