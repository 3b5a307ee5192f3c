import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { resources } from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";
import { makeMetrics } from "./metrics.ts";

const figureIn = (text: string, line: string): number | null => {
  const found = text.split("\n").find((each) => each.startsWith(`${line} `));
  return found === undefined ? null : Number(found.slice(line.length + 1));
};

describe("the operator's figures", () => {
  test("count passes, resources and who leads, as they are", async () => {
    const whole = new Whole();
    const metrics = makeMetrics();
    const read = async (line: string) =>
      figureIn(await metrics.registry.metrics(), `mailfleet_operator_${line}`);
    whole.kube.seed(resources.mailClusters, cluster());
    const operator = whole.start({ metrics, leaderElect: true });
    await whole.until("ready", () => whole.condition("Ready") === "True AllPodsReady", 500);
    assert.equal(await read("leader"), 1);
    assert.equal(await read('clusters{kind="MailCluster"}'), 1);
    assert.equal(await read('clusters{kind="NativePlugin"}'), 0);
    const passes = (await read('passes_total{controller="mailcluster",outcome="again"}')) ?? 0;
    assert.ok(passes >= 2, String(passes));
    assert.ok(((await read('pass_seconds_count{controller="mailcluster"}')) ?? 0) >= passes);
    assert.equal(await read('passes_total{controller="mailcluster",outcome="failed"}'), null);
    await operator.stop();
    assert.equal(await read("leader"), 0);
  });

  test("count a pass that failed", async () => {
    const whole = new Whole();
    const metrics = makeMetrics();
    whole.kube.seed(resources.mailClusters, cluster());
    whole.kube.failNext("apply", "unreachable", { resource: resources.services, times: 2 });
    const operator = whole.start({ metrics });
    await whole.until("ready", () => whole.condition("Ready") === "True AllPodsReady", 500);
    const text = await metrics.registry.metrics();
    const line = 'mailfleet_operator_passes_total{controller="mailcluster",outcome="failed"}';
    assert.equal(figureIn(text, line), 2);
    await operator.stop();
  });

  test("count calls by method and code, and what a watch had missed", async () => {
    const metrics = makeMetrics();
    metrics.kubeCall({ method: "GET", code: "200", seconds: 0.01 });
    metrics.kubeCall({ method: "GET", code: "error", seconds: 3 });
    metrics.drift("pods", 2);
    const text = await metrics.registry.metrics();
    assert.equal(figureIn(text, 'mailfleet_operator_kube_calls_total{method="GET",code="200"}'), 1);
    assert.equal(figureIn(text, 'mailfleet_operator_kube_calls_total{method="GET",code="error"}'), 1);
    assert.equal(figureIn(text, 'mailfleet_operator_kube_call_seconds_count{method="GET"}'), 2);
    assert.equal(figureIn(text, 'mailfleet_operator_watch_drift_total{kind="pods"}'), 2);
  });
});

describe("an operator that watches some namespaces", () => {
  test("looks after clusters there, and leaves others and their pods alone", async () => {
    const whole = new Whole();
    const there = cluster({ replicas: 1 });
    const elsewhere = { ...there, metadata: { ...there.metadata, namespace: "elsewhere" } };
    whole.kube.seed(resources.mailClusters, there);
    whole.kube.seed(resources.mailClusters, elsewhere);
    const operator = whole.start({ watchNamespaces: [NAMESPACE, "empty"] });
    await whole.until("ready", () => whole.condition("Ready") === "True AllPodsReady", 500);
    await whole.turns(50);
    assert.equal(whole.kube.peekAll(resources.pods, NAMESPACE).length, 1);
    assert.equal(whole.kube.peekAll(resources.pods, "elsewhere").length, 0);
    const namespaced = whole.kube.calls.filter(
      ({ method, plural }) => method === "list" && plural !== "nodes",
    );
    assert.deepEqual([...new Set(namespaced.map(({ namespace }) => namespace))].sort(), ["empty", NAMESPACE]);
    await operator.stop();
  });
});

describe("a spec that this version does not understand", () => {
  test("is said, touches nothing that runs, and is forgotten when it is put right", async () => {
    const whole = new Whole();
    whole.kube.seed(resources.mailClusters, cluster({ replicas: 2 }));
    const operator = whole.start();
    await whole.until("ready", () => whole.condition("Ready") === "True AllPodsReady", 500);
    await whole.turns(50);
    const uids = () => whole.kube.peekAll(resources.pods).map(({ metadata }) => metadata.uid);
    const before = uids();
    // As an older definition of the resource may have let in.
    whole.edit(({ spec }) => Object.assign(spec, { listeners: "all of them", replicas: 0 }));
    await whole.until("said", () => whole.condition("Stalled") === "True SpecBroken", 500);
    assert.equal(whole.condition("Ready"), "False SpecBroken");
    assert.equal(whole.condition("Reconciling"), "False SpecBroken");
    assert.match(whole.message("Stalled"), /^spec\.listeners: /);
    const told = whole.kube.peekAll(resources.events) as unknown as { reason: string }[];
    assert.ok(told.some(({ reason }) => reason === "SpecBroken"));
    await whole.turns(100, 1000);
    assert.deepEqual(uids(), before);
    whole.edit(({ spec }) => Object.assign(spec, { listeners: [{ name: "smtp", port: 25 }], replicas: 2 }));
    await whole.until("right", () => whole.condition("Ready") === "True AllPodsReady", 500);
    await operator.stop();
  });
});
