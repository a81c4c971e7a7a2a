//! `maestro plan check`

use insta::assert_snapshot;

use crate::env::{PLAN, TestEnv};

#[test]
fn a_good_plan_is_accepted_and_explained() {
    let env = TestEnv::new();
    env.write("plan.md", PLAN);
    let before = env.listing();
    assert_snapshot!(env.run(["plan", "check", "plan.md"]), @"
    plan.md: accepted

    4 phases in 3 batches
      batch 1  phase 1
      batch 2  phases 2, 3  side by side
      batch 3  phase 4
    critical path: 1 → 2 → 4
    [exit status: 0]
    ");
    assert_eq!(env.listing(), before);
}

#[test]
fn every_broken_rule_is_named_with_its_line() {
    let mut env = TestEnv::new();
    env.set("MAESTRO_DISABLED_AGENTS", "tester");
    let plan = PLAN
        .replace("## Phase 3: HTTP layer", "## Phase 2: HTTP layer")
        .replace("src/http.rs", "src/limit.rs")
        .replace("Blocked by: 2, 3", "Blocked by: 2, 7");
    env.write("plan.md", plan);
    assert_snapshot!(env.run(["plan", "check", "plan.md"]), @r#"
    plan.md: refused
    plan.md:27: error: the id 2 is taken by another phase in line 13
      hint: give each phase an id of its own; 1 and "1" are one id
    plan.md:41: error: phase 4 waits for 7, which is no phase
      hint: the phases are 1, 2, 2, 4
    plan.md:41: error: phase 4 is given to `tester`, which is disabled
      hint: choose another agent, or take it out of MAESTRO_DISABLED_AGENTS
    [exit status: 1]
    "#);
}

#[test]
fn a_plan_that_cannot_be_read_is_no_plan() {
    let env = TestEnv::new();
    env.write("plan.md", "# Nothing here\n");
    assert_snapshot!(env.run(["plan", "check", "plan.md"]), @"
    ------- stderr
    error: `[root]/project/plan.md` is not a readable plan
      caused by: the plan has no phases

    hint: write a heading for each phase:

      ## Phase 1: <name>
      ### Agent: <agent>
      ### Files to Create
      - `path/to/file`
      ### Dependencies
      - Blocked by: None

      or list the phases in the front matter:

      ---
      phases:
        - id: 1
          name: <name>
          agent: <agent>
          files: [path/to/file]
          blocked_by: []
      ---
    [exit status: 1]
    ");
    assert_snapshot!(env.run(["plan", "check", "absent.md"]), @"
    ------- stderr
    error: the document `[root]/project/absent.md` cannot be found
      caused by: failed to canonicalize path `[root]/project/absent.md`: [os error]

    hint: give the path of an existing file, relative to the workspace
    [exit status: 2]
    ");
    assert_snapshot!(env.run(["plan", "check"]), @"
    ------- stderr
    error: the following required arguments were not provided:
      <FILE>

    Usage: maestro plan check <FILE>

    For more information, try '--help'.
    [exit status: 2]
    ");
}
