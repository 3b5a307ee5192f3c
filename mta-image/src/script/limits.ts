/**
 * What one run of a script may use. Every number bounds something a hostile or careless script could grow without
 * end; exceeding one ends the run with a BudgetError, which scripts cannot catch. Handed to the machine per run.
 * Calls within calls are bounded by the engine's own stack (984 KiB), which costs nothing to count.
 */
export interface Limits {
  /** Looks whether a loop goes on, calls and the work of bulk operations (64 bytes of text or one array item are one step). */
  readonly steps: number;
  /** Milliseconds of computing, waiting not counted. While a script computes without pause, mail waits. */
  readonly cpuMs: number;
  /** Milliseconds from start to end, waiting included: beyond it the SMTP client has gone away. */
  readonly wallMs: number;
  /** Bytes allocated over the whole run, freed ones included. */
  readonly bytes: number;
}

export const defaultLimits: Limits = {
  steps: 200_000_000,
  cpuMs: 2_000,
  wallMs: 300_000,
  bytes: 1 << 30,
};

/** One string. A message of the usual greatest size fits; V8 itself stops at 512 MiB. */
export const MAX_STRING = 128 * 1024 * 1024;

/** Appended items are paid for so many at a time; a power of two, for compiled code asks with one `&`. */
export const ITEMS_BLOCK = 1024;

/** Items of one array, whole blocks: some 64 MiB as a list, some 200 MiB with text keys. */
export const MAX_ITEMS = 3_906 * ITEMS_BLOCK;

/** Arrays within arrays: comparing and printing recurse, and so does the parser over brackets and operators. */
export const MAX_NESTING = 200;

/** Expressions within an expression, along operators and chains too: the walks over the tree recurse, and V8's parser does. */
export const MAX_DEPTH = 1_000;

/** Parameters of a function, and variables that a closure shares. */
export const MAX_PARAMETERS = 1_000;

/** Arguments that stand in a call: V8 refuses a program with more than 65,535. */
export const MAX_ARGUMENTS = 10_000;

/** Bytes of one source file; the largest public one has 40 KiB. */
export const MAX_SOURCE = 4 * 1024 * 1024;

/** Files one program may include or import, repeats of an include counted: circles end here. */
export const MAX_FILES = 500;

/** Where one function waits or yields, calls of what cannot wait left out: V8 needs the square of them to make it ready, half a second for these. */
export const MAX_STOPS = 4_000;

/** What a data file counts as at least, since to find and read one takes a while however small it is. */
export const SMALLEST_DATA = 4096;

/** What compiling may read, a file that is there twice counted twice; may be shared by several programs. */
export interface TextBudget {
  /** Bytes of scripts: a megabyte takes some two seconds. */
  code: number;
  /** Bytes of data files. */
  data: number;
}

export function wholeBudget(): TextBudget {
  return { code: 16 * 1024 * 1024, data: 512 * 1024 * 1024 };
}

/** Steps between two looks at the clock: some 0.2 ms of plain loops. */
export const QUANTUM = 50_000;

/** A signature, its check, or the reading of a key or certificate: up to some milliseconds, so each is a look at the clock. */
export const KEY_STEPS = QUANTUM;

/** PCRE2's match limit, from one place where the match may begin: some 50 ms of backtracking on one core. */
export const REGEX_STEPS = 1_000_000;
/**
 * What one search may do from all places together, in codes of the pattern (4 each) and characters that they pass over, and
 * how much more for each byte of the text: a search that goes on to the end from each place takes the text's square.
 */
export const REGEX_WORK = 100_000_000;
export const REGEX_WORK_A_BYTE = 16;
export const REGEX_HEAP_KIB = 16_384;
export const REGEX_PATTERN = 65_536;
