import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { KubeObject } from "#operator/kube/kube.ts";
import { resources } from "#operator/kube/objects.ts";

import { Expectations } from "./expectations.ts";
import { compareVersions, ObjectStore } from "./store.ts";

const object = (
  name: string,
  uid: string,
  version: string,
  labels: Record<string, string> = {},
): KubeObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "mail", uid, resourceVersion: version, labels },
});
const byColour = {
  colour: (it: KubeObject) => (it.metadata.labels?.["colour"] ? [it.metadata.labels["colour"]] : []),
};
const kinds = (changes: readonly { kind: string }[]) => changes.map((change) => change.kind);

describe("the store", () => {
  test("tells what a fresh list changed, and a reused name is a deletion and an addition", () => {
    const store = new ObjectStore();
    assert.equal(store.synced, false);
    store.replaceAll([object("a", "1", "5"), object("b", "2", "6")], "7");
    assert.equal(store.synced, true);
    const changes = store.replaceAll([object("a", "9", "8"), object("c", "3", "9")], "10");
    assert.deepEqual(
      changes.map((change) => `${change.kind} ${change.object.metadata.uid}`),
      ["deleted 2", "deleted 1", "added 9", "added 3"],
    );
    assert.equal(store.resourceVersion, "10");
    assert.deepEqual(store.replaceAll([object("a", "9", "8"), object("c", "3", "9")], "11"), []);
  });

  test("ignores a repeated or older event and the deletion of another uid", () => {
    const store = new ObjectStore();
    store.put(object("a", "1", "10"));
    assert.deepEqual(kinds(store.put(object("a", "1", "9"))), []);
    assert.deepEqual(kinds(store.put(object("a", "1", "10"))), []);
    assert.deepEqual(kinds(store.remove(object("a", "0", "11"))), []);
    assert.deepEqual(kinds(store.put(object("a", "1", "12"))), ["updated"]);
    assert.deepEqual(kinds(store.remove(object("a", "1", "13"))), ["deleted"]);
    assert.equal(store.size, 0);
  });

  test("keeps indexes in step with changes", () => {
    const store = new ObjectStore(byColour);
    store.put(object("a", "1", "1", { colour: "red" }));
    store.put(object("b", "2", "2", { colour: "red" }));
    store.put(object("a", "1", "3", { colour: "blue" }));
    const names = (colour: string) => store.by("colour", colour).map((it) => it.metadata.name);
    assert.deepEqual([names("red"), names("blue"), names("green")], [["b"], ["a"], []]);
    assert.equal(store.list("mail").length, 2);
    assert.equal(store.list("other").length, 0);
    assert.throws(() => store.by("taste", "sweet"), /no index named taste/);
  });

  test("hands out objects nobody can change", () => {
    const store = new ObjectStore();
    store.put(object("a", "1", "1", { colour: "red" }));
    const labels = store.get("mail", "a")?.metadata.labels as Record<string, string>;
    assert.throws(() => {
      labels["colour"] = "blue";
    }, TypeError);
  });

  test("orders versions as numbers of any length", () => {
    assert.ok(compareVersions("9", "10") < 0);
    assert.ok(compareVersions("90071992547409931", "90071992547409930") > 0);
    assert.equal(compareVersions("12", "12"), 0);
  });
});

describe("expectations", () => {
  const setUp = () => {
    const pods = new ObjectStore();
    pods.replaceAll([object("a", "1", "5")], "5");
    return { pods, expectations: new Expectations(new Map([["pods", pods]])) };
  };

  test("wait until the store has come to the version that was written", () => {
    const { pods, expectations } = setUp();
    expectations.wrote("mail/out", resources.pods, object("a", "1", "8"));
    assert.deepEqual(expectations.unseen("mail/out"), ["pods a"]);
    assert.deepEqual(expectations.unseen("mail/other"), []);
    pods.advance("7");
    assert.equal(expectations.unseen("mail/out").length, 1);
    pods.put(object("a", "1", "8"));
    assert.deepEqual(expectations.unseen("mail/out"), []);
  });

  test("wait until a deleted uid is gone, leaving or replaced", () => {
    const { pods, expectations } = setUp();
    expectations.deleted("mail/out", resources.pods, object("a", "1", "5"));
    assert.equal(expectations.unseen("mail/out").length, 1);
    pods.put(object("a", "2", "9"));
    assert.deepEqual(expectations.unseen("mail/out"), []);
  });

  test("do not wait for kinds nobody caches", () => {
    const { expectations } = setUp();
    expectations.wrote("mail/out", resources.leases, object("a", "1", "99"));
    assert.deepEqual(expectations.unseen("mail/out"), []);
  });
});
