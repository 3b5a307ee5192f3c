/**
 * CSV by a Table Schema (Frictionless Data): a list of fields with name, type, format and constraints (field-types.ts,
 * constraints.ts), missingValues and primaryKey. Rows become arrays by field name with typed values. The first row that breaks the
 * schema throws a Refusal with line, column and reason.
 * The older form of the language is read too: an array by column of type (string, number, boolean), nullable (true: what is
 * empty is none; a list: these texts are), true and false (lists of texts). Columns that it does not name stay texts.
 */
import { Refusal } from "../error.ts";
import { type Value, HslArray } from "../value.ts";
import { toText, truthy } from "../convert.ts";
import { meter } from "../meter.ts";
import { type Check, checksOf } from "./constraints.ts";
import { type FieldType, fieldType } from "./field-types.ts";

interface Field {
  readonly name: string;
  /** Texts that stand for none; null for those of the whole schema. */
  readonly missing: ReadonlySet<string> | null;
  readonly read: FieldType["read"];
  readonly what: string;
  readonly isRequired: boolean;
  readonly isUnique: boolean;
  readonly checks: readonly Check[];
}

export interface CsvRow {
  readonly fields: readonly string[];
  readonly line: number;
}

/** Of a value under its column's name. */
const FIELD_BYTES = 64;

export class Schema {
  readonly #fields: readonly Field[];
  readonly #missing: ReadonlySet<string>;
  /** Places among the fields whose values together are there once. */
  readonly #key: readonly number[];
  /** Columns without a field are left out, or stay texts. */
  readonly #keepsOthers: boolean;

  /** Throws a Refusal for a description that is no schema. */
  constructor(description: Value) {
    const fields = description instanceof HslArray ? (description.get("fields") ?? description) : null;
    if (!(fields instanceof HslArray) || fields.size === 0)
      throw new Refusal("a schema wants a list of fields");
    this.#keepsOthers = !fields.isList();
    const key = new Set(keyNames((description as HslArray).get("primaryKey")));
    this.#fields = this.#keepsOthers
      ? [...fields.entries()].map(([name, field]) => makeKeyed(String(name), field))
      : fields.values().map((field) => makeField(field, key));
    const places = placesOf(this.#fields.map(({ name }) => name));
    this.#key = [...key].map((name) => {
      const at = places.get(name);
      if (at === undefined) throw new Refusal(`primaryKey names ${name}, which is no field`);
      return at;
    });
    const missing = (description as HslArray).get("missingValues");
    this.#missing = new Set(missing instanceof HslArray ? missing.values().map(toText) : [""]);
  }

  apply(header: readonly string[] | null, rows: readonly CsvRow[]): HslArray {
    const columns = this.#columns(header);
    const others = this.#keepsOthers ? (header ?? []) : [];
    const width = header?.length ?? this.#fields.length;
    const seen = this.#fields.map(() => new Set<string>());
    const keys = new Set<string>();
    const result = new HslArray();
    for (const row of rows) {
      // A row has a value for each column, however short it is itself.
      meter.allocate((columns.length + others.length) * FIELD_BYTES);
      if (row.fields.length > width)
        throw new Refusal(`line ${row.line}, column ${width + 1}: there are only ${width} columns`);
      const values = this.#fields.map((field, at): readonly [string, Value] => {
        const text = row.fields[columns[at] as number] ?? "";
        return [field.name, this.#value(field, text, { line: row.line, seen: seen[at] as Set<string> })];
      });
      this.#noteKey(values, { line: row.line, keys });
      const texts = others.map((name, at): readonly [string, Value] => [name, row.fields[at] ?? ""]);
      result.add(HslArray.from([...texts, ...values]));
    }
    return result;
  }

  /** Where each field stands in a row. */
  #columns(header: readonly string[] | null): readonly number[] {
    if (header === null) return this.#fields.map((_, at) => at);
    const places = placesOf(header);
    const twice = new Set(header.filter((name, at) => places.get(name) !== at));
    return this.#fields.map(({ name }) => {
      const column = places.get(name);
      if (column === undefined) throw new Refusal(`line 1: column ${name} is missing`);
      if (twice.has(name)) throw new Refusal(`line 1: column ${name} is there twice`);
      return column;
    });
  }

  #value(
    field: Field,
    text: string,
    { line, seen }: { readonly line: number; readonly seen: Set<string> },
  ): Value {
    const refuse = (reason: string): never => {
      throw new Refusal(`line ${line}, column ${field.name}: ${reason}`);
    };
    if ((field.missing ?? this.#missing).has(text))
      return field.isRequired ? refuse("a value is required") : null;
    const quoted = JSON.stringify(text);
    const value = field.read(text);
    if (value === undefined) return refuse(`${quoted} is no ${field.what}`);
    if (field.isUnique && seen.size === seen.add(toText(value)).size)
      return refuse(`${quoted} is there twice`);
    for (const check of field.checks) {
      const broken = check(value, text);
      if (broken !== null) return refuse(`${quoted} ${broken}`);
    }
    return value;
  }

  #noteKey(
    values: readonly (readonly [string, Value])[],
    { line, keys }: { readonly line: number; readonly keys: Set<string> },
  ): void {
    if (this.#key.length === 0) return;
    const parts = this.#key.map((at) => values[at] as readonly [string, Value]);
    const texts = parts.map(([, value]) => toText(value));
    if (keys.size === keys.add(JSON.stringify(texts)).size)
      throw new Refusal(
        `line ${line}, column ${parts.map(([name]) => name).join(", ")}: the key ${texts.join(", ")} is there twice`,
      );
  }
}

function keyNames(primaryKey: Value): readonly string[] {
  if (primaryKey === null) return [];
  return primaryKey instanceof HslArray ? primaryKey.values().map(toText) : [toText(primaryKey)];
}

function placesOf(names: readonly string[]): Map<string, number> {
  return new Map(names.map((name, at) => [name, at]));
}

function makeField(description: Value, key: ReadonlySet<string>): Field {
  if (!(description instanceof HslArray)) throw new Refusal("a field of a schema is an array with a name");
  const name = description.get("name");
  if (typeof name !== "string" || name === "") throw new Refusal("a field of a schema wants a name");
  const constraints = description.get("constraints");
  const is = (word: string): boolean =>
    truthy((constraints instanceof HslArray ? constraints.get(word) : null) ?? description.get(word));
  const what = toText(description.get("type") ?? "string");
  const type = fieldType(name, what, description);
  return {
    name,
    what,
    missing: null,
    read: type.read,
    isRequired: is("required") || key.has(name),
    isUnique: is("unique"),
    checks: checksOf(name, type, description),
  };
}

function makeKeyed(name: string, description: Value): Field {
  if (!(description instanceof HslArray)) throw new Refusal("a column of a schema is an array with a type");
  const words = HslArray.from([
    ["trueValues", description.get("true") ?? HslArray.of(["true"])],
    ["falseValues", description.get("false") ?? HslArray.of(["false"])],
  ]);
  const what = toText(description.get("type") ?? "string");
  const nullable = description.get("nullable");
  const texts = nullable instanceof HslArray ? nullable.values().map(toText) : truthy(nullable) ? [""] : [];
  const missing = new Set(texts);
  const { read } = fieldType(name, what, words);
  return { name, what, missing, read, isRequired: false, isUnique: false, checks: [] };
}
