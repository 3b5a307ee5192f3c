import assert from "node:assert/strict";
import { once } from "node:events";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { silentLog } from "#base/log.ts";

import { makeMessage } from "../../testing/messages.ts";
import { until as eventually } from "../../testing/until.ts";
import type { Batches } from "./batches.ts";
import { type MailEvent, receivedEvents } from "./mail-event.ts";
import { WebhookSender } from "./webhook.ts";

const until = (isSo: () => boolean): Promise<unknown> =>
  eventually(
    async () => isSo(),
    (so) => so,
  );

/** Batches in memory: a disk as far as a sender sees it. */
class KeptBatches
  implements Pick<Batches, "bytes" | "first" | "last" | "dropped" | "add" | "read" | "remove">
{
  readonly texts = new Map<string, string>();
  readonly bytes = 0;
  readonly dropped = 0;
  isFull = false;

  get first(): string | null {
    return [...this.texts.keys()][0] ?? null;
  }

  get last(): string | null {
    return [...this.texts.keys()].at(-1) ?? null;
  }

  async add(id: string, text: string): Promise<void> {
    if (this.isFull) throw new Error("no room");
    this.texts.set(id, text);
  }

  async read(id: string): Promise<string | null> {
    return this.texts.get(id) ?? null;
  }

  async remove(id: string): Promise<void> {
    this.texts.delete(id);
  }
}

/** Answers with `status`, or not at all while it holds. */
class Receiver {
  readonly url: string;
  status = 500;
  asked = 0;
  isHolding = false;

  constructor(server: Server) {
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    server.on("request", (request, response) => {
      if (request.method === "POST") this.asked++;
      const isHeld = this.isHolding && request.method === "POST";
      if (!isHeld) request.resume().on("end", () => response.writeHead(this.status).end());
    });
  }

  /** Who has begun to post before has been heard when it resolves. */
  async heard(): Promise<void> {
    await (await fetch(this.url)).text();
  }
}

async function rig(t: TestContext): Promise<{
  sender: WebhookSender;
  batches: KeptBatches;
  clock: ManualClock;
  receiver: Receiver;
  event: MailEvent;
}> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const receiver = new Receiver(server);
  const [batches, clock] = [new KeptBatches(), new ManualClock()];
  const sender = new WebhookSender({
    id: "books",
    url: receiver.url,
    secret: null,
    timeoutMs: 60_000,
    types: ["received"],
    batches: batches as unknown as Batches,
    clock,
    log: silentLog,
  });
  t.after(() => sender.close().then(() => server.close()));
  const [event] = receivedEvents(makeMessage(), 0);
  assert.ok(event);
  return { sender, batches, clock, receiver, event };
}

test("a receiver that is away is asked after a second, then later each time up to five minutes, and at once when it is well", async (t) => {
  const { sender, batches, clock, receiver, event } = await rig(t);
  const waits = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map((seconds) => seconds * 1000);
  sender.push(event);
  clock.advance(1000);
  for (const [nth, wait] of waits.entries()) {
    await until(() => sender.failures === nth + 1 && clock.nextAt() !== null);
    assert.equal(clock.nextAt(), clock.now() + wait);
    if (nth === waits.length - 1) receiver.status = 204;
    clock.advance(wait);
  }
  await until(() => sender.sent === 1);
  assert.deepEqual([batches.texts.size, sender.failures], [0, waits.length]);
  receiver.status = 500;
  sender.push(event);
  clock.advance(1000);
  await until(() => sender.failures === waits.length + 1 && clock.nextAt() !== null);
  assert.equal(clock.nextAt(), clock.now() + 1000);
});

test("what comes while a receiver is given time is kept behind the rest, and not posted before", async (t) => {
  const { sender, batches, clock, receiver, event } = await rig(t);
  sender.push(event);
  clock.advance(1000);
  await until(() => sender.failures === 1 && clock.nextAt() !== null);
  clock.advance(999);
  sender.push(event);
  clock.advance(1);
  await until(() => sender.failures === 2);
  clock.advance(999);
  await until(() => batches.texts.size === 2);
  await receiver.heard();
  assert.equal(receiver.asked, 2);
});

test("while a receiver thinks about one batch it is given no other, nor that one again", async (t) => {
  const { sender, batches, clock, receiver, event } = await rig(t);
  receiver.isHolding = true;
  for (const size of [1, 2]) {
    sender.push(event);
    clock.advance(1000);
    await until(() => batches.texts.size === size && receiver.asked > 0);
  }
  await receiver.heard();
  assert.equal(receiver.asked, 1);
});

test("events beyond what memory is to hold are dropped and counted, the others go in batches of a thousand", async (t) => {
  const { sender, batches, clock, event } = await rig(t);
  for (let n = 0; n < 100_002; n++) sender.push(event);
  assert.equal(sender.dropped, 2);
  clock.advance(1000);
  await until(() => batches.texts.size === 100);
  const sizes = [...batches.texts.values()].map((text) => (JSON.parse(text) as unknown[]).length);
  assert.deepEqual(new Set(sizes), new Set([1000]));
});

test("events that the disk does not take are counted as dropped, and those behind them go on", async (t) => {
  const { sender, batches, clock, event } = await rig(t);
  batches.isFull = true;
  sender.push(event);
  sender.push(event);
  clock.advance(1000);
  await until(() => sender.dropped === 2);
  batches.isFull = false;
  sender.push(event);
  clock.advance(1000);
  await until(() => batches.texts.size === 1);
  assert.equal(sender.dropped, 2);
});
