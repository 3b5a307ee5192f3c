/**
 * Constraints of a field of a Table Schema, looked through once and asked for each value: enum, pattern, minimum, maximum, minLength
 * and maxLength. `required` and `unique` need more than the value, and are the schema's. Throws a Refusal for a constraint that is none or
 * cannot hold for the type.
 */
import { Refusal } from "../error.ts";
import { type Value, HslArray } from "../value.ts";
import { toText } from "../convert.ts";
import { type Pattern, pattern } from "../pcre/pcre.ts";
import type { FieldType } from "./field-types.ts";

/** What is wrong with a value, in words that go on behind its text; null for nothing. */
export type Check = (value: Value, text: string) => string | null;

type Make = (wanted: Value, field: { readonly name: string; readonly type: FieldType }) => Check;

const makers: Readonly<Record<string, Make>> = {
  enum: (wanted, { name }) => {
    if (!(wanted instanceof HslArray)) throw new Refusal(`the enum of field ${name} is a list`);
    const choices = new Set(wanted.values().map(toText));
    return (value) => (choices.has(toText(value)) ? null : `is none of ${[...choices].join(", ")}`);
  },
  pattern: (wanted) => {
    // Asked for again each time: patterns of other fields may have driven it out.
    const shape = (): Pattern => pattern(`^(?:${toText(wanted)})\\z`, "u");
    shape();
    return (_, text) => (shape().match(text) === null ? `does not match ${toText(wanted)}` : null);
  },
  minimum: (wanted, field) => bounded(wanted, field, (rank, bound) => rank < bound, "is below"),
  maximum: (wanted, field) => bounded(wanted, field, (rank, bound) => rank > bound, "is above"),
  minLength: (wanted, field) => lengthy(wanted, field, (size, bound) => size < bound, "is shorter than"),
  maxLength: (wanted, field) => lengthy(wanted, field, (size, bound) => size > bound, "is longer than"),
};

const OF_SCHEMA = new Set(["required", "unique"]);

/** They stand in `constraints`, or beside name and type. */
export function checksOf(name: string, type: FieldType, description: HslArray): readonly Check[] {
  const constraints = description.get("constraints");
  const given = constraints instanceof HslArray ? constraints : new HslArray();
  for (const key of given.keys().map(String))
    if (!Object.hasOwn(makers, key) && !OF_SCHEMA.has(key))
      throw new Refusal(`field ${name} has the constraint ${key}, which is none`);
  return Object.entries(makers).flatMap(([key, make]) => {
    const wanted = given.get(key) ?? description.get(key);
    return wanted === null ? [] : [make(wanted, { name, type })];
  });
}

type Breaks = (is: number, bound: number) => boolean;

function bounded(wanted: Value, { name, type }: Parameters<Make>[1], breaks: Breaks, words: string): Check {
  const { rank } = type;
  if (rank === null) throw new Refusal(`values of field ${name} have no order: no minimum and no maximum`);
  const bound = typeof wanted === "number" ? wanted : type.read(toText(wanted));
  if (bound === undefined) throw new Refusal(`${toText(wanted)} cannot bound field ${name}`);
  return (value) => (breaks(rank(value), rank(bound)) ? `${words} ${toText(wanted)}` : null);
}

/** Of a text in characters, of an array in items. */
function lengthy(wanted: Value, { name }: Parameters<Make>[1], breaks: Breaks, words: string): Check {
  if (typeof wanted !== "number") throw new Refusal(`a length of field ${name} is a number`);
  return (value, text) => {
    const size = value instanceof HslArray ? value.size : text.replace(/[\x80-\xbf]/g, "").length;
    return breaks(size, wanted) ? `${words} ${wanted}` : null;
  };
}
