/**
 * An upgrade of the operator over what an earlier version made, kept in testdata/version by testdata/keep-version.ts: no pod and no
 * claim of a cluster that nobody changed is made anew, changed or removed, and the clusters are well afterwards.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";

import { MailClusterSpec } from "#crds/mail-cluster.ts";
import { type CustomObject, type KubeObject, type Secret, resources } from "#operator/kube/objects.ts";

import { Whole } from "../operator/testing/whole.ts";

interface Kept {
  readonly kind: keyof typeof resources;
  readonly object: KubeObject;
}

const kept = JSON.parse(
  readFileSync(new URL("testdata/version/objects.json", import.meta.url), "utf8"),
) as Kept[];
const names = kept.filter(({ kind }) => kind === "mailClusters").map(({ object }) => object.metadata.name);

/** What makes a pod or a claim this one, and what it is made of. */
function bodiesOf(whole: Whole, kind: "pods" | "claims"): readonly unknown[] {
  const all = whole.kube.peekAll<KubeObject & { readonly spec: unknown }>(resources[kind]);
  return all
    .map(({ metadata, spec }) => ({ name: metadata.name, uid: metadata.uid, spec }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Has what the earlier version left, and an operator of this one. */
async function upgraded(change: (whole: Whole) => void = () => undefined) {
  const whole = new Whole();
  // Without what the node said of a pod: it starts the engines anew, in the pods that are there.
  for (const { kind, object } of kept)
    whole.kube.seed(resources[kind], kind === "pods" ? ({ ...object, status: {} } as KubeObject) : object);
  whole.node.turn();
  const before = { pods: bodiesOf(whole, "pods"), claims: bodiesOf(whole, "claims") };
  change(whole);
  const operator = whole.start();
  const isSettled = (name: string): boolean =>
    whole.condition("Ready", name) === "True AllPodsReady" &&
    whole.condition("Reconciling", name) === "False Settled";
  await whole.turns(200, 500);
  await whole.until("all clusters are well", () => names.every(isSettled), 500);
  return { whole, before, stop: () => operator.stop() };
}

describe("an upgrade from an earlier version", () => {
  test("reads every spec of it", () => {
    const specs = kept.filter(({ kind }) => kind === "mailClusters");
    assert.equal(specs.length, 3);
    for (const { object } of specs) MailClusterSpec.parse((object as CustomObject).spec);
  });

  test("leaves pods and claims as they are", async () => {
    const { whole, before, stop } = await upgraded();
    assert.equal(before.pods.length, 4);
    assert.deepEqual(bodiesOf(whole, "pods"), before.pods);
    assert.deepEqual(bodiesOf(whole, "claims"), before.claims);
    const revisions = names.map((name) => whole.condition("RolloutComplete", name));
    assert.deepEqual(new Set(revisions), new Set(["True Complete"]));
    await stop();
  });

  test("keeps the keys that engines were started with, and makes none anew", async () => {
    const keysOf = (whole: Whole): readonly unknown[] =>
      whole.kube
        .peekAll<Secret>(resources.secrets)
        .map(({ metadata, data }) => ({ name: metadata.name, data }));
    const earlier = kept.filter(({ kind }) => kind === "secrets").map(({ object }) => object as Secret);
    assert.deepEqual(
      earlier.map(({ metadata }) => metadata.name).sort(),
      names.map((name) => `${name}-admin`).sort(),
    );
    const { whole, stop } = await upgraded();
    assert.deepEqual(
      keysOf(whole),
      earlier.map(({ metadata, data }) => ({ name: metadata.name, data })),
    );
    await stop();
  });

  test("and makes pods anew all the same when their cluster is changed", async () => {
    const { whole, before, stop } = await upgraded((changed) => {
      changed.edit(
        ({ spec }) => Object.assign(spec, { engine: { env: [{ name: "B", value: "c" }] } }),
        "plain",
      );
    });
    const uids = (bodies: readonly unknown[]): string[] =>
      (bodies as { name: string; uid: string }[])
        .filter(({ name }) => name.startsWith("plain-"))
        .map(({ uid }) => uid);
    const old = new Set(uids(before.pods));
    assert.equal(old.size, 2);
    const now = (): readonly string[] => uids(bodiesOf(whole, "pods"));
    await whole.until("all are new", () => now().length === 2 && now().every((uid) => !old.has(uid)), 500);
    await stop();
  });
});
