/**
 * YAML with tags of the script's own: `!Name` nodes come out as Tagged, whatever they are made of. Throws what
 * js-yaml throws for text that is no YAML or has other tags, and a BudgetError for more than plain YAML may have.
 */
import { CORE_SCHEMA, defineMappingTag, defineScalarTag, defineSequenceTag, load } from "js-yaml";

import { payYaml } from "../data/yaml.ts";
import { fromBytes } from "./subjects.ts";

export class Tagged {
  readonly tag: string;
  /** Text for a scalar, otherwise a list or an object. */
  readonly data: unknown;

  constructor(tag: string, data: unknown) {
    this.tag = tag;
    this.data = data;
  }
}

export function loadTagged(bytes: string, tags: readonly string[]): unknown {
  payYaml(bytes);
  return load(fromBytes(bytes), { schema: CORE_SCHEMA.withTags(...tags.map((tag) => definitions(tag))) });
}

function definitions(tag: string) {
  const finalize = (data: unknown): Tagged => new Tagged(tag, data);
  const identify = (): boolean => false;
  return [
    defineScalarTag(tag, { resolve: (source) => new Tagged(tag, source), identify }),
    defineSequenceTag<unknown[], Tagged>(tag, {
      create: () => [],
      addItem: (list, item) => void list.push(item),
      finalize,
      identify,
    }),
    defineMappingTag<Map<unknown, unknown>, Tagged>(tag, {
      create: () => new Map(),
      addPair: (map, key, value) => {
        map.set(key, value);
        return "";
      },
      has: (map, key) => map.has(key),
      keys: ({ data }) => Object.keys(data as object),
      get: ({ data }, key) => (data as Record<string, unknown>)[String(key)],
      finalize: (map) => new Tagged(tag, Object.fromEntries(map) as unknown),
      identify,
    }),
  ];
}
