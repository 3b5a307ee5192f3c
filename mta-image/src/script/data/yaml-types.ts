/**
 * YAML whose tags stand for objects, at compile time: !Map, !Set, !Regex, !PrivateKey and !X509, those of them that the import names. All runs
 * have the same objects, so a Map or a Set of them cannot be changed. Throws a Refusal for text that is no YAML, for what cannot be
 * such an object, and for a tag that is none or is not named.
 */
import { Refusal } from "../error.ts";
import { type Value, HslArray } from "../value.ts";
import { fixedMap, fixedSet } from "../library/collections.ts";
import { fromPlain } from "../library/json.ts";
import { toBytes } from "../library/subjects.ts";
import { readCertificates, x509Resource } from "../library/x509.ts";
import { Tagged, loadTagged } from "../library/yaml-tags.ts";
import { MAX_NESTING } from "../limits.ts";
import { meter } from "../meter.ts";
import { makeRegex } from "../regex.ts";
import { anyPrivateKey } from "./private-key.ts";

/** Undefined for data that it cannot be made of. */
const makers: ReadonlyMap<string, (data: Value) => Value | undefined> = new Map([
  ["Map", (data) => (data instanceof HslArray ? fixedMap(textKeys(data)) : undefined)],
  ["Set", (data) => (data instanceof HslArray ? fixedSet(members(data)) : undefined)],
  ["Regex", (data) => (typeof data === "string" ? makeRegex(data, "") : undefined)],
  ["PrivateKey", (data) => (typeof data === "string" ? (anyPrivateKey(data) ?? undefined) : undefined)],
  ["X509", certificate],
] satisfies [string, (data: Value) => Value | undefined][]);

/** `types` are names of tags, with their ! or without. */
export function decodeTypes(bytes: string, types: readonly string[]): Value {
  const names = types.map((type) => type.replace(/^!/, ""));
  const unknown = names.find((name) => !makers.has(name));
  if (unknown !== undefined)
    throw new Refusal(`there is no type ${unknown} for YAML; known are ${[...makers.keys()].join(", ")}`);
  const tags = names.map((name) => `!${name}`);
  try {
    return made(loadTagged(bytes, tags), 0);
  } catch (error) {
    if ((error as Error).name !== "YAMLException") throw error;
    throw new Refusal(toBytes((error as Error).message.split("\n")[0] ?? ""));
  }
}

function made(plain: unknown, depth: number): Value {
  if (depth > MAX_NESTING) throw new Refusal("the text is nested too deeply");
  if (plain instanceof Tagged) {
    const name = plain.tag.slice(1);
    const value = makers.get(name)?.(made(plain.data, depth + 1));
    if (value === undefined) throw new Refusal(`what stands behind ${plain.tag} is no ${name}`);
    return value;
  }
  if (typeof plain !== "object" || plain === null || plain instanceof Date) return fromPlain(plain);
  meter.allocate(Object.keys(plain).length * 16);
  if (Array.isArray(plain)) return HslArray.of(plain.map((item) => made(item, depth + 1)));
  return HslArray.from(
    Object.entries(plain).map(([key, item]) => [toBytes(key), made(item, depth + 1)] as const),
  );
}

function textKeys(data: HslArray): readonly (readonly [Value, Value])[] {
  return [...data.entries()].map(([key, item]) => [String(key), item]);
}

/** A list, or the keys of a mapping, as YAML writes sets. */
function members(data: HslArray): readonly Value[] {
  return data.isList() ? data.values() : data.keys().map(String);
}

function certificate(data: Value): Value | undefined {
  const [first] = typeof data === "string" ? readCertificates(data) : [];
  return first === undefined ? undefined : x509Resource(first);
}
