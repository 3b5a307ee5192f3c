/** Policies and suspensions in a whole engine: from the pushed file to the mail that waits, and why. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import type { EngineStatus } from "#contract/admin-api.ts";
import type { Explanations } from "#contract/rules-api.ts";

import { queuedIn, sendTo } from "../../testing/engine-mail.ts";
import { type Engine, type EngineOptions, appConfig, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const folder = mkdtempSync(join(tmpdir(), "scheduling-"));
let sink: MailSink;
let options: EngineOptions;
let engine: Engine;
before(async () => {
  sink = await MailSink.start();
  options = { folder, server: `127.0.0.1:${sink.port}` };
  engine = await startEngine(options);
});
after(async () => {
  await engine.stop();
  await sink.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function send(...to: string[]): Promise<void> {
  for (const address of to) await sendTo(engine, address);
}

function push(revision: string, files: Readonly<Record<string, unknown>> = {}): Promise<{ status: number }> {
  const texts = Object.entries({ "smtpd-app.yaml": appConfig(options), ...files }).map(([name, value]) => [
    name,
    JSON.stringify(value),
  ]);
  return engine.admin("PUT", "/v1/config", { revision, files: Object.fromEntries(texts) });
}

const arrived = (): Promise<string[]> =>
  Promise.resolve(sink.received.flatMap(({ recipients }) => recipients).sort());

/** The one that is left when the engine, too, knows of those that have arrived. */
const left = (): ReturnType<typeof queuedIn> =>
  until(
    () => queuedIn(engine),
    ({ length }) => length === 1,
  );

test("what a pushed file suspends waits and says why, and goes when the next push has it no more", async () => {
  const suspends = [{ recipientdomain: "*.example.net", tag: "blocked" }];
  assert.equal((await push("r1", { "smtpd-suspend.yaml": { suspends } })).status, 200);
  await send("u@a.example.net", "u@example.com");
  await until(arrived, (recipients) => recipients.join() === "u@example.com");
  const [entry] = await left();
  assert.equal(entry?.recipient, "u@a.example.net");
  const explained = (await engine.admin("GET", `/v1/queue/${entry?.id}/explain`)).json as Explanations;
  const [obstacle] = explained.entries[0]?.obstacles ?? [];
  assert.deepEqual([obstacle?.kind, obstacle?.tag, obstacle?.until], ["suspension", "blocked", null]);
  await push("r2");
  await until(arrived, (recipients) => recipients.length === 2);
});

test("a rate of the file lets through what it allows, and an order of an administrator ends", async () => {
  const policies = [{ fields: ["recipientdomain"], default: { rate: "2/3600", tag: "slow" } }];
  await push("r3", { "smtpd-policy.yaml": { policies } });
  sink.received.length = 0;
  await send("u1@b.example", "u2@b.example", "u3@b.example", "u1@c.example");
  await until(arrived, (recipients) => recipients.join() === "u1@b.example,u1@c.example,u2@b.example");
  const [entry] = await left();
  const explained = (await engine.admin("GET", `/v1/queue/${entry?.messageId}/explain`)).json as Explanations;
  assert.match(explained.entries[0]?.obstacles[0]?.detail ?? "", /2 of 2 recipients in 3600 s/);
  await engine.admin("PUT", "/v1/suspensions/all", { ttl: 0.2 });
  await push("r4");
  await until(arrived, (recipients) => recipients.length === 4);
});

test("an engine of a cluster begins without a share and keeps the one that it is told over a restart", async () => {
  const share = async (): Promise<unknown> => (await engine.admin("GET", "/v1/shares")).json;
  assert.deepEqual(await share(), { shares: { n: 0, of: 1 }, version: 0, held: 0, isStarved: false });
  const shares = { shares: { n: 1, of: 2 }, place: { index: 1, turn: 3 } };
  assert.equal((await engine.admin("PUT", "/v1/shares", shares)).status, 200);
  await engine.stop();
  engine = await startEngine(options);
  assert.deepEqual(await share(), { ...shares, version: 1, held: 0.5, isStarved: false });
  const { json } = await engine.admin("GET", "/v1/status");
  assert.deepEqual((json as EngineStatus).share, await share());
});

test("connections that a cluster keeps apart are opened by an engine that has a place, and by no other", async () => {
  const policies = [{ fields: [], default: { connectinterval: 0.2, cluster: true } }];
  await push("r5", { "smtpd-policy.yaml": { policies } });
  const tell = (place: object | null): Promise<{ status: number }> =>
    engine.admin("PUT", "/v1/shares", { shares: { n: 1, of: 2 }, place });
  await tell(null);
  sink.received.length = 0;
  await send("u@a.example", "u@b.example");
  const status = async (): Promise<EngineStatus> =>
    (await engine.admin("GET", "/v1/status")).json as EngineStatus;
  const { queue, deliveries } = await until(status, (now) => now.queue.total === 2 && now.queue.active === 2);
  assert.deepEqual([queue.total, deliveries], [2, 0]);
  assert.deepEqual(await arrived(), []);
  await tell({ index: 1, turn: null });
  await until(arrived, (recipients) => recipients.length === 2);
});

test("an engine that takes a spool over in another pod has no share of its predecessor's", async () => {
  await engine.stop();
  rmSync(join(folder, "pushed"), { recursive: true });
  engine = await startEngine(options);
  assert.deepEqual((await engine.admin("GET", "/v1/shares")).json, {
    shares: { n: 0, of: 1 },
    version: 0,
    held: 0,
    isStarved: false,
  });
});
