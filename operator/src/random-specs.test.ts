/**
 * Sequences of valid changes end in the same objects as a fresh apply of the last spec, whatever came before and however
 * little time there was in between. What pods keep of their past and that is meant to be (the revision they were made
 * with) does not count; what their engines run does.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import type { KubeObject } from "#operator/kube/kube.ts";
import { resources } from "#operator/kube/objects.ts";

import { intentOf } from "../testing/intent.ts";
import { app, cluster, NAMESPACE, Whole } from "../testing/whole.ts";

type Spec = Record<string, unknown>;

const config = (extra: object = {}) => ({ config: { app, ...extra } });
const one = (...specs: readonly Spec[]): fc.Arbitrary<Spec> => fc.constantFrom(...specs);

/** Each draws one part of a spec; what the last draws is the last spec. */
const spec: fc.Arbitrary<Spec> = fc
  .tuple(
    fc.integer({ min: 1, max: 4 }).map((replicas) => ({ replicas })),
    one(
      config(),
      config({ startup: { logLevel: "debug" } }),
      config({ startup: { shutdownSeconds: 60, minFree: { size: "1Gi" } } }),
      config({ policy: { policies: [{ default: { concurrency: 3 } }] } }),
      { config: { app: { ...app, queues: { concurrency: 7 } } } },
    ),
    one(
      {},
      { engine: { image: "mta:2" } },
      { engine: { env: [{ name: "A", value: "b" }], resources: { limits: { memory: "2Gi" } } } },
    ),
    one(
      {},
      {
        listeners: [
          { name: "smtp", port: 25 },
          { name: "other", port: 587 },
        ],
      },
      { service: { type: "LoadBalancer", annotations: { "example.com/a": "b" } } },
    ),
    one(
      {},
      { podTemplate: { labels: { team: "mail" }, nodeSelector: { pool: "a" } } },
      { topologySpread: [] },
      { podDisruptionBudget: { mode: "None" } },
      { networkPolicy: { mode: "None" } },
    ),
  )
  .map((parts) => Object.assign({ rollout: { canary: { bakeSeconds: 0 } } }, ...parts) as Spec);

const changes = fc.array(fc.record({ spec, turns: fc.nat({ max: 30 }) }), { minLength: 1, maxLength: 4 });

test("whatever a spec was before, the objects are those of the last one", { timeout: 900_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(changes, async (steps) => {
      const whole = new Whole();
      whole.kube.seed(resources.mailClusters, cluster({ replicas: 2 }));
      const operator = whole.start();
      await whole.turns(20);
      for (const { spec: next, turns } of steps) {
        replaceSpec(whole, next);
        await whole.turns(turns);
      }
      const found = await settledObjects(whole);
      await operator.stop();
      assert.deepEqual(found, await fresh(steps.at(-1)?.spec ?? {}));
    }),
    { numRuns: Number(process.env["RANDOM_SPECS"] ?? 8), seed: Number(process.env["RANDOM_SEED"] ?? 4) },
  );
});

function replaceSpec(whole: Whole, next: Spec): void {
  whole.kube.edit(resources.mailClusters, NAMESPACE, "out", (copy) => {
    Object.assign(copy, { spec: structuredClone(next) });
  });
}

async function fresh(last: Spec): Promise<unknown> {
  const whole = new Whole();
  const object = cluster();
  whole.kube.seed(resources.mailClusters, { ...object, spec: structuredClone(last) });
  const operator = whole.start();
  const found = await settledObjects(whole);
  await operator.stop();
  return found;
}

async function settledObjects(whole: Whole): Promise<unknown> {
  const isSettled = (): boolean => {
    const { generation } = whole.cluster()?.metadata ?? {};
    const { observedGeneration, revision } = (whole.cluster()?.status ?? {}) as Status;
    const isKnown = observedGeneration === generation && revision?.current === revision?.target;
    return (
      isKnown &&
      whole.condition("Ready") === "True AllPodsReady" &&
      whole.condition("Reconciling") === "False Settled"
    );
  };
  await whole.until("settled", isSettled, 1000);
  await whole.turns(5, 1000);
  assert.ok(isSettled());
  const { revision } = (whole.cluster()?.status ?? {}) as Status;
  const objects = (await intentOf(whole.kube, NAMESPACE, "out")) as readonly KubeObject[];
  const kept = objects.filter(
    ({ kind, metadata }) => kind !== "ConfigMap" || metadata.name.endsWith(`-${revision?.target}`),
  );
  const texts = kept.map((object) => JSON.stringify(withoutPast(object)));
  return { revision: revision?.target, objects: texts.sort().map((text) => JSON.parse(text) as unknown) };
}

interface Status {
  readonly observedGeneration?: number;
  readonly revision?: { readonly current?: string; readonly target?: string };
}

/**
 * A pod is made with the revision of its day, and its engine takes later ones as they come. Which number a slot has is of no
 * account, nor are hashes that cover it: what they are made of is compared itself.
 */
function withoutPast(object: KubeObject): unknown {
  const text = JSON.stringify(object)
    .replaceAll(/fleet\.io\/slot":"\d+"/g, 'fleet.io/slot":"<slot>"')
    .replace(/fleet\.io\/pod-hash":"\w+"/, 'fleet.io/pod-hash":"<hash>"')
    .replace(/fleet\.io\/pod-parts":"(?:[^"\\]|\\.)*"/, 'fleet.io/pod-parts":"<hashes>"')
    .replace(/fleet\.io\/revision":"\w+"/, 'fleet.io/revision":"<its day>"');
  return JSON.parse(
    object.kind === "Pod" ? text.replaceAll(/"out-config-\w+"/g, '"out-config-<its day>"') : text,
  );
}
