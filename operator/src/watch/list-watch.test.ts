import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { ObjectStore } from "#operator/cache/store.ts";
import type { KubeCode } from "#operator/kube/errors.ts";
import { type ConfigMap, resources } from "#operator/kube/objects.ts";

import { FakeKube } from "../../testing/fake-kube.ts";
import { listWatch } from "./list-watch.ts";
import { clusterOf, clustersUsing, pluginsOf } from "./mapping.ts";
import { changesContent, changesIntent } from "./predicates.ts";

const map = (name: string): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "mail", labels: { "mailfleet.io/cluster": "out" } },
});

function setUp() {
  const clock = new ManualClock();
  const kube = new FakeKube({ clock });
  const store = new ObjectStore<ConfigMap>();
  const told: string[] = [];
  const drift: number[] = [];
  const stop = new AbortController();
  const start = () =>
    listWatch<ConfigMap>(
      {
        kube,
        resource: resources.configMaps,
        namespace: "",
        store,
        onChange: ({ kind, object }) => {
          told.push(`${kind} ${object.metadata.name}`);
          if (object.metadata.name === "bad") throw new Error("a handler with a bug");
        },
        onDrift: (count) => drift.push(count),
        clock,
        random: () => 0,
        log: silentLog,
      },
      stop.signal,
    );
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1000) {
      clock.advance(1000);
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { kube, store, told, drift, start, pass, stop };
}

describe("list and watch", () => {
  test("lists in pages, then follows, and a handler that throws harms nobody", async () => {
    const { kube, store, told, start, pass, stop } = setUp();
    for (let i = 0; i < 1100; i++) kube.seed(resources.configMaps, map(`m${i}`));
    const ended = start();
    await pass(1000);
    assert.equal(store.size, 1100);
    assert.equal(kube.calls.filter(({ method }) => method === "list").length, 3);
    told.length = 0;
    kube.seed(resources.configMaps, map("bad"));
    kube.seed(resources.configMaps, map("good"));
    kube.discard(resources.configMaps, "mail", "m0");
    await pass(1000);
    assert.deepEqual(told, ["added bad", "added good", "deleted m0"]);
    stop.abort();
    await ended;
    assert.equal(kube.storage.watchers, 0);
  });

  for (const code of [
    "broken",
    "throttled",
    "unreachable",
    "gone",
    "refused",
  ] as const satisfies readonly KubeCode[]) {
    test(`comes back after lists and watches that fail as ${code}`, async () => {
      const { kube, store, start, pass, stop } = setUp();
      kube.failNext("list", code, { times: 3 });
      kube.failNext("watch", code, { times: 3 });
      const ended = start();
      kube.seed(resources.configMaps, map("a"));
      await pass(30_000);
      kube.seed(resources.configMaps, map("b"));
      await pass(1000);
      assert.equal(store.size, 2);
      stop.abort();
      await ended;
    });
  }

  test("a cut line and a compacted past lose nothing, and a reused name is told as two changes", async () => {
    const { kube, told, start, pass, stop } = setUp();
    kube.seed(resources.configMaps, map("a"));
    const ended = start();
    await pass(1000);
    told.length = 0;
    kube.storage.breakWatches();
    kube.discard(resources.configMaps, "mail", "a");
    kube.seed(resources.configMaps, map("a"));
    kube.storage.compact();
    await pass(5000);
    assert.deepEqual(told, ["deleted a", "added a"]);
    stop.abort();
    await ended;
  });

  test("pauses ever longer between watches that end as soon as they are there", async (context) => {
    const { kube, store, start, pass, stop } = setUp();
    context.after(() => stop.abort());
    const watch = kube.watch.bind(kube);
    let watches = 0;
    kube.watch = async function* () {
      watches++;
      await new Promise((resolve) => setImmediate(resolve));
      yield* [];
    };
    const ended = start();
    await pass(60_000);
    assert.ok(watches > 1 && watches < 20, `${watches} watches in a minute`);
    kube.watch = watch;
    kube.seed(resources.configMaps, map("a"));
    await pass(60_000);
    assert.equal(store.size, 1);
    stop.abort();
    await ended;
  });

  test("lists anew every ten minutes or so, which finds nothing as long as the watch is well", async () => {
    const { kube, drift, start, pass, stop } = setUp();
    const ended = start();
    await pass(1000);
    const lists = () => kube.calls.filter(({ method }) => method === "list").length;
    assert.equal(lists(), 1);
    await pass(1_200_000);
    assert.ok(lists() > 1 && lists() < 5);
    assert.ok(drift.every((count) => count === 0));
    stop.abort();
    await ended;
  });
});

describe("mapping and predicates", () => {
  const cluster = {
    apiVersion: "v1",
    kind: "MailCluster",
    metadata: { name: "out", namespace: "mail", generation: 1 },
    spec: { plugins: [{ name: "warmup" }, null, { name: 3 }] },
  };

  test("lead from objects to the keys that care", () => {
    assert.deepEqual(clusterOf(map("a")), [{ namespace: "mail", name: "out" }]);
    assert.deepEqual(pluginsOf(cluster), [{ namespace: "mail", name: "warmup" }]);
    const plugin = { ...cluster, metadata: { name: "warmup", namespace: "mail" } };
    assert.deepEqual(clustersUsing(plugin, [cluster]), [{ namespace: "mail", name: "out" }]);
    assert.deepEqual(pluginsOf({ ...cluster, spec: { plugins: "none" } }), []);
  });

  test("let a changed spec through and hold our own status back", () => {
    const change = (object: typeof cluster) => ({ kind: "updated", object, before: cluster }) as const;
    const meta = (extra: object) => ({ ...cluster, metadata: { ...cluster.metadata, ...extra } });
    assert.equal(changesIntent(change(meta({ resourceVersion: "2" }))), false);
    assert.equal(changesIntent(change(meta({ generation: 2 }))), true);
    assert.equal(changesIntent(change(meta({ finalizers: ["a"] }))), true);
    assert.equal(changesContent(change(meta({ resourceVersion: "2" }))), false);
    assert.equal(changesContent(change(meta({ labels: { a: "b" } }))), true);
  });
});
