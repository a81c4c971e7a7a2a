// A whole life of a session, as an agent CLI leads it.

import fs from "node:fs";
import path from "node:path";

import { Connection, project, write } from "./hosts.mjs";
import { equal, has, holds, step } from "./steps.mjs";

const ID = "2026-01-15-rate-limiter";

/** A plan with two phases that can run side by side. */
const PHASES = [
  { id: 1, name: "Contract", agent: "architect", parallel: false, blocked_by: [], files: ["src/contract.js"] },
  { id: 2, name: "Bucket", agent: "coder", parallel: true, blocked_by: [1], files: ["src/bucket.js"] },
  { id: 3, name: "Configuration", agent: "coder", parallel: true, blocked_by: [1], files: ["src/config.js"] },
  { id: 4, name: "Tests", agent: "tester", parallel: false, blocked_by: [2, 3], files: ["tests/limit.js"] },
  { id: 5, name: "Guide", agent: "technical-writer", parallel: false, blocked_by: [4], files: ["GUIDE.md"] },
];

export async function life(host, program, scratch) {
  const dir = project(scratch, `${host.name} life`);
  const server = await Connection.open(host, program, dir);
  const says = (what, work) => step(`${host.name}: ${what}`, work);
  const session = (more) => ({ session_id: ID, ...more });

  await says("without a workspace, plans and settings can be had", async () => {
    const settings = await server.call("resolve_settings", { settings: ["MAESTRO_MAX_RETRIES"] });
    equal(settings.effective, { MAESTRO_MAX_RETRIES: "2" }, "the settings");
    const plan = await server.call("validate_plan", { task_complexity: "medium", plan: { phases: PHASES } });
    equal(plan.valid, true, `the plan is accepted (${JSON.stringify(plan.violations)})`);
    equal(plan.parallelization_profile.batches[1], { depth: 1, phase_ids: [2, 3] }, "the second batch");
    const unknown = await server.refused("get_session_status", {}, "WORKSPACE_NOT_INITIALIZED");
    equal(unknown.details.workspace_suggestion, dir, "the suggestion");
  });

  await says("a plan is told everything that is wrong with it", async () => {
    const phases = [{ ...PHASES[0], blocked_by: [1] }, { ...PHASES[1], blocked_by: [9] }];
    const plan = await server.call("validate_plan", { task_complexity: "simple", plan: { phases } });
    equal(plan.valid, false, "the plan is accepted");
    const rules = plan.violations.map((violation) => violation.rule);
    holds(rules.includes("cyclic_dependency") && rules.includes("dangling_dependency"), `the rules (${rules})`);
    const unread = await server.call("validate_plan", { task_complexity: "simple", plan: { phases: [{ id: 1 }] } });
    equal(unread.violations[0].rule, "missing_required_field", "the rule of a phase without a name");
  });

  await says("a workspace is initialized once, and again", async () => {
    const made = await server.call("initialize_workspace", { workspace_path: dir });
    has(made, { workspace_path: dir, state_dir: "docs/maestro", already_existed: false }, "the workspace");
    has(await server.call("initialize_workspace", { workspace_path: dir }), { already_existed: true }, "the second");
    await server.refused("initialize_workspace", { workspace_path: path.join(dir, "absent") }, "WORKSPACE_NOT_FOUND");
    has(await server.call("get_session_status"), { exists: false }, "the status");
    has(await server.call("get_resume_report"), { exists: false }, "the report");
    has(await server.call("assess_task_complexity"), { frameworks_detected: ["express"] }, "the project");
    await server.refused("get_next_phases", {}, "NO_SESSION");
  });

  await says("a design gate holds a session back until its design is approved", async () => {
    has(await server.call("get_design_gate_status", session()), { session_id: null }, "the gate before");
    has(await server.call("enter_design_gate", session()), { already_entered: false }, "the gate");
    has(await server.call("enter_design_gate", session()), { already_entered: true }, "the gate again");
    const request = session({ task: "Add rate limiting", phases: PHASES });
    await server.refused("create_session", request, "DESIGN_GATE_UNAPPROVED");
    await server.refused("record_design_approval", session(), "VALIDATION_ERROR");
    const approved = await server.call("record_design_approval", session({
      design_document_filename: `${ID}-design.md`,
      design_document_content: "# Rate limiter\n",
    }));
    equal(approved.design_document_path, `docs/maestro/plans/${ID}-design.md`, "the design");
    const gate = await server.call("get_design_gate_status", session());
    has(gate, { session_id: ID, approved_at: approved.approved_at }, "the gate after");
  });

  await says("a session is created, and no second one", async () => {
    const request = session({
      task: "Add rate limiting",
      phases: PHASES,
      implementation_plan_filename: `${ID}-plan.md`,
      implementation_plan_content: "# Plan\n",
      task_complexity: "medium",
    });
    await server.refused("create_session", { ...request, phases: [{ id: 1 }] }, "VALIDATION_ERROR");
    await server.refused("create_session", { ...request, session_id: "a/b" }, "VALIDATION_ERROR");
    const created = await server.call("create_session", request);
    has(created, { session_id: ID, current_phase: 1, ready_phase_ids: [] }, "the session");
    holds(fs.existsSync(created.path), "the session file is there");
    await server.refused("create_session", request, "STATE_ERROR");
    const status = await server.call("get_session_status", session());
    has(status, { exists: true, status: "in_progress", total_phases: 5, task: "Add rate limiting" }, "the status");
    equal(status.phases[3].waits_for, [2, 3], "what the tests wait for");
    await server.refused("get_session_status", { session_id: "2026-01-15-other" }, "STATE_ERROR");
  });

  await says("the mode is chosen, and the first phase handed over", async () => {
    const mode = { execution_mode: "parallel", execution_backend: "native" };
    const updated = await server.call("update_session", session(mode));
    equal(updated.updated_fields, ["execution_mode", "execution_backend"], "the fields");
    await server.refused("update_session", session(), "VALIDATION_ERROR");
    const next = await server.call("get_next_phases");
    equal(next.in_progress.map((phase) => phase.id), [1], "the phases in progress");
    equal(next.blocked.map((phase) => phase.id), [2, 3, 4, 5], "the phases that wait");
    await server.refused("transition_phase", { next_phase_id: 4 }, "PHASE_BLOCKED");
    write(dir, "src/contract.js", "export {};\n");
    const files = { completed_phase_id: 1, files_created: ["src/contract.js"] };
    const incomplete = await server.refused("transition_phase", files, "HANDOFF_INCOMPLETE");
    equal(incomplete.details.files_created_count, 1, "the files that were handed over");
    const moved = await server.call("transition_phase", session({
      ...files,
      next_phase_ids: [2, 3],
      batch_id: "core",
      downstream_context: { key_interfaces_introduced: ["take(n): boolean"], warnings: "not thread-safe" },
      token_usage: { input: 12000, output: 3400, cached: 9000 },
    }));
    equal(moved.started_phase_ids, [2, 3], "the phases that started");
    equal(moved.session_state_summary.completed_phases, [1], "the phases that are completed");
    const status = await server.call("get_session_status");
    has(status, { current_batch: "core", execution_mode: "parallel" }, "the status");
    equal(status.token_usage.by_agent, { architect: { input: 12000, output: 3400, cached: 9000 } }, "the tokens");
  });

  await says("a phase fails, is tried again, and gets another agent", async () => {
    const failure = { phase_id: 3, error_type: "validation", message: "2 of 14 failed" };
    const failed = await server.call("fail_phase", failure);
    has(failed, { before: "in_progress" }, "the failure");
    has(failed.phase, { id: 3, status: "failed", open_errors: 1 }, "the phase");
    const other = { phase_id: 3, error_type: "dependency", message: "no redis", resolution: "mocked" };
    has((await server.call("record_error", other)).phase, { status: "failed", open_errors: 1 }, "the other error");
    equal((await server.call("get_next_phases")).failed.map((phase) => phase.id), [3], "the phases that failed");
    await server.refused("transition_phase", { completed_phase_id: 3 }, "ILLEGAL_TRANSITION");
    await server.call("adjust_phase", { phase_id: 3, agents: ["debugger"] });
    const retried = await server.call("retry_phase", { phase_id: 3, resolution: "smaller scope" });
    has(retried.phase, { status: "in_progress", agent: "debugger", retry_count: 1 }, "the phase");
    await server.call("redelegate_phase", { phase_id: "3", reason: "the host crashed" });
    await server.refused("retry_phase", { phase_id: 77 }, "NOT_FOUND");
  });

  await says("an interrupted session says how it goes on", async () => {
    const data = await server.call("get_resume_report");
    has(data, { exists: true, next_step: "redelegate" }, "the report");
    equal(data.calls.map((call) => [call.tool, call.arguments.phase_id]),
      [["redelegate_phase", 2], ["redelegate_phase", 3]], "the calls");
    const prompt = await server.call("get_resume_report", { as_prompt: true });
    holds(prompt.prompt.includes("Add rate limiting") && prompt.report === undefined, "the prompt is there");
    for (const { tool, arguments: args } of data.calls) await server.call(tool, args);
  });

  await says("what a phase left is found, and recorded", async () => {
    write(dir, "src/bucket.js", "export {};\n");
    const scanned = await server.call("scan_phase_changes", session({ phase_id: 2 }));
    const { created } = scanned.candidates;
    holds(created.includes("src/bucket.js"), `src/bucket.js is among what is found (${created})`);
    await server.refused("reconcile_phase", session({ phase_id: 2 }), "NOT_RECONCILABLE");
    const report = "## Task Report\n\n- **Status**: success\n- **Files Created**: none\n\n"
      + "## Downstream Context\n\n- **Warnings**: none\n";
    await server.call("transition_phase", { completed_phase_id: 2, report });
    await server.refused("reconcile_phase", session({ phase_id: 2 }), "RECONCILIATION_EMPTY_PAYLOAD");
    const reconciled = await server.call("reconcile_phase", session({
      phase_id: 2,
      files_created: ["src/bucket.js"],
      downstream_context: { patterns_established: ["buckets by key"] },
      reason: "the agent reported nothing",
    }));
    equal(reconciled.files_created, ["src/bucket.js"], "the files");
    await server.refused("reconcile_phase", session({ phase_id: 2, files_created: ["../x"] }), "VALIDATION_ERROR");
  });

  await says("only the user skips a phase, and an operation is taken back", async () => {
    await server.call("fail_phase", { phase_id: 3, message: "gave up" });
    await server.refused("skip_phase", { phase_id: 3, user_decided: false }, "USER_DECISION_REQUIRED");
    const skipped = await server.call("skip_phase", { phase_id: 3, user_decided: true, reason: "not needed" });
    equal(skipped.ready_phase_ids, [4], "the phases that can start");
    const undone = await server.call("undo_operation");
    equal(undone.undid.operation, skipped.operation, "what was undone");
    const again = await server.call("undo_operation", { operation: undone.seq });
    equal(again.ready_phase_ids, [4], "the phases that can start again");
    await server.refused("undo_operation", { operation: 9999 }, "NOT_FOUND");
  });

  await says("the log has everything", async () => {
    const log = await server.call("get_session_log", { limit: 0 });
    equal(log.session_id, ID, "its session");
    equal(log.entries.map((entry) => entry.seq), log.entries.map((_, index) => index + 1), "its numbers");
    holds(log.entries.every((entry) => entry.actor === "mcp"), "every operation came over MCP");
    const ofOne = await server.call("get_session_log", { phase_id: 2, actor: "mcp", limit: 1 });
    equal(ofOne.entries.map((entry) => entry.phase_id), [2], "the newest of phase 2");
    await server.refused("get_session_log", { actor: "nobody" }, "VALIDATION_ERROR");
  });

  await says("a session ends, archived and in order", async () => {
    await server.call("transition_phase", { next_phase_id: 4 });
    const handoff = { files_created: ["tests/limit.js"], downstream_context: { assumptions: ["one process"] } };
    write(dir, "tests/limit.js", "export {};\n");
    await server.call("transition_phase", { completed_phase_id: 4, next_phase_id: 5, batch_id: null, ...handoff });
    // Who hands over nothing at all leaves a record that has to be put right.
    const last = await server.call("transition_phase", { completed_phase_id: 5 });
    has(last, { ready_to_archive: false }, "the last phase");
    equal((await server.call("get_next_phases")).to_reconcile, [5], "the records to put right");
    await server.refused("archive_session", session(), "RECONCILIATION_PENDING");
    const context = { downstream_context: { warnings: ["the guide is a draft"] } };
    const right = await server.call("reconcile_phase", session({ phase_id: 5, ...context }));
    has(right, { ready_to_archive: true }, "the last phase, put right");
    await server.refused("abort_session", session(), "USER_DECISION_REQUIRED");
    const archived = await server.call("archive_session", session());
    has(archived, { status: "completed", verified: true, session_id: ID }, "the archive");
    equal(archived.archived_files.length, 3, "session, design and plan");
    for (const file of archived.archived_files) holds(fs.existsSync(file), `${file} is there`);
    await server.refused("archive_session", session(), "NO_SESSION");
    const doctor = await server.call("run_doctor");
    has(doctor, { healthy: true, initialised: true, findings: [] }, "the doctor");
  });

  await says("the next session is given up", async () => {
    const next = { session_id: "2026-01-16-next", task: "Next", phases: [PHASES[0]], workflow_mode: "express" };
    await server.call("create_session", next);
    await server.call("abort_session", { session_id: next.session_id, user_decided: true, reason: "not now" });
    has(await server.call("get_session_status"), { status: "aborted", workflow_mode: "express" }, "the status");
    has(await server.call("archive_session", { session_id: next.session_id }), { status: "aborted" }, "the archive");
  });

  await says("what is no call of a tool is refused", async () => {
    await server.refused("get_session_status", { verbose: true }, "VALIDATION_ERROR");
    await server.refused("fail_phase", { message: "no phase" }, "VALIDATION_ERROR");
    await server.refused("get_weather", {}, "UNKNOWN_TOOL");
  });

  await server.close();
}
