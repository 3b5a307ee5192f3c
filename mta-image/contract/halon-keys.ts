/**
 * Keys of Halon's files that have nothing to do here, with what takes their place. Those that do no harm when they are passed
 * over are taken, so that a file loads as it is, and are named in the log at start; the others are mistakes.
 */
import { z } from "zod";

/** By key; "[]" stands for each entry of a list. */
const idleAtStart = {
  "servers[].threads": "The engine divides its work itself.",
  "environment.controlsocket": "mtactl and the admin API (admin) take its place.",
  "environment.licensekey": "There is no license.",
  "environment.privdrop":
    "smtpd changes no user: start it as the one that it shall be. With this key it does not run as root.",
  "environment.syslog": "The log goes to standard output; environment.loglevel says how much.",
  "environment.uuid": "Ids are 26 letters and digits that sort by time; uuid() of scripts makes others.",
} as const;

const idleInApp = {
  "servers[].phases.data.multipart": "Parts are read when a script asks for them.",
  "queues.pooling.policy": "Connections are kept for mail of one domain, or to the same named servers.",
} as const;

const idle = { ...idleAtStart, ...idleInApp };

/** The schema of such a key. */
export function withoutEffect<T extends z.ZodType>(key: keyof typeof idle, schema: T): z.ZodOptional<T> {
  return schema.optional().describe(`Without effect. ${idle[key]}`);
}

/** Whatever a key without effect holds. */
export const anyMap = z.record(z.string(), z.unknown());

/** Those that a configuration has, as "smtpd.yaml: environment.uuid has no effect. …". */
export function idleKeysOf(config: { readonly startup: unknown; readonly app: unknown }): string[] {
  return [
    ...told("smtpd.yaml", config.startup, idleAtStart),
    ...told("smtpd-app.yaml", config.app, idleInApp),
  ];
}

function told(file: string, value: unknown, keys: Readonly<Record<string, string>>): string[] {
  return Object.entries(keys)
    .filter(([key]) => has(value, key.replaceAll("[]", "").split(".")))
    .map(([key, instead]) => `${file}: ${key} has no effect. ${instead}`);
}

function has(value: unknown, path: readonly string[]): boolean {
  if (Array.isArray(value)) return value.some((item) => has(item, path));
  const [key, ...rest] = path;
  if (key === undefined) return value !== undefined;
  return typeof value === "object" && value !== null && has((value as Record<string, unknown>)[key], rest);
}

/** Of smtpd.yaml. */
const missing: Readonly<Record<string, string>> = {
  cluster:
    "there is no clusterd here: in a MailCluster the operator divides limits that say cluster: true; elsewhere leave this out and give each engine its share",
  "environment.deliveryconf":
    "smtpd-delivery.yaml is not read: use session.tls and connection.timeout of transportgroups[], queues.pooling and queues.retries in smtpd-app.yaml, or options of Try()",
};

/** What to do in place of a key whose effect would be missed; undefined for keys that nobody knows. */
export function wayOut(file: string, key: string): string | undefined {
  return file === "smtpd.yaml" ? missing[key] : undefined;
}
