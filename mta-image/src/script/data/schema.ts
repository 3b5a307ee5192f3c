/**
 * CSV by a Table Schema: fields with name, type (string, number, integer, boolean, array, date, datetime, any), format,
 * and constraints (required, unique, enum, pattern, minimum, maximum, minLength, maxLength). Rows become arrays by
 * field name with typed values. The first row that breaks the schema throws a Refusal with line, column and reason.
 * The older form of the language is read too: an array by column of type (string, number, boolean), nullable (true: what is
 * empty is none; a list: these texts are), true and false (lists of texts). Columns that it does not name stay texts.
 */
import { Refusal } from "../error.ts";
import { type Value, HslArray } from "../value.ts";
import { toNumber, toText, truthy } from "../convert.ts";
import { meter } from "../meter.ts";
import { pattern } from "../pcre/pcre.ts";

interface Field {
  readonly name: string;
  /** Texts that stand for none; null for those of the whole schema. */
  readonly missing: readonly string[] | null;
  readonly read: (text: string) => Value | undefined;
  readonly what: string;
  readonly of: (name: string) => Value;
}

export interface CsvRow {
  readonly fields: readonly string[];
  readonly line: number;
}

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

export class Schema {
  readonly #fields: readonly Field[];
  readonly #missing: readonly string[];
  /** Columns without a field are left out, or stay texts. */
  readonly #keepsOthers: boolean;

  /** Throws a Refusal for a description that is no schema. */
  constructor(description: Value) {
    const fields = description instanceof HslArray ? (description.get("fields") ?? description) : null;
    if (!(fields instanceof HslArray) || fields.size === 0)
      throw new Refusal("a schema wants a list of fields");
    this.#keepsOthers = !fields.isList();
    this.#fields = this.#keepsOthers
      ? [...fields.entries()].map(([name, field]) => makeKeyed(String(name), field))
      : fields.values().map(makeField);
    const missing = (description as HslArray).get("missingValues");
    this.#missing = missing instanceof HslArray ? missing.values().map(toText) : [""];
  }

  apply(header: readonly string[] | null, rows: readonly CsvRow[]): HslArray {
    const columns = this.#fields.map(({ name }, at) => {
      if (header === null) return at;
      const column = header.indexOf(name);
      if (column < 0) throw new Refusal(`line 1: column ${name} is missing`);
      return column;
    });
    const others = this.#keepsOthers ? (header ?? []) : [];
    const seen = this.#fields.map(() => new Set<string>());
    const result = new HslArray();
    for (const row of rows) {
      meter.charge(columns.length);
      const values = this.#fields.map((field, at): readonly [string, Value] => {
        const column = columns[at] as number;
        const refuse = (reason: string): never => {
          throw new Refusal(`line ${row.line}, column ${field.name}: ${reason}`);
        };
        return [field.name, this.#value(field, row.fields[column] ?? "", seen[at] as Set<string>, refuse)];
      });
      const texts = others.map((name, at): readonly [string, Value] => [name, row.fields[at] ?? ""]);
      result.add(HslArray.from([...texts, ...values]));
    }
    return result;
  }

  #value(field: Field, text: string, seen: Set<string>, refuse: (reason: string) => never): Value {
    if ((field.missing ?? this.#missing).includes(text))
      return truthy(field.of("required")) ? refuse("a value is required") : null;
    const value = field.read(text);
    if (value === undefined) return refuse(`${JSON.stringify(text)} is no ${field.what}`);
    if (truthy(field.of("unique")) && seen.size === seen.add(text).size)
      return refuse(`${JSON.stringify(text)} is there twice`);
    const broken = brokenConstraint(field, value, text);
    return broken === null ? value : refuse(broken);
  }
}

function brokenConstraint({ of }: Field, value: Value, text: string): string | null {
  const quoted = JSON.stringify(text);
  const choices = of("enum");
  if (choices instanceof HslArray && !choices.values().some((choice) => toText(choice) === toText(value)))
    return `${quoted} is none of ${choices.values().map(toText).join(", ")}`;
  const shape = of("pattern");
  if (typeof shape === "string" && pattern(`^(?:${shape})$`, "").match(text) === null)
    return `${quoted} does not match ${shape}`;
  const [low, high] = [of("minimum"), of("maximum")];
  if (low !== null && toNumber(value) < toNumber(low)) return `${quoted} is below ${toText(low)}`;
  if (high !== null && toNumber(value) > toNumber(high)) return `${quoted} is above ${toText(high)}`;
  const [short, long] = [of("minLength"), of("maxLength")];
  if (short !== null && text.length < toNumber(short)) return `${quoted} is shorter than ${toText(short)}`;
  return long !== null && text.length > toNumber(long) ? `${quoted} is longer than ${toText(long)}` : null;
}

function makeField(description: Value): Field {
  if (!(description instanceof HslArray)) throw new Refusal("a field of a schema is an array with a name");
  const name = description.get("name");
  if (typeof name !== "string" || name === "") throw new Refusal("a field of a schema wants a name");
  const constraints = description.get("constraints");
  const of = (key: string): Value =>
    (constraints instanceof HslArray ? constraints.get(key) : null) ?? description.get(key);
  const type = toText(description.get("type") ?? "string");
  return { name, what: type, missing: null, of, read: reader(name, type, description) };
}

function makeKeyed(name: string, description: Value): Field {
  if (!(description instanceof HslArray)) throw new Refusal("a column of a schema is an array with a type");
  const [yes, no] = [description.get("true"), description.get("false")];
  const words = HslArray.from([
    ["trueValues", yes ?? HslArray.of(["true"])],
    ["falseValues", no ?? HslArray.of(["false"])],
  ]);
  const type = toText(description.get("type") ?? "string");
  const nullable = description.get("nullable");
  const missing = nullable instanceof HslArray ? nullable.values().map(toText) : truthy(nullable) ? [""] : [];
  return { name, what: type, missing, of: () => null, read: reader(name, type, words) };
}

function reader(name: string, type: string, description: HslArray): Field["read"] {
  const texts = (key: string, fallback: readonly string[]): readonly string[] => {
    const values = description.get(key);
    return values instanceof HslArray ? values.values().map(toText) : fallback;
  };
  switch (type) {
    case "string":
    case "any":
      return formatReader(name, toText(description.get("format") ?? "default"));
    case "number":
    case "integer": {
      const group = toText(description.get("groupChar") ?? "");
      const point = toText(description.get("decimalChar") ?? ".");
      return (text) => {
        const plain = (group === "" ? text : text.replaceAll(group, "")).replace(point, ".");
        const fits = NUMBER.test(plain) && (type === "number" || Number.isInteger(Number(plain)));
        return fits ? Number(plain) : undefined;
      };
    }
    case "boolean":
    case "checkbox": {
      const yes = texts("trueValues", ["true", "True", "TRUE", "1"]);
      const no = texts("falseValues", ["false", "False", "FALSE", "0"]);
      return (text) => (yes.includes(text) ? true : no.includes(text) ? false : undefined);
    }
    case "array":
    case "list": {
      const delimiter = toText(description.get("delimiter") ?? ",");
      return (text) => HslArray.of(text.split(delimiter).map((item) => item.trim()));
    }
    case "date":
      return (text) => (DATE.test(text) && !Number.isNaN(Date.parse(text)) ? text : undefined);
    case "datetime":
      return (text) => (Number.isNaN(Date.parse(text)) ? undefined : text);
    default:
      throw new Refusal(`field ${name} has the type ${type}, which is none`);
  }
}

function formatReader(name: string, format: string): Field["read"] {
  const shapes: Readonly<Record<string, RegExp>> = {
    default: /[\s\S]?/,
    email: /^[^\s@]+@[^\s@]+$/,
    uri: /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/,
    uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  };
  const shape = Object.hasOwn(shapes, format) ? shapes[format] : undefined;
  if (shape === undefined) throw new Refusal(`field ${name} has the format ${format}, which is none`);
  return (text) => (shape.test(text) ? text : undefined);
}
