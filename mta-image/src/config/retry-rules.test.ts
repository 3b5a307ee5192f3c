import assert from "node:assert/strict";
import { test } from "node:test";

import { AppConfig } from "#contract/app-config.ts";

import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import { setUp, settle } from "../../testing/queue-rig.ts";
import { makeRetryRules } from "./retry-rules.ts";

const usual = { count: 5, intervals: [{ delayMs: 1000, notify: false }] };

function rig(...retries: object[]): ReturnType<typeof setUp> {
  return rigFrom([], ...retries);
}

function rigFrom(sources: readonly string[], ...retries: object[]): ReturnType<typeof setUp> {
  const config = AppConfig.parse({
    servers: [{ id: "in", transport: "out" }],
    transportgroups: [{ id: "g", transports: [{ id: "out" }] }],
    queues: { retries },
  });
  const rules = makeRetryRules(config, () => undefined);
  const rigged = setUp({
    scheduleFor: (_, facts) => rules.find(facts) ?? usual,
    sourcesFor: () => sources,
    locator: { locate: async () => ({ hosts: ["mx1.big.example"], ips: ["192.0.2.1"] }) },
  });
  rigged.queue.rulebook.watch("retries", rules.watched);
  rigged.courier.answer = () => outcome("deferred");
  return rigged;
}

async function waitOf(rigged: ReturnType<typeof setUp>, domain: string): Promise<number> {
  const message = makeMessage({ recipients: [`u@${domain}`] });
  rigged.queue.add(message);
  await settle();
  const [entry] = rigged.queue.find(message.id);
  return (entry?.dueAt ?? 0) - rigged.clock.now();
}

test("a domain has a schedule of its own, notices included; the first condition that matches counts", async () => {
  const slow = { count: 1, intervals: [{ interval: "10m", notify: true }] };
  const rigged = rig(
    { if: { recipientdomain: "*.slow.net" }, retry: slow },
    { if: { recipientdomain: "/slow/" }, retry: { count: 1, intervals: [{ interval: "1m" }] } },
  );
  const { clock, notifier, courier } = rigged;
  assert.equal(await waitOf(rigged, "a.slow.net"), 600_000);
  assert.match(notifier.lines()[0] ?? "", /^delayed/);
  assert.equal(await waitOf(rigged, "slow.org"), 60_000);
  assert.equal(await waitOf(rigged, "other.net"), 1000);
  assert.equal(
    rigged.queue.scheduleFor({ transportId: "out", domain: "a.slow.net", jobId: "", tenantId: "" }).count,
    1,
  );
  clock.advance(600_000);
  await settle();
  assert.ok(courier.attempts.length > 3);
  assert.ok(
    notifier.lines().some((line) => line.startsWith("failed")),
    "its count is used up",
  );
});

test("domains that are served by the same hosts have a schedule together", async () => {
  const rigged = rig({
    if: { remotemx: "*.big.example" },
    retry: { count: 1, intervals: [{ interval: "2h" }] },
  });
  assert.equal(await waitOf(rigged, "one.net"), 7_200_000);
  assert.equal(await waitOf(rigged, "two.org"), 7_200_000);
});

test("mail from one of our addresses has a schedule of its own, by the address that it was tried from", async () => {
  const rigged = rigFrom(["192.0.2.7", "192.0.2.8"], {
    if: { localip: "192.0.2.7" },
    retry: { count: 1, intervals: [{ interval: "2h" }] },
  });
  const waits = [await waitOf(rigged, "one.net"), await waitOf(rigged, "one.net")];
  const sources = rigged.courier.attempts.map(({ terms }) => terms?.source);
  assert.deepEqual(sources.toSorted(), ["192.0.2.7", "192.0.2.8"]);
  assert.deepEqual(
    waits,
    sources.map((source) => (source === "192.0.2.7" ? 7_200_000 : 1000)),
  );
  const name = { transportId: "out", domain: "one.net", jobId: "", tenantId: "" };
  assert.equal(rigged.queue.scheduleFor(name, "192.0.2.7").count, 1, "as scripts are told");
  assert.equal(rigged.queue.scheduleFor(name).count, 5);
});
