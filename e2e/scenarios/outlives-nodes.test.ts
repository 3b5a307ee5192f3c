import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { setTimeout as wait } from "node:timers/promises";

import { SecondNode } from "../cluster/second-node.ts";
import { processesOf } from "../soak/node-processes.ts";
import { Stage, condition, eventually } from "./stage.ts";

/** Kubernetes gives a pod of a silent node up after five minutes where nothing else is said. */
const tolerations = ["unreachable", "not-ready"].map((what) => ({
  key: `node.kubernetes.io/${what}`,
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds: 5,
}));
const foreign = (process.env["MAILFLEET_KUBECONFIG"] ?? "") !== "";

const selector = "mailfleet.io/cluster=outbound";

describe("a cluster on two nodes", { skip: foreign, timeout: 800_000 }, () => {
  let stage: Stage;
  let node: SecondNode;

  before(async () => {
    stage = await Stage.open("nodes");
    node = await SecondNode.open();
    await stage.applyCluster("outbound", {
      replicas: 2,
      podDisruptionBudget: { maxUnavailable: 0 },
      podTemplate: { tolerations },
    });
    await stage.ready("outbound", 2);
  });
  after(async () => {
    await stage?.close();
    await node?.close();
  });

  test("hands its mail to the other node's pods when a node is drained, nothing is delivered twice, and nobody is turned away", async () => {
    assert.deepEqual(new Set(await nodesOfPods()), new Set(["lab", node.name]));
    await stage.sink.mode("defer");
    await stage.send("outbound", 300, "drain@example.net");
    const traffic = await stage.traffic("outbound");
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
    await traffic.stop();
    await stage.allDelivered();
    await stage.lab.kubectl(["uncordon", node.name]);
  });

  test("never opens the spool of a node that is silent and may still run its pod, though somebody removes the pod by force", async () => {
    await stage.kubectl("scale", "mailcluster", "outbound", "--replicas=3");
    await stage.ready("outbound", 3);
    const lost = (await stage.kubectl("get", "pods", ...onNode(node.name))).trim();
    await stage.sink.mode("defer");
    await stage.send("outbound", 300, "lost@example.net");
    await node.isolate();
    const isLost = (view: Awaited<ReturnType<Stage["view"]>>): boolean =>
      condition(view, "ScaleDownBlocked")?.reason === "NodeLost" && view.status.readyReplicas === 3;
    await stage.until("outbound", isLost, 180);
    await stage.kubectl("delete", "pod", lost, "--force", "--grace-period=0");
    await wait(15_000);
    assert.equal((await processesOf("engine", lost)).length, 1, "its process is where it was");
    assert.doesNotMatch(await stage.kubectl("get", "pods", "-o", "name"), new RegExp(`/${lost}\n`));
    await node.rejoin();
    await stage.sink.mode("accept");
    await stage.allDelivered(180);
    await eventually(
      () => stage.kubectl("get", "persistentvolumeclaims", "-o", "name"),
      (names) => !names.includes(`/${lost}\n`),
      120,
    );
    await stage.ready("outbound", 3);
  });

  const onNode = (name: string): readonly string[] => [
    ...["-l", selector, "--field-selector", `spec.nodeName=${name}`],
    ...["-o", "jsonpath={.items[*].metadata.name}"],
  ];

  async function nodesOfPods(): Promise<readonly string[]> {
    const path = "jsonpath={.items[*].spec.nodeName}";
    return (await stage.kubectl("get", "pods", "-l", selector, "-o", path)).split(" ").filter(Boolean);
  }
});
