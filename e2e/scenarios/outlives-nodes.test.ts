import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { SecondNode } from "../cluster/second-node.ts";
import { Stage, eventually } from "./stage.ts";

const foreign = (process.env["MAILFLEET_KUBECONFIG"] ?? "") !== "";

describe("a cluster on two nodes", { skip: foreign, timeout: 800_000 }, () => {
  let stage: Stage;
  let node: SecondNode;

  before(async () => {
    stage = await Stage.open("nodes");
    node = await SecondNode.open();
    await stage.applyCluster("outbound", {
      replicas: 2,
      podDisruptionBudget: { maxUnavailable: 0 },
    });
    await stage.ready("outbound", 2);
  });
  after(async () => {
    await stage?.close();
    await node?.close();
  });

  test("hands its mail to the other node's pods when a node is drained, and nothing is delivered twice", async () => {
    assert.deepEqual(new Set(await nodesOfPods()), new Set(["lab", node.name]));
    await stage.sink.mode("defer");
    await stage.send("outbound", 300, "drain@example.net");
    const budget = await stage.kubectl("get", "pdb", "-o", "jsonpath={.items[*].status.disruptionsAllowed}");
    assert.equal(budget, "0");
    await stage.lab.kubectl([
      "drain",
      node.name,
      "--ignore-daemonsets",
      "--delete-emptydir-data",
      "--timeout=110s",
    ]);
    await eventually(nodesOfPods, (names) => names.every((name) => name === "lab") && names.length === 2, 60);
    await stage.ready("outbound", 2);
    await stage.sink.mode("accept");
    await stage.delivered(300);
    assert.deepEqual(await stage.sink.report(), { deliveries: 300, recipients: 300, doubled: [] });
    await stage.lab.kubectl(["uncordon", node.name]);
  });

  async function nodesOfPods(): Promise<readonly string[]> {
    const selector = "mailfleet.io/cluster=outbound";
    const path = "jsonpath={.items[*].spec.nodeName}";
    return (await stage.kubectl("get", "pods", "-l", selector, "-o", path)).split(" ").filter(Boolean);
  }
});
