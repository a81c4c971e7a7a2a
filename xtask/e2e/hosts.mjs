// The clients, and what they do with a server.

import fs from "node:fs";
import path from "node:path";

import * as first from "@modelcontextprotocol/sdk/client/index.js";
import * as firstStdio from "@modelcontextprotocol/sdk/client/stdio.js";
import { ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import * as second from "@modelcontextprotocol/client";
import * as secondStdio from "@modelcontextprotocol/client/stdio";

import { validator } from "./schemas.mjs";
import { equal, holds, Unmet } from "./steps.mjs";

/** The clients: both generations of the SDK, and the second with each way to begin. */
export const HOSTS = [
  {
    name: "sdk",
    revision: "2025-11-25",
    Client: first.Client,
    Transport: firstStdio.StdioClientTransport,
    rootsRequest: ListRootsRequestSchema,
  },
  {
    name: "client",
    revision: "2025-11-25",
    Client: second.Client,
    Transport: secondStdio.StdioClientTransport,
    rootsRequest: "roots/list",
  },
  {
    name: "client, pinned",
    revision: "2026-07-28",
    Client: second.Client,
    Transport: secondStdio.StdioClientTransport,
    options: { versionNegotiation: { mode: { pin: "2026-07-28" } } },
  },
  {
    name: "client, asking",
    revision: "2026-07-28",
    Client: second.Client,
    Transport: secondStdio.StdioClientTransport,
    options: { versionNegotiation: { mode: "auto" } },
  },
];

/** A client with a server of its own. */
export class Connection {
  /** Starts a server in `cwd` and lists its tools, from when on the client checks every answer. */
  static async open(host, program, cwd, { env = {}, roots } = {}) {
    // Of this process's variables, the transport passes on only those that a program needs to run.
    const transport = new host.Transport({ command: program, args: ["mcp"], cwd, env, stderr: "pipe" });
    const capabilities = roots ? { roots: { listChanged: true } } : {};
    const client = new host.Client({ name: "e2e", version: "1" }, { capabilities, ...host.options });
    const connection = new Connection(client, transport);
    if (roots) {
      client.setRequestHandler(host.rootsRequest, () => {
        connection.rootsAsked += 1;
        return { roots: roots.map((uri) => ({ uri })) };
      });
    }
    // How the first generation says which revision was agreed on.
    transport.setProtocolVersion = (revision) => (connection.revision = revision);
    await client.connect(transport);
    connection.revision = client.getNegotiatedProtocolVersion?.() ?? connection.revision;
    connection.tools = (await client.listTools()).tools;
    connection.outputs = new Map(connection.tools.map(({ name, outputSchema }) => [name, validator(outputSchema)]));
    return connection;
  }

  constructor(client, transport) {
    this.client = client;
    this.transport = transport;
    this.rootsAsked = 0;
  }

  /** Calls a tool. The client refuses what does not fit the output schema. */
  async ask(name, args) {
    try {
      return await this.client.callTool({ name, arguments: args });
    } catch (error) {
      throw new Unmet(`${name}, its answer to ${JSON.stringify(args)}: ${error.message}`);
    }
  }

  /** Calls a tool that has to succeed, and returns its answer. */
  async call(name, args = {}) {
    const result = await this.ask(name, args);
    const text = result.content?.[0]?.text;
    if (result.isError) throw new Unmet(`${name} failed: ${text}`);
    equal(JSON.parse(text), result.structuredContent, `${name}, its text and its structure`);
    const check = this.outputs.get(name);
    if (!check(result.structuredContent)) {
      throw new Unmet(`${name}, its answer and its output schema: ${JSON.stringify(check.errors)} in ${text}`);
    }
    return result.structuredContent;
  }

  /** Calls a tool that has to fail with `code`, and returns what it says. */
  async refused(name, args, code) {
    const result = await this.ask(name, args);
    const text = result.content?.[0]?.text;
    holds(result.isError, `${name} is refused; it answered ${text}`);
    // It would not fit the output schema.
    equal(result.structuredContent, undefined, `${name}, the structure of its failure`);
    const error = JSON.parse(text);
    equal(error.code, code, `${name}, the code of its failure (${error.error})`);
    holds(error.error && error.recovery_hint, `${name} says what is wrong and what to do: ${text}`);
    return error;
  }

  /** Ends the server at once, as a crash would. */
  async kill() {
    const closed = new Promise((resolve) => (this.client.onclose = resolve));
    process.kill(this.transport.pid, "SIGKILL");
    await closed;
  }

  async close() {
    await this.client.close();
  }
}

/** Makes an empty project, in a repository of its own. */
export function project(scratch, name) {
  fs.mkdirSync(path.join(scratch, "projects", ".git"), { recursive: true });
  const dir = path.join(scratch, "projects", name.replaceAll(/[^a-z0-9-]+/g, "-"));
  fs.mkdirSync(dir, { recursive: true });
  fs.writeFileSync(path.join(dir, "package.json"), '{"dependencies": {"express": "5"}}\n');
  return fs.realpathSync(dir);
}

/** Writes a file of a project. */
export function write(dir, name, text) {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}
