/** YAML to values. Throws a Refusal that says where it is wrong. */
import { load } from "js-yaml";

import { Refusal } from "../error.ts";
import { fromPlain } from "../library/json.ts";
import { meter } from "../meter.ts";
import type { Value } from "../value.ts";

export function decodeYaml(bytes: string): Value {
  meter.allocate(bytes.length * 4);
  try {
    return fromPlain(load(Buffer.from(bytes, "latin1").toString("utf8")));
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal(Buffer.from((error as Error).message.split("\n")[0] ?? "").toString("latin1"));
  }
}
