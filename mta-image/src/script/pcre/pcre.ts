/**
 * PCRE2, compiled to WebAssembly, over byte strings. Patterns and matches run under the limits of limits.ts, and the run
 * pays for what they did; a match that exceeds them throws a BudgetError, a pattern that is wrong a Refusal. Compiled
 * patterns are kept in a bounded cache that also frees them.
 */
import { BudgetError, Refusal } from "../error.ts";
import { REGEX_HEAP_KIB, REGEX_PATTERN, REGEX_STEPS, REGEX_WORK, REGEX_WORK_A_BYTE } from "../limits.ts";
import { meter } from "../meter.ts";
import { pcreBinary } from "./binary.ts";

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  hsl_alloc(size: number): number;
  hsl_free(at: number): void;
  hsl_error_code(): number;
  hsl_error_offset(): number;
  hsl_limits(steps: number, heapKib: number, pattern: number): void;
  hsl_compile(pattern: number, length: number, options: number): number;
  hsl_match_data(code: number): number;
  hsl_ovector(data: number): number;
  hsl_match(
    code: number,
    subject: number,
    length: number,
    start: number,
    options: number,
    data: number,
    mostWork: number,
  ): number;
  /** What the last match did, in characters and codes of the pattern. */
  hsl_worked(): number;
  hsl_info(code: number, what: number): number;
  hsl_names(code: number): number;
  hsl_free_code(code: number): void;
  hsl_free_match_data(data: number): void;
  hsl_message(code: number, text: number, size: number): number;
}

declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

const options: Readonly<Record<string, number>> = {
  i: 0x00000008,
  m: 0x00000400,
  s: 0x00000020,
  x: 0x00000080,
  u: 0x00080000,
  U: 0x00040000,
  /** PCRE's old "extra": unknown escapes are errors, which PCRE2 does anyway. */
  X: 0,
};
const INFO = { options: 0, captures: 4, names: 17, nameSize: 18 } as const;
const NO_MATCH = -1;
const LIMITS: ReadonlySet<number> = new Set([-47, -53, -63]);
const UNSET = 0xffffffff;
const NOT_EMPTY_ANCHORED = 0x80000000 | 0x00000008;
const NO_UTF_CHECK = 0x40000000;
const CACHED = 1_000;
/** Of work, which is some 2 ns each. */
const WORK_A_STEP = 2;
const STEPS_A_PATTERN_BYTE = 20;

/** Started with the first pattern: an engine without scripts has no use for it. */
let started: Exports | null = null;
const cache = new Map<string, Pattern>();
let subjectAt = 0;
let subjectRoom = 0;
/** What stands there, so that many matches of one text do not copy it again and again. */
let subjectText: string | null = null;
/**
 * Where matches leave their groups, with room for those of any pattern so far. One for all: each keeps the memory of its
 * deepest backtracking, and a thousand of them would fill what the module has.
 */
let groupsAt = 0;
let groupsRoom = -1;

/** Of a group's two positions as numbers of JavaScript. */
const GROUP_BYTES = 16;

/** Positions of the groups, pairs of begin and end; -1 for a group that took no part. */
export type Groups = readonly number[];

function pcre(): Exports {
  started ??= start();
  return started;
}

function start(): Exports {
  const imports = new Proxy({}, { get: () => () => 0 });
  const module = new WebAssembly.Module(pcreBinary());
  const { exports } = new WebAssembly.Instance(module, { wasi_snapshot_preview1: imports, env: imports });
  (exports as Exports).hsl_limits(REGEX_STEPS, REGEX_HEAP_KIB, REGEX_PATTERN);
  return exports as Exports;
}

export class Pattern {
  readonly source: string;
  readonly flags: string;
  readonly groups: number;
  /** Characters of UTF-8 rather than bytes. */
  readonly isUtf: boolean;
  /** Name of each group that has one. */
  readonly names: ReadonlyMap<number, string>;
  /** Dropped from the cache meanwhile: ask for the pattern again. */
  isGone = false;
  readonly #code: number;

  constructor(source: string, flags: string) {
    meter.charge(Math.min(source.length, REGEX_PATTERN) * STEPS_A_PATTERN_BYTE);
    this.source = source;
    this.flags = flags;
    this.#code = compileCode(source, flags);
    this.groups = pcre().hsl_info(this.#code, INFO.captures);
    this.isUtf = (pcre().hsl_info(this.#code, INFO.options) & (options["u"] as number)) !== 0;
    this.names = readNames(this.#code);
  }

  /**
   * From `from` on, or null; `advance` refuses an empty match right there. `isChecked`: a match of this pattern on this
   * text was sought before, so that it is known to be UTF-8 where it must be, and `from` begins a character.
   */
  match(subject: string, from = 0, advance = false, isChecked = false): Groups | null {
    placeSubject(subject);
    if (this.isUtf && !isChecked) meter.charge(subject.length >> 4);
    const result = pcre().hsl_match(
      this.#code,
      subjectAt,
      subject.length,
      from,
      (advance ? NOT_EMPTY_ANCHORED : 0) | (isChecked ? NO_UTF_CHECK : 0),
      makeRoom(this.#code, this.groups),
      REGEX_WORK + REGEX_WORK_A_BYTE * subject.length,
    );
    if (LIMITS.has(result)) throw new BudgetError("a regular expression took too many steps");
    meter.charge(10 + Math.trunc(pcre().hsl_worked() / WORK_A_STEP));
    if (result < 0 && result !== NO_MATCH)
      throw new Refusal(`a regular expression failed: ${message(result)}`);
    const found = result === NO_MATCH ? null : this.#positions();
    // What it passes over where no match can begin is no work of PCRE2's.
    if (!advance) meter.charge(Math.max((found?.[0] ?? subject.length) - from, 0) >> 4);
    return found;
  }

  #positions(): Groups {
    meter.allocate((this.groups + 1) * GROUP_BYTES);
    const vector = new Uint32Array(pcre().memory.buffer, pcre().hsl_ovector(groupsAt), (this.groups + 1) * 2);
    return Array.from(vector, (at) => (at === UNSET ? -1 : at));
  }

  free(): void {
    this.isGone = true;
    pcre().hsl_free_code(this.#code);
  }
}

function makeRoom(code: number, groups: number): number {
  if (groups > groupsRoom) {
    if (groupsAt !== 0) pcre().hsl_free_match_data(groupsAt);
    groupsAt = pcre().hsl_match_data(code);
    groupsRoom = groupsAt === 0 ? -1 : groups;
    if (groupsAt === 0) throw new BudgetError("a regular expression has too many groups");
  }
  return groupsAt;
}

/** Kept while it is among the last thousand used; ask again rather than keep the result. */
export function pattern(source: string, flags: string): Pattern {
  const key = `${flags}/${source}`;
  const found = cache.get(key) ?? new Pattern(source, flags);
  cache.delete(key);
  cache.set(key, found);
  if (cache.size > CACHED) {
    const [oldest, gone] = cache.entries().next().value as [string, Pattern];
    cache.delete(oldest);
    gone.free();
  }
  return found;
}

function compileCode(source: string, flags: string): number {
  let bits = 0;
  for (const flag of flags) {
    const bit = options[flag];
    if (bit === undefined) throw new Refusal(`${flag} is no flag of a regular expression`);
    bits |= bit;
  }
  placeSubject(source);
  const code = pcre().hsl_compile(subjectAt, source.length, bits);
  if (code !== 0) return code;
  throw new Refusal(
    `a regular expression is wrong at ${pcre().hsl_error_offset()}: ${message(pcre().hsl_error_code())}`,
  );
}

function placeSubject(text: string): void {
  if (text === subjectText) return;
  meter.charge(text.length >> 4);
  subjectText = null;
  if (text.length >= subjectRoom) {
    if (subjectAt !== 0) pcre().hsl_free(subjectAt);
    subjectRoom = Math.max(4096, text.length * 2);
    subjectAt = pcre().hsl_alloc(subjectRoom);
    if (subjectAt === 0) {
      subjectRoom = 0;
      throw new BudgetError("a text is too long for a regular expression");
    }
  }
  Buffer.from(pcre().memory.buffer, subjectAt, text.length).write(text, "latin1");
  subjectText = text;
}

function readNames(code: number): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const size = pcre().hsl_info(code, INFO.nameSize);
  const at = pcre().hsl_names(code);
  for (let index = 0; index < pcre().hsl_info(code, INFO.names); index++) {
    const entry = Buffer.from(pcre().memory.buffer, at + index * size, size);
    names.set(entry.readUInt16BE(0), entry.toString("latin1", 2, entry.indexOf(0, 2)));
  }
  return names;
}

function message(code: number): string {
  const at = pcre().hsl_alloc(256);
  const length = pcre().hsl_message(code, at, 256);
  const text = Buffer.from(pcre().memory.buffer, at, Math.max(length, 0)).toString("latin1");
  pcre().hsl_free(at);
  return text;
}
