// Steps, each with one line of output, and what they expect.

import { isDeepStrictEqual, inspect } from "node:util";

/** Carries out one step. The first that does not go well ends everything. */
export async function step(name, work) {
  const began = performance.now();
  try {
    await work();
  } catch (error) {
    console.log(`FAILED ${name}`);
    throw error;
  }
  console.log(`ok ${name} (${Math.round(performance.now() - began)} ms)`);
}

/** An expectation that was not met. */
export class Unmet extends Error {}

export function holds(fact, what) {
  if (!fact) throw new Unmet(`${what}: it does not hold`);
}

export function equal(actual, expected, what) {
  if (!isDeepStrictEqual(actual, expected)) {
    const show = (value) => inspect(value, { depth: null, compact: true, breakLength: 120 });
    throw new Unmet(`${what}: expected ${show(expected)}, not ${show(actual)}`);
  }
}

/** Expects that `object` has the members of `expected`; it may have more. */
export function has(object, expected, what) {
  for (const [name, value] of Object.entries(expected)) {
    equal(object?.[name], value, `${what}, \`${name}\``);
  }
}
