//! `maestro new`

use insta::assert_snapshot;

use crate::env::{Input, PLAN, SMALL_PLAN, TestEnv};

#[test]
fn a_plan_becomes_a_session_with_every_phase_pending() {
    let env = TestEnv::new();
    env.write("plan.md", PLAN);
    env.write("notes/design.md", "# Design\n");
    let args = ["new", "Rate limiting", "--plan", "plan.md", "--design", "notes/design.md"];
    assert_snapshot!(env.run(args), @"
    Session 2026-01-15-rate-limiting created: Rate limiting
      4 phases in docs/maestro/state/active-session.md
      copied plan.md to docs/maestro/plans/plan.md
      copied notes/design.md to docs/maestro/plans/design.md
    Next: maestro phase start 1  Contract (architect)
    [exit status: 0]
    ");
    assert_snapshot!(env.files(), @"
    docs/maestro/plans/design.md
    docs/maestro/plans/plan.md
    docs/maestro/state/.gitignore
    docs/maestro/state/active-session.md
    docs/maestro/state/journal/2026-01-15-rate-limiting.jsonl
    notes/design.md
    plan.md
    ");
    assert_snapshot!(env.run(["status"]), @"
    Session  2026-01-15-rate-limiting
    Task     Rate limiting
    Status   in progress, 0 of 4 phases done
    Mode     standard
    Design   docs/maestro/plans/design.md
    Plan     docs/maestro/plans/plan.md
    Updated  2026-01-15T10:00:00.000Z

    □ pending  1  Contract       architect
    □ pending  2  Token buckets  coder      waits for 1
    □ pending  3  HTTP layer     coder      waits for 1
    □ pending  4  End to end     tester     waits for 2, 3

    Next: maestro phase start 1  Contract (architect)
    [exit status: 0]
    ");
}

#[test]
fn id_mode_and_complexity_can_be_given() {
    let env = TestEnv::new();
    env.write("plan.md", PLAN);
    env.ok([
        "new",
        "Limits",
        "--plan",
        "plan.md",
        "--id",
        "limits_1",
        "--mode",
        "sequential",
        "--complexity",
        "complex",
    ]);
    let text = env.read("docs/maestro/state/active-session.md");
    for line in [
        "session_id: \"limits_1\"",
        "execution_mode: \"sequential\"",
        "task_complexity: \"complex\"",
    ] {
        assert!(text.contains(line), "no line `{line}`:\n{text}");
    }
}

#[test]
fn the_id_is_made_from_the_topic() {
    let env = TestEnv::new();
    env.write("plan.md", SMALL_PLAN);
    let args = ["new", "A long story", "--plan", "plan.md", "--topic", "Port names", "--express"];
    assert_snapshot!(env.run(args), @"
    Session 2026-01-15-port-names created: A long story
      1 phase in docs/maestro/state/active-session.md
      copied plan.md to docs/maestro/plans/plan.md
    Next: maestro phase start 1  All of it (coder)
    [exit status: 0]
    ");
}

#[test]
fn relative_paths_refer_to_the_directory_of_the_user() {
    let env = TestEnv::new();
    env.ok(["init"]);
    env.write("sub/plan.md", SMALL_PLAN);
    assert_snapshot!(env.run(["-C", "sub", "new", "A task", "--plan", "plan.md"]), @"
    Session 2026-01-15-a-task created: A task
      1 phase in docs/maestro/state/active-session.md
      copied sub/plan.md to docs/maestro/plans/plan.md
    Next: maestro phase start 1  All of it (coder)
    [exit status: 0]
    ");
}

#[test]
fn a_session_that_exists_is_never_replaced() {
    let env = TestEnv::with_session();
    let before = env.listing();
    assert_snapshot!(env.run(["new", "Another task", "--plan", "plan.md"]), @"
    ------- stderr
    error: session `2026-01-15-rate-limiting` is active (in_progress)

    hint: go on with it: `maestro resume`; or archive it first: `maestro archive` (`--force` if it is unfinished), which `maestro new --archive-active` does too
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before);
}

#[test]
fn an_express_session_has_a_single_phase() {
    let env = TestEnv::new();
    env.write("plan.md", PLAN);
    let before = env.listing();
    assert_snapshot!(env.run(["new", "A task", "--plan", "plan.md", "--express"]), @"
    ------- stderr
    error: an express session has one phase, and this plan has 4

    hint: leave `--express` out, or put all the work into one phase
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before);
}

#[test]
fn a_task_is_needed() {
    let env = TestEnv::new();
    env.write("plan.md", PLAN);
    assert_snapshot!(env.run(["new", " ", "--plan", "plan.md"]), @r#"
    ------- stderr
    error: the task is empty

    hint: say what is to be done: `maestro new "<task>" --plan FILE`
    [exit status: 2]
    "#);
    assert_snapshot!(env.run(["new", "A task"]), @"
    ------- stderr
    error: the following required arguments were not provided:
      --plan <FILE>

    Usage: maestro new --plan <FILE> <TASK>

    For more information, try '--help'.
    [exit status: 2]
    ");
}

#[test]
fn a_plan_that_is_not_there_is_named() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["new", "A task", "--plan", "absent.md"]), @"
    ------- stderr
    error: the plan document `[root]/project/absent.md` cannot be found
      caused by: failed to canonicalize path `[root]/project/absent.md`: [os error]

    hint: give the path of an existing file, relative to the workspace
    [exit status: 2]
    ");
}

#[test]
fn on_a_terminal_the_user_says_whether_phases_run_side_by_side() {
    let asked = |answer: &str, mode: &str| {
        let env = TestEnv::new();
        env.write("plan.md", PLAN);
        let ended = env.run_asked(answer, ["new", "Rate limiting", "--plan", "plan.md"]);
        let text = env.read("docs/maestro/state/active-session.md");
        assert!(text.contains(&format!("execution_mode: \"{mode}\"")), "{text}");
        ended.stderr
    };
    let question = asked("y\n", "parallel");
    assert_snapshot!(question, @"Some phases of this plan can run side by side. Run phases in parallel? [y/N]");
    assert_eq!(asked("n\n", "sequential"), question);
}

#[test]
fn nobody_is_asked_where_nothing_is_in_question() {
    let mut env = TestEnv::new();
    env.write("small.md", SMALL_PLAN);
    env.write("plan.md", PLAN);
    let ended = env.run_asked("", ["new", "A task", "--plan", "small.md"]);
    assert_eq!(ended.stderr, "");
    env.ok(["archive", "--force"]);

    let args = ["new", "A task", "--plan", "plan.md", "--mode", "parallel"];
    assert_eq!(env.run_asked("", args).stderr, "");
    env.ok(["archive", "--force"]);

    env.set("MAESTRO_EXECUTION_MODE", "sequential");
    let ended = env.run_asked("", ["new", "A task", "--plan", "plan.md"]);
    assert_eq!(ended.stderr, "");
    let text = env.read("docs/maestro/state/active-session.md");
    assert!(text.contains("execution_mode: \"sequential\""), "{text}");
}

#[test]
fn whoever_wants_json_is_not_asked() {
    let env = TestEnv::new();
    env.write("plan.md", PLAN);
    let input = Input { terminal: true, ..Input::default() };
    let ended = env.run_with(&input, ["new", "A task", "--plan", "plan.md", "--json"]);
    assert_eq!(ended.stderr, "");
    assert!(env.read("docs/maestro/state/active-session.md").contains("execution_mode: null"));
}

#[test]
fn an_active_session_makes_room_when_the_user_says_so() {
    let env = TestEnv::with_session();
    let before = env.listing();
    let new = ["new", "Something else", "--plan", "plan.md", "--mode", "parallel"];
    assert_snapshot!(env.run_asked("n\n", new), @"
    ------- stderr
    Session 2026-01-15-rate-limiting is active, 0 of 4 phases done. Archive it as it is and begin the new one? [y/N] error: session `2026-01-15-rate-limiting` is active (in_progress)

    hint: go on with it: `maestro resume`; or archive it first: `maestro archive` (`--force` if it is unfinished), which `maestro new --archive-active` does too
    [exit status: 1]
    ");
    assert_snapshot!(env.run(new), @"
    ------- stderr
    error: session `2026-01-15-rate-limiting` is active (in_progress)

    hint: go on with it: `maestro resume`; or archive it first: `maestro archive` (`--force` if it is unfinished), which `maestro new --archive-active` does too
    [exit status: 1]
    ");
    assert_eq!(env.listing(), before);
    assert_snapshot!(env.run_asked("y\n", new), @"
    Session 2026-01-15-rate-limiting archived as aborted
      docs/maestro/state/archive/2026-01-15-rate-limiting.md
      docs/maestro/plans/archive/plan.md
    Session 2026-01-15-something-else created: Something else
      4 phases in docs/maestro/state/active-session.md
      copied plan.md to docs/maestro/plans/plan.md
    Next: maestro phase start 1  Contract (architect)
    ------- stderr
    Session 2026-01-15-rate-limiting is active, 0 of 4 phases done. Archive it as it is and begin the new one? [y/N] [no line end]
    [exit status: 0]
    ");
    let told = ["new", "A third", "--plan", "plan.md", "--express", "--archive-active"];
    assert_snapshot!(env.run(told), @"
    ------- stderr
    error: an express session has one phase, and this plan has 4

    hint: leave `--express` out, or put all the work into one phase
    [exit status: 1]
    ");
    let told = ["new", "A third", "--plan", "plan.md", "--archive-active"];
    assert_snapshot!(env.run(told), @"
    Session 2026-01-15-something-else archived as aborted
      docs/maestro/state/archive/2026-01-15-something-else.md
      docs/maestro/plans/archive/plan-2.md
    renamed: docs/maestro/plans/plan.md is now docs/maestro/plans/archive/plan-2.md
    Session 2026-01-15-a-third created: A third
      4 phases in docs/maestro/state/active-session.md
      copied plan.md to docs/maestro/plans/plan.md
    Next: maestro phase start 1  Contract (architect)
    [exit status: 0]
    ");
}
