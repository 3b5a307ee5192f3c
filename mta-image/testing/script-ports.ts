/** Ports for tests of scripts: answers from small tables, told in the form that scripts print. */
import { generateKeyPairSync } from "node:crypto";

import { ScriptFigures } from "#mta/script-ports/metrics.ts";
import type { DnsAnswer, DnsFound, DnsWish, Ports } from "#mta/script/ports.ts";

const zone: Readonly<Record<string, DnsAnswer & DnsFound>> = {
  "a signed.example": { records: ["192.0.2.7"], isAuthentic: true },
  "a example.com": { records: ["192.0.2.1", "192.0.2.2"], ttlSeconds: 60 },
  "txt example.com": { records: ["v=spf1 -all"], ttlSeconds: 60 },
  "mx example.com": { records: [{ preference: 10, exchange: "mx.example.com" }], ttlSeconds: 60 },
  "a 9.2.0.192.bl.example": { records: ["127.0.0.2"] },
};

const rsaKey = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
  type: "pkcs8",
  format: "pem",
}) as string;

/** A file that answers later, as a disk does. */
const lines = Buffer.from(`first\n${"x".repeat(100_000)}\nlast`);
const table = Buffer.from('x;y\na;b;"c;d"\n');

function reply(code: number, enhanced: readonly number[], reason: string) {
  return { code, enhanced, reason: [reason], state: "AUTH", tls: null, connection: null } as const;
}

/** Who is asked, and how long it may take. */
function told(wish: DnsWish | undefined): string {
  return `${wish?.servers?.join() ?? "own"} ${wish?.timeoutMs ?? "none"}`;
}

export const tablePorts: Partial<Ports> = {
  dns: {
    query: async (name, type, wish) =>
      name.endsWith("who.test")
        ? { records: [told(wish)] }
        : (zone[`${type} ${name}`] ?? { error: "NXDOMAIN" }),
  },
  spf: {
    check: async ({ ip, helo, sender, wish }) => ({
      // As the name says, such as softfail.test.
      result: helo.endsWith(".test") ? helo.slice(0, -".test".length) : "pass",
      reason: `${ip} ${helo} ${sender} ${told(wish)}`,
    }),
  },
  mail: {
    queue: async (
      message,
      { sender, recipient, transportId, options: { jobId, quotas, delaySeconds, hold, metadata, dsn } },
    ) => ({
      transaction: "t1",
      queue: [
        sender.address,
        recipient.address,
        JSON.stringify(recipient.parameters),
        transportId,
        jobId ?? "none",
        ...quotas,
        delaySeconds,
        hold,
        JSON.stringify(metadata),
        message.size,
        ...(dsn === undefined ? [] : [JSON.stringify(dsn)]),
      ].join(" "),
    }),
  },
  smtp: {
    send: async ({ recipients, server, message }) => {
      const { transportId, server: host, port } = server;
      const place = transportId ?? `${host} ${port}`;
      return recipients.some(({ address }) => address.startsWith("no@"))
        ? { error: "refused", temporary: true, state: "RCPT", tls: null, connection: null }
        : {
            ...reply(250, [2, 0, 0], `${place} ${message?.size ?? 0}`),
            state: message === null ? "RCPT" : "EOD",
          };
    },
    authenticate: async ({ password }) => reply(password === "right" ? 235 : 535, [], ""),
  },
  queue: {
    suspend: ({ match }) => match.jobid !== "refused",
    addPolicy: ({ type, limits }) => type === "backoff" && limits.rate?.tokens === 10,
    deletePolicy: (id) => id === "p1",
    quota: (name) => ({ count: 3, bytes: name === "named" ? 300 : null }),
    connections: (server, address) => (server === "mx" ? (address === null ? 2 : 1) : null),
    share: () => 0.5,
  },
  metrics: new ScriptFigures(),
  files: {
    open: (path) => {
      const bytes = { "file://list.txt": lines, "file://table.csv": table }[path];
      return bytes === undefined
        ? null
        : { size: bytes.length, read: async (start, end) => bytes.subarray(start, end) };
    },
  },
  keys: {
    privateKey: (id) =>
      id === "named" ? "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=" : id === "rsa" ? rsaKey : null,
  },
};
