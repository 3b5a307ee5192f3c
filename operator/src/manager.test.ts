import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { finalizer } from "#crds/group.ts";
import { KubeFailure } from "#operator/kube/errors.ts";
import { aroundWrites } from "#operator/kube/fenced.ts";
import type { Kube } from "#operator/kube/kube.ts";
import { type ConfigMap, type Pod, resources, type Service } from "#operator/kube/objects.ts";

import type { FakeKube } from "../testing/fake-kube.ts";
import { app, cluster, NAMESPACE, Whole } from "../testing/whole.ts";

const READY = "True AllPodsReady";

async function settled(
  spec: Record<string, unknown> = {},
): Promise<{ whole: Whole; stop: () => Promise<unknown> }> {
  const whole = new Whole();
  whole.kube.seed(resources.mailClusters, cluster(spec));
  const operator = whole.start();
  await whole.until("ready", () => whole.condition("Ready") === READY);
  await whole.until("settled", () => whole.condition("Reconciling") === "False Settled");
  return { whole, stop: () => operator.stop() };
}

/** What the cluster is made of, without what differs from run to run. */
function inventory(whole: Whole): string {
  const kinds = Object.keys(resources).filter((kind) => kind !== "events" && kind !== "leases");
  return kinds
    .map((kind) => `${kind}: ${[...whole.names(kind as keyof typeof resources)].sort().join(" ")}`)
    .join("\n");
}

describe("the operator", () => {
  test("makes a cluster from its resource and then writes nothing more", async () => {
    const { whole, stop } = await settled();
    assert.deepEqual(whole.names("pods"), ["out-0", "out-1"]);
    assert.deepEqual(whole.names("claims"), ["out-0", "out-1"]);
    assert.deepEqual(whole.cluster()?.metadata.finalizers, [finalizer]);
    await whole.turns(50);
    const before = whole.kube.writes.length;
    await whole.turns(900, 1000); // A quarter of an hour: engines are asked, all is listed anew.
    assert.deepEqual(whole.kube.writes.slice(before), []);
    await stop();
  });

  test("puts right what somebody changed, and leaves alone what somebody added", async () => {
    const { whole, stop } = await settled();
    whole.kube.edit<Service>(resources.services, NAMESPACE, "out", (copy) => {
      const service = copy as unknown as {
        spec: { selector: object };
        metadata: { annotations: Record<string, string> };
      };
      service.spec.selector = { app: "other" };
      service.metadata.annotations["someone"] = "was here";
    });
    await whole.until("put right", () => {
      const service = whole.kube.peek<Service>(resources.services, NAMESPACE, "out");
      return service?.spec.selector?.["mailfleet.io/cluster"] === "out";
    });
    const service = whole.kube.peek<Service>(resources.services, NAMESPACE, "out");
    assert.equal(service?.metadata.annotations?.["someone"], "was here");
    await stop();
  });

  test("brings back a pod that was deleted", async () => {
    const { whole, stop } = await settled();
    const before = whole.kube.peek<Pod>(resources.pods, NAMESPACE, "out-1")?.metadata.uid;
    whole.kube.discard(resources.pods, NAMESPACE, "out-1");
    await whole.until("a new pod", () => {
      const pod = whole.kube.peek<Pod>(resources.pods, NAMESPACE, "out-1");
      return pod !== null && pod.metadata.uid !== before && pod.metadata.deletionTimestamp === undefined;
    });
    await stop();
  });

  test("keeps a leaving pod until its queue is empty, whatever else happens", async () => {
    const { whole, stop } = await settled();
    const ip = whole.node.addressOf("out-1");
    whole.engines.change(ip, { queue: { total: 3, active: 0, deferred: 3, hold: 0, oldestDueSeconds: 0 } });
    whole.kube.edit(resources.mailClusters, NAMESPACE, "out", (copy) => {
      (copy as unknown as { spec: { replicas: number } }).spec.replicas = 1;
    });
    await whole.until("cordoned", () => whole.engines.byIp.get(ip)?.state === "Cordoned");
    whole.engines.silent.add(ip);
    await whole.until("unknown", () => whole.condition("ScaleDownBlocked") === "True QueueUnknown");
    assert.deepEqual(whole.names("pods"), ["out-0", "out-1"]);
    whole.engines.silent.delete(ip);
    await whole.turns(50);
    assert.deepEqual(whole.names("claims"), ["out-0", "out-1"]);
    whole.engines.change(ip, { queue: { total: 0, active: 0, deferred: 0, hold: 0, oldestDueSeconds: 0 } });
    await whole.until("gone", () => whole.names("pods").length === 1 && whole.names("claims").length === 1);
    await stop();
  });

  test("pushes a configuration that can be reloaded, to one pod first, and replaces no pod", async () => {
    const { whole, stop } = await settled({ replicas: 3 });
    const uids = whole.kube.peekAll(resources.pods).map(({ metadata }) => metadata.uid);
    whole.engines.pushes.length = 0;
    changeApp(whole, { ...app, queues: { concurrency: 7 } });
    await whole.until("all three", () => new Set(whole.engines.pushes.map(({ ip }) => ip)).size === 3);
    await whole.until("applied", () => whole.condition("ConfigApplied") === "True Applied");
    assert.deepEqual(
      whole.kube.peekAll(resources.pods).map(({ metadata }) => metadata.uid),
      uids,
    );
    await stop();
  });

  test("brings policies to running engines, each time with every file, and replaces no pod", async () => {
    const { whole, stop } = await settled({ replicas: 2 });
    const uids = [uidOf(whole, "out-0"), uidOf(whole, "out-1")];
    whole.engines.pushes.length = 0;
    const policies = [{ fields: ["remotemx"], default: { concurrency: 2 } }];
    changeConfig(whole, { policy: { policies } });
    await whole.until("both", () => new Set(whole.engines.pushes.map(({ ip }) => ip)).size === 2);
    await whole.until("applied", () => whole.condition("ConfigApplied") === "True Applied");
    const all = ["smtpd-app.yaml", "smtpd-policy.yaml", "smtpd-suspend.yaml"];
    for (const { files } of whole.engines.pushes) assert.deepEqual(files, all);
    assert.deepEqual([uidOf(whole, "out-0"), uidOf(whole, "out-1")], uids);
    changeConfig(whole, { policy: { polices: [] } });
    await whole.until("invalid", () => whole.condition("ConfigApplied") === "False Invalid");
    assert.match(whole.message("ConfigApplied"), /^smtpd-policy\.yaml: polices: unknown key/);
    await stop();
  });

  test("a configuration that an engine refuses reaches one pod only, and mending it heals", async () => {
    const { whole, stop } = await settled({ replicas: 3 });
    whole.engines.pushes.length = 0;
    whole.engines.problems = [{ file: "smtpd-app.yaml", path: "servers[0]", reason: "no" }];
    changeApp(whole, { ...app, queues: { concurrency: 8 } });
    await whole.until("refused", () => whole.condition("ConfigApplied") === "False Refused");
    await whole.turns(200);
    assert.equal(whole.engines.pushes.length, 1);
    whole.engines.problems = [];
    changeApp(whole, { ...app, queues: { concurrency: 9 } });
    await whole.until("applied", () => whole.condition("ConfigApplied") === "True Applied");
    await stop();
  });

  test("a configuration with mistakes never leaves the operator, and a lost pod comes back with the last good one", async () => {
    const { whole, stop } = await settled();
    const good = whole.kube.peekAll<ConfigMap>(resources.configMaps).map(({ metadata }) => metadata.name);
    changeApp(whole, { transportgroups: "none" });
    await whole.until("invalid", () => whole.condition("ConfigApplied") === "False Invalid");
    const before = uidOf(whole, "out-0");
    whole.kube.discard(resources.pods, NAMESPACE, "out-0");
    await whole.until("back", () => ![null, before].includes(uidOf(whole, "out-0")));
    await whole.turns(100);
    assert.deepEqual(whole.names("configMaps"), good);
    const events = whole.kube.peekAll(resources.events) as unknown as { reason: string; type: string }[];
    assert.ok(events.some(({ reason, type }) => reason === "Invalid" && type === "Warning"));
    await stop();
  });

  test("a script that does not compile never leaves the operator, and its place is in the condition", async () => {
    const { whole, stop } = await settled();
    whole.engines.pushes.length = 0;
    const hooks = { predelivery: "if (true) {\n  Deliver();\n}" };
    changeApp(whole, { ...app, scripting: { hooks } });
    await whole.until("invalid", () => whole.condition("ConfigApplied") === "False Invalid");
    assert.match(
      whole.message("ConfigApplied"),
      /^smtpd-app\.yaml: scripting\.hooks\.predelivery: predelivery:2:3: there is no function Deliver; pods go on/,
    );
    assert.equal(whole.engines.pushes.length, 0);
    changeApp(whole, { ...app, scripting: { hooks: { predelivery: "Try();" } } });
    await whole.until("applied", () => whole.condition("ConfigApplied") === "True Applied");
    assert.notEqual(whole.engines.pushes.length, 0);
    await stop();
  });

  test("removes old revisions when no pod was made with them", async () => {
    const { whole, stop } = await settled({ replicas: 1 });
    const [first] = whole.names("configMaps");
    changeApp(whole, { ...app, queues: { concurrency: 7 } });
    await whole.until("applied", () => whole.names("configMaps").length === 2);
    await whole.turns(100);
    // The pod was made with the first one and would start with it.
    assert.ok(whole.names("configMaps").includes(first ?? ""));
    whole.kube.discard(resources.pods, NAMESPACE, "out-0");
    await whole.until("one left", () => whole.names("configMaps").length === 1);
    assert.ok(!whole.names("configMaps").includes(first ?? ""));
    await stop();
  });

  for (const [policy, claimsLeft] of [
    ["Drain", 0],
    ["Discard", 0],
    ["Orphan", 2],
  ] as const) {
    test(`deletion with policy ${policy} leaves ${claimsLeft} claims and nothing else`, async () => {
      const { whole, stop } = await settled({ deletionPolicy: policy });
      whole.kube.discard(resources.mailClusters, NAMESPACE, "out");
      await whole.until("gone", () => whole.cluster() === null);
      await whole.turns(50);
      const left = Object.keys(resources).flatMap((kind) =>
        kind === "events" ? [] : whole.names(kind as keyof typeof resources),
      );
      assert.equal(left.length, claimsLeft, left.join(" "));
      await stop();
    });
  }

  test("deletion waits for mail and can be let go by another policy", async () => {
    const { whole, stop } = await settled({ replicas: 1 });
    const ip = whole.node.addressOf("out-0");
    whole.engines.change(ip, { queue: { total: 1, active: 0, deferred: 1, hold: 0, oldestDueSeconds: 0 } });
    whole.kube.discard(resources.mailClusters, NAMESPACE, "out");
    await whole.turns(600);
    assert.deepEqual(whole.names("claims"), ["out-0"]);
    whole.kube.edit(resources.mailClusters, NAMESPACE, "out", (copy) => {
      (copy as unknown as { spec: { deletionPolicy: string } }).spec.deletionPolicy = "Discard";
    });
    await whole.until("gone", () => whole.cluster() === null);
    await stop();
  });

  test("does not take over an object of the same name that is somebody else's", async () => {
    const whole = new Whole();
    whole.kube.seed(resources.services, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "out", namespace: NAMESPACE },
      spec: { selector: { app: "theirs" } },
    } as Service);
    whole.kube.seed(resources.mailClusters, cluster());
    const operator = whole.start();
    await whole.turns(200);
    const theirs = whole.kube.peek<Service>(resources.services, NAMESPACE, "out");
    assert.deepEqual(theirs?.spec.selector, { app: "theirs" });
    await operator.stop();
  });
});

describe("convergence", () => {
  /** A life: made, shrunk, deleted. Whoever runs at the time carries on. */
  async function live(whole: Whole): Promise<string> {
    await whole.until("settled", () => whole.condition("Reconciling") === "False Settled", 500);
    const whenSettled = inventory(whole);
    scale(whole, 1);
    await whole.until(
      "one pod",
      () => whole.names("pods").length === 1 && whole.names("claims").length === 1,
      500,
    );
    whole.kube.discard(resources.mailClusters, NAMESPACE, "out");
    await whole.until("gone", () => whole.cluster() === null, 500);
    await whole.turns(30);
    return `${whenSettled}\nin the end\n${inventory(whole)}`;
  }

  test("an operator that dies after its n-th write leaves what the next one completes, for every n", async () => {
    const ideal = new Whole();
    ideal.kube.seed(resources.mailClusters, cluster());
    const healthy = ideal.start();
    const wanted = await live(ideal);
    const writes = ideal.kube.writes.filter(({ plural }) => plural !== "events").length;
    await healthy.stop();
    assert.ok(writes > 20);
    for (let n = 0; n < writes; n++) {
      const whole = new Whole();
      whole.kube.seed(resources.mailClusters, cluster());
      const { kube, died } = dyingAfter(whole.kube, n);
      const first = whole.start({ kube, identity: "first" });
      const second = died.then(async () => {
        await first.stop();
        return whole.start({ identity: "second" });
      });
      assert.equal(await live(whole), wanted, `died after write ${n}`);
      await (await second).stop();
    }
  });

  for (const code of ["conflict", "throttled", "broken", "unreachable"] as const) {
    test(`calls that fail as ${code} now and then change nothing in the end`, async () => {
      const whole = new Whole();
      whole.kube.seed(resources.mailClusters, cluster());
      for (const method of [
        "apply",
        "create",
        "patchMetadata",
        "applyStatus",
        "get",
        "list",
        "watch",
      ] as const) {
        for (let skip = 0; skip < 3; skip++) whole.kube.failNext(method, code, { skip });
      }
      const operator = whole.start();
      await whole.until("settled", () => whole.condition("Reconciling") === "False Settled");
      assert.deepEqual(whole.names("pods"), ["out-0", "out-1"]);
      await operator.stop();
    });
  }

  test("cut watches, compaction and events that come twice change nothing in the end", async () => {
    const { whole, stop } = await settled();
    for (let i = 0; i < 10; i++) {
      whole.kube.storage.breakWatches();
      whole.kube.storage.compact();
      whole.kube.discard(resources.pods, NAMESPACE, `out-${i % 2}`);
      await whole.turns(5);
      whole.kube.storage.repeatEvents(20);
      await whole.until(
        "ready",
        () => whole.condition("Ready") === READY && whole.names("pods").length === 2,
      );
    }
    await whole.until("settled", () => whole.condition("Reconciling") === "False Settled");
    await stop();
  });
});

describe("leadership of whole operators", () => {
  test("one acts, the other takes over when it stops, and at once", async () => {
    const whole = new Whole();
    whole.kube.seed(resources.mailClusters, cluster());
    const first = whole.start({ leaderElect: true, identity: "first" });
    await whole.until("ready", () => whole.condition("Ready") === READY);
    const second = whole.start({ leaderElect: true, identity: "second" });
    await whole.turns(100);
    assert.equal(await first.stop(), "stopped");
    whole.kube.discard(resources.pods, NAMESPACE, "out-0");
    const before = whole.clock.now();
    await whole.until("a pod", () => whole.condition("Ready") !== READY);
    await whole.until("ready", () => whole.condition("Ready") === READY);
    assert.ok(whole.clock.now() - before < 15_000, "the released lease was taken before it ran out");
    await second.stop();
  });
});

function changeApp(whole: Whole, app: unknown): void {
  changeConfig(whole, { app });
}

function changeConfig(whole: Whole, change: Readonly<Record<string, unknown>>): void {
  whole.kube.edit(resources.mailClusters, NAMESPACE, "out", (copy) => {
    Object.assign((copy as unknown as { spec: { config: object } }).spec.config, change);
  });
}

function scale(whole: Whole, replicas: number): void {
  whole.kube.edit(resources.mailClusters, NAMESPACE, "out", (copy) => {
    (copy as unknown as { spec: { replicas: number } }).spec.replicas = replicas;
  });
}

function uidOf(whole: Whole, pod: string): string | null {
  return whole.kube.peek(resources.pods, NAMESPACE, pod)?.metadata.uid ?? null;
}

/** The n-th write happens and its answer is lost; nothing that comes after does. Events do not count. */
function dyingAfter(kube: FakeKube, n: number): { kube: Kube; died: Promise<void> } {
  let count = 0;
  let die = (): void => undefined;
  const died = new Promise<void>((resolve) => (die = resolve));
  const lost = (): KubeFailure => new KubeFailure("unreachable", "the operator is dead");
  const dying = aroundWrites(kube, async ({ plural }, write) => {
    if (plural === resources.events.plural) return write();
    if (count >= n) die();
    if (count++ >= n) throw lost();
    const result = await write();
    if (count < n) return result;
    die();
    throw lost();
  });
  return { kube: dying, died };
}
