/** What becomes of clusters whose operator was taken away before them, as docs/operations.md tells it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { resources } from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

const isSettled = (whole: Whole): boolean =>
  whole.condition("Ready") === "True AllPodsReady" && whole.condition("Reconciling") === "False Settled";

/** Two pods, mail in one of them, and no operator any more. */
async function left(): Promise<Whole> {
  const whole = new Whole();
  whole.engines.canHandOver = true;
  whole.kube.seed(resources.mailClusters, cluster({ replicas: 2 }));
  const operator = whole.start();
  await whole.until("settled", () => isSettled(whole), 500);
  whole.engines.queue(whole.node.addressOf("out-0"), 12);
  await operator.stop();
  return whole;
}

describe("a cluster that is deleted while nobody looks after it", () => {
  test("stays with all it has, and goes by its policy once an operator is there again", async () => {
    const whole = await left();
    whole.kube.discard(resources.mailClusters, NAMESPACE, "out");
    await whole.turns(100, 1000);
    assert.notEqual(whole.cluster(), null);
    assert.equal(whole.names("pods").length, 2);
    const operator = whole.start();
    await whole.turns(200, 500);
    assert.equal(whole.engines.queued, 12);
    assert.notEqual(whole.cluster(), null, "it waits for its mail");
    for (const { metadata } of whole.kube.peekAll(resources.pods))
      whole.engines.queue(whole.node.addressOf(metadata.name), 0);
    await whole.until("gone", () => whole.cluster() === null, 500);
    assert.deepEqual(whole.names("claims"), []);
    await operator.stop();
  });

  test("that is let go by hand loses its pods and keeps its volumes, which one of its name takes up", async () => {
    const whole = await left();
    const claims = (): readonly (string | undefined)[] =>
      whole.kube.peekAll(resources.claims).map(({ metadata }) => metadata.uid);
    const before = claims();
    whole.kube.discard(resources.mailClusters, NAMESPACE, "out");
    whole.edit(({ metadata }) => Object.assign(metadata, { finalizers: [] }));
    assert.equal(whole.cluster(), null);
    whole.kube.storage.collectGarbage();
    await whole.turns(50, 500);
    assert.deepEqual(whole.names("pods"), []);
    assert.deepEqual(claims(), before);
    whole.kube.seed(resources.mailClusters, cluster({ replicas: 2 }));
    const operator = whole.start();
    await whole.until("settled", () => isSettled(whole), 500);
    assert.deepEqual(claims(), before);
    await operator.stop();
  });
});
