/**
 * What a plugin that delivers is given: the arguments of the configuration as a script value, with facts of the message
 * in place of {transactionid}, {queueid}, {sender}, {recipient} and {recipientdomain}, each encoded as part of a
 * URL, so that no address can reach beyond its place. Pure; never fails.
 */
import type { Envelope } from "../message/envelope.ts";
import type { NativeMessage, Wire } from "../plugins/native.ts";

/** A value of YAML as plugins get it. */
export function wireOf(value: unknown): Wire {
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("latin1");
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (Array.isArray(value)) return value.flatMap((item, index): Wire[] => [index, wireOf(item)]);
  if (typeof value !== "object" || value === null) return null;
  return Object.entries(value).flatMap(([key, item]): Wire[] => [wireOf(key), wireOf(item)]);
}

export interface Facts {
  readonly message: NativeMessage;
  readonly envelope: Envelope;
  /** Of the recipient in the envelope. */
  readonly index: number;
}

const PLACE = /\{(transactionid|queueid|sender|recipient|recipientdomain)\}/g;

export function fillIn(args: Wire, facts: Facts): Wire {
  if (typeof args === "string") return args.replace(PLACE, (_, name: string) => textOf(name, facts));
  return Array.isArray(args) ? args.map((item: Wire) => fillIn(item, facts)) : args;
}

function textOf(name: string, { message, envelope, index }: Facts): string {
  switch (name) {
    case "transactionid":
      return encodeURIComponent(message.transactionid);
    case "queueid":
      return String(message.queueid);
    case "sender":
      return encodeURIComponent(envelope.sender);
    case "recipient":
      return encodeURIComponent(envelope.recipients[index] ?? "");
    default:
      return encodeURIComponent(message.recipientdomain);
  }
}
