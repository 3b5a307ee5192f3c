/** Old names that the reference no longer lists but public scripts still call. */
import { HslArray, type Value } from "../value.ts";
import { toText } from "../convert.ts";
import { looseEquals } from "../equality.ts";
import { decodeCsv } from "../data/csv.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { after } from "../mail/pieces.ts";
import { BudgetError } from "../error.ts";
import { MAX_ITEMS } from "../limits.ts";
import { meter } from "../meter.ts";
import { join } from "./array.ts";
import { randomBetween } from "./crypto.ts";
import { answerValue, askDns, askSpf } from "./dns.ts";
import { readText } from "./file.ts";
import { split, stringFunctions } from "./string.ts";
import { flag, option, record } from "./subjects.ts";

const { string, number, any, array } = parameter;

export const aliasFunctions: readonly HostFunction[] = [
  declare({
    name: "count",
    reads: false,
    parameters: [array("array")],
    returns: "number",
    docs: "length of an array.",
    run: (_, items) => items.size,
  }),
  declare({
    name: "strlen",
    reads: false,
    parameters: [string("string")],
    returns: "number",
    docs: "length of a string.",
    run: (_, text) => text.length,
  }),
  declare({
    name: "explode",
    parameters: [string("delimiter"), string("string"), optional(number("limit"))],
    returns: "array",
    docs: "str_split with the first two arguments changed round.",
    run: (_, delimiter, text, limit) => HslArray.of(split(text, delimiter, limit ?? 0)),
  }),
  declare({
    name: "implode",
    parameters: [string("separator"), array("array")],
    returns: "string",
    docs: "array_join with the arguments changed round.",
    run: (_, separator, items) => join(items, separator),
  }),
  ...renamed(stringFunctions, { substr: "str_slice", strtolower: "str_lower", strtoupper: "str_upper" }),
  declare({
    name: "in_array",
    parameters: [any("needle"), array("array")],
    returns: "boolean",
    docs: "array_includes.",
    run: (_, needle, items) => {
      meter.charge(items.size);
      return items.values().some((item) => looseEquals(item, needle));
    },
  }),
  declare({
    name: "rand",
    parameters: [number("first"), number("last")],
    returns: "number",
    docs: "random_number with both ends.",
    run: (_, first, last) => randomBetween(Math.ceil(first), Math.floor(last)),
  }),
  declare({
    name: "file_get_contents",
    parameters: [string("filename")],
    returns: "string or none",
    docs: "File::read.",
    way: "promise",
    run: (context, path) => readText(context, path),
  }),
  declare({
    name: "file",
    parameters: [string("filename")],
    returns: "array or none",
    docs: "The lines of a file of the configuration; none when there is none.",
    way: "promise",
    run: (context, path) =>
      after(readText(context, path), (text) => (text === null ? null : linesOf(text))) as Value,
  }),
  declare({
    name: "in_file",
    parameters: [any("needle"), string("filename"), optional(array("options"))],
    returns: "array",
    docs: "The columns of the first line of a CSV file whose first column equals the needle; empty when there is none. Options: `index` (of the column, from 0), `delimiter` (,).",
    way: "promise",
    run: (context, needle, path, options) =>
      after(readText(context, path), (text) => rowWith(text ?? "", toText(needle), options)) as Value,
  }),
  declare({
    name: "dnstxt",
    parameters: [string("host"), optional(array("options"))],
    returns: "array",
    docs: "The texts that dns_query finds with type txt, none for an error; with `extended_result` that in `result`, or `error`, and `dnssec`. Options `servers` and `timeout` as there.",
    way: "promise",
    run: async (context, host, options) => {
      const found = answerValue(await askDns(context, host, "txt", options), "txt", false);
      return flag(options, "extended_result") ? found : (found.get("result") ?? new HslArray());
    },
  }),
  declare({
    name: "spf",
    parameters: [string("ip"), string("helo"), string("domain"), optional(array("options"))],
    returns: "number or array",
    docs: "spf_query, told as a number: 0 (pass), 20 (softfail), 100 (fail), 50 for anything else; with `extended_result` an array with the word as `result`. Options `servers` and `timeout` as there.",
    way: "promise",
    run: async (context, ip, helo, sender, options) => {
      const { result } = await askSpf(context, { ip, helo, sender }, options);
      return flag(options, "extended_result") ? record({ result }) : (SPF_SCORES[result] ?? SPF_UNKNOWN);
    },
  }),
];

const SPF_SCORES: Readonly<Record<string, number>> = { pass: 0, softfail: 20, fail: 100 };
const SPF_UNKNOWN = 50;

/** By alias: the name of the function that does it. */
function renamed(
  functions: readonly HostFunction[],
  names: Readonly<Record<string, string>>,
): readonly HostFunction[] {
  return Object.entries(names).flatMap(([alias, name]) =>
    functions.filter((fn) => fn.name === name).map((fn) => ({ ...fn, name: alias, docs: `${name}.` })),
  );
}

function rowWith(text: string, needle: string, options: HslArray | undefined): HslArray {
  const column = Number(option(options, "index") ?? 0);
  const rows = decodeCsv(text, HslArray.from([...(options?.entries() ?? []), ["header", false]]), null);
  const found = rows.values().find((row) => row instanceof HslArray && row.get(column) === needle);
  return found instanceof HslArray ? found : new HslArray();
}

function linesOf(text: string): HslArray {
  meter.allocate(text.length);
  const lines = text.split(/\r?\n/, MAX_ITEMS + 1);
  if (lines.length > MAX_ITEMS) throw new BudgetError("a file has too many lines");
  if (lines.at(-1) === "") lines.pop();
  return HslArray.of(lines);
}
