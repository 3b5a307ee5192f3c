import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { resources } from "#operator/kube/objects.ts";

import { Whole, cluster } from "../../testing/whole.ts";

async function started(replicas: number): Promise<{ whole: Whole; stop: () => Promise<unknown> }> {
  const whole = new Whole();
  whole.engines.canHandOver = true;
  whole.engines.keepsList = true;
  whole.kube.seed(resources.mailClusters, cluster({ replicas }));
  const operator = whole.start();
  await whole.until("settled", () => whole.condition("Reconciling") === "False Settled", 500);
  return { whole, stop: () => operator.stop() };
}

const ipOf = (whole: Whole, slot: number): string => whole.node.addressOf(`out-${slot}`);

/** Whom each slot's engine follows: "1 2". */
const followed = (whole: Whole, slot: number): string =>
  (whole.engines.byIp.get(ipOf(whole, slot))?.suppression?.sources ?? [])
    .map((source) => /^out-(\d+) https:/.exec(source)?.[1])
    .join(" ");

describe("sources of the suppression list", () => {
  test("follow the pods up and down, and come back to an engine that started again", async () => {
    const { whole, stop } = await started(2);
    await whole.until("each other", () => followed(whole, 0) === "1" && followed(whole, 1) === "0");
    whole.edit(({ spec }) => {
      spec["replicas"] = 3;
    });
    await whole.until(
      "a ring",
      () => [0, 1, 2].map((slot) => followed(whole, slot)).join(", ") === "1 2, 2 0, 0 1",
    );
    whole.engines.change(ipOf(whole, 1), {
      startedAt: "2026-02-01T00:00:00.000Z",
      suppression: { sources: [], unshared: true, size: 1 },
    });
    await whole.until("again", () => followed(whole, 1) === "2 0");
    await stop();
  });

  test("a pod that leaves keeps its claim until another has its list", async () => {
    const { whole, stop } = await started(2);
    await whole.until("each other", () => followed(whole, 0) === "1" && followed(whole, 1) === "0");
    const ip = ipOf(whole, 1);
    const { sources = [] } = whole.engines.byIp.get(ip)?.suppression ?? {};
    whole.engines.change(ip, { suppression: { sources, unshared: true, size: 1 } });
    whole.edit(({ spec }) => {
      spec["replicas"] = 1;
    });
    await whole.until("it waits", () => whole.condition("ScaleDownBlocked") === "True ListAlone");
    assert.equal(whole.names("pods").length, 2);
    whole.engines.change(ip, { suppression: { sources, unshared: false, size: 1 } });
    await whole.until("gone", () => whole.names("pods").length === 1);
    await whole.until("alone", () => followed(whole, 0) === "");
    await stop();
  });

  test("the last list stays in its volume while a cluster hibernates, and comes back with it", async () => {
    const { whole, stop } = await started(2);
    await whole.until("each other", () => followed(whole, 0) === "1" && followed(whole, 1) === "0");
    for (const slot of [0, 1]) {
      const { sources = [] } = whole.engines.byIp.get(ipOf(whole, slot))?.suppression ?? {};
      const queue = { total: 0, active: 0, deferred: 0, hold: 0, oldestDueSeconds: 0, nextDueAt: null };
      whole.engines.change(ipOf(whole, slot), { queue, suppression: { sources, unshared: false, size: 1 } });
    }
    const hibernate = (value: string): void =>
      whole.edit(({ metadata }) => {
        metadata.annotations = { "mailfleet.io/hibernate": value };
      });
    hibernate("true");
    await whole.until("no pod", () => whole.names("pods").length === 0, 500);
    await whole.until("hibernated", () => whole.condition("Hibernated") === "True Hibernated", 500);
    assert.equal(whole.names("claims").length, 1);
    const kept = whole.names("claims");
    hibernate("false");
    await whole.until("awake", () => whole.names("pods").length === 2, 500);
    assert.ok(whole.names("claims").includes(kept[0] ?? ""));
    await stop();
  });
});
