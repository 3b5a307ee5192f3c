/** YAML as values; plain YAML is read by data/yaml.ts. */
import { Refusal } from "../error.ts";
import { type Routine, type Value, HslArray, HslFunction } from "../value.ts";
import { callback } from "../calls.ts";
import { decodeYaml } from "../data/yaml.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { MAX_NESTING } from "../limits.ts";
import { meter } from "../meter.ts";
import { fromPlain } from "./json.ts";
import { option, toBytes } from "./subjects.ts";
import { Tagged, loadTagged } from "./yaml-tags.ts";

export const yamlFunctions: readonly HostFunction[] = [
  declare({
    name: "yaml_decode",
    parameters: [parameter.string("string"), optional(parameter.array("options"))],
    returns: "any or none",
    docs: "The value of a YAML text, none when it is wrong. Option `tags`: functions by tag, such as !Map, which get what the tag marks and give its value.",
    way: "routine",
    *run(_, text, options) {
      const tags = option(options, "tags");
      try {
        if (!(tags instanceof HslArray)) return decodeYaml(text);
        return yield* revive(loadTagged(text, tags.keys().map(String)), tags, 0);
      } catch (error) {
        if (error instanceof Refusal || (error as Error).name === "YAMLException") return null;
        throw error;
      }
    },
  }),
];

function* revive(plain: unknown, tags: HslArray, depth: number): Routine {
  if (depth > MAX_NESTING) throw new Refusal("the text is nested too deeply");
  if (plain instanceof Tagged) {
    const make = tags.get(plain.tag);
    const data: Value = yield* revive(plain.data, tags, depth + 1);
    return make instanceof HslFunction ? yield* callback(make, data) : data;
  }
  if (typeof plain !== "object" || plain === null || plain instanceof Date) return fromPlain(plain);
  meter.allocate(Object.keys(plain).length * 16);
  const result = new HslArray();
  if (Array.isArray(plain)) for (const item of plain) result.push(yield* revive(item, tags, depth + 1));
  else
    for (const [key, item] of Object.entries(plain))
      result.set(toBytes(key), yield* revive(item, tags, depth + 1));
  return result;
}
