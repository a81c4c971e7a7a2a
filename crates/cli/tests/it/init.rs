//! `maestro init`

use insta::assert_snapshot;

use crate::env::TestEnv;

#[test]
fn a_workspace_is_made_and_made_again() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["init"]), @"
    Initialised the workspace [root]/project (state dir docs/maestro)
      created docs/maestro/state/
      created docs/maestro/state/archive/
      created docs/maestro/state/journal/
      created docs/maestro/plans/
      created docs/maestro/plans/archive/
      created docs/maestro/state/.gitignore
    [exit status: 0]
    ");
    let before = env.listing();
    assert_snapshot!(env.run(["init"]), @"
    Checked the workspace [root]/project (state dir docs/maestro)
    [exit status: 0]
    ");
    assert_eq!(env.listing(), before, "the second time changes nothing");
}

#[test]
fn another_directory_can_be_named() {
    let env = TestEnv::new();
    env.write("inner/readme", "");
    assert_snapshot!(env.run(["init", "inner"]), @"
    Initialised the workspace [root]/project/inner (state dir docs/maestro)
      created docs/maestro/state/
      created docs/maestro/state/archive/
      created docs/maestro/state/journal/
      created docs/maestro/plans/
      created docs/maestro/plans/archive/
      created docs/maestro/state/.gitignore
    [exit status: 0]
    ");
    assert_snapshot!(env.run(["-C", "inner", "settings"]), @"
    MAESTRO_STATE_DIR              docs/maestro  default
    MAESTRO_AUTO_ARCHIVE           true          default
    MAESTRO_MAX_RETRIES            2             default
    MAESTRO_MAX_CONCURRENT         0             default
    MAESTRO_EXECUTION_MODE         ask           default
    MAESTRO_VALIDATION_STRICTNESS  normal        default
    MAESTRO_DISABLED_AGENTS        (none)        default
    MAESTRO_HOOKS_DIR              (none)        default
    MAESTRO_FRONT_MATTER           yaml          default
    [exit status: 0]
    ");
}

#[test]
fn a_state_dir_that_is_chosen_is_found_by_everyone() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["init", "--state-dir", ".maestro"]), @"
    Initialised the workspace [root]/project (state dir .maestro)
      created .maestro/state/
      created .maestro/state/archive/
      created .maestro/state/journal/
      created .maestro/plans/
      created .maestro/plans/archive/
      created .maestro/state/.gitignore
    [exit status: 0]
    ");
    env.begin(crate::env::PLAN);
    assert_snapshot!(env.files(), @"
    .maestro/plans/plan.md
    .maestro/state/.gitignore
    .maestro/state/active-session.md
    .maestro/state/journal/2026-01-15-rate-limiting.jsonl
    .maestro-state-dir
    plan.md
    ");
}

#[test]
fn a_state_dir_outside_the_workspace_is_refused() {
    let env = TestEnv::new();
    let before = env.listing();
    assert_snapshot!(env.run(["init", "--state-dir", "../elsewhere"]), @"
    ------- stderr
    error: `../elsewhere` lies outside the workspace
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["init", "--state-dir", "/tmp"]), @"
    ------- stderr
    error: `/tmp` lies outside the workspace
    [exit status: 2]
    ");
    assert_eq!(env.listing(), before);
}

#[test]
fn a_directory_that_is_not_there_is_refused() {
    let env = TestEnv::new();
    assert_snapshot!(env.run(["init", "absent"]), @"
    ------- stderr
    error: `absent` is not a directory that can be entered
      caused by: failed to canonicalize path `[root]/project/absent`: [os error]

    hint: give the path of an existing directory
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["-C", "absent", "init"]), @"
    ------- stderr
    error: `absent` is not a directory that can be entered
      caused by: failed to canonicalize path `[root]/project/absent`: [os error]

    hint: give the path of an existing directory
    [exit status: 2]
    ");
    env.write("file", "");
    assert_snapshot!(env.run(["-C", "file", "init"]), @"
    ------- stderr
    error: `file` is not a directory that can be entered

    hint: give the path of an existing directory
    [exit status: 2]
    ");
}
