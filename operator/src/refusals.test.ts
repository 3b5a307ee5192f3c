/** The whole operator where the API server refuses what it asks for. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { resources } from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

const events = (whole: Whole): readonly string[] =>
  (whole.kube.peekAll(resources.events) as unknown as { reason: string }[]).map(({ reason }) => reason);

async function started(spec: Record<string, unknown>) {
  const whole = new Whole();
  whole.kube.seed(resources.mailClusters, cluster(spec));
  const operator = whole.start();
  await whole.until("settled", () => whole.condition("Reconciling") === "False Settled", 500);
  return { whole, stop: () => operator.stop() };
}

describe("a write that the API server refuses", () => {
  test("a volume that cannot grow is said, and everything else goes on", async () => {
    const { whole, stop } = await started({ replicas: 1, storage: { size: "10Gi" } });
    whole.kube.failNext("apply", "refused", { resource: resources.claims, times: 3 });
    whole.edit(({ spec }) => Object.assign(spec, { storage: { size: "20Gi" }, replicas: 2 }));
    await whole.until("said", () => whole.condition("SpoolsHealthy") === "False ResizeRefused", 500);
    await whole.until("the second pod", () => whole.names("pods").length === 2, 500);
    assert.match(whole.message("SpoolsHealthy"), /allowVolumeExpansion/);
    assert.ok(events(whole).includes("ResizeRefused"));
    await whole.until("grown", () => whole.condition("SpoolsHealthy") === "True Healthy", 1000);
    await stop();
  });

  test("pods over a quota leave those that run alone; the status has the sentence, and comes back by itself", async () => {
    const { whole, stop } = await started({ replicas: 1 });
    whole.kube.failNext("create", "refused", { resource: resources.pods, times: 4 });
    whole.edit(({ spec }) => Object.assign(spec, { replicas: 2 }));
    await whole.until("stalled", () => whole.condition("Stalled") === "True Refused", 500);
    assert.match(whole.message("Stalled"), /fault injected into create/);
    assert.ok(events(whole).includes("Refused"));
    assert.deepEqual(whole.names("pods"), ["out-0"]);
    await whole.until("two pods", () => whole.names("pods").length === 2, 1000);
    await whole.until("moving", () => whole.condition("Stalled") === "False Moving", 500);
    await stop();
  });

  test("a refused write is not repeated with every pass, but at once when the spec changes", async () => {
    const { whole, stop } = await started({ replicas: 1 });
    whole.kube.failNext("create", "refused", { resource: resources.pods, times: 2 });
    const tries = (): number =>
      whole.kube.calls.filter(({ method, plural }) => method === "create" && plural === "pods").length;
    const before = tries();
    whole.edit(({ spec }) => Object.assign(spec, { replicas: 2 }));
    await whole.until("refused", () => whole.condition("Stalled") === "True Refused", 500);
    await whole.turns(100, 250);
    assert.equal(tries() - before, 1);
    whole.edit(({ spec }) => Object.assign(spec, { drain: { deadlineSeconds: 99 } }));
    await whole.until("tried again", () => tries() - before === 2, 100);
    await stop();
  });

  test("a claim's name that somebody else uses is said", async () => {
    const whole = new Whole();
    whole.kube.seed(resources.claims, {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "out-0", namespace: NAMESPACE },
    });
    whole.kube.seed(resources.mailClusters, cluster({ replicas: 1 }));
    const operator = whole.start();
    await whole.until("said", () => whole.condition("SpoolsHealthy") === "False ClaimRefused", 500);
    assert.match(whole.message("SpoolsHealthy"), /out-0.* is there already and is not of this MailCluster/);
    assert.deepEqual(whole.names("pods"), [], "no engine writes into somebody else's volume");
    whole.kube.discard(resources.claims, NAMESPACE, "out-0");
    await whole.until("a pod with a claim of its own", () => whole.names("pods").length === 1, 1000);
    await operator.stop();
  });
});

describe("a spool that outlives its cluster", () => {
  test("claims that a deleted cluster left behind are adopted by one that is made again, and those beyond its size are emptied", async () => {
    const { whole, stop } = await started({ replicas: 2, deletionPolicy: "Orphan" });
    whole.engines.canHandOver = true;
    whole.kube.discard(resources.mailClusters, NAMESPACE, "out");
    await whole.until("gone", () => whole.cluster() === null && whole.names("pods").length === 0, 500);
    assert.deepEqual(whole.names("claims"), ["out-0", "out-1"]);
    const uid = whole.kube.peek(resources.claims, NAMESPACE, "out-0")?.metadata.uid;
    whole.kube.seed(resources.mailClusters, cluster({ replicas: 1 }));
    const seen = new Set<string>();
    await whole.until(
      "one slot",
      () => {
        for (const name of whole.names("pods")) seen.add(name);
        return whole.condition("Reconciling") === "False Settled" && whole.names("claims").length === 1;
      },
      500,
    );
    assert.deepEqual([...seen].sort(), ["out-0", "out-1"], "both spools were opened");
    const left = whole.names("claims")[0] ?? "";
    if (left === "out-0")
      assert.equal(whole.kube.peek(resources.claims, NAMESPACE, "out-0")?.metadata.uid, uid);
    await stop();
  });
});
