import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { NAMESPACE, Whole, cluster } from "../testing/whole.ts";
import { type Pod, resources } from "#operator/kube/objects.ts";
import type { Manager } from "#operator/manager.ts";

const READY = "True AllPodsReady";
const autoscaling = {
  mode: "Internal",
  minReplicas: 1,
  maxReplicas: 4,
  targets: { dueMessagesPerPod: 100 },
  behavior: { scaleDown: { stabilizationSeconds: 60, pods: 4, periodSeconds: 15 } },
};

async function started(spec: Record<string, unknown>): Promise<{
  whole: Whole;
  manager: Manager;
  stop: () => Promise<unknown>;
}> {
  const whole = new Whole();
  whole.engines.canHandOver = true;
  whole.kube.seed(resources.mailClusters, cluster(spec));
  const operator = whole.start();
  await whole.until("settled", () => whole.condition("Ready") === READY && isSettled(whole), 500);
  return { whole, manager: operator.manager, stop: () => operator.stop() };
}

const isSettled = (whole: Whole): boolean => whole.condition("Reconciling") === "False Settled";
const scaleTo = (whole: Whole, replicas: number): void =>
  whole.edit(({ spec }) => {
    spec["replicas"] = replicas;
  });
const annotate = (whole: Whole, key: string, value: string): void =>
  whole.edit(({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, [`mailfleet.io/${key}`]: value };
  });
const ipOf = (whole: Whole, slot: number): string => whole.node.addressOf(`out-${slot}`);
const events = (whole: Whole): readonly string[] =>
  (whole.kube.peekAll(resources.events) as unknown as { reason: string }[]).map(({ reason }) => reason);
const statusOf = (whole: Whole) => whole.cluster()?.status as Record<string, never> | undefined;

describe("the autoscaler", () => {
  test("a burst brings pods, and they leave with their mail handed over when it is gone", async () => {
    const { whole, stop } = await started({ replicas: undefined, autoscaling });
    assert.deepEqual(whole.names("pods"), ["out-0"]);
    assert.equal(whole.condition("ScalingActive"), "True Following");
    whole.engines.queue(ipOf(whole, 0), 390);
    await whole.until("four pods", () => whole.names("pods").length === 4, 500);
    await whole.until("ready", () => whole.condition("Ready") === READY, 500);
    assert.ok(events(whole).includes("ScaledUp"));
    // Half is delivered; what is left is spread by hand-over while pods leave.
    whole.engines.queue(ipOf(whole, 0), 80);
    whole.engines.queue(ipOf(whole, 2), 5);
    await whole.until("one pod", () => whole.names("pods").length === 1 && isSettled(whole), 500);
    assert.equal(whole.names("claims").length, 1);
    assert.equal(whole.engines.queued, 85, "handed over, not dropped");
    assert.ok(events(whole).includes("ScaledDown"));
    await stop();
  });

  test("holds while a pod is unknown, and says so", async () => {
    const { whole, stop } = await started({
      replicas: undefined,
      autoscaling: { ...autoscaling, minReplicas: 1 },
    });
    whole.engines.queue(ipOf(whole, 0), 290);
    await whole.until("three pods", () => whole.names("pods").length === 3, 500);
    await whole.until("ready", () => whole.condition("Ready") === READY, 500);
    whole.engines.silent.add(ipOf(whole, 2));
    whole.engines.queue(ipOf(whole, 0), 0);
    await whole.until("unknown", () => whole.condition("ScalingActive") === "False FiguresUnknown", 500);
    await whole.turns(600, 1000);
    assert.equal(whole.names("pods").length, 3);
    whole.engines.silent.clear();
    await whole.until("one pod", () => whole.names("pods").length === 1, 500);
    await stop();
  });

  test("a new operator takes the size as it finds it and lets nobody leave at once", async () => {
    const { whole, stop } = await started({
      replicas: undefined,
      autoscaling: { ...autoscaling, behavior: { scaleDown: { stabilizationSeconds: 300, pods: 4 } } },
    });
    whole.engines.queue(ipOf(whole, 0), 290);
    await whole.until("three pods", () => whole.names("pods").length === 3, 500);
    await whole.until("ready", () => whole.condition("Ready") === READY, 500);
    whole.engines.queue(ipOf(whole, 0), 0);
    await stop();
    const second = whole.start({ identity: "second" });
    await whole.turns(200, 1000);
    assert.equal(whole.names("pods").length, 3);
    await whole.until("one pod", () => whole.names("pods").length === 1, 1000);
    await second.stop();
  });

  test("a settled cluster with the autoscaler on is not written to", async () => {
    const { whole, stop } = await started({ replicas: undefined, autoscaling });
    await whole.turns(100, 1000);
    const before = whole.kube.writes.length;
    await whole.turns(600, 1000);
    assert.deepEqual(whole.kube.writes.slice(before), []);
    await stop();
  });
});

describe("leaving", () => {
  test("the pod with the shortest queue leaves, hands over and takes its claim along", async () => {
    const { whole, stop } = await started({ replicas: 3 });
    whole.engines.queue(ipOf(whole, 0), 20);
    whole.engines.queue(ipOf(whole, 1), 1000);
    whole.engines.queue(ipOf(whole, 2), 900);
    await whole.turns(200);
    scaleTo(whole, 2);
    await whole.until("two pods", () => whole.names("pods").length === 2 && isSettled(whole));
    assert.deepEqual(whole.names("pods"), ["out-1", "out-2"]);
    assert.deepEqual(whole.names("claims"), ["out-1", "out-2"]);
    assert.equal(whole.engines.queued, 1920);
    const modes = whole.engines.orders.map(({ mode, peers }) => `${mode} ${peers.join(",")}`.trim());
    assert.deepEqual(modes, ["Cordon", "Drain out-1,out-2"]);
    await stop();
  });

  test("the slots that the user names leave", async () => {
    const { whole, stop } = await started({ replicas: 3 });
    whole.engines.queue(ipOf(whole, 1), 300);
    annotate(whole, "remove-slots", "1");
    scaleTo(whole, 2);
    await whole.until("two pods", () => whole.names("pods").length === 2);
    assert.deepEqual(whole.names("pods"), ["out-0", "out-2"]);
    assert.equal(whole.engines.queued, 300);
    await stop();
  });

  test("a cluster that grows again keeps the pod that was on its way out", async () => {
    const { whole, stop } = await started({ replicas: 2 });
    whole.engines.queue(ipOf(whole, 0), 9000);
    whole.engines.queue(ipOf(whole, 1), 5000);
    const uid = whole.kube.peek<Pod>(resources.pods, NAMESPACE, "out-1")?.metadata.uid;
    await whole.turns(200);
    scaleTo(whole, 1);
    const ip = ipOf(whole, 1);
    await whole.until("draining", () => whole.engines.byIp.get(ip)?.state === "Draining");
    assert.match(JSON.stringify(statusOf(whole)?.["pods"]), /"leavingSince"/);
    scaleTo(whole, 2);
    await whole.until("serving", () => whole.engines.byIp.get(ip)?.state === "Serving" && isSettled(whole));
    assert.equal(whole.kube.peek<Pod>(resources.pods, NAMESPACE, "out-1")?.metadata.uid, uid);
    assert.equal(whole.engines.queued, 14_000);
    await stop();
  });

  test("an operator that starts anew in the middle goes on with the same pod", async () => {
    const { whole, stop } = await started({ replicas: 3 });
    for (const [slot, queued] of [500, 400, 3000].entries()) whole.engines.queue(ipOf(whole, slot), queued);
    await whole.turns(200);
    scaleTo(whole, 2);
    const ip = ipOf(whole, 1);
    await whole.until("draining", () => whole.engines.byIp.get(ip)?.state === "Draining");
    await stop();
    // Meanwhile its queue has become the longest: who was chosen stays chosen.
    whole.engines.queue(ip, 5000);
    const second = whole.start({ identity: "second" });
    await whole.until("two pods", () => whole.names("pods").length === 2, 500);
    assert.deepEqual(whole.names("pods"), ["out-0", "out-2"]);
    await second.stop();
  });

  test("a peer that does not answer keeps both pods, and the status says what is waited for", async () => {
    const { whole, stop } = await started({ replicas: 2, drain: { deadlineSeconds: 60 } });
    const [peer, ip] = [ipOf(whole, 0), ipOf(whole, 1)];
    whole.engines.queue(peer, 9000);
    whole.engines.queue(ip, 40);
    whole.engines.deaf.add(peer);
    await whole.turns(200);
    scaleTo(whole, 1);
    await whole.until("draining", () => whole.condition("ScaleDownBlocked") === "False Draining");
    await whole.until("overdue", () => whole.condition("ScaleDownBlocked") === "True Overdue", 500);
    assert.match(JSON.stringify(statusOf(whole)?.["conditions"]), /waits for 10\.0\.0\.\d+: no answer/);
    assert.equal(whole.names("claims").length, 2);
    whole.engines.deaf.clear();
    await whole.until("one pod", () => whole.names("pods").length === 1, 500);
    assert.equal(whole.engines.queued, 9040);
    await stop();
  });

  test("an engine that takes no order keeps nobody else from leaving", async () => {
    const { whole, stop } = await started({ replicas: 3 });
    for (const [slot, queued] of [9000, 20, 30].entries()) whole.engines.queue(ipOf(whole, slot), queued);
    await whole.turns(200);
    const ip = ipOf(whole, 1);
    scaleTo(whole, 1);
    await whole.until("cordoned", () => whole.engines.byIp.get(ip)?.state === "Cordoned");
    whole.engines.disobedient.add(ip);
    whole.engines.queue(ip, 20);
    await whole.until("two pods", () => whole.names("pods").length === 2, 500);
    assert.deepEqual(whole.names("pods"), ["out-0", "out-1"]);
    whole.engines.disobedient.clear();
    await whole.until("one pod", () => whole.names("pods").length === 1, 500);
    assert.equal(whole.engines.queued, 9050);
    await stop();
  });

  test("the mail of a leaving slot goes when the user gives it up, and the word is not kept", async () => {
    const { whole, stop } = await started({ replicas: 2, drain: { to: "None" } });
    whole.engines.queue(ipOf(whole, 0), 50);
    whole.engines.queue(ipOf(whole, 1), 40);
    annotate(whole, "force-delete-slot", "0");
    const word = "mailfleet.io/force-delete-slot";
    await whole.until("nobody leaves", () => whole.cluster()?.metadata.annotations?.[word] === undefined);
    await whole.turns(100);
    scaleTo(whole, 1);
    await whole.until("cordoned", () => whole.engines.byIp.get(ipOf(whole, 1))?.state === "Cordoned");
    await whole.turns(300);
    assert.equal(whole.names("claims").length, 2);
    annotate(whole, "force-delete-slot", "1");
    await whole.until("gone", () => whole.names("claims").length === 1);
    await whole.until("dropped", () => whole.cluster()?.metadata.annotations?.[word] === undefined, 500);
    assert.deepEqual(whole.names("claims"), ["out-0"]);
    await stop();
  });
});

describe("a cluster that is scaled from outside", () => {
  test("tells KEDA its sums, or that they are unknown, and follows what the scaler writes", async () => {
    const { whole, manager, stop } = await started({ replicas: 2, autoscaling: { mode: "External" } });
    whole.engines.queue(ipOf(whole, 0), 40);
    whole.engines.queue(ipOf(whole, 1), 2);
    await whole.turns(400);
    const figures = { dueMessages: 42, oldestDueSeconds: 1, sessions: 0 };
    assert.deepEqual(manager.figuresOf(NAMESPACE, "out"), figures);
    assert.equal(manager.figuresOf(NAMESPACE, "other"), "absent");
    whole.engines.silent.add(ipOf(whole, 1));
    await whole.until("unknown", () => manager.figuresOf(NAMESPACE, "out") === "unknown", 1000);
    whole.engines.silent.clear();
    scaleTo(whole, 3);
    await whole.until("three pods", () => whole.names("pods").length === 3, 500);
    assert.equal(whole.condition("ScalingActive"), "False NotInternal");
    await stop();
    assert.equal(
      manager.figuresOf(NAMESPACE, "out"),
      "unknown",
      "an operator that does not act knows nothing",
    );
  });

  test("has figures no older than its own autoscaler would have", async () => {
    const { whole, manager, stop } = await started({ replicas: 1, autoscaling: { mode: "External" } });
    await whole.turns(400);
    for (const queued of [10, 20, 30]) {
      whole.engines.queue(ipOf(whole, 0), queued);
      await whole.turns(24);
      const figures = manager.figuresOf(NAMESPACE, "out");
      assert.equal(typeof figures === "object" && figures.dueMessages, queued);
    }
    await stop();
  });
});

describe("annotations", () => {
  test("a cluster that hibernates lets its pods go when they are empty, and comes back as large as it was", async () => {
    const { whole, stop } = await started({ replicas: 2 });
    whole.engines.queue(ipOf(whole, 0), 7);
    annotate(whole, "hibernate", "true");
    await whole.until("falling asleep", () => whole.condition("Hibernated") === "False FallingAsleep");
    await whole.until("one left", () => whole.names("pods").length === 1, 500);
    await whole.turns(300);
    assert.equal(whole.engines.queued, 7, "the last one has nobody to give to");
    whole.engines.queue(ipOf(whole, Number(whole.names("pods")[0]?.slice(4))), 0);
    await whole.until("asleep", () => whole.condition("Hibernated") === "True Hibernated", 500);
    assert.deepEqual(whole.names("pods"), []);
    annotate(whole, "hibernate", "false");
    await whole.until("awake", () => whole.condition("Ready") === READY, 500);
    assert.equal(whole.names("pods").length, 2);
    await stop();
  });

  test("a paused cluster can be deleted", async () => {
    const { whole, stop } = await started({ replicas: 1 });
    annotate(whole, "paused", "true");
    whole.kube.discard(resources.mailClusters, NAMESPACE, "out");
    await whole.until("gone", () => whole.cluster() === null, 500);
    await stop();
  });

  test("a paused cluster is left as it is", async () => {
    const { whole, stop } = await started({ replicas: 2 });
    annotate(whole, "paused", "true");
    await whole.until("paused", () => whole.condition("Paused") === "True Paused");
    scaleTo(whole, 3);
    whole.kube.discard(resources.pods, NAMESPACE, "out-1");
    await whole.turns(300);
    assert.deepEqual(whole.names("pods"), ["out-0"]);
    annotate(whole, "paused", "");
    await whole.until("three pods", () => whole.names("pods").length === 3, 500);
    await stop();
  });
});

describe("the roll-out", () => {
  const change = (whole: Whole, concurrency: number): void => {
    whole.engines.pushes.length = 0;
    whole.edit(({ spec }) => {
      const { config } = spec as { config: { app: Record<string, unknown> } };
      config.app = { ...config.app, queues: { concurrency } };
    });
  };
  const count = (whole: Whole, ip: string, delivered: number, failed: number): void =>
    whole.engines.change(ip, { totals: { accepted: 0, delivered, failed, deferred: 0, unclear: 0 } });

  test("a revision that does badly in the canary pod goes back, and stays away until the spec changes", async () => {
    const { whole, stop } = await started({ replicas: 3 });
    const good = whole.engines.byIp.get(ipOf(whole, 1))?.revision;
    change(whole, 7);
    await whole.until("canary", () => whole.condition("RolloutComplete") === "False Canary");
    await whole.until("baking", () => /watched/.test(JSON.stringify(statusOf(whole)?.["rollout"])), 500);
    assert.equal(new Set(whole.engines.pushes.map(({ ip }) => ip)).size, 1);
    const [{ ip: canary } = { ip: "" }] = whole.engines.pushes;
    count(whole, canary, 10, 30);
    await whole.until("back", () => whole.condition("RolloutComplete") === "False RolledBack", 500);
    await whole.until("good", () => whole.engines.byIp.get(canary)?.revision === good, 500);
    await whole.turns(600, 1000);
    assert.equal(new Set(whole.engines.pushes.map(({ ip }) => ip)).size, 1);
    assert.ok(events(whole).includes("RolledBack"));
    change(whole, 8);
    await whole.until("complete", () => whole.condition("RolloutComplete") === "True Complete", 500);
    await stop();
  });

  test("a pod that is lost while another one tries a revision out comes back with the last good one", async () => {
    const { whole, stop } = await started({ replicas: 3, rollout: { canary: { bakeSeconds: 600 } } });
    const good = whole.engines.byIp.get(ipOf(whole, 2))?.revision;
    change(whole, 7);
    await whole.until("baking", () => /watched/.test(JSON.stringify(statusOf(whole)?.["rollout"])), 500);
    const uid = whole.kube.peek(resources.pods, NAMESPACE, "out-2")?.metadata.uid;
    whole.kube.discard(resources.pods, NAMESPACE, "out-2");
    await whole.until("back", () => {
      const pod = whole.kube.peek(resources.pods, NAMESPACE, "out-2");
      return pod !== null && pod.metadata.uid !== uid && ipOf(whole, 2) !== "";
    });
    await whole.turns(100);
    assert.equal(whole.engines.byIp.get(ipOf(whole, 2))?.revision, good);
    assert.equal(whole.condition("RolloutComplete"), "False Canary");
    await stop();
  });

  test("a change that restarts pods is tried out in one of them first", async () => {
    const { whole, stop } = await started({ replicas: 3, rollout: { canary: { bakeSeconds: 60 } } });
    const uids = (): readonly (string | undefined)[] =>
      whole.kube.peekAll(resources.pods).map(({ metadata }) => metadata.uid);
    const before = new Set(uids());
    whole.edit(({ spec }) => {
      (spec as { config: Record<string, unknown> }).config["startup"] = { logLevel: "debug" };
    });
    await whole.until("baking", () => /watched/.test(JSON.stringify(statusOf(whole)?.["rollout"])), 500);
    assert.equal(uids().filter((uid) => before.has(uid ?? "")).length, 2);
    await whole.until("complete", () => whole.condition("RolloutComplete") === "True Complete", 500);
    assert.equal(uids().filter((uid) => before.has(uid ?? "")).length, 0);
    await stop();
  });
});
