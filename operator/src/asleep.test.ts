/** The whole operator while no pod is wanted and mail is not due yet. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { resources } from "#operator/kube/objects.ts";

import { cluster, Whole } from "../testing/whole.ts";

const autoscaling = {
  mode: "Internal",
  minReplicas: 1,
  maxReplicas: 4,
  targets: { dueMessagesPerPod: 100 },
  behavior: { scaleDown: { stabilizationSeconds: 60, pods: 4, periodSeconds: 15 } },
};

async function started(spec: Record<string, unknown>) {
  const whole = new Whole();
  whole.kube.seed(resources.mailClusters, cluster(spec));
  const operator = whole.start();
  await whole.until("settled", () => isSettled(whole) && whole.condition("Ready") !== "", 500);
  return { whole, stop: () => operator.stop() };
}

const isSettled = (whole: Whole): boolean => whole.condition("Reconciling") === "False Settled";
const ipOf = (whole: Whole, slot: number): string => whole.node.addressOf(`out-${slot}`);
const events = (whole: Whole): readonly string[] =>
  (whole.kube.peekAll(resources.events) as unknown as { reason: string }[]).map(({ reason }) => reason);
const statusOf = (whole: Whole) => whole.cluster()?.status as Record<string, never> | undefined;

describe("mail that is not due", () => {
  test("a cluster that hibernates keeps mail that is not due in its volume, and wakes for it", async () => {
    const { whole, stop } = await started({ replicas: 1 });
    const nextDueAt = new Date(whole.clock.now() + 3_600_000).toISOString();
    const queue = { total: 3, active: 0, deferred: 3, hold: 0, oldestDueSeconds: 0, nextDueAt };
    whole.engines.change(ipOf(whole, 0), { queue });
    whole.edit(({ metadata }) => {
      metadata.annotations = { "mailfleet.io/hibernate": "true" };
    });
    await whole.until("asleep", () => whole.condition("Hibernated") === "True Hibernated", 500);
    await whole.until("no pod", () => whole.names("pods").length === 0, 500);
    assert.deepEqual(whole.names("claims"), ["out-0"]);
    await whole.until("quiet", () => isSettled(whole), 500);
    assert.match(JSON.stringify(statusOf(whole)?.["pods"]), /"state":"Retained".*"wakeAt":/);
    assert.ok(events(whole).includes("SpoolAsleep"));
    const before = whole.kube.writes.length;
    await whole.turns(600, 5000);
    assert.equal(whole.kube.writes.length, before, "nothing is written while it sleeps");
    await whole.until("awake for it", () => whole.names("pods").length === 1, 5000);
    await stop();
  });

  test("an autoscaler that may go to zero does, keeps what is not due, and comes back for it", async () => {
    const { whole, stop } = await started({
      replicas: undefined,
      autoscaling: { ...autoscaling, minReplicas: 0 },
    });
    const nextDueAt = new Date(whole.clock.now() + 3_600_000).toISOString();
    const queue = { total: 3, active: 0, deferred: 3, hold: 0, oldestDueSeconds: 0, nextDueAt };
    await whole.until("a pod", () => whole.names("pods").length === 1 && ipOf(whole, 0) !== "", 500);
    whole.engines.change(ipOf(whole, 0), { queue });
    await whole.until(
      "zero",
      () => whole.names("pods").length === 0 && whole.names("claims").length === 1,
      1000,
    );
    assert.equal(whole.condition("ScalingActive"), "True Following");
    await whole.until("due", () => whole.names("pods").length === 1 && ipOf(whole, 0) !== "", 5000);
    whole.engines.queue(ipOf(whole, 0), 40);
    await whole.until(
      "serving",
      () => whole.engines.byIp.get(ipOf(whole, 0))?.state === "Serving" && isSettled(whole),
      500,
    );
    assert.equal(statusOf(whole)?.["targetReplicas"], 1);
    await stop();
  });
});
