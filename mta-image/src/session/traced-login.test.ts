/** Passwords in a traced session, wherever a client sends them: none of it is shown. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connect as connectTls, createSecureContext } from "node:tls";

import { TraceItem, TraceQuery } from "#contract/trace-api.ts";

import { Lines } from "../../testing/dialogue.ts";
import { Receiver } from "../../testing/receiver.ts";
import type { Credentials } from "./credentials.ts";

const read = (name: string): string => readFileSync(new URL(`testdata/${name}`, import.meta.url), "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const credentials: Credentials = {
  verify: async (_login, password) => (password === "Tr0ub4dor" ? "right" : "wrong"),
};

async function traceOf(...lines: readonly string[]): Promise<string[]> {
  const receiver = await Receiver.start({
    tls,
    settings: { implicitTls: true, credentials },
    relayNetworks: [],
  });
  const shown: string[] = [];
  receiver.traces.watch(TraceQuery.parse({ contentLines: 100 }), {
    pendingBytes: 0,
    write: (text) => {
      const item = TraceItem.parse(JSON.parse(text));
      if ("text" in item) shown.push(`${item.kind} ${item.text}`);
    },
    end: () => {},
    destroy: () => {},
  });
  const socket = connectTls({ port: receiver.port, host: "127.0.0.1", rejectUnauthorized: false });
  try {
    const client = new Lines(socket);
    await client.reply();
    await client.ask("EHLO client.example.org");
    for (const line of lines) await client.ask(line);
  } finally {
    socket.destroy();
    await receiver.close();
  }
  return shown;
}

const secrets = [base64("\0ann\0Tr0ub4dor"), base64("Tr0ub4dor"), "Tr0ub4dor"];

test("a login shows as that, in each of its forms", async () => {
  for (const lines of [
    [`AUTH PLAIN ${base64("\0ann\0Tr0ub4dor")}`],
    ["AUTH PLAIN", base64("\0ann\0Tr0ub4dor")],
    ["auth login", base64("ann"), base64("Tr0ub4dor")],
    [`AUTH LOGIN ${base64("ann")}`, base64("Tr0ub4dor")],
  ]) {
    const shown = await traceOf(...lines, "NOOP");
    const text = shown.join("\n");
    for (const secret of secrets) assert.ok(!text.includes(secret), text);
    assert.match(text, /client AUTH (?:PLAIN|LOGIN)/i);
    assert.match(text, /\nserver 235 2\.7\.0 Authenticated\n(?:.*\n)*client NOOP/);
  }
});

test("who goes on after a refused AUTH, or mistypes it, is not given away either", async () => {
  const shown = await traceOf(
    "AUTH CRAM-MD5",
    base64("ann"),
    base64("Tr0ub4dor"),
    `AUTHPLAIN ${base64("\0ann\0Tr0ub4dor")}`,
    `  AUTH PLAIN ${base64("\0ann\0Tr0ub4dor")}`,
    "PASS Tr0ub4dor",
  );
  const text = shown.join("\n");
  for (const secret of secrets) assert.ok(!text.includes(secret), text);
  assert.match(text, /client \(12 bytes that are no command\)/);
});
