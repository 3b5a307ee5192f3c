/** A cluster of one pod, whose volume grows, and whose pod is evicted as a drain of its node would do it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Stage, condition, eventually } from "./stage.ts";

const foreign = (process.env["MAILFLEET_KUBECONFIG"] ?? "") !== "";

describe("a cluster of one pod", { timeout: 400_000 }, () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.open("one");
    await stage.applyCluster("outbound", { replicas: 1 });
    await stage.ready("outbound", 1);
  });
  after(() => stage?.close());

  const evict = (pod: string): Promise<string> => {
    const metadata = { name: pod, namespace: stage.namespace };
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata };
    const path = `/api/v1/namespaces/${stage.namespace}/pods/${pod}/eviction`;
    return stage.lab.kubectl(["create", "--raw", path, "-f", "-"], JSON.stringify(eviction));
  };

  const uidOf = (pod: string): Promise<string> =>
    stage.kubectl("get", "pod", pod, "-o", "jsonpath={.metadata.uid}").catch(() => "");

  const allowed = (count: number): Promise<string> =>
    eventually(
      () => stage.kubectl("get", "pdb", "outbound", "-o", "jsonpath={.status.disruptionsAllowed}"),
      (text) => text === String(count),
      30,
    );

  test("gets a larger volume when its spec asks for one, while it takes mail, and never a smaller one", {
    skip: foreign,
  }, async () => {
    const before = await uidOf("outbound-0");
    const traffic = await stage.traffic("outbound");
    await stage.applyCluster("outbound", { replicas: 1, storage: { size: "2Gi" } });
    await eventually(
      () => stage.kubectl("get", "pvc", "outbound-0", "-o", "jsonpath={.status.capacity.storage}"),
      (size) => size === "2Gi",
      60,
    );
    const grown = await stage.until(
      "outbound",
      (view) =>
        view.status.observedGeneration === view.metadata.generation &&
        condition(view, "SpoolsHealthy")?.status === "True",
    );
    assert.equal(condition(grown, "Ready")?.status, "True");
    await assert.rejects(
      stage.applyCluster("outbound", { replicas: 1, storage: { size: "1Gi" } }),
      /spec\.storage\.size cannot shrink/,
    );
    await traffic.stop();
    assert.equal(await uidOf("outbound-0"), before);
    await stage.allDelivered();
  });

  test("lets its only pod be evicted, which comes back with its volume and its mail", async () => {
    await stage.sink.mode("defer");
    await stage.send("outbound", 100, "evicted@example.net");
    const before = await uidOf("outbound-0");
    await allowed(1);
    await evict("outbound-0");
    await eventually(
      () => uidOf("outbound-0"),
      (uid) => uid !== "" && uid !== before,
      60,
    );
    await stage.ready("outbound", 1);
    await stage.sink.mode("accept");
    await stage.allDelivered();
  });

  test("lets one of two be evicted, and the other one only when the first is back", async () => {
    await stage.kubectl("scale", "mailcluster", "outbound", "--replicas=2");
    await stage.ready("outbound", 2);
    await allowed(1);
    const before = await uidOf("outbound-0");
    await evict("outbound-0");
    await assert.rejects(evict("outbound-1"), /disruption budget|TooManyRequests/);
    await eventually(
      () => uidOf("outbound-0"),
      (uid) => uid !== "" && uid !== before,
      60,
    );
    await stage.ready("outbound", 2);
    await allowed(1);
  });
});
