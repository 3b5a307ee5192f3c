/** Regular expressions as values: the class Regex, literals, and the operator =~. */
import { toText, typeName } from "./convert.ts";
import { Refusal } from "./error.ts";
import { type HostClass, makeClass } from "./host.ts";
import { type Pattern, pattern } from "./pcre/pcre.ts";
import { HostObject, type Value } from "./value.ts";

export class RegexState {
  readonly source: string;
  readonly flags: string;

  constructor(source: string, flags: string) {
    this.source = source;
    this.flags = flags;
    pattern(source, flags);
  }
}

export const regexClass: HostClass = makeClass("Regex", "A compiled regular expression.", {});

/** Throws a Refusal when the pattern is wrong. */
export function makeRegex(source: string, flags: string): HostObject {
  return new HostObject(regexClass, new RegexState(source, flags));
}

/** A Regex, or text that is a pattern: alone, or between slashes with flags behind them. */
export function patternOf(value: Value, moreFlags = ""): Pattern {
  if (value instanceof HostObject && value.state instanceof RegexState)
    return pattern(value.state.source, value.state.flags);
  if (typeof value === "string") {
    const [, source, flags = ""] = /^\/([\s\S]*)\/([imsxuUX]*)$/.exec(value) ?? [];
    return source === undefined ? pattern(value, moreFlags) : pattern(source, flags + moreFlags);
  }
  throw new Refusal(`${typeName(value)} is no regular expression`);
}

export function matches(subject: Value, regex: Value): boolean {
  return patternOf(regex).match(toText(subject)) !== null;
}
