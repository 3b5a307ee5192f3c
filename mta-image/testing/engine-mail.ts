/** Mail into a whole engine, and what its queue holds of it. Used by tests of engines; what is refused fails the test. */
import assert from "node:assert/strict";

import type { QueuePage } from "#contract/admin-api.ts";

import { Lines } from "./dialogue.ts";
import type { Engine } from "./harness.ts";

/** One message to all of them, from news@example.org. */
export async function sendTo({ smtpPort }: Engine, ...recipients: readonly string[]): Promise<void> {
  const client = await Lines.to(smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  await client.ask("MAIL FROM:<news@example.org>");
  for (const address of recipients) await client.ask(`RCPT TO:<${address}>`);
  await client.ask("DATA");
  assert.match(await client.ask("Subject: x\r\n\r\nhello\r\n."), /^250 /);
  client.socket.destroy();
}

/** The first page of its queue, as the administration tells it. */
export async function queuedIn(engine: Engine): Promise<QueuePage["entries"]> {
  return ((await engine.admin("GET", "/v1/queue")).json as QueuePage).entries;
}
