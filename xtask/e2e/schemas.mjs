// The schemas that the server advertises.

import Ajv2020 from "ajv/dist/2020.js";

import { equal, holds, step, Unmet } from "./steps.mjs";

/** Keywords that nobody knows are refused, and so is a schema that breaks the schema of schemas. */
const ajv = new Ajv2020({ strict: false, strictSchema: true, validateFormats: false, allErrors: true });

const TOOLS = `initialize_workspace assess_task_complexity validate_plan resolve_settings create_session
  get_session_status update_session transition_phase archive_session enter_design_gate record_design_approval
  get_design_gate_status scan_phase_changes reconcile_phase get_next_phases fail_phase retry_phase skip_phase
  redelegate_phase adjust_phase record_error abort_session get_resume_report get_session_log undo_operation
  run_doctor`.split(/\s+/);

/** Compiles the schema of an answer, and of nothing more than it says. */
export function validator(schema) {
  return ajv.compile(closed(schema));
}

/** The schema without room for members that it does not name. */
function closed(schema) {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const all = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  if (typeof schema.properties === "object" && all.additionalProperties === undefined) {
    all.additionalProperties = false;
  }
  return all;
}

export async function schemas(host, connection) {
  await step(`${host.name}: the tools are the ${TOOLS.length} that there are`, () => {
    equal(connection.tools.map((tool) => tool.name), TOOLS, "the tools");
    for (const tool of connection.tools) {
      holds(tool.title && tool.description && tool.annotations, `${tool.name} says what it is`);
    }
  });
  await step(`${host.name}: every schema is one, and every example fits`, () => {
    for (const { name, inputSchema, outputSchema } of connection.tools) {
      const input = ajv.compile(inputSchema);
      holds(ajv.validateSchema(outputSchema), `${name}, its output schema`);
      holds(inputSchema.examples?.length > 0, `${name} has an example`);
      for (const example of inputSchema.examples) {
        if (!input(example)) throw new Unmet(`${name}, its example: ${ajv.errorsText(input.errors)}`);
      }
      holds(!input({ ...inputSchema.examples[0], unknown: 1 }), `${name} takes no other arguments`);
    }
  });
}
