/** queue() and send() of the classes of mail: what scripts write as addresses, servers and options, as values. */
import { AddressFields } from "../address-fields.ts";
import type { RunContext } from "../context.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { optional, parameter } from "../host.ts";
import { type Pieces, after } from "../mail/pieces.ts";
import {
  type EnvelopeAddress,
  type Queued,
  type QueueOptions,
  noParameters,
  usualQueue,
} from "../mail-port.ts";
import { type Reply, type SmtpServer, type SmtpState, port } from "../ports.ts";
import { HslArray, type Value } from "../value.ts";
import { connectionArray, tlsArray } from "./smtp-secured.ts";
import { serverParameter } from "./smtp-server.ts";
import { flag, list, option, record } from "./subjects.ts";

const { string, array } = parameter;
const address = (name: string) => parameter.of<EnvelopeAddress>(name, "string or array", addressOf);

export const queueParameters = [
  address("sender"),
  address("recipient"),
  string("transportid"),
  optional(array("options")),
] as const;

export const sendParameters = [address("sender"), array("recipients"), serverParameter] as const;
export const addressParameter = address;

/** `"user@host"`, or `["address" => "user@host", "params" => ["SIZE" => 1]]`; a list is [address, params]. */
function addressOf(value: Value): EnvelopeAddress | undefined {
  if (typeof value === "string") return checked(value, noParameters);
  if (!(value instanceof HslArray)) return undefined;
  const { unmade } = value;
  if (unmade instanceof AddressFields) return unmade.whole;
  const [local, domain] = [value.get("localpart"), value.get("domain")];
  if (typeof local === "string" && typeof domain === "string")
    return checked(domain === "" ? local : `${local}@${domain}`, textsOf(value.get("params")));
  const text = value.get("address") ?? value.get(0);
  const params = value.get("params") ?? value.get(1);
  return typeof text === "string" ? checked(text, textsOf(params)) : undefined;
}

/** Nothing that would end the command that it is part of. */
function checked(text: string, parameters: EnvelopeAddress["parameters"]): EnvelopeAddress | undefined {
  return /[\r\n\0<>]/.test(text) ? undefined : { address: text, parameters };
}

function textsOf(value: Value): EnvelopeAddress["parameters"] {
  if (!(value instanceof HslArray)) return noParameters;
  return Object.fromEntries(
    [...value.entries()].map(([key, item]) => [String(key).toUpperCase(), toText(item)]),
  );
}

type QueueArguments = readonly unknown[];

export function queueText(
  context: RunContext,
  message: Pieces,
  args: QueueArguments,
): Value | Promise<Value> {
  const [sender, recipient, transportId, given] = args as [
    EnvelopeAddress,
    EnvelopeAddress,
    string,
    HslArray | undefined,
  ];
  const options = given === undefined ? usualQueue : queueOptions(given);
  const wish = { sender, recipient, transportId, options };
  return after(port(context, "mail").queue(message, wish, context.subject), recordOf);
}

function recordOf(said: Queued): Value {
  return record(said);
}

function queueOptions(given: HslArray): QueueOptions {
  const job = option(given, "jobid");
  return {
    jobId: job === null ? null : toText(job),
    quotas: quotasOf(option(given, "quotas")),
    delaySeconds: Math.max(Number(option(given, "delay") ?? 0), 0) || 0,
    hold: flag(given, "hold"),
    metadata: metadataOf(option(given, "metadata")),
    ...noticesOf(option(given, "dsn")),
  };
}

/** A message that is counted under more names than these is a mistake. */
const MOST_QUOTAS = 16;
const LONGEST_QUOTA = 255;

function quotasOf(value: Value): readonly string[] {
  if (value === null) return [];
  if (!(value instanceof HslArray)) throw new Refusal("quotas is a list of names");
  const names = [...new Set(value.values().map(toText))];
  if (names.length > MOST_QUOTAS) throw new Refusal(`quotas has more than ${MOST_QUOTAS} names`);
  if (names.some((name) => name === "" || name.length > LONGEST_QUOTA))
    throw new Refusal(`a name in quotas is empty or longer than ${LONGEST_QUOTA} bytes`);
  return names;
}

/** Words may stand in a list. */
function noticesOf(value: Value): Pick<QueueOptions, "dsn"> {
  if (value === null) return {};
  if (!(value instanceof HslArray)) throw new Refusal("dsn is an array of envid, ret, notify and orcpt");
  const said = (name: string): string => {
    const one = value.get(name);
    if (one === null) return "";
    return one instanceof HslArray ? one.values().map(toText).join(",") : toText(one);
  };
  return { dsn: { ret: said("ret"), envid: said("envid"), notify: said("notify"), orcpt: said("orcpt") } };
}

function metadataOf(value: Value): Record<string, string> {
  if (!(value instanceof HslArray)) return {};
  return Object.fromEntries([...value.entries()].map(([key, item]) => [String(key), toText(item)]));
}

export async function sendText(context: RunContext, message: Pieces, args: QueueArguments): Promise<Value> {
  const [sender, given, server] = args as [EnvelopeAddress, HslArray, SmtpServer];
  const recipients = given.values().map((one) => addressOf(one));
  if (recipients.length === 0 || recipients.includes(undefined))
    throw new Refusal("send() wants a list of recipients");
  const wish = { sender, recipients: recipients as EnvelopeAddress[], server, message };
  const outcome = await port(context, "smtp").send(wish, context.signal);
  const { connection, tls } = outcome;
  return record({
    ...("error" in outcome ? { error: errorArray(outcome) } : { result: replyArray(outcome) }),
    ...(connection === null ? {} : { connection: connectionArray(connection) }),
    tls: tlsArray(tls),
  });
}

/** The manual's text has `reason` where its sample has `message`. */
function errorArray({ error, temporary }: { readonly error: string; readonly temporary: boolean }): HslArray {
  return record({ message: error, reason: error, temporary });
}

function replyArray({
  code,
  enhanced,
  reason,
  state,
}: Reply & { readonly state: SmtpState | null }): HslArray {
  return record({ code, enhanced: list(enhanced), reason: list(reason), state });
}
