import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Whole, cluster } from "../testing/whole.ts";
import { resources } from "#operator/kube/objects.ts";

const READY = "True AllPodsReady";
const autoscaling = {
  mode: "Internal",
  minReplicas: 1,
  maxReplicas: 4,
  targets: { dueMessagesPerPod: 100 },
  behavior: { scaleDown: { stabilizationSeconds: 60, pods: 4, periodSeconds: 15 } },
};

async function started(
  spec: Record<string, unknown>,
): Promise<{ whole: Whole; stop: () => Promise<unknown> }> {
  const whole = new Whole();
  whole.engines.canHandOver = true;
  whole.engines.canSpread = true;
  whole.kube.seed(resources.mailClusters, cluster(spec));
  const operator = whole.start();
  await whole.until("settled", () => whole.condition("Ready") === READY && isSettled(whole), 500);
  return { whole, stop: () => operator.stop() };
}

const isSettled = (whole: Whole): boolean => whole.condition("Reconciling") === "False Settled";
const scaleTo = (whole: Whole, replicas: number): void =>
  whole.edit(({ spec }) => {
    spec["replicas"] = replicas;
  });
const ipOf = (whole: Whole, slot: number): string => whole.node.addressOf(`out-${slot}`);
const events = (whole: Whole): readonly string[] =>
  (whole.kube.peekAll(resources.events) as unknown as { reason: string }[]).map(({ reason }) => reason);
const statusOf = (whole: Whole) => whole.cluster()?.status as Record<string, never> | undefined;

describe("a backlog", () => {
  async function burst(spec: Record<string, unknown>): Promise<Awaited<ReturnType<typeof started>>> {
    const all = await started(spec);
    all.whole.engines.queue(ipOf(all.whole, 0), 1000);
    return all;
  }
  const backlogs = (whole: Whole): readonly number[] =>
    whole.names("pods").map((name) => whole.engines.byIp.get(whole.node.addressOf(name))?.queue.total ?? -1);
  const scaled = { replicas: undefined, autoscaling };

  test("is spread over the pods that come for it, once, and the status says so", async () => {
    const { whole, stop } = await burst(scaled);
    await whole.until("spread", () => backlogs(whole).join() === "250,250,250,250", 500);
    assert.ok(events(whole).includes("BacklogSpread"));
    assert.match(JSON.stringify(statusOf(whole)?.["spread"]), /slot \d: \d+ to \d/);
    const before = whole.engines.spreads.length;
    await whole.turns(400, 1000);
    assert.equal(whole.engines.spreads.length, before);
    assert.equal(whole.engines.queued, 1000);
    await stop();
  });

  test("stays where the spec says so, and where leaving pods may hand nothing over either", async () => {
    for (const change of [
      { autoscaling: { ...autoscaling, spreadBacklog: false } },
      { autoscaling, drain: { to: "None" } },
    ]) {
      const { whole, stop } = await burst({ replicas: undefined, ...change });
      await whole.until("four pods", () => whole.names("pods").length === 4, 500);
      await whole.until("ready", () => whole.condition("Ready") === READY, 500);
      await whole.turns(100, 1000);
      assert.deepEqual(whole.engines.spreads, []);
      await stop();
    }
  });

  test("of an engine that refuses to spread is asked for rarely", async () => {
    const { whole, stop } = await started({ replicas: 2 });
    whole.engines.queue(ipOf(whole, 0), 1000);
    whole.engines.disobedient.add(ipOf(whole, 0));
    await whole.turns(400, 1000);
    assert.deepEqual(backlogs(whole), [1000, 0]);
    whole.engines.disobedient.clear();
    await whole.until("spread", () => backlogs(whole).join() === "500,500", 1000);
    assert.equal(whole.engines.spreads.length, 1);
    await stop();
  });

  test("is all there when pods leave while it is being spread, and none goes before its peer has told", async () => {
    const { whole, stop } = await started({ replicas: 4 });
    whole.engines.queue(ipOf(whole, 0), 4000);
    await whole.until("an order", () => whole.engines.spreads.length > 0);
    scaleTo(whole, 2);
    await whole.until("two pods", () => whole.names("pods").length === 2 && isSettled(whole), 500);
    assert.equal(whole.engines.queued, 4000);
    await stop();
  });
});
