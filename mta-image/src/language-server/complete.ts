/** What may be written at a place: variables after `$`, methods after `->`, static ones after `::`, otherwise every name. Pure. */
import { type HostFunction, signature } from "../script/host.ts";
import { keywords } from "../script/token.ts";
import { type Analysis, BASE, isSign, textOf } from "./analysis.ts";
import { methodSignature, ownSignature } from "./describe.ts";

export interface Completion {
  readonly label: string;
  readonly kind: "variable" | "function" | "method" | "class" | "keyword";
  readonly detail: string;
  readonly docs: string;
}

export function complete(analysis: Analysis, offset: number): readonly Completion[] {
  const { tokens, text } = analysis;
  // The word that is being written counts as not there yet.
  const start = /[\w$]*$/.exec(text.slice(0, offset))?.index ?? offset;
  if (text[start] === "$") return variables(analysis);
  const last = tokens.findLastIndex((token) => token.end <= start + BASE && token.kind !== "end");
  if (isInside(analysis, start)) return [];
  if (isSign(tokens[last], "->")) return methods(analysis);
  if (isSign(tokens[last], "::")) return statics(analysis, textOf(tokens[last - 1]));
  return names(analysis);
}

/** Within a string, where nothing is known. */
function isInside({ tokens }: Analysis, start: number): boolean {
  return tokens.some(({ kind, at, end }) => kind === "string" && at < start + BASE && start + BASE < end);
}

function variables({ tokens, host }: Analysis): readonly Completion[] {
  const own = tokens.flatMap((token) => (token.kind === "variable" ? [token.text] : []));
  return [...new Set([...host.variables, ...own, "this"])].toSorted().map((name) => ({
    label: `$${name}`,
    kind: "variable",
    detail: host.variables.has(name) ? "given by the hook" : "",
    docs: "",
  }));
}

function methods({ host, program }: Analysis): readonly Completion[] {
  const found = new Map<string, Completion>();
  for (const cls of program.classes)
    for (const [name, fn] of cls.methods)
      found.set(name, {
        label: name,
        kind: "method",
        detail: `${cls.node.name}->${ownSignature(name, fn.node)}`,
        docs: "",
      });
  for (const cls of host.classes.values())
    for (const [name, method] of cls.methods)
      if (!found.has(name))
        found.set(name, {
          label: name,
          kind: "method",
          detail: `${cls.name}->${methodSignature(method)}`,
          docs: method.docs,
        });
  return [...found.values()];
}

function statics({ host, unit, program }: Analysis, scope: string): readonly Completion[] {
  const owner = unit.find(scope, host);
  if (owner?.kind === "hostClass") return [...owner.cls.statics.values()].map((fn) => ofHost(fn, "method"));
  const classes = owner?.kind === "class" ? [owner.cls] : program.classes.filter(() => scope === "static");
  return classes.flatMap((cls) =>
    [...cls.staticMethods].map(
      ([name, fn]): Completion => ({
        label: name,
        kind: "method",
        detail: ownSignature(name, fn.node),
        docs: "",
      }),
    ),
  );
}

function names({ host, unit }: Analysis): readonly Completion[] {
  const own = [...unit.functions].map(
    ([name, fn]): Completion => ({
      label: name,
      kind: "function",
      detail: ownSignature(name, fn.node),
      docs: "",
    }),
  );
  const imported = [...unit.imported.keys()].map(
    (label): Completion => ({
      label,
      kind: "function",
      detail: "imported",
      docs: "",
    }),
  );
  const classes = [...unit.classes.keys(), ...host.classes.keys()].map(
    (label): Completion => ({
      label,
      kind: "class",
      detail: `class ${label}`,
      docs: host.classes.get(label)?.docs ?? "",
    }),
  );
  const words = [...keywords].map((label): Completion => ({ label, kind: "keyword", detail: "", docs: "" }));
  return [
    ...own,
    ...imported,
    ...classes,
    ...[...host.functions.values()].map((fn) => ofHost(fn, "function")),
    ...words,
  ];
}

function ofHost(fn: HostFunction, kind: "function" | "method"): Completion {
  return { label: fn.name, kind, detail: signature(fn), docs: fn.docs };
}
