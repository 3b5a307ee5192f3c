/** The class MIME: builds a message or a part, call after call on the same object, and sends or queues it. */
import { randomUUID } from "node:crypto";

import type { RunContext } from "../context.ts";
import { type HostClass, type Parameter, declare, makeClass, optional, parameter } from "../host.ts";
import { Refusal } from "../error.ts";
import { Builder } from "../mail/build.ts";
import { makeField } from "../mail/edit.ts";
import { PartHandle } from "../mail/message.ts";
import { type Pieces, after } from "../mail/pieces.ts";
import { encodeParameters, writeParameter } from "../mail/write-parameter.ts";
import { HostObject, type HslArray, type Value } from "../value.ts";
import { makeFile, wholeText } from "./file.ts";
import { queueParameters, queueText, sendParameters, sendText } from "./mail-out.ts";
import { anyKey } from "./keys.ts";
import { SIGN_DOCS, signOptions } from "./mail-signing.ts";
import { mailDate } from "./mail-date.ts";
import { flag } from "./subjects.ts";

const { string } = parameter;
const MAX_PARTS = 1_000;

/** The object itself is what most methods give back. */
const self = parameter.object("self", "MIME", (object) =>
  object.state instanceof Builder ? { object, builder: object.state } : undefined,
);

/** What becomes a part of something: one that was built, or a copy of a message or of a part of one. */
export const mimeParameter = parameter.object("part", "MIME or MailMessage", ({ state }) =>
  state instanceof Builder || state instanceof PartHandle ? state : undefined,
);

type Self = { readonly object: HostObject; readonly builder: Builder };

const build = <const P extends readonly Parameter<unknown>[]>(
  name: string,
  parameters: P,
  docs: string,
  change: (builder: Builder, args: readonly unknown[], context: RunContext) => void,
) =>
  declare({
    name,
    parameters: [self, ...parameters],
    returns: "MIME",
    docs,
    run: (context, one, ...args) => {
      const { object, builder } = one as Self;
      change(builder, args, context);
      return object;
    },
  });

function add(builder: Builder, name: string, value: string, options?: HslArray): void {
  builder.fields.push(makeField(name, value, flag(options, "encode", true)));
}

function disposition(builder: Builder, type: string | null, file: string | null): void {
  const at = builder.fields.findIndex(({ name }) => name === "content-disposition");
  const [before] = at < 0 ? [] : builder.fields.splice(at, 1);
  // Not decoded: what stands in its parameters would have to be encoded again.
  const old = before === undefined ? "" : before.raw.slice(before.raw.indexOf(":") + 1).trim();
  const name = file === null ? (/;[\s\S]*/.exec(old)?.[0] ?? "") : writeParameter("filename", file);
  add(builder, "Content-Disposition", `${type ?? (/^[^;\s]+/.exec(old)?.[0] || "attachment")}${name}`);
}

function append(builder: Builder, part: Builder | Pieces): void {
  if (part instanceof Builder && contains(part, builder)) throw new Refusal("a part cannot contain itself");
  if (builder.parts.length >= MAX_PARTS) throw new Refusal("there are too many parts");
  builder.parts.push(part);
}

/** Each part is looked into once, however often it stands in others. */
function contains(outer: Builder, inner: Builder, seen = new Set<Builder>()): boolean {
  if (outer === inner) return true;
  if (seen.has(outer)) return false;
  seen.add(outer);
  return outer.parts.some((part) => part instanceof Builder && contains(part, inner, seen));
}

export function builtText(builder: Builder): string | Promise<string> {
  return after(builder.message(), (part) => wholeText(part.all()));
}

export const mimeClass: HostClass = makeClass("MIME", "A message or part that is being built.", {
  construct: declare({
    name: "MIME",
    parameters: [],
    returns: "MIME",
    docs: "An empty one.",
    run: (): Value => new HostObject(mimeClass, new Builder(randomUUID())),
  }),
  methods: [
    build(
      "addHeader",
      [string("name"), string("value"), optional(parameter.array("options"))],
      "Adds a field. What is not ASCII is encoded, unless option `encode` is false.",
      (builder, [name, value, options]) =>
        add(builder, name as string, value as string, options as HslArray | undefined),
    ),
    declare({
      name: "appendPart",
      parameters: [self, mimeParameter],
      returns: "MIME",
      docs: "Adds a part, or a copy of a message: this one becomes a multipart.",
      way: "promise",
      run: (_, { object, builder }, given) =>
        after(given instanceof Builder ? given : given.bytes(), (part): Value => {
          append(builder, part);
          return object;
        }),
    }),
    build(
      "setBody",
      [string("body")],
      "The body, encoded by its content unless Content-Transfer-Encoding says how; before parts, the preamble.",
      (builder, [body]) => {
        builder.body = body as string;
      },
    ),
    build("setType", [string("type")], "The Content-Type.", (builder, [type]) => {
      builder.type = encodeParameters(type as string);
    }),
    build(
      "setBoundary",
      [string("boundary")],
      "The boundary between parts; otherwise a UUID.",
      (builder, [text]) => {
        if (!/^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(text as string))
          throw new Refusal("a boundary has up to 70 letters, digits and some marks");
        builder.boundary = text as string;
      },
    ),
    build(
      "setDate",
      [optional(parameter.number("timestamp"))],
      "The Date field: now, or seconds since 1970.",
      (builder, [seconds], { clock }) =>
        add(builder, "Date", mailDate((seconds as number | undefined) ?? clock.now() / 1000)),
    ),
    build("setFileName", [string("filename")], "The file name of an attachment.", (builder, [name]) =>
      disposition(builder, null, name as string),
    ),
    build("setDisposition", [string("type")], "attachment or inline.", (builder, [type]) =>
      disposition(builder, (type as string).replace(/[^\w-]/g, ""), null),
    ),
    build(
      "signDKIM",
      [string("selector"), string("domain"), anyKey, optional(parameter.array("options"))],
      `Signs the message when it is written. ${SIGN_DOCS}`,
      (builder, [selector, domain, key, options], context) => {
        const given = { key: key as never, options: options as HslArray | undefined };
        builder.signatures.push(signOptions(context, selector as string, domain as string, given));
      },
    ),
    declare({
      name: "toString",
      parameters: [self],
      returns: "string",
      docs: "The message as bytes.",
      run: (_, { builder }) => builtText(builder),
    }),
    declare({
      name: "toFile",
      parameters: [self],
      returns: "File",
      docs: "The message as a File.",
      run: (_, { builder }) => after(builder.message(), (part) => makeFile(part.all())) as Value,
    }),
    declare({
      name: "queue",
      parameters: [self, ...queueParameters],
      returns: "array",
      docs: "Queues the message for a recipient; see MailMessage.",
      way: "promise",
      run: (context, { builder }, ...args) =>
        after(builder.message(), (part) => queueText(context, part.all(), args)) as Promise<Value>,
    }),
    declare({
      name: "send",
      parameters: [self, ...sendParameters],
      returns: "array",
      docs: "Sends the message to a server at once; see MailMessage.",
      way: "promise",
      run: (context, { builder }, ...args) =>
        after(builder.message(), (part) => sendText(context, part.all(), args)) as Promise<Value>,
    }),
  ],
});
