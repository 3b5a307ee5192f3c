/** YAML to values. Throws a Refusal that says where it is wrong. */
import { load } from "js-yaml";

import { BudgetError, Refusal } from "../error.ts";
import { fromPlain } from "../library/json.ts";
import { meter } from "../meter.ts";
import type { Value } from "../value.ts";

/** Takes one to two seconds. */
export const LONGEST = 8 * 1024 * 1024;

export function decodeYaml(bytes: string): Value {
  // Nothing looks at the clock while it is read.
  if (bytes.length > LONGEST) throw new BudgetError("a text is too long for YAML");
  meter.allocate(bytes.length * 4);
  return fromPlain(read(Buffer.from(bytes, "latin1").toString("utf8")));
}

function read(text: string): unknown {
  try {
    return load(text);
  } catch (error) {
    throw new Refusal(Buffer.from((error as Error).message.split("\n")[0] ?? "").toString("latin1"));
  }
}
