//! Commands that are shown to be typed: what others wrote stays one argument in them.

use insta::assert_snapshot;

use crate::env::{Input, TestEnv};

const PLAN: &str = "---
phases:
  - id: a b; touch pwned
    name: One
    agent: coder
    files: [src/a.rs]
---
";

#[test]
fn an_id_stays_one_argument_in_every_command_that_is_shown() {
    let env = TestEnv::new();
    let id = "a b; touch pwned";
    env.write("plan.md", PLAN);
    let mut shown = String::new();
    let mut run = |args: &[&str]| {
        let ended = env.run_line(&Input::default(), args);
        let is_shown = |line: &&str| line.contains(" maestro ") || line.contains("`maestro ");
        for line in ended.to_string().lines().filter(is_shown) {
            shown += &format!("{}: {line}\n", args[..args.len().min(2)].join(" "));
        }
    };
    run(&["new", "Fix it", "--plan", "plan.md"]);
    run(&["status"]);
    run(&["phase", "reconcile", id, "--scan"]);
    run(&["phase", "start", id]);
    env.write("failed.md", "## Task Report\n- **Status**: failure\n");
    run(&["phase", "complete", id, "--report", "failed.md"]);
    run(&["undo"]);
    run(&["phase", "fail", id, "--message", "no"]);
    run(&["phase", "skip", id]);
    run(&["resume"]);
    run(&["phase", "retry", id]);
    run(&["phase", "complete", id]);
    env.write("src/a.rs", "fn a() {}\n");
    run(&["phase", "reconcile", id, "--scan"]);
    run(&["archive"]);
    assert_snapshot!(shown, @"
    new Fix it: Next: maestro phase start 'a b; touch pwned'  One (coder)
    status: Next: maestro phase start 'a b; touch pwned'  One (coder)
    phase reconcile: hint: a scan finds what changed since a phase began; begin it with `maestro phase start 'a b; touch pwned'`
    phase complete: warning: the report says that the agent failed; `maestro phase fail 'a b; touch pwned'` would record that
    undo: To bring it back: maestro undo --op 4
    phase fail: Next: maestro phase retry 'a b; touch pwned' or maestro phase skip 'a b; touch pwned'
    phase skip: hint: if the user decided so: `maestro phase skip 'a b; touch pwned' --by-user`
    resume:      retry   maestro phase retry 'a b; touch pwned'                try it again with the same scope, retry 1 of 2
    resume:      skip    maestro phase skip 'a b; touch pwned' --by-user       leave it out; what waits for it can begin then
    resume:      abort   maestro abort                                         give the whole session up
    resume:      adjust  maestro phase adjust 'a b; touch pwned' --agent NAME  then maestro phase retry 'a b; touch pwned'
    phase reconcile: To record them: maestro phase reconcile 'a b; touch pwned' --scan --yes
    archive: hint: say what it did: `maestro phase reconcile 'a b; touch pwned' --scan` finds what changed since it began; or say it yourself, with `--report FILE` or `--created FILE --reason TEXT`
    ");
}

#[test]
fn a_file_name_stays_one_argument() {
    let env = TestEnv::new();
    env.write("a b.md", PLAN.replace("One", "''"));
    let rejected = env.run(["new", "Fix it", "--plan", "a b.md"]).to_string();
    assert!(rejected.contains("`maestro plan check 'a b.md'`"), "{rejected}");
}
