/**
 * What the operator costs, in counts and not in seconds, so that a busy machine fails nothing: lists and watches of a start,
 * calls of an edit, writes at rest. A change that makes one of them grow with the number of clusters or pods fails here,
 * and the bench tells what it means in time.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type CustomObject, resources } from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

type Counts = Readonly<Record<string, number>>;

const nameOf = (at: number): string => `out-${at}`;

async function started(clusters: number, replicas: number) {
  const whole = new Whole();
  for (let at = 0; at < clusters; at++)
    whole.kube.seed<CustomObject>(resources.mailClusters, {
      ...cluster({ replicas }),
      metadata: { name: nameOf(at), namespace: NAMESPACE },
    });
  const operator = whole.start();
  const isSettled = (at: number): boolean =>
    whole.condition("Ready", nameOf(at)) === "True AllPodsReady" &&
    whole.condition("Reconciling", nameOf(at)) === "False Settled";
  const all = Array.from({ length: clusters }, (_, at) => at);
  const settle = () => whole.until("all settled", () => all.every(isSettled), 500);
  await settle();
  // Shares and sources are told, and what was made is seen by all watches.
  await whole.turns(200, 1000);
  return { whole, settle, operator };
}

/** What was asked since, by method: { get: 3 }. */
function asked(whole: Whole, from: number): Counts {
  const counts: Record<string, number> = {};
  for (const { method } of whole.kube.calls.slice(from)) counts[method] = (counts[method] ?? 0) + 1;
  return counts;
}

function edit(whole: Whole, at: number): void {
  whole.edit(({ spec }) => Object.assign(spec, { service: { annotations: { a: "b" } } }), nameOf(at));
}

describe("what the operator costs", () => {
  test("an hour of rest: no write, no look at single objects, and lists that do not grow with clusters", async () => {
    const costs: Counts[] = [];
    for (const clusters of [2, 40]) {
      const { whole, operator } = await started(clusters, 1);
      const [calls, writes] = [whole.kube.calls.length, whole.kube.writes.length];
      await whole.turns(720, 5000);
      assert.deepEqual(whole.kube.writes.slice(writes), []);
      costs.push(asked(whole, calls));
      await operator.stop();
    }
    const [few, many] = costs;
    assert.deepEqual(many, few);
    assert.deepEqual(Object.keys(few ?? {}).sort(), ["list", "watch"]);
  });

  test("a start: one list and one watch of each kind, whatever there is", async () => {
    const starts: Counts[] = [];
    for (const clusters of [2, 40]) {
      const { whole, operator } = await started(clusters, 1);
      await operator.stop();
      const calls = whole.kube.calls.length;
      const again = whole.start({ identity: "operator-1" });
      await whole.turns(100, 100);
      const { list = 0, watch = 0, ...others } = asked(whole, calls);
      assert.deepEqual(others, {}, "nothing is written, and nothing looked up, that is as it should be");
      starts.push({ list, watch });
      await again.stop();
    }
    const [few, many] = starts;
    assert.deepEqual(many, few);
    // Whether nodes may be read is asked by a list of its own.
    assert.deepEqual(few, { list: LISTED_KINDS + 1, watch: LISTED_KINDS });
  });

  test("an edit that one child is written for: that write and the status, however many pods there are", async () => {
    const costs: (readonly string[])[] = [];
    for (const replicas of [1, 12]) {
      const { whole, settle, operator } = await started(1, replicas);
      const writes = whole.kube.writes.length;
      edit(whole, 0);
      await whole.turns(40, 500);
      await settle();
      costs.push(whole.kube.writes.slice(writes).map(({ method, plural }) => `${method} ${plural}`));
      await operator.stop();
    }
    const [one, twelve] = costs;
    assert.deepEqual(one, ["apply services", "applyStatus mailclusters"]);
    assert.deepEqual(twelve, one);
  });

  test("an edit of one cluster asks for nothing of the others", async () => {
    const { whole, operator } = await started(20, 1);
    const calls = whole.kube.calls.length;
    edit(whole, 3);
    await whole.turns(40, 500);
    const touched = whole.kube.calls
      .slice(calls)
      .filter(({ method }) => method !== "list" && method !== "watch")
      .map(({ name }) => name);
    assert.deepEqual([...new Set(touched.map((name) => name.split(".")[0]))].sort(), ["out-3"]);
    await operator.stop();
  });

  test("a new cluster of three pods: each object is written once, and nothing is listed for it", async () => {
    const { whole, operator } = await started(5, 1);
    const [calls, writes] = [whole.kube.calls.length, whole.kube.writes.length];
    whole.kube.seed<CustomObject>(resources.mailClusters, {
      ...cluster({ replicas: 3 }),
      metadata: { name: "new", namespace: NAMESPACE },
    });
    await whole.until("settled", () => whole.condition("Reconciling", "new") === "False Settled", 250);
    const made = whole.kube.writes
      .slice(writes)
      .filter(({ method, plural }) => method !== "applyStatus" && plural !== "events");
    const names = made.map(({ method, plural, name }) => `${method} ${plural} ${name}`);
    assert.deepEqual(
      names.filter((name, at) => names.indexOf(name) !== at),
      [],
    );
    assert.equal(asked(whole, calls)["list"] ?? 0, 0);
    await operator.stop();
  });
});

/** Kinds that the operator keeps a copy of, without namespaces, which need a selector. */
const LISTED_KINDS = 16;
