// The command-line mode of the MCP Inspector: a server for each call.

import { execFile } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

import { project } from "./hosts.mjs";
import { equal, has, step } from "./steps.mjs";

const ID = "2026-01-15-inspected";

export async function inspector(program, scratch) {
  const dir = project(scratch, "inspected");
  const home = path.join(scratch, "home");
  fs.mkdirSync(home, { recursive: true });
  const dirOfIt = path.join(scratch, "node_modules", "@modelcontextprotocol", "inspector");
  const { bin } = JSON.parse(fs.readFileSync(path.join(dirOfIt, "package.json"), "utf8"));
  const script = path.join(dirOfIt, bin["mcp-inspector"]);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("MAESTRO_"));
  // It keeps what it remembers in the home directory.
  const env = { ...Object.fromEntries(inherited), HOME: home, USERPROFILE: home };

  /** Runs the inspector, and returns the JSON that it prints. */
  async function inspect(...words) {
    const args = [script, "--cli", program, "mcp", ...words];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: dir, env });
    return JSON.parse(stdout);
  }

  /** Calls a tool that has to succeed, and returns its answer. */
  async function call(tool, args) {
    const words = Object.entries(args).flatMap(([name, value]) =>
      ["--tool-arg", `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`]);
    const result = await inspect("--method", "tools/call", "--tool-name", tool, ...words);
    equal(result.isError ?? false, false, `${tool} failed: ${result.content?.[0]?.text}`);
    equal(JSON.parse(result.content[0].text), result.structuredContent, `${tool}, its text and its structure`);
    return result.structuredContent;
  }

  await step("inspector: tools/list", async () => {
    const { tools } = await inspect("--method", "tools/list");
    equal(tools.length, 26, "the number of tools");
    has(tools[0], { name: "initialize_workspace", title: "Initialize workspace" }, "the first tool");
  });
  await step("inspector: initialize_workspace", async () => {
    const made = await call("initialize_workspace", { workspace_path: dir });
    has(made, { success: true, workspace_path: dir }, "the workspace");
  });
  await step("inspector: get_session_status", async () => {
    has(await call("get_session_status", {}), { exists: false }, "the status");
  });
  await step("inspector: create_session, with phases as JSON", async () => {
    const phases = [{ id: 1, name: "Look", agent: "coder", parallel: false, blocked_by: [] }];
    const created = await call("create_session", { session_id: ID, task: "Look inside", phases });
    has(created, { session_id: ID, current_phase: 1 }, "the session");
    has(await call("get_session_status", {}), { exists: true, session_id: ID, task: "Look inside" }, "the status");
  });
}
