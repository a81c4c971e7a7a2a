// Drives a server with real clients: node main.mjs PROGRAM SCRATCH

import { HOSTS, Connection, project } from "./hosts.mjs";
import { inspector } from "./inspector.mjs";
import { life } from "./life.mjs";
import { schemas } from "./schemas.mjs";
import { equal, holds, step, Unmet } from "./steps.mjs";
import { trouble } from "./trouble.mjs";

const [program, scratch] = process.argv.slice(2);

try {
  for (const host of HOSTS) {
    let connection;
    await step(`${host.name}: connects with ${host.revision}`, async () => {
      connection = await Connection.open(host, program, project(scratch, `${host.name} first`));
      equal(connection.revision, host.revision, "the revision of the protocol");
      equal(connection.client.getServerVersion().name, "maestro", "the name of the server");
      holds(connection.client.getInstructions().includes("initialize_workspace"), "it says how to begin");
      if (host.revision < "2026") await connection.client.ping();
    });
    await schemas(host, connection);
    await connection.close();
    await life(host, program, scratch);
    await trouble(host, program, scratch);
  }
  await inspector(program, scratch);
} catch (error) {
  console.log(error instanceof Unmet ? error.message : error);
  process.exit(1);
}
