//! `maestro log`

use insta::assert_snapshot;

use crate::env::TestEnv;

fn with_history() -> TestEnv {
    let env = TestEnv::with_session();
    env.ok(["phase", "start", "1"]);
    env.ok(["phase", "complete", "1", "--created", "src/a.rs", "--warning", "w"]);
    env.edit("name: \"HTTP layer\"", "name: \"HTTP\" # shorter");
    env.ok(["phase", "start", "3"]);
    env.ok(["phase", "fail", "3", "--message", "no\nanswer"]);
    env
}

#[test]
fn everything_that_happened_is_shown() {
    let env = with_history();
    assert_snapshot!(env.run(["log"]), @"
    1  2026-01-15T10:00:00.000Z  cli (tester)  create         Rate limiting
    2  2026-01-15T10:00:01.000Z  cli (tester)  start 1
    3  2026-01-15T10:00:02.000Z  cli (tester)  complete 1     1 created
    4  2026-01-15T10:00:03.000Z  external      external_edit
    5  2026-01-15T10:00:03.001Z  cli (tester)  start 3
    6  2026-01-15T10:00:04.000Z  cli (tester)  fail 3         no answer
    [exit status: 0]
    ");
}

#[test]
fn the_log_can_be_narrowed() {
    let env = with_history();
    assert_snapshot!(env.run(["log", "--phase", "3", "-n", "1"]), @"
    6  2026-01-15T10:00:04.000Z  cli (tester)  fail 3  no answer
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["log", "--actor", "external"]), @"
    4  2026-01-15T10:00:03.000Z  external  external_edit
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["log", "--actor", "mcp"]), @"[exit status: 0]");
    assert_snapshot!(env.run(["log", "--actor", "somebody"]), @"
    ------- stderr
    error: invalid value 'somebody' for '--actor <KIND>'
      [possible values: cli, mcp, hook, external]

    For more information, try '--help'.
    [exit status: 2]
    ");
}

#[test]
fn the_document_is_printed_as_it_was_after_any_operation() {
    let env = TestEnv::with_session();
    let created = env.read("docs/maestro/state/active-session.md");
    env.ok(["phase", "start", "1"]);
    let started = env.read("docs/maestro/state/active-session.md");
    assert_eq!(env.ok(["log", "--document"]).stdout, started);
    assert_eq!(env.ok(["log", "--document", "--op", "1"]).stdout, created);
    assert_snapshot!(env.run(["log", "--document", "--op", "99"]), @"
    ------- stderr
    error: there is no operation `99`

    hint: `maestro log` lists the operations with their numbers
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["log", "--op", "1"]), @"
    ------- stderr
    error: the following required arguments were not provided:
      --document

    Usage: maestro log --document --op <OP>

    For more information, try '--help'.
    [exit status: 2]
    ");
}

#[test]
fn a_damaged_session_file_does_not_hide_the_log() {
    let env = TestEnv::with_session();
    let created = env.read("docs/maestro/state/active-session.md");
    env.write("docs/maestro/state/active-session.md", "---\nsession_id: [\n---\n");
    assert_eq!(env.ok(["log", "--document"]).stdout, created);
    assert_snapshot!(env.run(["log"]), @"
    1  2026-01-15T10:00:00.000Z  cli (tester)  create  Rate limiting
    [exit status: 0]
    ");
}

#[test]
fn without_a_session_there_is_no_log() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["log"]), @r#"
    ------- stderr
    error: there is no active session in `[root]/project/docs/maestro`

    hint: begin one with `maestro new "<task>" --plan FILE`
    [exit status: 3]
    "#);
    assert_snapshot!(env.run(["log", "--document"]), @r#"
    ------- stderr
    error: there is no active session in `[root]/project/docs/maestro`

    hint: begin one with `maestro new "<task>" --plan FILE`
    [exit status: 3]
    "#);
}
