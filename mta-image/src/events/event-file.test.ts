import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { makeLogLines } from "../../testing/log-lines.ts";
import { makeMessage } from "../../testing/messages.ts";
import { until } from "../../testing/until.ts";
import { EventFile } from "./event-file.ts";
import { type MailEvent, receivedEvents } from "./mail-event.ts";

const [received] = receivedEvents(makeMessage(), 0);

const eventOf = (attempts: number, reply: string): MailEvent => {
  assert.ok(received);
  return { ...received, attempts, reply };
};

/** Where the file is to be there is a folder for now. */
async function unusable(t: TestContext): Promise<{
  path: string;
  file: EventFile;
  clock: ManualClock;
  said: (line: string) => readonly Readonly<Record<string, unknown>>[];
}> {
  const folder = await mkdtemp(join(tmpdir(), "event-file-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "mail.log");
  await mkdir(path);
  const { log, lines } = makeLogLines();
  const clock = new ManualClock();
  const file = new EventFile({ path, maxBytes: 1e9, keep: 1, types: ["received"], clock, log });
  return { path, file, clock, said: (line) => lines.filter(({ msg }) => msg === line) };
}

test("of events that a file does not take 16 MiB wait, and those are written in order when it does", async (t) => {
  const { path, file, clock, said } = await unusable(t);
  const reply = "x".repeat(1024 * 1024);
  for (let n = 0; n < 20; n++) file.push(eventOf(n, reply));
  await until(
    async () => said("event-file-unusable").length,
    (count) => count === 1,
  );
  file.push(eventOf(20, ""));
  await rm(path, { recursive: true });
  clock.advance(59_999);
  assert.equal(clock.nextAt(), clock.now() + 1);
  clock.advance(1);
  const lines = (): Promise<string[]> =>
    readFile(path, "utf8").then(
      (text) => text.split("\n").slice(0, -1),
      () => [],
    );
  await until(lines, ({ length }) => length === 16);
  file.push(eventOf(21, ""));
  await file.close();
  const attempts = (await lines()).map((line) => (JSON.parse(line) as MailEvent).attempts);
  assert.deepEqual(attempts, [...Array.from({ length: 16 }, (_, n) => n), 21]);
  assert.deepEqual([said("event-file-too-slow").length, said("event-file-unusable").length], [1, 1]);
  assert.deepEqual([said("event-file-lost").length, clock.nextAt()], [0, null]);
});

test("what a file has not taken by the end is lost, and how much that is is logged", async (t) => {
  const { file, clock, said } = await unusable(t);
  const event = eventOf(1, "");
  file.push(event);
  file.push({ ...event, type: "delivered" });
  await file.close();
  assert.deepEqual(
    said("event-file-lost").map(({ bytes }) => bytes),
    [JSON.stringify(event).length + 1],
  );
  assert.equal(clock.nextAt(), null, "nothing is tried any more");
});
