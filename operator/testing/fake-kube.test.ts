import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { isKubeFailure } from "#operator/kube/errors.ts";
import type { KubeObject, WatchEvent } from "#operator/kube/kube.ts";
import { type ConfigMap, type CustomObject, resources } from "#operator/kube/objects.ts";

import { FakeKube } from "./fake-kube.ts";
import { matchesSelector } from "./label-selector.ts";

const configMap = (name: string, data: Record<string, string>, extra = {}): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "mail", ...extra },
  data,
});
const ref = (name: string) => ({ resource: resources.configMaps, namespace: "mail", name });

describe("the fake API server", () => {
  test("applies what differs, drops what the manager no longer sends, and keeps what others set", async () => {
    const kube = new FakeKube();
    const first = await kube.apply(resources.configMaps, configMap("a", { x: "1", y: "2" }));
    kube.edit<ConfigMap>(resources.configMaps, "mail", "a", (copy) => {
      (copy.metadata as { labels?: object }).labels = { by: "user" };
    });
    const second = await kube.apply(resources.configMaps, configMap("a", { x: "3" }));
    assert.deepEqual(second.data, { x: "3" });
    assert.deepEqual(second.metadata.labels, { by: "user" });
    assert.equal(second.metadata.uid, first.metadata.uid);
    const third = await kube.apply(resources.configMaps, configMap("a", { x: "3" }));
    assert.equal(third.metadata.resourceVersion, second.metadata.resourceVersion);
    assert.deepEqual(
      kube.writes.map((write) => write.changed),
      [true, true, false],
    );
  });

  test("keeps status apart from spec and counts generations of the spec only", async () => {
    const kube = new FakeKube();
    const cluster: CustomObject = {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      metadata: { name: "out", namespace: "mail" },
      spec: { replicas: 1 },
    };
    await kube.create(resources.mailClusters, { ...cluster, status: { replicas: 9 } } as CustomObject);
    const withStatus = await kube.applyStatus(resources.mailClusters, {
      ...cluster,
      status: { replicas: 1 },
    });
    assert.deepEqual(withStatus.status, { replicas: 1 });
    assert.equal(withStatus.metadata.generation, 1);
    const grown = await kube.apply(resources.mailClusters, { ...cluster, spec: { replicas: 2 } });
    assert.equal(grown.metadata.generation, 2);
    assert.deepEqual(grown.status, { replicas: 1 });
  });

  test("holds a deleted object until its last finalizer is taken away", async () => {
    const kube = new FakeKube();
    const stored = await kube.create(
      resources.configMaps,
      configMap("a", {}, { finalizers: ["mailfleet.io/drain"] }),
    );
    assert.equal(await kube.delete(ref("a"), { uid: stored.metadata.uid ?? "" }), true);
    assert.notEqual((await kube.get(ref("a")))?.metadata.deletionTimestamp, undefined);
    await kube.patchMetadata(ref("a"), { finalizers: null });
    assert.equal(await kube.get(ref("a")), null);
    assert.equal(await kube.delete(ref("a"), { uid: stored.metadata.uid ?? "" }), false);
  });

  test("refuses writes whose preconditions do not hold", async () => {
    const kube = new FakeKube();
    const stored = await kube.create(resources.configMaps, configMap("a", {}));
    await assert.rejects(kube.delete(ref("a"), { uid: "other" }), (error) =>
      isKubeFailure(error, "conflict"),
    );
    await assert.rejects(kube.create(resources.configMaps, stored), (error) =>
      isKubeFailure(error, "already-exists"),
    );
    await kube.replace(resources.configMaps, { ...stored, data: { a: "b" } });
    await assert.rejects(kube.replace(resources.configMaps, stored), (error) =>
      isKubeFailure(error, "conflict"),
    );
  });

  test("replays a watch from a version and answers 410 after compaction", async () => {
    const kube = new FakeKube();
    const { resourceVersion } = await kube.list(resources.configMaps, { namespace: "mail" });
    await kube.create(resources.configMaps, configMap("a", {}));
    const stop = new AbortController();
    const seen: WatchEvent<KubeObject>[] = [];
    for await (const event of kube.watch(resources.configMaps, {
      namespace: "mail",
      resourceVersion,
      signal: stop.signal,
    })) {
      seen.push(event);
      stop.abort();
    }
    assert.equal(seen[0]?.type, "ADDED");
    kube.storage.compact();
    const late = kube.watch(resources.configMaps, {
      namespace: "",
      resourceVersion,
      signal: new AbortController().signal,
    });
    await assert.rejects(late[Symbol.asyncIterator]().next(), (error) => isKubeFailure(error, "gone"));
  });

  test("pages lists and fails exactly the calls it is told to", async () => {
    const kube = new FakeKube();
    for (const name of ["a", "b", "c"]) await kube.create(resources.configMaps, configMap(name, {}));
    const first = await kube.list(resources.configMaps, { namespace: "", limit: 2 });
    assert.equal(first.items.length, 2);
    const token = first.continueToken ?? "";
    const second = await kube.list(resources.configMaps, { namespace: "", limit: 2, continueToken: token });
    assert.deepEqual([second.items.length, second.continueToken], [1, null]);
    kube.failNext("get", "throttled", { skip: 1 });
    await kube.get(ref("a"));
    await assert.rejects(kube.get(ref("a")), (error) => isKubeFailure(error, "throttled"));
    await kube.get(ref("a"));
  });

  test("collects objects whose owner is gone", async () => {
    const kube = new FakeKube();
    const owner = await kube.create(resources.configMaps, configMap("owner", {}));
    const ownerReferences = [
      { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.metadata.uid ?? "" },
    ];
    await kube.create(resources.configMaps, configMap("child", {}, { ownerReferences }));
    assert.equal(kube.storage.collectGarbage(), 0);
    await kube.delete(ref("owner"), { uid: owner.metadata.uid ?? "" });
    assert.equal(kube.storage.collectGarbage(), 1);
    assert.deepEqual(kube.peekAll(resources.configMaps), []);
  });
});

test("label selectors understand presence, absence, equality and inequality", () => {
  const labels = { a: "1", "x.io/b": "2" };
  for (const selector of ["a", "a=1", "a==1,x.io/b=2", "!c", "a!=2", "c!=1"]) {
    assert.equal(matchesSelector(selector, labels), true, selector);
  }
  for (const selector of ["c", "a=2", "a=1,c", "!a", "a!=1"]) {
    assert.equal(matchesSelector(selector, labels), false, selector);
  }
});
