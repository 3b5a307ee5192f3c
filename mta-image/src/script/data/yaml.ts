/** YAML to values. Throws a Refusal that says where it is wrong. */
import { load } from "js-yaml";

import { BudgetError, Refusal } from "../error.ts";
import { fromPlain } from "../library/json.ts";
import { meter } from "../meter.ts";
import type { Value } from "../value.ts";

/** Takes one to two seconds. */
const LONGEST = 8 * 1024 * 1024;

export function decodeYaml(bytes: string): Value {
  payYaml(bytes);
  return fromPlain(read(Buffer.from(bytes, "latin1").toString("utf8")));
}

/** Before it is read, during which nothing looks at the clock. */
export function payYaml(bytes: string): void {
  if (bytes.length > LONGEST) throw new BudgetError("a text is too long for YAML");
  meter.allocate(bytes.length * 4);
}

function read(text: string): unknown {
  try {
    return load(text);
  } catch (error) {
    throw new Refusal(Buffer.from((error as Error).message.split("\n")[0] ?? "").toString("latin1"));
  }
}
