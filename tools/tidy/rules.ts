/**
 * The house rules for one file (pure): path and text in, findings out. The tree as a whole (dead code, links) is
 * judged in whole.ts. Why each rule exists stands in CONTRIBUTING.md; what is excused stands here with its reason.
 */
import { closedModules, isFree, layers, roomOf } from "../layers.ts";
import { importsOf } from "./imports.ts";

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly text: string;
}

export const MAX_LINES = 400;

const JUNK_NAMES = /(^|\/)(helpers?|utils?|common|misc|index)\.ts$/;

/** Code for browsers, where time is the reader's. */
const PAGES = "mta-image/web/pages/";

/** A pattern, what it stands for, and the places that may use it. */
const BANNED_CALLS: readonly {
  readonly pattern: RegExp;
  readonly name: string;
  readonly rooms: readonly string[];
}[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)/,
    name: "the clock",
    rooms: ["base/clock.ts", "e2e/", "tools/", PAGES],
  },
  {
    pattern: /(?<![.\w])(setTimeout|setInterval)\(/,
    name: "a timer",
    // main.ts keeps the loop alive while the process waits for its lease.
    rooms: ["base/clock.ts", "operator/src/main.ts", "e2e/", "tools/"],
  },
  { pattern: /\bMath\.random\(/, name: "randomness", rooms: ["base/random.ts", "e2e/", "tools/"] },
  {
    pattern: /\bprocess\.env\b/,
    name: "the environment",
    rooms: [
      "operator/src/main.ts",
      "operator/src/kubectl-mailfleet.ts",
      "mta-image/src/main.ts",
      "mta-image/src/programs/mtactl.ts",
      "mta-image/web/server/main.ts",
      "helm/",
      "e2e/",
      "tools/",
    ],
  },
  { pattern: /\bconsole\.\w+\(/, name: "the console", rooms: [] },
];

/** Words that may not stand in the repository, split so that this file does not hold them. */
const NOTES = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "XX" + "X"].join("|")})\\b`);
const MACHINE = new RegExp(
  `(^|[\\s"'\`(])/(${"wo" + "rk"}|root|home)/|registry\\.${"npmjs"}\\.org|proxy\\.${"golang"}\\.org`,
);

export function judgeFile(path: string, text: string): readonly Finding[] {
  const lines = text.split("\n");
  const say = (line: number, what: string): Finding => ({ path, line, text: what });
  const everywhere = perLine(path, lines, MACHINE, "a path of one machine or the host of a registry");
  if (!/\.tsx?$/.test(path)) return everywhere;
  return [
    ...everywhere,
    ...(lines.length > MAX_LINES
      ? [say(MAX_LINES, `has ${lines.length} lines, more than ${MAX_LINES}`)]
      : []),
    ...(JUNK_NAMES.test(path) ? [say(1, "has a name that says nothing")] : []),
    ...(hasHeader(path, text) ? [] : [say(1, "does not open with a comment that says what it is for")]),
    ...perLine(path, lines, NOTES, "a note to self"),
    ...bannedCalls(path, lines),
    ...badImports(path, text),
  ];
}

function hasHeader(path: string, text: string): boolean {
  return path.endsWith(".test.ts") || /^(#!.*\n)?\/\*\*/.test(text);
}

function bannedCalls(path: string, lines: readonly string[]): readonly Finding[] {
  if (isFree(path)) return [];
  const code = lines.map((line) => (/^\s*(\*|\/\/|\/\*)/.test(line) ? "" : line));
  return BANNED_CALLS.filter(({ rooms }) => !rooms.some((room) => path.startsWith(room))).flatMap(
    ({ pattern, name }) => perLine(path, code, pattern, `reaches for ${name} by itself; it is handed in`),
  );
}

function badImports(path: string, text: string): readonly Finding[] {
  const room = roomOf(path);
  if (room === null) return [];
  const allowed = layers[room];
  if (allowed === undefined) return [{ path, line: 1, text: `room ${room} is not in tools/layers.ts` }];
  return importsOf(path, text).flatMap(({ specifier, clause, path: target, line }) => {
    const found = (what: string): readonly Finding[] => [{ path, line, text: what }];
    if (target === null)
      return isPure(specifier, clause) || isOpen(room, specifier, allowed)
        ? []
        : found(`${room} may not import ${specifier}`);
    const other = roomOf(target);
    if (other === null) return found(`${specifier} is for tests only`);
    return other === room || allowed.includes(other)
      ? []
      : found(`${room} may not import ${other} (${specifier})`);
  });
}

/** Arithmetic on addresses opens no socket. */
function isPure(specifier: string, clause: string): boolean {
  return specifier === "node:net" && /^\{\s*((isIP|isIPv4|isIPv6|BlockList),?\s*)+\}$/.test(clause.trim());
}

function isOpen(room: string, specifier: string, allowed: readonly string[]): boolean {
  if (!specifier.startsWith("node:"))
    return allowed.some((name) => specifier === name || specifier.startsWith(`${name}/`));
  const rooms = closedModules[specifier];
  return rooms === undefined || rooms.some((name) => room === name || room.startsWith(`${name}/`));
}

function perLine(path: string, lines: readonly string[], pattern: RegExp, what: string): readonly Finding[] {
  return lines.flatMap((text, at) => (pattern.test(text) ? [{ path, line: at + 1, text: what }] : []));
}
