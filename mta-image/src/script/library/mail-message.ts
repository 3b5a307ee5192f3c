/**
 * The class MailMessage: a whole message, from a string, a File, or (by `makeMessageClass`) what an engine received. It is
 * the top part of itself. Changes stay in the script until `toString`, `toFile`, `queue` or `send` write them out.
 */
import type { RunContext } from "../context.ts";
import { Refusal } from "../error.ts";
import {
  type HostClass,
  type HostFunction,
  type Parameter,
  declare,
  makeClass,
  optional,
  parameter,
} from "../host.ts";
import { type SignOptions, signPart } from "../mail/dkim.ts";
import { makeField, prependField } from "../mail/edit.ts";
import { Message, PartHandle } from "../mail/message.ts";
import { Pieces, after } from "../mail/pieces.ts";
import { HostObject, type HslArray, HslFunction, type Routine, type Value } from "../value.ts";
import { fileBytes, makeFile, wholeText } from "./file.ts";
import { dnsWish } from "./dns-wish.ts";
import { queueParameters, queueText, sendParameters, sendText } from "./mail-out.ts";
import { anyKey } from "./keys.ts";
import {
  type KeyLookup,
  NoKey,
  SIGN_DOCS,
  type SignArguments,
  signOptions,
  verifySignature,
  wait,
} from "./mail-signing.ts";
import { partMethods } from "./mime-part.ts";
import { flag, list, option } from "./subjects.ts";

const { string, number, array } = parameter;
const self = parameter.object("self", "MailMessage", (object) =>
  object.state instanceof PartHandle
    ? { object, handle: object.state, message: object.state.message }
    : undefined,
);

const named = <const P extends readonly Parameter<unknown>[]>(
  name: string,
  parameters: P,
  returns: string,
  docs: string,
) => ({ name, parameters: [self, ...parameters] as const, returns, docs });

export const messageMethods: readonly HostFunction[] = [
  ...partMethods,
  declare({
    ...named("reset", [], "number", "Takes back every change; says how many bytes the message has."),
    run: (_, { message }) => {
      message.become(message.original);
      return message.original.size;
    },
  }),
  declare({
    ...named("snapshot", [], "number", "Remembers the message as it is, under the number it gives."),
    run: (_, { message }) => message.snapshot(),
  }),
  declare({
    ...named(
      "restore",
      [number("id")],
      "boolean",
      "Goes back to a snapshot; false when there is none of the number.",
    ),
    run: (_, { message }, id) => message.restore(id),
  }),
  declare({
    ...named(
      "modifyContent",
      [number("start"), number("count"), string("data")],
      "MailMessage",
      "Replaces bytes of the message as it is now, whatever they are.",
    ),
    run: (_, { message, object }, start, count, data): Value => {
      message.modify(Math.trunc(start), Math.trunc(count), data);
      return object;
    },
  }),
  declare({
    ...named("toFile", [], "File", "The message as it is now, as a File. Nothing is copied."),
    run: (_, { message }): Value => makeFile(message.bytes()),
  }),
  declare({
    ...named("toString", [], "string", "The message as it is now, as bytes."),
    way: "promise",
    run: (_, { message }) => wholeText(message.bytes()),
  }),
  declare({
    ...named(
      "signDKIM",
      [string("selector"), string("domain"), anyKey, optional(array("options"))],
      "MailMessage, string or none",
      `Adds a DKIM-Signature on top, or gives its value with \`return_header\`; none when there is no such key, which is logged. ${SIGN_DOCS}`,
    ),
    way: "promise",
    run: (context, { handle, object }, selector, domain, key, options) => {
      const wish = signWish(context, selector, domain, { key, options });
      if (wish === null) return null;
      return after(handle.find(), (part) =>
        after(signPart(part, wish), (value): Value => {
          if (flag(options, "return_header")) return value;
          prependField(
            part,
            makeField(wish.arc === null ? "DKIM-Signature" : "ARC-Message-Signature", value, false),
          );
          return object;
        }),
      ) as Value;
    },
  }),
  declare({
    ...named(
      "verifyDKIM",
      [optional(string("field")), optional(array("options"))],
      "array",
      "Checks the signature of a whole DKIM-Signature or ARC-Message-Signature field: result (pass, fail, permerror, temperror), domain, selector, error; without a field, a list for all. Options: `dns_function` looks up keys as dns_query does; `timeout` is the seconds that each question to DNS may take.",
    ),
    way: "promise",
    run: (context, { handle }, field, options) => {
      const given = option(options, "dns_function");
      const { timeoutMs } = dnsWish(null, option(options, "timeout"));
      const lookUp = given instanceof HslFunction ? given : null;
      return verifyAll(context, handle, field ?? null, { lookUp, timeoutMs });
    },
  }),
  declare({
    ...named(
      "queue",
      queueParameters,
      "array",
      "Queues the message for a recipient: transaction and queue id, or error. Addresses may be arrays of address and params. Options: `jobid`, `delay` (seconds), `hold`, `metadata`, `dsn` (of notices: `envid`, `ret`, `notify`, `orcpt`), `quotas` (names that it is counted under while it is queued, see queue_quota).",
    ),
    way: "promise",
    run: (context, { message }, ...args) => queueText(context, message.bytes(), args),
  }),
  declare({
    ...named(
      "send",
      sendParameters,
      "array",
      "Sends the message to a server at once: result (code, enhanced, reason, state) or error (message, also as reason, and temporary), connection (localip, remoteip, remotemx) where one was made, and tls as smtp_lookup_rcpt has it. The server as for smtp_lookup_rcpt.",
    ),
    way: "promise",
    run: (context, { message }, ...args) => sendText(context, message.bytes(), args),
  }),
];

/** More signatures than this are somebody's joke. */
const MAX_SIGNATURES = 16;

/** Null, and a line in the log, for a key that is not there. */
function signWish(context: RunContext, ...given: SignArguments): SignOptions | null {
  try {
    return signOptions(context, ...given);
  } catch (error) {
    if (!(error instanceof NoKey)) throw error;
    context.log("warning", `signDKIM() for ${given[1]}: ${error.message}`);
    return null;
  }
}

function* verifyAll(
  context: Parameters<typeof verifySignature>[0],
  handle: PartHandle,
  field: string | null,
  how: KeyLookup,
): Routine {
  const reading = handle.find();
  if (reading instanceof Promise) yield* wait(reading.then(() => null));
  const part = handle.find();
  if (part instanceof Promise) throw new Refusal("the message was changed meanwhile");
  if (field !== null) return yield* verifySignature(context, part, field, how);
  const results: HslArray[] = [];
  for (const { name, raw } of part.fields)
    if (name === "dkim-signature" && results.length < MAX_SIGNATURES)
      results.push((yield* verifySignature(context, part, raw, how)) as HslArray);
  return list(results);
}

/** A class of messages with what its own room adds, such as EODMailMessage. Its objects come from `makeMessage`. */
export function makeMessageClass(name: string, docs: string, more: readonly HostFunction[]): HostClass {
  return makeClass(name, docs, { methods: [...messageMethods, ...more] });
}

export function makeMessage(cls: HostClass, bytes: Pieces): HostObject {
  return new HostObject(cls, new PartHandle(new Message(bytes), null));
}

export const mailMessageClass: HostClass = makeClass(
  "MailMessage",
  "A message; also its own top part, see MIMEPart.",
  {
    methods: messageMethods,
    statics: [
      declare({
        name: "String",
        parameters: [string("data")],
        returns: "MailMessage",
        docs: "A message of the given bytes; what they are is read when it is asked for.",
        run: (_, data): Value => makeMessage(mailMessageClass, Pieces.of(data)),
      }),
      declare({
        name: "File",
        parameters: [parameter.object("file", "File", fileBytes)],
        returns: "MailMessage",
        docs: "A message of the bytes of a File, which are not copied.",
        run: (_, bytes): Value => makeMessage(mailMessageClass, bytes),
      }),
    ],
  },
);
