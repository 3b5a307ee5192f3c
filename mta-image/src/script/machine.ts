/**
 * Compiles programs and runs them: drives the routine, waits for the promises it yields, keeps its budget. The one
 * evaluator. `run` never throws: a failing script is an Outcome with a ScriptError. A run without waiting gives its
 * outcome at once, without a promise.
 */
import { Script } from "node:vm";

import type { Timer } from "#base/clock.ts";

import type { RunContext, World } from "./context.ts";
import { emit } from "./emit.ts";
import { type Diagnostic, BudgetError, CompileError, MOST_DIAGNOSTICS, Refusal } from "./error.ts";
import { ScriptError, Thrown } from "./thrown.ts";
import { type Resumed, type Routine, type Value, Item, share } from "./value.ts";
import type { Host } from "./host.ts";
import { constantOf } from "./constant.ts";
import { importData } from "./data/import.ts";
import { type Limits, type TextBudget, MAX_NESTING, QUANTUM, defaultLimits, wholeBudget } from "./limits.ts";
import { type Budget, makeBudget, meter } from "./meter.ts";
import type { Loader } from "./module.ts";
import { makeRegex } from "./regex.ts";
import { resolve } from "./resolve.ts";
import { running } from "./running.ts";
import { runtime } from "./runtime.ts";
import { Sources } from "./source.ts";
import { framesOf, registerProgram } from "./stack.ts";
import { markSuspending } from "./suspend.ts";

export interface Compiled {
  readonly start: () => Value | Routine;
  /** Made anew for each run, with the host variables that are given. */
  readonly globals: (given: Readonly<Record<string, Value>>) => Record<string, Value>;
  readonly suspends: boolean;
  /** Field of a host variable among the globals. */
  readonly field: (variable: string) => string;
  /** The host variables that the script names: others need not be made. */
  readonly used: ReadonlySet<string>;
  readonly keep: object;
}

export interface Outcome {
  readonly value: Value;
  readonly error: ScriptError | null;
  /** From its start to its end, waiting included. */
  tookMs(): number;
  /** Host variables as the script left them. */
  variable(name: string): Value;
}

export interface RunOptions {
  readonly world: World;
  readonly limits?: Limits;
  readonly variables?: Readonly<Record<string, Value>>;
  readonly subject?: unknown;
}

/** Throws a CompileError with everything that is wrong. Nothing of the script becomes code of the process. */
export function check(id: string, text: string, host: Host, loader: Loader, budget = wholeBudget()): void {
  translate(id, text, { host, loader, budget });
}

/** Throws a CompileError with everything that is wrong. */
export function compile(
  id: string,
  text: string,
  host: Host,
  loader: Loader,
  budget = wholeBudget(),
): Compiled {
  const { emitted, sources, main } = translate(id, text, { host, loader, budget });
  const { name, keep } = registerProgram(emitted.lines, sources);
  const constants = emitted.constants.map((item) => shareConstant(item));
  const { start, globals } = asCompileError(id, () => {
    const make = new Script(emitted.code, { filename: name }).runInThisContext() as Factory;
    return make(runtime, running, meter, constants);
  });
  const field = (variable: string): string => `u${main}$${variable}`;
  return {
    start,
    globals,
    suspends: emitted.suspends,
    field,
    used: new Set([...host.variables].filter((variable) => emitted.fields.has(field(variable)))),
    keep,
  };
}

/** V8 has no room for a program of many ten thousand classes, however right it is. */
function asCompileError<T>(id: string, load: () => T): T {
  try {
    return load();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const message = `the program is too large for its engine: ${error.message}`;
    throw new CompileError([{ file: id, line: 1, column: 1, message, path: [] }]);
  }
}

function translate(
  id: string,
  text: string,
  { host, loader, budget }: { readonly host: Host; readonly loader: Loader; readonly budget: TextBudget },
): { readonly emitted: ReturnType<typeof emit>; readonly sources: Sources; readonly main: number } {
  const sources = new Sources();
  const diagnostics: Diagnostic[] = [];
  const report = (at: number, message: string): void => {
    if (diagnostics.length < MOST_DIAGNOSTICS) diagnostics.push(sources.diagnostic(at, message));
  };
  const program = resolve(id, text, {
    host,
    loader,
    budget,
    sources,
    report,
    data: (path, data, options) => importData(path, data, options, loader),
    constant: constantOf,
  });
  if (diagnostics.length > 0) throw new CompileError(diagnostics);
  markSuspending(program);
  const regex = (source: string, flags: string, at: number): Value => {
    try {
      return makeRegex(source, flags);
    } catch (error) {
      report(at, (error as Error).message);
      return null;
    }
  };
  const tools = { makeRegex: regex, report, place: (at: number) => sources.place(at) };
  const emitted = emit(program, tools, Object.keys(runtime));
  if (diagnostics.length > 0) throw new CompileError(diagnostics);
  return { emitted, sources, main: program.units.at(-1)?.index ?? 0 };
}

type Factory = (
  rt: typeof runtime,
  R: typeof running,
  m: typeof meter,
  K: readonly unknown[],
) => Pick<Compiled, "start" | "globals">;

function shareConstant(item: unknown): unknown {
  return typeof item === "object" && item !== null && "shared" in item ? share(item as Value) : item;
}

/** What helpers take for themselves above the script, which go down into arrays two frames a level, and then its whole way in most errors. */
const STACK_FRAMES = 2 * MAX_NESTING + 50;

const nothing: Readonly<Record<string, Value>> = {};

/** Ends a run with a value; no error, and nothing that a script can catch. */
class Ended {
  readonly value: Value;

  constructor(value: Value) {
    this.value = value;
  }
}

export function run(program: Compiled, options: RunOptions): Outcome | Promise<Outcome> {
  return new Run(program, options).begin();
}

/** One run, and once it is over its own outcome: most are over at once, and an object more for each would be felt. */
class Run implements RunContext, Outcome {
  readonly clock: World["clock"];
  readonly random: World["random"];
  readonly echo: World["echo"];
  readonly log: World["log"];
  readonly hostname: string;
  readonly shared: World["shared"];
  readonly ports: World["ports"];
  readonly messageId: World["messageId"];
  readonly subject: unknown;
  value: Value = null;
  error: ScriptError | null = null;
  readonly #program: Compiled;
  readonly #globals: Record<string, Value>;
  readonly #budget: Budget;
  #abort: AbortController | null = null;
  #routine: Routine | null = null;
  #resolve: ((outcome: Outcome) => void) | null = null;
  #timer: Timer | null = null;
  #over = false;

  constructor(program: Compiled, { world, limits, variables, subject }: RunOptions) {
    this.clock = world.clock;
    this.random = world.random;
    this.echo = world.echo;
    this.log = world.log;
    this.hostname = world.hostname;
    this.shared = world.shared;
    this.ports = world.ports;
    this.messageId = world.messageId;
    this.subject = subject ?? null;
    this.#program = program;
    this.#budget = makeBudget(limits ?? defaultLimits, world.clock);
    this.#globals = program.globals(variables ?? nothing);
  }

  get begunMs(): number {
    return this.#budget.startedMs;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#over) this.#abort.abort();
    return this.#abort.signal;
  }

  end(value: Value): never {
    // oxlint-disable-next-line no-throw-literal
    throw new Ended(value);
  }

  begin(): Outcome | Promise<Outcome> {
    const first = this.#turn(() => {
      const result = this.#program.start();
      if (!this.#program.suspends) return this.#outcome(result as Value, null);
      this.#routine = result as Routine;
      return this.#advance(this.#routine, { value: null });
    });
    if (first !== null) return this.#finish(first);
    const wall = this.#budget.limits.wallMs - (this.clock.monotonic() - this.begunMs);
    this.#timer = this.clock.after(Math.max(wall, 0), () => this.#tooLong());
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Up to the next wait; an outcome when the script is done. */
  #advance(routine: Routine, resumed: Resumed): Outcome | null {
    const step = routine.next(resumed);
    if (step.done === true) return this.#outcome(step.value, null);
    if (step.value instanceof Item || step.value === null)
      throw new Refusal("a yield outside of a generator");
    step.value.then(
      (value) => this.#resume({ value }),
      (error: unknown) => this.#resume({ error }),
    );
    return null;
  }

  #resume(resumed: Resumed): void {
    const routine = this.#routine;
    if (this.#over || routine === null) return;
    const outcome = this.#turn(() => {
      // Turns that are short would never come to a look at the budget, and where they wait for nothing real nobody else gets a turn.
      meter.hurry(QUANTUM);
      return this.#advance(routine, resumed);
    });
    if (outcome !== null) this.#resolve?.(this.#finish(outcome));
  }

  #tooLong(): void {
    if (this.#over) return;
    const error = new BudgetError("the script waited for too long");
    this.#turn(() => {
      this.#routine?.return(null);
      return null;
    });
    this.#resolve?.(this.#finish(this.#fail(error)));
  }

  /** Runs script code with this run's budget, context and globals in place. */
  #turn(go: () => Outcome | null): Outcome | null {
    const { c, g } = running;
    const before = meter.enter(this.#budget);
    running.c = this;
    running.g = this.#globals;
    const frames = Error.stackTraceLimit;
    Error.stackTraceLimit = STACK_FRAMES;
    try {
      return go();
    } catch (error) {
      return error instanceof Ended ? this.#outcome(error.value, null) : this.#fail(error);
    } finally {
      Error.stackTraceLimit = frames;
      running.c = c;
      running.g = g;
      meter.leave(before);
    }
  }

  #finish(outcome: Outcome): Outcome {
    this.#over = true;
    this.#timer?.cancel();
    this.#abort?.abort();
    return outcome;
  }

  #fail(error: unknown): Outcome {
    return this.#outcome(null, scriptError(error));
  }

  #outcome(value: Value, error: ScriptError | null): Outcome {
    this.value = value;
    this.error = error;
    return this;
  }

  tookMs(): number {
    return this.#budget.leftMs - this.#budget.startedMs;
  }

  variable(name: string): Value {
    return this.#globals[this.#program.field(name)] ?? null;
  }
}

function scriptError(error: unknown): ScriptError {
  const frames = framesOf((error as Error | null)?.stack);
  if (error instanceof Thrown) return new ScriptError("thrown", error.message, error.value, frames, error);
  if (error instanceof Refusal) return new ScriptError("thrown", error.message, null, frames, error);
  if (error instanceof BudgetError) return new ScriptError("budget", error.message, null, frames, error);
  if (error instanceof RangeError && /call stack/i.test(error.message))
    return new ScriptError("budget", "calls are nested too deeply", null, frames, error);
  if (isTooLarge(error)) return new ScriptError("budget", "a value is too large", null, frames, error);
  return new ScriptError("bug", `${String(error)}`, null, frames, error);
}

/** What V8 and Node say of texts, lists and buffers beyond what they can hold, which lies above what a script may. */
function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ((error as { code?: unknown }).code === "ERR_STRING_TOO_LONG") return true;
  return (
    error instanceof RangeError &&
    /^(Invalid (string|array|typed array) length|Array buffer allocation failed)/.test(error.message)
  );
}
