/** Where a name is made: a function or class, also of another file; the first mention of a variable in its function; a file. Pure. */
import type { Place } from "../script/error.ts";
import { moduleId } from "../script/module.ts";
import type { Fn } from "../script/program.ts";
import type { Analysis, Meaning } from "./analysis.ts";

export function define(analysis: Analysis, meaning: Meaning, index: number): readonly Place[] {
  const { program, place } = analysis;
  switch (meaning.kind) {
    case "named": {
      const { named } = meaning;
      if (named.kind === "function") return [place(named.fn.node.at)];
      return named.kind === "class" ? [place(named.cls.node.at)] : [];
    }
    case "member":
      return program.classes.flatMap((cls) => {
        const fn = cls.methods.get(meaning.name) ?? cls.staticMethods.get(meaning.name);
        return fn === undefined ? [] : [place(fn.node.at)];
      });
    case "variable":
      return firstMention(analysis, meaning.name, index);
    default: {
      const id = moduleId(meaning.path.replace(/^[a-z]+!/, ""), analysis.id);
      return id === null ? [] : [{ file: id, line: 1, column: 1 }];
    }
  }
}

function firstMention(analysis: Analysis, name: string, index: number): readonly Place[] {
  const { tokens, place } = analysis;
  const here = tokens[index]?.at ?? 0;
  const [from, to] = functionAround(analysis, here);
  const first = tokens.find(
    (token) => token.kind === "variable" && token.text === name && token.at >= from && token.at <= to,
  );
  return first === undefined ? [] : [place(first.at)];
}

/** The innermost function of the file that the place is in: it begins last before it, and its end is the next one's braces. */
function functionAround({ program, unit, tokens }: Analysis, at: number): readonly [number, number] {
  let found: readonly [number, number] = [0, Number.POSITIVE_INFINITY];
  for (const fn of program.functions) {
    if (fn.unit !== unit || fn.node.at === 0 || fn.node.at > at) continue;
    const end = endOf(fn, tokens);
    if (end >= at && fn.node.at >= found[0]) found = [fn.node.at, end];
  }
  return found;
}

/** The brace that closes its body. */
function endOf(fn: Fn, tokens: Analysis["tokens"]): number {
  let depth = 0;
  for (const token of tokens) {
    if (token.at < fn.node.at || token.kind !== "sign") continue;
    if (token.text === "{") depth += 1;
    if (token.text !== "}") continue;
    depth -= 1;
    if (depth === 0) return token.end;
  }
  return Number.POSITIVE_INFINITY;
}
