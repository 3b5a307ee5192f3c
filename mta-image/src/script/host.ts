/**
 * How the engine gives functions and classes to scripts. One declaration says name, parameters, result and a sentence
 * of documentation; the compiler (existence, number of arguments, whether a call may wait), the running call
 * (types), hsl-lint and docs/script-library.md all read the same one. A room adds its own by handing the
 * compiler another `Host`. `run` may throw a Refusal (the script sees an Exception) or a Thrown.
 */
import { type Place, Refusal } from "./error.ts";
import { type Called, type Value, HostObject, HslArray, HslFunction } from "./value.ts";
import type { RunContext } from "./context.ts";
import { numericText, toText, typeName } from "./convert.ts";
import { meter } from "./meter.ts";

/** A parameter and what it accepts. `convert` gives undefined for what it refuses. */
export interface Parameter<T> {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
  readonly rest: boolean;
  /** What `typeof` says of values that need no conversion. */
  readonly plain: "string" | "number" | null;
  readonly convert: (value: Value) => T | undefined;
}

/** What `run` gets for the parameters. */
export type Arguments<P extends readonly Parameter<unknown>[]> = {
  [K in keyof P]: P[K] extends Parameter<infer T> ? T : never;
};
type Result = Called;

/** How a call ends: at once; perhaps with a promise; or by driving a routine, because it calls functions of the script. */
export type Way = "plain" | "promise" | "routine";

export interface Declaration<P extends readonly Parameter<unknown>[]> {
  readonly name: string;
  readonly parameters: P;
  readonly returns: string;
  readonly docs: string;
  readonly way?: Way;
  /** Set when arguments may be kept or come back in the result other than through HslArray.set, push and of. */
  readonly keeps?: boolean;
  /** Set when a call ends the run, with what `run` gives. */
  readonly ends?: boolean;
  /** False for a function that looks at a small part of its arguments, or pays by itself for what it looks at. */
  readonly reads?: boolean;
  readonly run: (context: RunContext, ...args: Arguments<P>) => Result;
}

export interface HostFunction {
  readonly name: string;
  readonly parameters: readonly Parameter<unknown>[];
  readonly returns: string;
  readonly docs: string;
  readonly way: Way;
  readonly keeps: boolean;
  readonly least: number;
  readonly most: number;
  /** Checks and converts the arguments, then calls. */
  readonly call: (context: RunContext, args: readonly Value[]) => Result;
  /** Of a function that ends the run: the same for a caller that ends it by itself, by a return, which costs a tenth of a throw. */
  readonly last: HostFunction["call"] | null;
}

/** A class of the host. Methods get the object as their first argument. */
export interface HostClass {
  readonly name: string;
  readonly docs: string;
  /** Makes an object; absent when only the host makes them. */
  readonly construct: HostFunction | null;
  readonly methods: ReadonlyMap<string, HostFunction>;
  readonly statics: ReadonlyMap<string, HostFunction>;
  /** What foreach walks over; null when it cannot. */
  readonly iterate: ((object: HostObject) => Iterable<readonly [Value, Value]>) | null;
}

/** Is called whenever a script comes by; `read` gives the variables that the function names. */
export type Probe = (read: () => readonly (readonly [name: string, value: Value])[]) => void;

/** Asked for each statement when compiling; null: nobody wants to know. */
export type ProbeMaker = (place: Place) => Probe | null;

export interface Host {
  readonly functions: ReadonlyMap<string, HostFunction>;
  readonly classes: ReadonlyMap<string, HostClass>;
  /** Names of variables that exist before the script begins. */
  readonly variables: ReadonlySet<string>;
  /** Only while somebody looks at scripts as they run. */
  readonly probe?: ProbeMaker | undefined;
}

export function declare<const P extends readonly Parameter<unknown>[]>(
  declaration: Declaration<P>,
): HostFunction {
  const { name, parameters, run } = declaration;
  const rest = parameters.at(-1)?.rest === true;
  const fixed = rest ? parameters.slice(0, -1) : parameters;
  const typed = run as (context: RunContext, ...args: unknown[]) => Result;
  const plain = specialise(name, fixed, rest, typed);
  const call = declaration.reads === false ? plain : paid(plain);
  const ends = declaration.ends === true;
  return {
    name,
    parameters,
    returns: declaration.returns,
    docs: declaration.docs,
    way: declaration.way ?? "plain",
    keeps: declaration.keeps ?? false,
    least: fixed.filter(({ optional }) => !optional).length,
    most: rest ? Number.POSITIVE_INFINITY : fixed.length,
    call: ends ? (context, args) => context.end(call(context, args) as Value) : call,
    last: ends ? call : null,
  };
}

/** For programs that only look at scripts: a function of that name is there, with any arguments, and is never called. */
export function nameAlone(name: string, docs: string): HostFunction {
  const parameters = [parameter.rest("arguments")] as const;
  return declare({ name, parameters, returns: "any", docs, way: "promise", run: () => null });
}

/** Pays for what the call is about to read: 64 bytes of text or an item of an array are a step. */
function paid(call: HostFunction["call"]): HostFunction["call"] {
  return (context, args) => {
    let steps = args.length >> 3;
    for (const arg of args)
      if (typeof arg === "string") steps += arg.length >> 6;
      else if (arg instanceof HslArray) steps += arg.weight;
    if (steps > 0) meter.charge(steps);
    return call(context, args);
  };
}

/** Calls with few arguments are most of all; they are spared the list. */
function specialise(
  name: string,
  fixed: readonly Parameter<unknown>[],
  rest: boolean,
  run: (context: RunContext, ...args: unknown[]) => Result,
): HostFunction["call"] {
  const at = (args: readonly Value[], index: number): unknown =>
    convertOne(name, fixed[index] as Parameter<unknown>, args[index]);
  switch (rest ? null : fixed.length) {
    case 1:
      return (context, args) => run(context, at(args, 0));
    case 2:
      return (context, args) => run(context, at(args, 0), at(args, 1));
    case 3:
      return (context, args) => run(context, at(args, 0), at(args, 1), at(args, 2));
    case 5:
      return (context, args) => run(context, at(args, 0), at(args, 1), at(args, 2), at(args, 3), at(args, 4));
    default:
      return (context, args) => {
        const given = fixed.map((_, index) => at(args, index));
        return rest ? run(context, ...given, args.slice(fixed.length)) : run(context, ...given);
      };
  }
}

function convertOne(name: string, parameter: Parameter<unknown>, value: Value | undefined): unknown {
  if (typeof value === parameter.plain) return value;
  if (value === undefined || (value === null && parameter.optional)) return undefined;
  const converted = parameter.convert(value);
  if (converted === undefined)
    throw new Refusal(`${name}() wants ${parameter.type} as $${parameter.name}, not ${typeName(value)}`);
  return converted;
}

export const parameter = {
  any: (name: string) => make<Value>(name, "any", (value) => value),
  /** Numbers and booleans are taken as their text. */
  string: (name: string) =>
    make<string>(name, "string", (value) =>
      typeof value === "string" ? value : typeof value === "object" ? undefined : toText(value),
    ),
  /** Numeric text is taken as its number. */
  number: (name: string) =>
    make<number>(name, "number", (value) => {
      if (typeof value === "number") return value;
      if (typeof value === "boolean") return value ? 1 : 0;
      return typeof value === "string" ? numericText(value) : undefined;
    }),
  boolean: (name: string) =>
    make<boolean>(name, "boolean", (value) =>
      typeof value === "boolean" ? value : typeof value === "number" ? value !== 0 : undefined,
    ),
  array: (name: string) =>
    make<HslArray>(name, "array", (value) => (typeName(value) === "array" ? (value as HslArray) : undefined)),
  function: (name: string) =>
    make<HslFunction>(name, "function", (value) => (value instanceof HslFunction ? value : undefined)),
  /** Several types in one parameter: `convert` decides, `type` is for people. */
  of: <T>(name: string, type: string, convert: (value: Value) => T | undefined) =>
    make<T>(name, type, convert),
  object: <T>(name: string, type: string, is: (object: HostObject) => T | undefined) =>
    make<T>(name, type, (value) => (value instanceof HostObject ? is(value) : undefined)),
  rest: (name: string): Parameter<readonly Value[]> => ({
    ...make<readonly Value[]>(name, "any", () => undefined),
    optional: true,
    rest: true,
  }),
};

/** The same parameter, which the caller may leave out or give as none. */
export function optional<T>(parameter: Parameter<T>): Parameter<T | undefined> {
  return { ...parameter, optional: true };
}

function make<T>(name: string, type: string, convert: (value: Value) => T | undefined): Parameter<T> {
  const plain = type === "string" || type === "number" ? type : null;
  return { name, type, optional: false, rest: false, plain, convert };
}

export function makeHost(
  functions: Iterable<HostFunction>,
  classes: Iterable<HostClass> = [],
  variables: Iterable<string> = [],
): Host {
  return {
    functions: new Map([...functions].map((item) => [item.name, item])),
    classes: new Map([...classes].map((item) => [item.name, item])),
    variables: new Set(variables),
  };
}

/** Later hosts win over earlier ones. */
export function mergeHosts(...hosts: readonly Host[]): Host {
  return makeHost(
    hosts.flatMap(({ functions }) => [...functions.values()]),
    hosts.flatMap(({ classes }) => [...classes.values()]),
    hosts.flatMap(({ variables }) => [...variables]),
  );
}

export function makeClass(
  name: string,
  docs: string,
  parts: {
    readonly construct?: HostFunction;
    readonly methods?: readonly HostFunction[];
    readonly statics?: readonly HostFunction[];
    readonly iterate?: (object: HostObject) => Iterable<readonly [Value, Value]>;
  },
): HostClass {
  return {
    name,
    docs,
    construct: parts.construct ?? null,
    methods: new Map((parts.methods ?? []).map((method) => [method.name, method])),
    statics: new Map((parts.statics ?? []).map((method) => [method.name, method])),
    iterate: parts.iterate ?? null,
  };
}

/** Declares methods of a class: `self` is the object that they are called on. */
export function methodsOf<S extends Parameter<unknown>>(self: S) {
  return <const P extends readonly Parameter<unknown>[]>(
    name: string,
    parameters: P,
    returns: string,
    docs: string,
  ) => ({ name, parameters: [self, ...parameters] as const, returns, docs });
}

/** Objects are made with classes that `makeClass` made; value.ts, below this file, knows only their names. */
export function classOf(object: HostObject): HostClass {
  return object.cls as HostClass;
}

/** How the documentation writes a function: `str_find(string $string, string $substring [, number $offset]): number`. */
export function signature({ name, parameters, returns }: HostFunction): string {
  const parts = parameters.map((item, at) => {
    const text = `${item.type} ${item.rest ? "..." : ""}$${item.name}`;
    const comma = at > 0 ? ", " : "";
    return item.optional ? ` [${comma}${text}` : `${comma}${text}`;
  });
  const closing = "]".repeat(parameters.filter((item) => item.optional).length);
  return `${name}(${parts.join("").trimStart()}${closing}): ${returns}`;
}
