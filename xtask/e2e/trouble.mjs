// What happens to servers and their clients: roots, neighbours, crashes, crowds.

import { pathToFileURL } from "node:url";

import { Connection, project } from "./hosts.mjs";
import { equal, has, holds, step } from "./steps.mjs";

const ID = "2026-01-15-trouble";

function phases(count) {
  return Array.from({ length: count }, (_, index) => {
    const id = index + 1;
    return { id, name: `Phase ${id}`, agent: "coder", parallel: true, blocked_by: [], files: [`src/${id}.js`] };
  });
}

async function begin(server, dir, count = 3) {
  await server.call("initialize_workspace", { workspace_path: dir });
  await server.call("create_session", { session_id: ID, task: "Trouble", phases: phases(count) });
}

export async function trouble(host, program, scratch) {
  const says = (what, work) => step(`${host.name}: ${what}`, () => work(host, program, scratch));

  // The newer revision has no roots.
  if (host.revision < "2026") await says("the workspace is found by the roots of the client", roots);
  await says("the workspace is found by its variable, and by a path in the call", places);
  await says("two servers work on one session", neighbours);
  await says("a server that is killed again and again loses nothing that it answered", crashes);
  await says("100 calls at once are all answered, one after the other", crowd);
}

async function roots(host, program, scratch) {
  const empty = project(scratch, `${host.name} empty`);
  const dir = project(scratch, `${host.name} roots é`);
  const server = await Connection.open(host, program, dir);
  await begin(server, dir);
  await server.close();
  // The first root is no workspace; the second one is.
  const rooted = await Connection.open(host, program, empty, {
    roots: [pathToFileURL(empty).href, pathToFileURL(dir).href],
  });
  has(await rooted.call("get_session_status"), { session_id: ID }, "the session of the second root");
  equal(rooted.rootsAsked, 1, "how often the client was asked for its roots");
  await rooted.client.sendRootsListChanged();
  has(await rooted.call("get_session_status"), { session_id: ID }, "the session, asked again");
  equal(rooted.rootsAsked, 2, "how often the client was asked after a change");
  await rooted.close();
}

async function places(host, program, scratch) {
  const empty = project(scratch, `${host.name} empty`);
  const dir = project(scratch, `${host.name} places`);
  const server = await Connection.open(host, program, empty);
  await begin(server, dir);
  await server.close();
  const told = await Connection.open(host, program, empty, { env: { MAESTRO_WORKSPACE_PATH: dir } });
  has(await told.call("get_session_status"), { session_id: ID }, "the session of the variable");
  await told.close();
  const called = await Connection.open(host, program, empty);
  has(await called.call("get_session_status", { workspace_path: dir }), { session_id: ID }, "the session of the path");
  await called.refused("get_session_status", {}, "WORKSPACE_NOT_INITIALIZED");
  await called.close();
}

async function neighbours(host, program, scratch) {
  const dir = project(scratch, `${host.name} neighbours`);
  const [one, other] = await Promise.all([1, 2].map(() => Connection.open(host, program, dir)));
  await begin(one, dir, 12);
  await other.call("initialize_workspace", { workspace_path: dir });
  const record = (server, name, index) => server.call("record_error", { phase_id: 1, message: `${name} ${index}` });
  const both = Array.from({ length: 10 }, (_, index) => [record(one, "one", index), record(other, "other", index)]);
  const answers = await Promise.all(both.flat());
  equal(new Set(answers.map((answer) => answer.operation)).size, 20, "operations");
  for (const server of [one, other]) {
    const status = await server.call("get_session_status");
    equal(status.phases[0].open_errors, 20, "the errors that either sees");
  }
  const end = { completed_phase_id: 1 };
  const ends = await Promise.allSettled([one, other].map((server) => server.call("transition_phase", end)));
  equal(ends.filter((end) => end.status === "fulfilled").length, 1, "servers that completed phase 1");
  await other.refused("transition_phase", end, "ILLEGAL_TRANSITION");
  await Promise.all([one.close(), other.close()]);
}

async function crashes(host, program, scratch) {
  const dir = project(scratch, `${host.name} crashes`);
  let server = await Connection.open(host, program, dir);
  await begin(server, dir);
  let answered = 0;
  for (let round = 0; round < 5; round += 1) {
    // Calls under way when the server ends: those that were answered stay, the others may.
    const calls = Array.from({ length: 40 }, (_, index) =>
      server.client
        .callTool({ name: "record_error", arguments: { phase_id: 1, message: `${round}/${index}` } })
        .then((result) => (answered += result.isError ? 0 : 1))
        .catch(() => {}));
    await Promise.any(calls);
    await new Promise((resolve) => setTimeout(resolve, round * 5));
    await server.kill();
    await Promise.all(calls);
    server = await Connection.open(host, program, dir);
    const status = await server.call("get_session_status");
    has(status, { exists: true, session_id: ID }, "the session after a crash");
    const kept = status.phases[0].open_errors;
    holds(answered <= kept && kept <= 40 * (round + 1), `${kept} errors are kept of at least ${answered}`);
  }
  // What was interrupted is finished, or given up, by the next change.
  const { phase } = await server.call("record_error", { phase_id: 1, message: "the last" });
  const log = await server.call("get_session_log", { limit: 0 });
  const errors = log.entries.filter((entry) => entry.command === "record_error");
  const recorded = errors.filter((entry) => entry.state === "done").length;
  equal(recorded, phase.open_errors, `log and session (${errors.map((entry) => entry.state)})`);
  has(await server.call("run_doctor"), { healthy: true }, "the doctor");
  await server.close();
}

async function crowd(host, program, scratch) {
  const dir = project(scratch, `${host.name} crowd`);
  const server = await Connection.open(host, program, dir);
  await begin(server, dir);
  const calls = Array.from({ length: 100 }, (_, index) =>
    index % 2 === 0
      ? server.call("record_error", { phase_id: 1, message: `error ${index}` })
      : server.call("get_session_status"));
  const answers = await Promise.all(calls);
  for (const [index, answer] of answers.entries()) {
    const phase = index % 2 === 0 ? answer.phase : answer.phases[0];
    equal(phase.open_errors, Math.floor(index / 2) + 1, `the errors that call ${index} sees`);
  }
  await server.close();
}
