/** queue() and send() of the classes of mail: what scripts write as addresses, servers and options, as values. */
import type { RunContext } from "../context.ts";
import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { optional, parameter } from "../host.ts";
import { type Pieces, after } from "../mail/pieces.ts";
import { type EnvelopeAddress, type SmtpServer, port } from "../ports.ts";
import { HslArray, type Value } from "../value.ts";
import { flag, list, option, record } from "./subjects.ts";

const { string, array } = parameter;
const address = (name: string) => parameter.of<EnvelopeAddress>(name, "string or array", addressOf);
export const serverParameter = parameter.of<SmtpServer>("server", "string or array", serverOf);

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
  if (typeof value === "string") return checked(value, {});
  if (!(value instanceof HslArray)) return undefined;
  const [local, domain] = [value.get("localpart"), value.get("domain")];
  if (typeof local === "string" && typeof domain === "string")
    return checked(domain === "" ? local : `${local}@${domain}`, textsOf(value.get("params")));
  const text = value.get("address") ?? value.get(0);
  const params = value.get("params") ?? value.get(1);
  return typeof text === "string" ? checked(text, textsOf(params)) : undefined;
}

/** Nothing that would end the command that it is part of. */
function checked(text: string, parameters: Record<string, string>): EnvelopeAddress | undefined {
  return /[\r\n\0<>]/.test(text) ? undefined : { address: text, parameters };
}

function textsOf(value: Value): Record<string, string> {
  if (!(value instanceof HslArray)) return {};
  return Object.fromEntries(
    [...value.entries()].map(([key, item]) => [String(key).toUpperCase(), toText(item)]),
  );
}

const tlsModes = ["disabled", "optional", "optional_verify", "require", "require_verify", "dane"] as const;

function serverOf(value: Value): SmtpServer | undefined {
  const options = value instanceof HslArray ? value : undefined;
  const name = options === undefined ? value : (options.get("host") ?? options.get("server"));
  if (typeof name !== "string" || name === "") return undefined;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+|.*:.*:.*?))(?::(\d+))?$/.exec(name) ?? [];
  const mode = toText(option(options, "tls") ?? "optional");
  const text = (key: string): string | null => {
    const found = option(options, key);
    return found === null ? null : toText(found);
  };
  return {
    host: bracketed ?? plain ?? name,
    port: Number(option(options, "port") ?? port ?? 25),
    helo: text("helo") ?? text("saslhelo"),
    tls: tlsModes.find((one) => one === mode) ?? "optional",
    implicitTls: mode === "implicit" || flag(options, "tls_implicit"),
    timeoutMs: Number(option(options, "timeout") ?? 30) * 1000,
    username: text("username") ?? text("saslusername"),
    password: text("password") ?? text("saslpassword"),
  };
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
  const job = option(given, "jobid");
  const metadata = option(given, "metadata");
  const queued = port(context, "mail").queue(
    message,
    {
      sender,
      recipient,
      transportId,
      jobId: job === null ? null : toText(job),
      delaySeconds: Math.max(Number(option(given, "delay") ?? 0), 0) || 0,
      hold: flag(given, "hold"),
      metadata: metadataOf(metadata),
    },
    context.subject,
  );
  return after(queued, (said): Value => record({ ...said }));
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
  if ("error" in outcome)
    return record({ error: record({ message: outcome.error, temporary: outcome.temporary }) });
  return record({ result: replyArray(outcome) });
}

export function replyArray(reply: {
  readonly code: number;
  readonly enhanced: readonly number[];
  readonly reason: readonly string[];
}): HslArray {
  return record({ code: reply.code, enhanced: list(reply.enhanced), reason: list(reply.reason) });
}
