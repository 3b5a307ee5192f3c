/**
 * What is known of one script that is being written: its tokens, what is wrong, and what its names stand for. Made anew at
 * every change, by the lexer and resolver that compile it. Never fails; of broken text as much is known as can be.
 */
import { constantOf } from "../script/constant.ts";
import { importData } from "../script/data/import.ts";
import { type Diagnostic, MOST_DIAGNOSTICS, type Place } from "../script/error.ts";
import type { Host } from "../script/host.ts";
import { wholeBudget } from "../script/limits.ts";
import { tokenize } from "../script/lexer.ts";
import type { Loader } from "../script/module.ts";
import { type Named, type Program, type Unit, findIn } from "../script/program.ts";
import { resolve } from "../script/resolve.ts";
import { Sources } from "../script/source.ts";
import type { Token } from "../script/token.ts";

export interface Analysis {
  readonly id: string;
  /** Bytes. */
  readonly text: string;
  readonly host: Host;
  readonly tokens: readonly Token[];
  readonly diagnostics: readonly Diagnostic[];
  readonly program: Program;
  /** The script itself, among the units of the program. */
  readonly unit: Unit;
  place(at: number): Place;
}

export function analyse(id: string, text: string, host: Host, loader: Loader): Analysis {
  const sources = new Sources();
  const diagnostics: Diagnostic[] = [];
  const program = resolve(id, text, {
    budget: wholeBudget(),
    host,
    loader,
    sources,
    report: (at, message) => {
      if (diagnostics.length < MOST_DIAGNOSTICS) diagnostics.push(sources.diagnostic(at, message));
    },
    data: (path, data, options) => importData(path, data, options, loader),
    constant: constantOf,
  });
  const unit = program.units.findLast((one) => one.id === id) as Unit;
  const tokens = tokenize(new Sources().add(id, text), () => undefined);
  return { id, text, host, tokens, diagnostics, program, unit, place: (at) => sources.place(at) };
}

/** The token that the byte at this offset belongs to, or that ends there; -1 for none. */
export function tokenAt({ tokens }: Analysis, offset: number): number {
  const at = offset + BASE;
  const within = tokens.findIndex((token) => token.at <= at && at < token.end);
  if (within >= 0) return within;
  return tokens.findIndex((token) => token.end === at && token.kind !== "sign" && token.kind !== "end");
}

/** Where the numbering of the only source begins. */
export const BASE = 1;

export function textOf(token: Token | undefined): string {
  return token !== undefined && "text" in token ? token.text : "";
}

export function isSign(token: Token | undefined, text: string): boolean {
  return token?.kind === "sign" && token.text === text;
}

/** What the word at this token stands for; members by name alone, since their object's class is not known. */
export type Meaning =
  | { readonly kind: "named"; readonly named: Named }
  | { readonly kind: "member"; readonly name: string }
  | { readonly kind: "variable"; readonly name: string }
  | { readonly kind: "path"; readonly path: string };

export function meaningAt(analysis: Analysis, index: number): Meaning | null {
  const { tokens, unit, host } = analysis;
  const token = tokens[index];
  if (token?.kind === "variable") return { kind: "variable", name: token.text };
  if (token?.kind === "string") {
    const before = textOf(tokens[index - 1]);
    const [path] = token.parts;
    const isPath = ["from", "include", "include_once", "import"].includes(before) && typeof path === "string";
    return isPath ? { kind: "path", path } : null;
  }
  if (token?.kind !== "word") return null;
  if (isSign(tokens[index - 1], "->")) return { kind: "member", name: token.text };
  if (isSign(tokens[index - 1], "::")) return scopedMeaning(analysis, textOf(tokens[index - 2]), token.text);
  const named = unit.find(token.text, host) ?? innerFunction(analysis, token.text);
  return named === null ? null : { kind: "named", named };
}

/** A function that stands in another one; the first of the name, since where the token stands is not looked at. */
function innerFunction({ program, unit }: Analysis, name: string): Named | null {
  const fn = program.functions.find((one) => one.unit === unit && one.within?.functions.get(name) === one);
  return fn === undefined ? null : { kind: "function", fn };
}

function scopedMeaning({ unit, host }: Analysis, scope: string, name: string): Meaning | null {
  const from = unit.namespaces.get(scope);
  if (from !== undefined) {
    const named = findIn(from, name);
    return named === null ? null : { kind: "named", named };
  }
  const owner = unit.find(scope, host);
  if (owner?.kind === "class") {
    const fn = owner.cls.staticMethods.get(name);
    return fn === undefined ? null : { kind: "named", named: { kind: "function", fn } };
  }
  const fn = owner?.kind === "hostClass" ? owner.cls.statics.get(name) : undefined;
  return fn === undefined ? null : { kind: "named", named: { kind: "host", fn } };
}
