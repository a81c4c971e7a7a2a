//! Colours, escapes, readers that go away, and bugs.

use insta::assert_snapshot;
use maestro_cli::{ExitCode, Output};
use maestro_session::Env;
use maestro_state_store::{Actor, ActorKind, Environment, Holder};
use uuid::Uuid;

use crate::env::{Capture, GoneReader, Input, TestEnv, run};

const IN_COLOUR: Input<'_> = Input { stdin: b"", terminal: true, colour: true };

#[test]
fn colours_are_shown_only_where_they_are_wanted() {
    let env = TestEnv::with_session();
    let coloured = env.run_with(&IN_COLOUR, ["status"]).stdout;
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let plain = env.run(["status"]).stdout;
    assert!(!plain.contains('\u{1b}'), "{plain:?}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
}

#[test]
fn errors_are_coloured_too() {
    let env = TestEnv::with_session();
    let coloured = env.run_with(&IN_COLOUR, ["phase", "start", "4"]).stderr;
    assert!(coloured.starts_with("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m "), "{coloured:?}");
    let usage = env.run_with(&IN_COLOUR, ["stats"]).stderr;
    assert!(usage.contains("\u{1b}["), "{usage:?}");
}

#[test]
fn a_session_file_cannot_speak_to_the_terminal() {
    let env = TestEnv::with_session();
    env.edit("task: \"Rate limiting\"", r#"task: "a\e]0;title\a\e[2J\nphase 9 done""#);
    env.edit("name: \"HTTP layer\"", "name: \"a\\u202Eb\"");
    for command in [&["status"][..], &["next"], &["log"], &["resume"], &["resume", "--prompt"]] {
        for input in [&Input::default(), &IN_COLOUR] {
            let shown = env.run_line(input, command).stdout;
            let shown = anstream::adapter::strip_str(&shown).to_string();
            assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
        }
    }
    assert_snapshot!(env.run(["status"]), @r"
    Session  2026-01-15-rate-limiting
    Task     a\u{1b}]0;title\u{7}\u{1b}[2J\nphase 9 done
    Status   in progress, 0 of 4 phases done
    Mode     standard
    Plan     docs/maestro/plans/plan.md
    Updated  2026-01-15T10:00:00.000Z

    □ pending  1  Contract       architect
    □ pending  2  Token buckets  coder      waits for 1
    □ pending  3  a\u{202e}b     coder      waits for 1
    □ pending  4  End to end     tester     waits for 2, 3

    Next: maestro phase start 1  Contract (architect)
    [exit status: 0]
    ");
    env.ok(["phase", "start", "1"]);
    env.edit("status: \"in_progress\"\nworkflow", "status: \"\\e[31mdone\"\nworkflow");
    let ended = env.run(["status"]);
    assert!(!ended.stderr.contains('\u{1b}'), "{ended:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let env = TestEnv::with_session();
    for args in [["status"], ["next"], ["resume"], ["log"], ["--help"]] {
        let mut invocation = env.invocation(env.env());
        let stderr = Capture::default();
        invocation.stdout = Output { stream: Box::new(GoneReader), colour: false };
        invocation.stderr = Output { stream: Box::new(stderr.clone()), colour: false };
        assert_eq!(run(invocation, args), ExitCode::DONE);
        assert_eq!(stderr.text(), "");
    }
}

#[test]
fn what_was_done_is_done_though_nobody_listens() {
    let env = TestEnv::with_session();
    let mut invocation = env.invocation(env.env());
    invocation.stdout = Output { stream: Box::new(GoneReader), colour: false };
    invocation.stderr = Output { stream: Box::new(GoneReader), colour: false };
    assert_eq!(run(invocation, ["phase", "start", "1"]), ExitCode::DONE);
    assert!(env.ok(["status"]).stdout.contains("◯ in progress  1"));
}

#[test]
fn a_bug_is_told_as_one() {
    let env = TestEnv::with_session();
    let before = env.listing();
    let holder = Holder {
        pid: 1,
        host: "test".to_owned(),
        command: "maestro".to_owned(),
        started: "2026-01-15T10:00:00Z".parse().unwrap(),
    };
    let broken = || {
        let actor = Actor { kind: ActorKind::Cli, name: None };
        let clock = || panic!("the clock is broken");
        Env::new(Environment::default(), actor, holder.clone(), clock, Uuid::nil)
    };
    let told = |json: bool| {
        let (stdout, stderr) = (Capture::default(), Capture::default());
        let mut invocation = env.invocation(broken());
        invocation.stdout = Output { stream: Box::new(stdout.clone()), colour: false };
        invocation.stderr = Output { stream: Box::new(stderr.clone()), colour: false };
        let code = if json {
            run(invocation, ["phase", "start", "1", "--json"])
        } else {
            run(invocation, ["phase", "start", "1"])
        };
        assert_eq!(code, ExitCode::BUG);
        format!("{}---\n{}", stdout.text(), stderr.text())
    };
    assert_snapshot!(told(false), @"
    ---
    error: this is a bug in maestro
      caused by: the clock is broken

    hint: please report it at https://github.com/maestro-sessions/maestro-sessions/issues, with the command and what it printed
    ");
    assert_snapshot!(told(true), @r#"
    {"version":1,"error":{"code":"BUG","message":"this is a bug in maestro","causes":["the clock is broken"],"hint":"please report it at https://github.com/maestro-sessions/maestro-sessions/issues, with the command and what it printed"}}
    ---
    "#);
    assert_eq!(env.listing(), before);
}
