/** A cluster of many pods is made in several passes, and its status tells how far it is. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { resources } from "#operator/kube/objects.ts";

import { cluster, Whole } from "../testing/whole.ts";

test("hundred pods: the status speaks before the last one is made, and all come", async () => {
  const whole = new Whole();
  whole.kube.seed(resources.mailClusters, cluster({ replicas: 100 }));
  const operator = whole.start();
  await whole.until("all ready", () => whole.condition("Ready") === "True AllPodsReady", 2000);
  assert.equal(whole.names("pods").length, 100);
  const told = whole.kube.writes.map(({ method, plural }) => `${method} ${plural}`);
  const [first, last] = [told.indexOf("applyStatus mailclusters"), told.lastIndexOf("create pods")];
  assert.ok(first >= 0 && first < last, told.join(", "));
  await operator.stop();
});
