/** The whole operator while people have slots fenced. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type Pod, resources } from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

const isSettled = (whole: Whole): boolean => whole.condition("Reconciling") === "False Settled";
const stateOf = (whole: Whole, slot: number): string | undefined =>
  whole.engines.byIp.get(whole.node.addressOf(`out-${slot}`))?.state;
const uidOf = (whole: Whole, slot: number): string | undefined =>
  whole.kube.peek<Pod>(resources.pods, NAMESPACE, `out-${slot}`)?.metadata.uid;
const say = (whole: Whole, text: string): void =>
  whole.edit(({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, "mailfleet.io/fenced": text };
  });
const events = (whole: Whole): readonly string[] =>
  (whole.kube.peekAll(resources.events) as unknown as { reason: string; note: string }[]).map(
    ({ reason, note }) => `${reason}: ${note}`,
  );
const planOf = (whole: Whole): readonly string[] => {
  const { plan = [] } = (whole.cluster()?.status ?? {}) as { plan?: Record<string, string>[] };
  return plan.map(({ slot, action, waitsFor }) => `${slot} ${action} ${waitsFor}`);
};

async function started(replicas: number) {
  const whole = new Whole();
  whole.kube.seed(resources.mailClusters, cluster({ replicas, rollout: { canary: { bakeSeconds: 0 } } }));
  const operator = whole.start();
  await whole.until(
    "settled",
    () => whole.condition("Ready") === "True AllPodsReady" && isSettled(whole),
    500,
  );
  return { whole, stop: () => operator.stop() };
}

describe("a fenced slot", () => {
  test("is taken out, told in condition and event, and serves again when the annotation goes", async () => {
    const { whole, stop } = await started(3);
    const before = uidOf(whole, 1);
    say(whole, "1");
    await whole.until("fenced", () => whole.condition("Fenced") === "True Fenced", 500);
    assert.deepEqual(
      [0, 1, 2].map((slot) => stateOf(whole, slot)),
      ["Serving", "Fenced", "Serving"],
    );
    assert.equal(whole.condition("Ready"), "False PodsNotReady");
    assert.match(whole.message("Ready"), /slot 1 \(fenced\)/);
    assert.equal(whole.condition("Reconciling"), "False Settled", "nobody works on it");
    assert.match(JSON.stringify(whole.cluster()?.status), /"slot":1,"state":"Fenced"/);
    assert.ok(events(whole).some((text) => text.startsWith("Fenced: slot 1: no mail is taken or tried")));
    const writes = whole.kube.writes.length;
    await whole.turns(100, 1000);
    assert.equal(whole.kube.writes.length, writes, "a settled cluster is not written to");
    say(whole, "");
    await whole.until("serves", () => stateOf(whole, 1) === "Serving" && isSettled(whole), 500);
    assert.equal(whole.condition("Fenced"), "False NotFenced");
    assert.equal(uidOf(whole, 1), before);
    await stop();
  });

  test("is waited for by a roll-out, which says so, and gets it when it is free", async () => {
    const { whole, stop } = await started(3);
    const before = [0, 1, 2].map((slot) => uidOf(whole, slot));
    say(whole, "out-2");
    await whole.until("fenced", () => whole.condition("Fenced") === "True Fenced", 500);
    whole.engines.pushes.length = 0;
    whole.edit(({ spec }) => {
      const { config } = spec as { config: { app: Record<string, unknown> } };
      config.app = { ...config.app, queues: { concurrency: 7 } };
      Object.assign(spec, { engine: { env: [{ name: "A", value: "b" }] } });
    });
    await whole.until("waits", () => planOf(whole).includes("2 ReplacePod Fenced"), 500);
    await whole.turns(100, 1000);
    assert.deepEqual(
      [0, 1, 2].map((slot) => uidOf(whole, slot)),
      before,
      "no pod is made anew",
    );
    assert.ok(planOf(whole).includes("0 ReplacePod OtherPodFenced"));
    assert.ok(events(whole).some((text) => /^Fenced: slot 2 is not made anew yet \(/.test(text)));
    assert.ok(!whole.engines.pushes.some(({ ip }) => ip === whole.node.addressOf("out-2")));
    say(whole, "");
    await whole.until(
      "done",
      () => whole.condition("RolloutComplete") === "True Complete" && isSettled(whole),
      800,
    );
    assert.ok([0, 1, 2].every((slot) => uidOf(whole, slot) !== before[slot]));
    await stop();
  });

  test("stays with its mail when the cluster shrinks or hibernates, and goes afterwards", async () => {
    const { whole, stop } = await started(2);
    whole.engines.queue(whole.node.addressOf("out-0"), 30);
    say(whole, "0");
    await whole.until("fenced", () => whole.condition("Fenced") === "True Fenced", 500);
    whole.edit(({ spec }) => Object.assign(spec, { replicas: 1 }));
    await whole.until("blocked", () => whole.condition("ScaleDownBlocked") === "True Fenced", 500);
    await whole.turns(100, 1000);
    assert.deepEqual([stateOf(whole, 0), stateOf(whole, 1)], ["Fenced", "Serving"]);
    say(whole, "");
    whole.engines.queue(whole.node.addressOf("out-0"), 0);
    await whole.until("gone", () => whole.names("pods").length === 1 && isSettled(whole), 1000);
    await stop();
  });
});
