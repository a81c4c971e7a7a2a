//! `maestro settings`

use insta::assert_snapshot;

use crate::env::TestEnv;

#[test]
fn every_setting_is_shown_with_its_origin() {
    let mut env = TestEnv::new();
    env.write(".env", "MAESTRO_AUTO_ARCHIVE=false\nMAESTRO_DISABLED_AGENTS=coder, tester\n");
    env.write(".maestro-state-dir", ".state\n");
    env.set("MAESTRO_MAX_RETRIES", "5");
    assert_snapshot!(env.run(["settings"]), @"
    MAESTRO_STATE_DIR              .state         [root]/project/.maestro-state-dir
    MAESTRO_AUTO_ARCHIVE           false          [root]/project/.env:1
    MAESTRO_MAX_RETRIES            5              environment
    MAESTRO_MAX_CONCURRENT         0              default
    MAESTRO_EXECUTION_MODE         ask            default
    MAESTRO_VALIDATION_STRICTNESS  normal         default
    MAESTRO_DISABLED_AGENTS        coder, tester  [root]/project/.env:2
    MAESTRO_HOOKS_DIR              (none)         default
    MAESTRO_FRONT_MATTER           yaml           default
    [exit status: 0]
    ");
}

#[test]
fn a_bad_value_names_the_setting_and_its_origin() {
    let mut env = TestEnv::new();
    env.write(".env", "\nMAESTRO_AUTO_ARCHIVE=perhaps\n");
    assert_snapshot!(env.run(["settings"]), @"
    ------- stderr
    error: MAESTRO_AUTO_ARCHIVE is `perhaps` ([root]/project/.env:2), which must be true or false

    hint: set MAESTRO_AUTO_ARCHIVE to another value or remove it; `maestro settings` shows where each value comes from
    [exit status: 2]
    ");
    env.write(".env", "");
    env.set("MAESTRO_MAX_RETRIES", "-1");
    assert_snapshot!(env.run(["status"]), @"
    ------- stderr
    error: MAESTRO_MAX_RETRIES is `-1` (environment), which must be a whole number

    hint: set MAESTRO_MAX_RETRIES to another value or remove it; `maestro settings` shows where each value comes from
    [exit status: 2]
    ");
}
