import assert from "node:assert/strict";
import { test } from "node:test";

import type { Lines } from "../../testing/dialogue.ts";
import { Receiver } from "../../testing/receiver.ts";
import type { SpooledMessage } from "../spool/spool.ts";

const NOW = 1_800_000_000_000;

/** One mail with these parameters: the reply to MAIL, and the message when it was taken. */
async function ask(
  parameters: string,
  options: { relayNetworks?: readonly string[] } = {},
): Promise<{ reply: string; message: SpooledMessage | undefined }> {
  const receiver = await Receiver.start({ relayDomains: ["example.net"], ...options });
  try {
    const client: Lines = await receiver.greeted();
    const reply = await client.ask(`MAIL FROM:<news@example.org> ${parameters}`);
    if (reply.startsWith("250")) {
      await client.ask("RCPT TO:<ann@example.net>");
      await client.ask("DATA");
      await client.ask("Subject: x\r\n\r\nx\r\n.");
    }
    await client.ask("QUIT");
    return { reply, message: receiver.accepted[0] };
  } finally {
    await receiver.close();
  }
}

test("mail for later is taken now and due then (RFC 4865)", async () => {
  const { message } = await ask("HOLDFOR=3600");
  assert.equal(message?.envelope.holdUntil, NOW + 3_600_000);
  assert.equal(message?.recipients[0]?.state.dueAt, NOW + 3_600_000);
  const until = new Date(NOW + 60_000).toISOString();
  assert.equal((await ask(`HOLDUNTIL=${until}`)).message?.recipients[0]?.state.dueAt, NOW + 60_000);
});

test("a time that has passed means now", async () => {
  const { message } = await ask(`HOLDUNTIL=${new Date(NOW - 60_000).toISOString()}`);
  assert.equal(message?.recipients[0]?.state.dueAt, NOW);
});

test("who may not relay may not have mail held, and nobody for more than 30 days", async () => {
  assert.match((await ask("HOLDFOR=60", { relayNetworks: [] })).reply, /^530 5\.7\.0 /);
  assert.match((await ask("HOLDFOR=2592001")).reply, /^501 5\.5\.4 Mail is held for at most 30 days/);
});

test("the sender's time is kept as a time, not as a span (RFC 2852)", async () => {
  const { message } = await ask("BY=120;rt");
  assert.deepEqual(message?.envelope.deliverBy, { at: NOW + 120_000, mode: "return", trace: true });
  const late = await ask("BY=-5;N");
  assert.deepEqual(late.message?.envelope.deliverBy, { at: NOW - 5000, mode: "notify", trace: false });
});

test("urgency is granted to those who may relay; others may only wait longer (RFC 6710)", async () => {
  assert.equal((await ask("MT-PRIORITY=9")).message?.envelope.priority, 9);
  const stranger = await ask("MT-PRIORITY=9", { relayNetworks: [] });
  assert.match(stranger.reply, /^250 2\.3\.6 /);
  assert.equal(stranger.message?.envelope.priority, undefined);
  assert.equal((await ask("MT-PRIORITY=-4", { relayNetworks: [] })).message?.envelope.priority, -4);
});

for (const wrong of [
  "HOLDFOR=0",
  "HOLDFOR=1234567890",
  "HOLDFOR=1 HOLDUNTIL=2030-01-01T00:00:00Z",
  "HOLDUNTIL=tomorrow",
  "HOLDUNTIL=2030-13-45T99:00:00Z",
  "BY=0;R",
  "BY=-1;R",
  "BY=10",
  "BY=10;X",
  "BY=1234567890;N",
  "BY",
  "MT-PRIORITY=10",
  "MT-PRIORITY=-0",
  "MT-PRIORITY=+1",
  "MT-PRIORITY",
]) {
  test(`MAIL with ${wrong} is refused`, async () => {
    assert.match((await ask(wrong)).reply, /^501 5\.5\.4 /);
  });
}
