/** What an operator makes of resources that another version of it wrote, or whose spec it cannot carry out. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { resources } from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

describe("a status in words of another version", () => {
  test("keeps nobody from carrying out the spec, and what can be read of it counts", async () => {
    const whole = new Whole();
    const { replicas: _, ...spec } = cluster().spec as Record<string, unknown>;
    const status = { targetReplicas: 3, pods: [{ slot: 0, state: "Dreaming" }], conditions: null };
    whole.kube.seed(resources.mailClusters, { ...cluster(), spec, status });
    const operator = whole.start();
    await whole.until("ready", () => whole.condition("Ready") === "True AllPodsReady");
    assert.equal(whole.names("pods").length, 3);
    await operator.stop();
  });
});

describe("a cluster whose spec cannot be carried out any more", () => {
  test("keeps pods and claims when it is deleted, and goes when people have taken these away", async () => {
    const whole = new Whole();
    whole.kube.seed(resources.mailClusters, cluster({ replicas: 1 }));
    const before = whole.start();
    await whole.until("ready", () => whole.condition("Ready") === "True AllPodsReady");
    await before.stop();
    const operator = whole.start({ engineImage: "" });
    await whole.until("said", () => whole.condition("Stalled") === "True SpecBroken");
    whole.kube.discard(resources.mailClusters, NAMESPACE, "out");
    await whole.turns(100);
    assert.deepEqual([whole.names("pods"), whole.names("claims")], [["out-0"], ["out-0"]]);
    assert.notEqual(whole.cluster(), null);
    whole.kube.discard(resources.pods, NAMESPACE, "out-0");
    await whole.turns(100);
    assert.notEqual(whole.cluster(), null, "its mail is still there");
    whole.kube.discard(resources.claims, NAMESPACE, "out-0");
    await whole.until("gone", () => whole.cluster() === null);
    await operator.stop();
  });
});
