/** The class Exception, and how errors of the engine become what a script catches. */
import { toText } from "./convert.ts";
import { Refusal } from "./error.ts";
import { Thrown } from "./thrown.ts";
import { type Value, HostObject } from "./value.ts";
import { type HostClass, declare, makeClass, parameter } from "./host.ts";
import { framesOf } from "./stack.ts";

export class ExceptionState {
  readonly message: string;
  readonly #stack: string | undefined;

  constructor(message: string, stack: string | undefined) {
    this.message = message;
    this.#stack = stack;
  }

  get place() {
    return framesOf(this.#stack)[0] ?? null;
  }

  toString(): string {
    const { place } = this;
    return place === null ? this.message : `${this.message} in ${place.file}:${place.line}:${place.column}`;
  }
}

const self = parameter.object("exception", "Exception", ({ state }) =>
  state instanceof ExceptionState ? state : undefined,
);
const method = (name: string, returns: string, docs: string, run: (state: ExceptionState) => Value) =>
  declare({ name, parameters: [self], returns, docs, run: (_, state) => run(state) });

export const exceptionClass: HostClass = makeClass(
  "Exception",
  "What goes wrong: a message and where it was made.",
  {
    construct: declare({
      name: "Exception",
      parameters: [parameter.string("message")],
      returns: "Exception",
      docs: "Makes an exception with the place of this call.",
      run: (_, message): Value =>
        new HostObject(exceptionClass, new ExceptionState(message, new Error().stack)),
    }),
    methods: [
      method("message", "string", "The message alone.", (state) => state.message),
      method("toString", "string", "The message with its place.", String),
      method("file", "string or none", "The file it was made in.", ({ place }) => place?.file ?? null),
      method("line", "number or none", "The line it was made in.", ({ place }) => place?.line ?? null),
      method("column", "number or none", "The column it was made in.", ({ place }) => place?.column ?? null),
    ],
  },
);

/** What a catch gets of an error; errors that are no business of the script are thrown on. */
export function caught(error: unknown): Value {
  if (error instanceof Thrown) return error.value;
  if (error instanceof Refusal)
    return new HostObject(exceptionClass, new ExceptionState(error.message, error.stack));
  throw error;
}

export function thrown(value: Value): Thrown {
  const state = value instanceof HostObject ? value.state : null;
  const message = state instanceof ExceptionState ? state.message : toText(value);
  return new Thrown(value, message);
}
