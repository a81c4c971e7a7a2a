//! `validate_plan`: everything that is wrong with a plan, and how its phases can run.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::fixture::{Called, Client, Fixture, phase};

fn validate(client: &mut Client, complexity: &str, phases: Value) -> Called {
    let arguments = json!({ "plan": { "phases": phases }, "task_complexity": complexity });
    client.call("validate_plan", arguments)
}

/// What is wrong with a plan, a line each, and whether it may be carried out.
fn violations(client: &mut Client, phases: Value) -> String {
    shown(&validate(client, "complex", phases).value)
}

fn shown(answer: &Value) -> String {
    let mut lines =
        vec![if answer["valid"] == true { "valid".to_owned() } else { "not valid".into() }];
    let profile =
        if answer["parallelization_profile"].is_null() { ", without an order" } else { "" };
    lines[0] += profile;
    for found in answer["violations"].as_array().unwrap() {
        let text = |name: &str| match &found[name] {
            Value::String(text) => text.clone(),
            Value::Null => "-".to_owned(),
            other => other.to_string(),
        };
        lines.push(format!(
            "{} {} phase {} field {}: {} ({})",
            text("rule"),
            text("severity"),
            found["phase_id"],
            text("field"),
            text("detail"),
            text("hint")
        ));
    }
    lines.join("\n")
}

fn plain(id: impl Into<Value>, blocked_by: Value) -> Value {
    let id = id.into();
    phase(&id, &format!("Step {id}"), "coder", true, &blocked_by, &[])
}

fn with_files(id: i64, blocked_by: Value, files: &[&str]) -> Value {
    phase(&json!(id), &format!("Step {id}"), "coder", true, &blocked_by, files)
}

#[test]
fn a_sound_plan_is_valid_and_its_order_is_told() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let phases = json!([
        phase(&json!(1), "Core", "coder", false, &json!([]), &["src/core.rs"]),
        phase(&json!(2), "Web", "coder", true, &json!([1]), &["src/web.rs"]),
        phase(&json!(3), "Docs", "technical-writer", true, &json!([1]), &["docs/web.md"]),
        phase(&json!("review"), "Review", "code-reviewer", false, &json!([2, "3"]), &[]),
    ]);
    assert_snapshot!(validate(&mut client, "medium", phases), @r#"
    {
      "valid": true,
      "violations": [],
      "parallelization_profile": {
        "total_phases": 4,
        "depth_map": {"1":0,"2":1,"3":1,"review":2},
        "batches": [{"depth":0,"phase_ids":[1]},{"depth":1,"phase_ids":[2,3]},{"depth":2,"phase_ids":["review"]}],
        "max_batch_size": 2,
        "parallel_eligible": 2,
        "effective_batches": 3,
        "critical_path": [1,2,"review"]
      }
    }
    "#);
}

#[test]
fn what_is_no_plan_is_said() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    for plan in
        [json!(5), json!("a plan"), json!([]), json!({}), json!({ "phases": {} }), Value::Null]
    {
        let called =
            client.call("validate_plan", json!({ "plan": plan, "task_complexity": "simple" }));
        assert_eq!(called.value["violations"][0]["rule"], "invalid_plan", "{called}");
    }
    let called = client.call("validate_plan", json!({ "plan": {}, "task_complexity": "simple" }));
    assert_snapshot!(called, @r#"
    {
      "valid": false,
      "violations": [
        {
          "rule": "invalid_plan",
          "detail": "plan must be an object with an array `phases`",
          "severity": "error",
          "field": "phases"
        }
      ],
      "parallelization_profile": null
    }
    "#);
}

#[test]
fn everything_that_is_wrong_with_the_form_is_said_at_once() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let phases = json!([
        {},
        5,
        { "id": 0, "name": "", "agent": " ", "parallel": "yes", "blocked_by": 1 },
        { "id": -1, "name": 5, "agent": "a\nb", "parallel": null, "blocked_by": [true, 0, ""] },
        { "id": 1.5, "name": "x", "agent": null, "parallel": true, "blocked_by": [], "files": "src/a.rs" },
        { "id": "", "name": "x", "agent": "coder", "parallel": true, "blocked_by": [], "files": ["", 5, "../x", "/etc/passwd", "a/../../b"] },
    ]);
    assert_snapshot!(violations(&mut client, phases), @r"
    not valid, without an order
    missing_required_field error phase null field phases[0].id: phases[0].id: is missing (-)
    missing_required_field error phase null field phases[0].name: phases[0].name: is missing (-)
    missing_required_field error phase null field phases[0].agent: phases[0].agent: is missing (-)
    missing_required_field error phase null field phases[0].parallel: phases[0].parallel: is missing (-)
    missing_required_field error phase null field phases[0].blocked_by: phases[0].blocked_by: is missing (-)
    invalid_field_type error phase null field phases[1]: phases[1]: expected an object, not a number (-)
    invalid_field_type error phase null field phases[2].id: phases[2].id: `0` is not a phase id: use a positive integer or a text of up to 256 bytes in one line (-)
    invalid_field_value error phase null field phases[2].name: phases[2].name: is empty (-)
    invalid_field_value error phase null field phases[2].agent: phases[2].agent: is empty (-)
    invalid_field_type error phase null field phases[2].parallel: phases[2].parallel: expected a boolean, not a string (-)
    invalid_field_type error phase null field phases[2].blocked_by: phases[2].blocked_by: expected an array of phase ids, not a number (-)
    invalid_field_type error phase null field phases[3].id: phases[3].id: invalid value: integer `-1`, expected a phase id (a positive integer or a non-empty string) (-)
    invalid_field_type error phase null field phases[3].name: phases[3].name: expected a string, not a number (-)
    invalid_field_value error phase null field phases[3].agent: phases[3].agent: `a\nb` is not an agent name: use a text of up to 256 bytes in one line (-)
    invalid_field_type error phase null field phases[3].parallel: phases[3].parallel: expected a boolean, not null (-)
    invalid_field_type error phase null field phases[3].blocked_by[0]: phases[3].blocked_by[0]: invalid type: boolean `true`, expected a phase id (a positive integer or a non-empty string) (-)
    invalid_field_type error phase null field phases[3].blocked_by[1]: phases[3].blocked_by[1]: `0` is not a phase id: use a positive integer or a text of up to 256 bytes in one line (-)
    invalid_field_type error phase null field phases[3].blocked_by[2]: phases[3].blocked_by[2]: `` is not a phase id: use a positive integer or a text of up to 256 bytes in one line (-)
    invalid_field_type error phase null field phases[4].id: phases[4].id: invalid type: floating point `1.5`, expected a phase id (a positive integer or a non-empty string) (-)
    invalid_field_type error phase null field phases[4].agent: phases[4].agent: expected a string, not null (-)
    invalid_field_type error phase null field phases[4].files: phases[4].files: expected an array of strings, not a string (-)
    invalid_field_type error phase null field phases[5].id: phases[5].id: `` is not a phase id: use a positive integer or a text of up to 256 bytes in one line (-)
    invalid_field_value error phase null field phases[5].files[0]: phases[5].files[0]: the path is empty (-)
    invalid_field_type error phase null field phases[5].files[1]: phases[5].files[1]: expected a string, not a number (-)
    invalid_field_value error phase null field phases[5].files[2]: phases[5].files[2]: `../x` lies outside the workspace (-)
    invalid_field_value error phase null field phases[5].files[3]: phases[5].files[3]: `/etc/passwd` is an absolute path; give it relative to the workspace (-)
    invalid_field_value error phase null field phases[5].files[4]: phases[5].files[4]: `a/../../b` lies outside the workspace (-)
    ");
}

#[test]
fn members_beyond_the_known_ones_are_passed_by() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let mut first = plain(1, json!([]));
    first["description"] = json!("whatever");
    first["files"] = Value::Null;
    assert_snapshot!(violations(&mut client, json!([first])), @"valid");
}

#[test]
fn a_task_has_as_many_phases_as_its_complexity_allows() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let phases = |count: i64| (1..=count).map(|id| plain(id, json!([]))).collect::<Value>();
    for (complexity, most) in [("simple", 3), ("medium", 5)] {
        assert_eq!(validate(&mut client, complexity, phases(most)).value["valid"], true);
        let answer = validate(&mut client, complexity, phases(most + 1)).value;
        assert_eq!(answer["violations"][0]["rule"], "phase_count", "{answer}");
    }
    assert_eq!(validate(&mut client, "complex", phases(50)).value["valid"], true);
    assert_snapshot!(shown(&validate(&mut client, "simple", phases(4)).value), @r"
    not valid
    phase_count error phase null field -: a simple task has at most 3 phases, and this plan has 4 (make one phase of several, or call the task medium)
    ");
}

#[test]
fn ids_and_blockers_must_make_an_order() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    assert_snapshot!(violations(&mut client, json!([])), @r"
    not valid, without an order
    no_phases error phase null field -: the plan has no phases (describe at least one phase)
    ");
    let twice = json!([plain(1, json!([])), plain("1", json!([]))]);
    assert_snapshot!(violations(&mut client, twice), @r#"
    not valid, without an order
    duplicate_id error phase "1" field -: the id 1 is taken by another phase (give each phase an id of its own; 1 and "1" are one id)
    "#);
    let dangling = json!([plain(1, json!([])), plain(2, json!([7]))]);
    assert_snapshot!(violations(&mut client, dangling), @r"
    not valid, without an order
    dangling_dependency error phase 2 field -: phase 2 waits for 7, which is no phase (the phases are 1, 2)
    ");
    let circle = json!([
        plain(1, json!([3])),
        plain(2, json!([1])),
        plain(3, json!([2])),
        plain(4, json!([4]))
    ]);
    assert_snapshot!(violations(&mut client, circle), @r"
    not valid, without an order
    cyclic_dependency error phase 4 field -: phase 4 waits for itself (remove its own id from its blockers)
    cyclic_dependency error phase 1 field -: phases wait for each other in a circle: 1 → 3 → 2 → 1 (remove one of these blockers)
    ");
    let redundant = json!([plain(1, json!([])), plain(2, json!([1])), plain(3, json!([1, 2]))]);
    assert_snapshot!(violations(&mut client, redundant), @r"
    valid
    redundant_dependency warning phase 3 field -: phase 3 waits for 1 anyway, through 2 (remove 1 from its blockers)
    ");
}

#[test]
fn a_file_has_one_owner_among_phases_that_may_run_at_once() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let same = json!([
        with_files(1, json!([]), &["src/a.rs"]),
        with_files(2, json!([]), &["./src/b/../a.rs"])
    ]);
    assert_snapshot!(violations(&mut client, same), @r"
    not valid
    file_overlap error phase 2 field -: `src/a.rs` belongs to phases 1 and 2, which may run at the same time (let one wait for the other (`Blocked by: 1` in phase 2), or give the file to one of them)
    ");
    // At different depths, but nothing makes the one wait for the other.
    let apart = json!([
        with_files(1, json!([]), &["src/a.rs"]),
        plain(2, json!([])),
        with_files(3, json!([2]), &["src/a.rs"]),
    ]);
    assert_snapshot!(violations(&mut client, apart), @r"
    not valid
    file_overlap error phase 3 field -: `src/a.rs` belongs to phases 1 and 3, which may run at the same time (let one wait for the other (`Blocked by: 1` in phase 3), or give the file to one of them)
    ");
    let in_turn =
        json!([with_files(1, json!([]), &["src/a.rs"]), with_files(2, json!([1]), &["src/a.rs"])]);
    assert_eq!(violations(&mut client, in_turn), "valid");
    let named_so = json!([
        with_files(1, json!([]), &["constructor"]),
        with_files(2, json!([]), &["toString"])
    ]);
    assert_eq!(violations(&mut client, named_so), "valid");
}

#[test]
fn agents_must_exist_and_may_be_disabled() {
    let agent = |name: &str, tools: &str| {
        format!("---\nname: {name}\ndescription: d\ntools: {tools}\n---\n")
    };
    let fixture = Fixture::new()
        .with("MAESTRO_DISABLED_AGENTS", "debugger")
        .having("app/.claude/agents/coder.md", &agent("coder", "Read, Write, Edit, Bash"))
        .having("app/.claude/agents/debugger.md", &agent("debugger", "Read, Bash"))
        .having("app/.claude/agents/code-reviewer.md", &agent("code-reviewer", "Read, Grep"));
    let mut client = fixture.ready();
    let by = |id: i64, agent: &str, files: &[&str]| {
        phase(&json!(id), "Step", agent, false, &json!([]), files)
    };
    let phases = json!([
        by(1, "Coder", &["src/a.rs"]),
        by(2, "coderr", &[]),
        by(3, "code_reviewer", &["src/b.rs"]),
        by(4, "debugger", &[]),
        by(5, "code-reviewer", &[]),
    ]);
    assert_snapshot!(violations(&mut client, phases), @r"
    not valid
    unknown_agent error phase 2 field -: phase 2 is given to `coderr`, which is no agent (did you mean `coder`?)
    agent_capability_mismatch error phase 3 field -: phase 3 has files to write, but `code_reviewer` can only read (let it report, and give the files to an agent that can write)
    disabled_agent error phase 4 field -: phase 4 is given to `debugger`, which is disabled (choose another agent, or take it out of MAESTRO_DISABLED_AGENTS)
    ");
    // Without a roster everybody may be known, but not everybody may be used.
    let fixture = Fixture::new().with("MAESTRO_DISABLED_AGENTS", "debugger");
    let phases = json!([by(1, "who-knows", &["src/a.rs"]), by(2, "DEBUGGER", &[])]);
    assert_snapshot!(violations(&mut fixture.client(), phases), @r"
    not valid
    disabled_agent error phase 2 field -: phase 2 is given to `DEBUGGER`, which is disabled (choose another agent, or take it out of MAESTRO_DISABLED_AGENTS)
    ");
}

#[test]
fn paths_may_be_absolute_where_the_workspace_is_known() {
    let fixture = Fixture::new();
    let inside = fixture.path("app/src/a.rs").to_string_lossy().into_owned();
    let phases =
        json!([with_files(1, json!([]), &[&inside]), with_files(2, json!([]), &["src/a.rs"])]);
    assert_snapshot!(violations(&mut fixture.ready(), phases), @r"
    not valid
    file_overlap error phase 2 field -: `src/a.rs` belongs to phases 1 and 2, which may run at the same time (let one wait for the other (`Blocked by: 1` in phase 2), or give the file to one of them)
    ");
}

#[test]
fn large_plans_are_no_problem() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let last = 8_000;
    // A chain, the last link first.
    let chain: Value = (1..=last)
        .rev()
        .map(|id| plain(id, if id == 1 { json!([]) } else { json!([id - 1]) }))
        .collect();
    let answer = validate(&mut client, "complex", chain).value;
    assert_eq!(answer["valid"], true);
    let profile = &answer["parallelization_profile"];
    assert_eq!(profile["depth_map"][last.to_string()], last - 1);
    assert_eq!(
        (&profile["effective_batches"], &profile["max_batch_size"]),
        (&json!(last), &json!(1))
    );
    assert_eq!(profile["critical_path"].as_array().unwrap().len(), 8_000);
    let two_blockers: Value = (1..=4_000)
        .map(|id| plain(id, if id < 3 { json!([]) } else { json!([id - 1, id - 2]) }))
        .collect();
    let answer = validate(&mut client, "complex", two_blockers).value;
    assert_eq!(answer["valid"], true);
    let ring: Value = (1..=last).map(|id| plain(id, json!([id % last + 1]))).collect();
    let answer = validate(&mut client, "complex", ring).value;
    assert_eq!(
        (&answer["valid"], answer["violations"].as_array().unwrap().len()),
        (&json!(false), 1)
    );
}

#[test]
fn what_is_asked_wrongly_is_refused() {
    let fixture = Fixture::new();
    let mut client = fixture.client();
    let mut refused =
        |arguments: Value| fixture.refused(&mut client, "validate_plan", arguments).to_string();
    assert_snapshot!(refused(json!({ "plan": { "phases": [] }, "task_complexity": "banana" })), @r#"
    ERROR {
      "error": "`task_complexity`: unknown variant `banana`, expected one of `simple`, `medium`, `complex`",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `validate_plan`; its input schema has each of them, with an example",
      "details": {"field":"task_complexity","tool":"validate_plan"}
    }
    "#);
    assert_snapshot!(refused(json!({ "plan": { "phases": [] } })), @r#"
    ERROR {
      "error": "`task_complexity`: missing field",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `validate_plan`; its input schema has each of them, with an example",
      "details": {"field":"task_complexity","tool":"validate_plan"}
    }
    "#);
    assert_snapshot!(refused(json!({ "task_complexity": "simple" })), @r#"
    ERROR {
      "error": "`plan`: missing field",
      "code": "VALIDATION_ERROR",
      "recovery_hint": "correct the arguments of `validate_plan`; its input schema has each of them, with an example",
      "details": {"field":"plan","tool":"validate_plan"}
    }
    "#);
}

#[test]
fn checking_changes_nothing() {
    let fixture = Fixture::new();
    let mut client = fixture.begun();
    let before = fixture.snapshot();
    violations(&mut client, json!([plain(1, json!([]))]));
    assert!(fixture.snapshot() == before);
}
