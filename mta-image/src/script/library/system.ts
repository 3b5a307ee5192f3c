/** The process, the log, and identifiers. */
import { createHash, randomUUID } from "node:crypto";

import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import { type HostFunction, declare, parameter } from "../host.ts";
import { bytes } from "./hash.ts";

const { string } = parameter;

/** RFC 5424, by number. */
const priorities = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] as const;
/** Facility 23, severity 7. */
const MAX_PRIORITY = 191;
const otherNames: Readonly<Record<string, string>> = { error: "err", warn: "warning", panic: "emerg" };

export const systemFunctions: readonly HostFunction[] = [
  declare({
    name: "gethostname",
    parameters: [],
    returns: "string",
    docs: "The name of this host.",
    run: ({ hostname }) => hostname,
  }),
  declare({
    name: "uuid",
    parameters: [],
    returns: "string",
    docs: "A UUID by chance (version 4).",
    run: () => randomUUID(),
  }),
  declare({
    name: "uuidv5",
    parameters: [string("uuidnamespace"), string("value")],
    returns: "string",
    docs: "The UUID that is made of a namespace's UUID and a value (version 5).",
    run: (_, namespace, value) => uuidv5(namespace, value),
  }),
  declare({
    name: "serial",
    parameters: [],
    returns: "string",
    docs: "A UUID that is the same on this host each time; there is no licence whose serial number it could be.",
    run: ({ hostname }) => uuidv5(DNS_NAMESPACE, hostname),
  }),
  declare({
    name: "syslog",
    parameters: [parameter.any("priority"), string("message")],
    returns: "none",
    docs: "Logs the message with a priority: emerg, alert, crit, err, warning, notice, info, debug, or 0 to 7; a number may have a facility of RFC 5424 in front (number + 8 × facility), which the log does not tell apart.",
    run: ({ log }, priority, message) => {
      const name = typeof priority === "number" ? numbered(priority) : toText(priority).toLowerCase();
      const known = otherNames[name] ?? name;
      if (!priorities.some((item) => item === known))
        throw new Refusal(`there is no priority ${toText(priority)}`);
      log(known, message);
      return null;
    },
  }),
];

/** The severity of a priority by number; "" for what is none. */
function numbered(priority: number): string {
  const isOne = Number.isInteger(priority) && priority >= 0 && priority <= MAX_PRIORITY;
  return isOne ? (priorities[priority & 7] as string) : "";
}

/** RFC 9562 6.6. */
const DNS_NAMESPACE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";

export function uuidv5(namespace: string, value: string): string {
  const id = namespace.replaceAll("-", "");
  if (!/^[0-9a-f]{32}$/i.test(id)) throw new Refusal(`${namespace} is no UUID`);
  const digest = createHash("sha1").update(Buffer.from(id, "hex")).update(bytes(value)).digest();
  digest[6] = ((digest[6] as number) & 0x0f) | 0x50;
  digest[8] = ((digest[8] as number) & 0x3f) | 0x80;
  const hex = digest.toString("hex", 0, 16);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
