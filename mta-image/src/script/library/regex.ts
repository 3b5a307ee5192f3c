/** The pcre_* functions. A pattern is a Regex or its text; PCRE2's own limits keep hostile ones short. */
import { BudgetError } from "../error.ts";
import { type Value, HslArray, HslFunction } from "../value.ts";
import { callback } from "../calls.ts";
import { toText } from "../convert.ts";
import { type HostFunction, declare, optional, parameter } from "../host.ts";
import { MAX_STRING } from "../limits.ts";
import { meter } from "../meter.ts";
import { type Groups, type Pattern, pattern } from "../pcre/pcre.ts";
import { makeRegex, patternOf } from "../regex.ts";

const { string, number } = parameter;
const regexParameter = parameter.of("pattern", "Regex or string", (value) => patternOf(value));

export const regexFunctions: readonly HostFunction[] = [
  declare({
    name: "pcre_match",
    parameters: [regexParameter, string("subject")],
    returns: "array",
    docs: "The first match: the whole at 0, captures by number and by name; empty when nothing matches.",
    run: (_, regex, subject) => {
      const found = regex.match(subject);
      return found === null ? new HslArray() : captures(regex, subject, found);
    },
  }),
  declare({
    name: "pcre_match_all",
    parameters: [regexParameter, string("subject")],
    returns: "array",
    docs: "For the whole match at 0 and for every capture, by number and by name, the list of what all matches have there.",
    run: (_, regex, subject) => {
      const all = [...scan(regex, subject)].map((found) => captures(regex, subject, found));
      if (all.length === 0) return new HslArray();
      return HslArray.from(
        (all[0] as HslArray).keys().map((key) => [key, HslArray.of(all.map((one) => one.get(key)))]),
      );
    },
  }),
  declare({
    name: "pcre_quote",
    parameters: [string("string")],
    returns: "string",
    docs: "The string as a pattern that matches it and nothing else.",
    run: (_, text) => {
      meter.allocate(text.length * 2);
      return text.replace(/[.\\+*?[^\]$(){}=!<>|:#/-]/g, "\\$&").replaceAll("\0", "\\000");
    },
  }),
  declare({
    name: "pcre_compile",
    parameters: [string("pattern")],
    returns: "Regex",
    docs: "The pattern as a value, checked and compiled once.",
    run: (_, text) => makeRegex(text, ""),
  }),
  declare({
    name: "pcre_replace",
    parameters: [
      regexParameter,
      parameter.of("replace", "function or string", (value) =>
        value instanceof HslFunction || typeof value === "string" ? value : undefined,
      ),
      string("subject"),
      optional(number("limit")),
    ],
    returns: "string",
    docs: "The subject with matches replaced, all or as many as the limit says: by text in which $1 and \\1 stand for captures, or by what a function gives for the array of captures.",
    way: "routine",
    *run(_, regex, replacement, subject, limit) {
      let result = "";
      let end = 0;
      let left = limit === undefined || limit <= 0 ? Number.POSITIVE_INFINITY : limit;
      for (const found of scan(regex, subject)) {
        if (left-- <= 0) break;
        const put: Value =
          typeof replacement === "string"
            ? fill(replacement, subject, found)
            : yield* callback(replacement, captures(regex, subject, found));
        result += subject.slice(end, found[0]) + toText(put);
        if (result.length > MAX_STRING) throw new BudgetError("a string is too long");
        end = found[1] as number;
      }
      meter.allocate(result.length);
      return result + subject.slice(end);
    },
  }),
];

/**
 * All matches from the left; after an empty one, another is sought at the same place, then one character on. Between two
 * of them a callback may have used more patterns than are kept.
 */
export function* scan(regex: Pattern, subject: string): Generator<Groups> {
  let at = 0;
  let wasEmpty = false;
  for (let isFirst = true; at <= subject.length; isFirst = false) {
    const used = regex.isGone ? pattern(regex.source, regex.flags) : regex;
    const found = used.match(subject, at, wasEmpty, !isFirst && !isWithin(subject, at));
    if (found === null) {
      if (!wasEmpty) return;
      wasEmpty = false;
      for (at += 1; used.isUtf && isWithin(subject, at); ) at += 1;
      continue;
    }
    yield found;
    at = found[1] as number;
    wasEmpty = found[0] === found[1];
  }
}

/** Whether a character of UTF-8 goes on here. */
function isWithin(subject: string, at: number): boolean {
  return (subject.charCodeAt(at) & 0xc0) === 0x80;
}

/** Of a text that is part of another, and its place in a list. */
const CAPTURE_BYTES = 40;

function captures(regex: Pattern, subject: string, found: Groups): HslArray {
  meter.allocate((regex.groups + 1) * CAPTURE_BYTES);
  const texts = Array.from({ length: regex.groups + 1 }, (_, at) => part(subject, found, at));
  const result = new HslArray(texts);
  for (const [at, name] of regex.names) result.set(name, texts[at] ?? "");
  return result;
}

function part(subject: string, found: Groups, at: number): string {
  const [start, end] = [found[at * 2] ?? -1, found[at * 2 + 1] ?? -1];
  return start < 0 ? "" : subject.slice(start, end);
}

function fill(replacement: string, subject: string, found: Groups): string {
  meter.charge(replacement.length >> 4);
  let room = MAX_STRING;
  return replacement.replace(
    /\\\\|[\\$](\d{1,2})|\$\{(\d{1,2})\}/g,
    (all, plain?: string, braced?: string) => {
      const text = all === "\\\\" ? "\\" : part(subject, found, Number(plain ?? braced));
      room -= text.length;
      if (room < 0) throw new BudgetError("a string is too long");
      meter.charge(4);
      return text;
    },
  );
}
