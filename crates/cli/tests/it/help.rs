//! The help texts.

use insta::assert_snapshot;

use crate::env::TestEnv;

#[test]
fn the_help_of_the_program() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["--help"]), @r#"
    Keep an orchestration of agents on its plan

    A session is one plan that is carried out by agents, phase by phase. It lives in a
    Markdown file in the state dir of the workspace; every change is journalled first.

    Usage: maestro [OPTIONS] <COMMAND>

    Commands:
      init      Make a directory a workspace
      new       Begin a session from a plan
      status    Show where the active session stands
      next      Show what can be done next
      phase     Carry a phase from one status to the next
      resume    Show how an interrupted session goes on, and go on with it
      abort     Give the active session up
      archive   Move the active session and its documents to the archive, or look into it
      log       Show what happened to the active session, the oldest first
      undo      Undo the newest operation on the active session that is not undone
      doctor    Check the state dir, explain what is wrong, and repair it with `--fix`
      settings  Show every setting, its value and where the value comes from
      plan      Look at a plan
      state     Read and write files of the state dir, in place of the legacy scripts
      mcp       Serve sessions to an agent CLI over MCP
      help      Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

      -V, --version
              Print version

    Global options:
      -C <DIR>
              Run as if started in DIR

          --json
              Print one JSON object to stdout, also for a failure, and nothing to stderr
              
              A result is `{"version":1,…}`. A failure is
              `{"version":1,"error":{"code":…,"message":…,"causes":[…],"hint":…}}`, with the
              exit code as without `--json`. Nobody is asked anything.

          --wait <SECONDS>
              Wait at most SECONDS for another process to release the lock [default: 10]

    Examples:
      maestro init
      maestro new "Rate limiting for the gateway" --plan plan.md
      maestro next
      maestro phase start 1
      maestro phase complete 1 --report handoff.md
      maestro status --json

    Exit codes:
      0   done
      1   refused by a rule of the state, or by the system
      2   wrong usage: arguments, settings, files that cannot be read
      3   no active session
      4   locked by another process
      5   a file of the state dir cannot be understood
      6   conflict that a person has to settle
      70  a bug of maestro
    [exit status: 0]
    "#);
}

#[test]
fn the_help_of_the_phase_commands() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["phase", "--help"]), @r#"
    Carry a phase from one status to the next

      pending      start -> in progress    skip -> skipped (by the user)
      in progress  complete -> completed   fail -> failed   redelegate -> in progress
      failed       retry -> in progress    skip -> skipped (by the user)
      completed    reconcile (puts its record right)

    Usage: maestro phase [OPTIONS] <COMMAND>

    Commands:
      start       Start a phase
      complete    Record that a phase ended well, with what its agent hands over
      fail        Record that a phase ended badly
      retry       Try a failed phase again
      skip        Leave a phase out, which only the user can decide
      redelegate  Give the work of an interrupted agent out again
      adjust      Change the plan of a phase that is not completed
      reconcile   Put the record of a completed phase right
      help        Print this message or the help of the given subcommand(s)

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Global options:
      -C <DIR>
              Run as if started in DIR

          --json
              Print one JSON object to stdout, also for a failure, and nothing to stderr
              
              A result is `{"version":1,…}`. A failure is
              `{"version":1,"error":{"code":…,"message":…,"causes":[…],"hint":…}}`, with the
              exit code as without `--json`. Nobody is asked anything.

          --wait <SECONDS>
              Wait at most SECONDS for another process to release the lock [default: 10]

    Examples:
      maestro phase start 2
      maestro phase complete 2 --report handoff.md
      maestro phase fail 3 --type timeout --message "no answer for 30 minutes"
      maestro phase retry 3
    [exit status: 0]
    "#);
    assert_snapshot!(env.run(["phase", "complete", "--help"]), @r#"
    Record that a phase ended well, with what its agent hands over

    Takes the agent's handoff report, or its parts as options, or both. Files without a
    word for the phases that depend on this one are refused; a handoff without anything
    leaves a record that has to be reconciled before the session is archived.

    When this was the last phase, the session is archived at once, or with
    `MAESTRO_AUTO_ARCHIVE=false` after a question.

    Usage: maestro phase complete [OPTIONS] <ID>

    Arguments:
      <ID>
              The phase

    Options:
      -h, --help
              Print help (see a summary with '-h')

    Handoff:
          --report <FILE>
              Read the agent's handoff report from FILE, or from stdin with `-`

          --created <PATH>
              A file that was created (relative to the workspace; repeatable)

          --modified <PATH>
              A file that was modified (relative to the workspace; repeatable)

          --deleted <PATH>
              A file that was deleted (relative to the workspace; repeatable)

          --interface <TEXT>
              An interface that was introduced: signature and place (repeatable)

          --pattern <TEXT>
              A pattern to follow (repeatable)

          --integration <TEXT>
              A place where later work connects (repeatable)

          --assumption <TEXT>
              Something that was taken for granted (repeatable)

          --warning <TEXT>
              Something to look out for (repeatable)

          --agent <NAME>
              The agent that hands over [default: the agent of the phase]

          --tokens <COUNTS>
              The tokens used: `input=N,output=N,cached=N`, any of them
              
              `input` counts all input tokens; `cached` says how many of them came from a cache.

          --validation <TEXT>
              The result of the checks, as pass or fail and details

    Global options:
      -C <DIR>
              Run as if started in DIR

          --json
              Print one JSON object to stdout, also for a failure, and nothing to stderr
              
              A result is `{"version":1,…}`. A failure is
              `{"version":1,"error":{"code":…,"message":…,"causes":[…],"hint":…}}`, with the
              exit code as without `--json`. Nobody is asked anything.

          --wait <SECONDS>
              Wait at most SECONDS for another process to release the lock [default: 10]

    Examples:
      maestro phase complete 2 --report handoff.md
      maestro phase complete 2 --report - --tokens input=12000,output=3400,cached=9000 < handoff.md
      maestro phase complete 2 --created src/limit.rs --interface "KeyedLimiter::check in src/limit.rs"
    [exit status: 0]
    "#);
}

#[test]
fn no_line_of_any_help_is_wider_than_a_terminal() {
    fn check(command: &mut clap::Command) {
        let name = command.get_name().to_owned();
        for help in [command.render_help(), command.render_long_help()] {
            for line in help.to_string().lines() {
                assert!(line.chars().count() <= 100, "{name}: {line}");
            }
        }
        for sub in command.get_subcommands_mut() {
            check(sub);
        }
    }
    let mut command = maestro_cli::command();
    command.build();
    check(&mut command);
}

#[test]
fn no_arguments_are_wrong_usage() {
    let env = TestEnv::new();
    let ended = env.run([]);
    assert_eq!(ended.code, maestro_cli::ExitCode::USAGE);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("Usage: maestro"), "{ended}");
}

#[test]
fn a_typing_mistake_gets_a_suggestion() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["stats"]), @"
    ------- stderr
    error: unrecognized subcommand 'stats'

      tip: some similar subcommands exist: 'settings', 'state', 'status'

    Usage: maestro [OPTIONS] <COMMAND>

    For more information, try '--help'.
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["phase", "complete", "1", "--create", "x"]), @"
    ------- stderr
    error: unexpected argument '--create' found

      tip: a similar argument exists: '--created'

    Usage: maestro phase complete --created <PATH> <ID>

    For more information, try '--help'.
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["status", "--wait", "soon"]), @"
    ------- stderr
    error: invalid value 'soon' for '--wait <SECONDS>': give a number of seconds from 0, such as 10 or 0.5

    For more information, try '--help'.
    [exit status: 2]
    ");
}
