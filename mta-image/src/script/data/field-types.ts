/**
 * The types of fields of a Table Schema: what a text has to be and which value it gives. Numbers, booleans, arrays and objects arrive as
 * such; dates and times stay the texts they are, once they are known to be some. Pure; throws a Refusal for a type, a format or an
 * option that is none.
 */
import { Refusal } from "../error.ts";
import { type Value, HslArray } from "../value.ts";
import { toText, truthy } from "../convert.ts";
import { parseTime } from "../library/calendar.ts";
import { decodeJson } from "../library/json.ts";

export interface FieldType {
  /** Undefined for what is no value of the type. */
  readonly read: (text: string) => Value | undefined;
  /** Where a value stands among others; null for types without an order. */
  readonly rank: ((value: Value) => number) | null;
}

type Make = (field: { readonly format: string; readonly description: HslArray }) => FieldType | null;

/** By name; null for a format that the type does not have. */
const types: ReadonlyMap<string, Make> = new Map<string, Make>([
  ["string", stringType],
  ["text", stringType],
  ["any", ({ format }) => (format === "default" ? { read: (text) => text, rank: null } : null)],
  ["number", ({ format, description }) => (format === "default" ? numberType(description, NUMBER) : null)],
  ["integer", ({ format, description }) => (format === "default" ? numberType(description, WHOLE) : null)],
  ["boolean", booleanType],
  ["checkbox", booleanType],
  ["array", arrayType],
  ["list", arrayType],
  ["object", ({ format }) => (format === "default" ? { read: jsonObject, rank: null } : null)],
  [
    "geojson",
    ({ format }) => (["default", "topojson"].includes(format) ? { read: geoJson, rank: null } : null),
  ],
  ["geopoint", geopointType],
  ["date", (field) => timeType(field, (text) => dateRank(DATE.exec(text)))],
  ["time", (field) => timeType(field, (text) => timeRank(TIME.exec(text)))],
  ["datetime", (field) => timeType(field, momentRank)],
  ["year", ({ format }) => (format === "default" ? yearType : null)],
  ["yearmonth", ({ format }) => (format === "default" ? monthType : null)],
  [
    "duration",
    ({ format }) => (format === "default" ? { read: (text) => fits(DURATION, text), rank: null } : null),
  ],
]);

export function fieldType(field: string, name: string, description: HslArray): FieldType {
  const make = types.get(name);
  if (make === undefined) throw new Refusal(`field ${field} has the type ${name}, which is none`);
  const format = toText(description.get("format") ?? "default");
  const type = make({ format, description });
  if (type === null) throw new Refusal(`field ${field} has the format ${format}, which is none of ${name}`);
  return type;
}

const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i;
const WHOLE = /^[-+]?\d+$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^(\d\d):(\d\d):(\d\d)(\.\d+)?$/;
const MOMENT = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)(?:[Zz]|([-+])(\d\d):?(\d\d))?$/;
const DURATION = /^-?P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Formats of texts. */
const shapes: Readonly<Record<string, RegExp>> = {
  default: /[\s\S]?/,
  email: /^[^\s@]+@[^\s@]+$/,
  uri: /^[A-Za-z][A-Za-z0-9+.-]*:\S+$/,
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  binary: BASE64,
};

/** Numbers that have no digits. */
const named: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["INF", Number.POSITIVE_INFINITY],
  ["-INF", Number.NEGATIVE_INFINITY],
]);

function stringType({ format }: Parameters<Make>[0]): FieldType | null {
  const shape = Object.hasOwn(shapes, format) ? shapes[format] : undefined;
  return shape === undefined ? null : { read: (text) => fits(shape, text), rank: null };
}

function fits(shape: RegExp, text: string): string | undefined {
  return shape.test(text) ? text : undefined;
}

function numberType(description: HslArray, shape: RegExp): FieldType {
  const group = toText(description.get("groupChar") ?? "");
  const point = toText(description.get("decimalChar") ?? ".");
  const isBare = truthy(description.get("bareNumber") ?? true);
  const read = (text: string): number | undefined => {
    const special = shape === NUMBER ? named.get(text) : undefined;
    if (special !== undefined) return special;
    const alone = isBare ? text : (/[-+.,\d](?:[\s\S]*[.,\d])?/.exec(text)?.[0] ?? "");
    const whole = group === "" ? alone : alone.replaceAll(group, "");
    if (point !== "." && whole.includes(".")) return undefined;
    const plain = whole.replace(point, ".");
    return shape.test(plain) ? Number(plain) : undefined;
  };
  return { read, rank: (value) => value as number };
}

function booleanType({ format, description }: Parameters<Make>[0]): FieldType | null {
  const yes = textsOf(description.get("trueValues"), ["true", "True", "TRUE", "1"]);
  const no = textsOf(description.get("falseValues"), ["false", "False", "FALSE", "0"]);
  const read = (text: string): boolean | undefined =>
    yes.has(text) ? true : no.has(text) ? false : undefined;
  return format === "default" ? { read, rank: null } : null;
}

function textsOf(value: Value, fallback: readonly string[]): ReadonlySet<string> {
  return new Set(value instanceof HslArray ? value.values().map(toText) : fallback);
}

/** JSON, as the specification has it, or items between delimiters, as people write them. */
function arrayType({ format, description }: Parameters<Make>[0]): FieldType | null {
  if (format !== "default") return null;
  const given = description.get("delimiter");
  const delimiter = toText(given ?? ",");
  if (delimiter === "") throw new Refusal("the delimiter of an array is empty");
  const item = fieldType("of an array", toText(description.get("itemType") ?? "string"), new HslArray());
  const read = (text: string): Value | undefined => {
    if (given === null && text.startsWith("[")) return jsonOf(text, "[");
    const items = text.split(delimiter).map((one) => item.read(one.trim()));
    return items.every((one) => one !== undefined) ? HslArray.of(items) : undefined;
  };
  return { read, rank: null };
}

function jsonOf(text: string, opening: "[" | "{"): HslArray | undefined {
  const value = text.trimStart().startsWith(opening) ? decodeJson(text, false) : undefined;
  return value instanceof HslArray ? value : undefined;
}

function jsonObject(text: string): Value | undefined {
  return jsonOf(text, "{");
}

function geoJson(text: string): Value | undefined {
  const value = jsonOf(text, "{");
  return typeof value?.get("type") === "string" ? value : undefined;
}

/** Longitude and latitude, in degrees. */
function geopointType({ format }: Parameters<Make>[0]): FieldType | null {
  const pair = (text: string): readonly unknown[] => {
    if (format === "array") return jsonOf(text, "[")?.values() ?? [];
    if (format === "object") return ["lon", "lat"].map((key) => jsonOf(text, "{")?.get(key));
    return text.split(",").map((one) => (NUMBER.test(one.trim()) ? Number(one) : null));
  };
  const read = (text: string): Value | undefined => {
    const [lon, lat, more] = pair(text);
    if (typeof lon !== "number" || typeof lat !== "number" || more !== undefined) return undefined;
    return Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? HslArray.of([lon, lat]) : undefined;
  };
  return ["default", "array", "object"].includes(format) ? { read, rank: null } : null;
}

/** In ISO 8601, in any form that V8 reads ("any"), or by a format of strptime. */
function timeType({ format }: Parameters<Make>[0], usual: (text: string) => number): FieldType {
  const rank =
    format === "default"
      ? usual
      : format === "any"
        ? (text: string) => Date.parse(text)
        : (text: string) => parseTime(text, format, "UTC") ?? Number.NaN;
  return {
    read: (text) => (Number.isNaN(rank(text)) ? undefined : text),
    rank: (value) => rank(toText(value)),
  };
}

/** A day that there is, in milliseconds; NaN for others. */
function dateRank(parts: RegExpExecArray | null): number {
  const [year = 0, month = 0, day = 0] = (parts ?? []).slice(1).map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return parts !== null && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
    ? date.getTime()
    : Number.NaN;
}

function timeRank(parts: RegExpExecArray | null): number {
  const [hour = 0, minute = 0, second = 0, fraction = 0] = (parts ?? [])
    .slice(1)
    .map((part) => Number(part ?? 0));
  if (parts === null || hour > 23 || minute > 59 || second > 60) return Number.NaN;
  return ((hour * 60 + minute) * 60 + second + fraction) * 1000;
}

function momentRank(text: string): number {
  const [, date = "", time = "", sign = "+", hours = "0", minutes = "0"] = MOMENT.exec(text) ?? [];
  const offset = (Number(hours) * 60 + Number(minutes)) * 60_000;
  return dateRank(DATE.exec(date)) + timeRank(TIME.exec(time)) - (sign === "-" ? -offset : offset);
}

const yearType: FieldType = {
  read: (text) => (/^-?\d{4,}$/.test(text) ? Number(text) : undefined),
  rank: (value) => value as number,
};

const monthType: FieldType = {
  read: (text) => fits(/^\d{4}-(0[1-9]|1[0-2])$/, text),
  rank: (value) => Number(toText(value).replace("-", "")),
};
