/** YAML to values. Throws a Refusal that says where it is wrong. */
import { load } from "js-yaml";

import { Refusal } from "../error.ts";
import { fromPlain } from "../library/json.ts";
import { meter } from "../meter.ts";
import type { Value } from "../value.ts";

export function decodeYaml(bytes: string): Value {
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
