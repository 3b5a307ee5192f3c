/** The whole operator while nodes are emptied, fall silent and go. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import {
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  resources,
} from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

const isSettled = (whole: Whole): boolean =>
  whole.condition("Ready") === "True AllPodsReady" && whole.condition("Reconciling") === "False Settled";

async function started(spec: Record<string, unknown>, nodes: readonly string[]) {
  const whole = new Whole();
  whole.engines.canHandOver = true;
  for (const name of nodes) whole.node.addNode(name);
  whole.kube.seed(resources.mailClusters, cluster(spec));
  const operator = whole.start();
  await whole.until("settled", () => isSettled(whole), 500);
  return { whole, stop: () => operator.stop() };
}

const nodeOf = (whole: Whole, pod: string): string | undefined =>
  whole.kube.peek<Pod>(resources.pods, NAMESPACE, pod)?.spec.nodeName;
const budget = (whole: Whole) =>
  whole.kube.peek<PodDisruptionBudget>(resources.disruptionBudgets, NAMESPACE, "out")?.spec;
const notedOn = (whole: Whole, claim: string): string | undefined =>
  whole.kube.peek<PersistentVolumeClaim>(resources.claims, NAMESPACE, claim)?.metadata.annotations?.[
    "mailfleet.io/last-node"
  ];

describe("a node that is cordoned", () => {
  test("its pod hands over to a new one elsewhere, and is not evicted meanwhile", async () => {
    const { whole, stop } = await started({ replicas: 1 }, ["n1", "n2"]);
    assert.equal(nodeOf(whole, "out-0"), "n1");
    assert.equal(budget(whole)?.minAvailable, 0);
    whole.engines.queue(whole.node.addressOf("out-0"), 800);
    await whole.turns(200);
    whole.node.cordon("n1");
    await whole.until("nothing is evicted", () => budget(whole)?.maxUnavailable === 0);
    await whole.until("moved", () => whole.names("pods").join() === "out-1" && isSettled(whole), 500);
    assert.equal(nodeOf(whole, "out-1"), "n2");
    assert.deepEqual(whole.names("claims"), ["out-1"]);
    assert.equal(whole.engines.queued, 800);
    assert.equal(budget(whole)?.minAvailable, 0);
    await stop();
  });

  test("where no other node takes pods, all stays as it is", async () => {
    const { whole, stop } = await started({ replicas: 2 }, ["n1"]);
    whole.node.cordon("n1");
    await whole.turns(100);
    const before = whole.kube.writes.length;
    await whole.turns(100);
    assert.deepEqual(whole.names("pods"), ["out-0", "out-1"]);
    assert.equal(whole.kube.writes.length, before);
    await stop();
  });
});

describe("a node that falls silent", () => {
  test("another slot takes the place of its pod, and the spool is only opened again when the node is gone", async () => {
    const { whole, stop } = await started({ replicas: 1 }, ["n1", "n2"]);
    await whole.until("noted", () => notedOn(whole, "out-0") === "n1");
    whole.engines.queue(whole.node.addressOf("out-0"), 300);
    await whole.turns(100);
    whole.node.lose("n1");
    whole.kube.discard(resources.pods, NAMESPACE, "out-0"); // As Kubernetes does after five minutes.
    await whole.until("successor", () => whole.names("pods").join() === "out-0,out-1", 500);
    await whole.until("blocked", () => whole.condition("ScaleDownBlocked") === "True NodeLost", 500);
    assert.match(whole.message("ScaleDownBlocked"), /out-of-service/);
    // Somebody removes the pod's object, though its process may still run.
    whole.kube.finish(resources.pods, NAMESPACE, "out-0");
    await whole.turns(200);
    assert.deepEqual(whole.names("pods"), ["out-1"]);
    assert.deepEqual(whole.names("claims"), ["out-0", "out-1"]);
    whole.kube.finish(resources.nodes, "", "n1");
    await whole.until("adopted", () => whole.names("pods").length === 2, 500);
    await whole.until(
      "empty and gone",
      () => whole.names("claims").join() === "out-1" && isSettled(whole),
      500,
    );
    await stop();
  });
});

test("an operator that may not read nodes works all the same, and notes nothing", async () => {
  const whole = new Whole();
  whole.node.addNode("n1");
  whole.kube.failNext("list", "refused", { resource: resources.nodes, times: 1 });
  whole.kube.seed(resources.mailClusters, cluster({ replicas: 1 }));
  const operator = whole.start();
  await whole.until("settled", () => isSettled(whole), 500);
  assert.equal(notedOn(whole, "out-0"), undefined);
  await operator.stop();
});

describe("clients that appear with the address of a node", () => {
  const clients = (address: string) => ({ sessions: 40, addresses: [{ address, sessions: 40 }] });

  test("are told in a condition and an event, without a write while it stays so, and it passes", async () => {
    const { whole, stop } = await started({ replicas: 1 }, ["n1"]);
    const from = (address: string): void =>
      whole.engines.change(whole.node.addressOf("out-0"), { clients: clients(address) });
    assert.equal(whole.condition("ClientIPVisible"), "Unknown FewSessions");
    from("10.9.0.1");
    await whole.until("told", () => whole.condition("ClientIPVisible") === "False NodeAddresses", 1000);
    await whole.turns(60, 1000);
    const events = whole.kube.peekAll(resources.events) as unknown as { reason: string; type: string }[];
    assert.ok(events.some(({ reason, type }) => reason === "NodeAddresses" && type === "Warning"));
    assert.ok(isSettled(whole), "mail goes on");
    const before = whole.kube.writes.length;
    await whole.turns(100, 1000);
    assert.equal(whole.kube.writes.length, before);
    from("192.0.2.7");
    await whole.until("passed", () => whole.condition("ClientIPVisible") === "True Visible", 1000);
    await stop();
  });

  test("are unknown to an operator that may not read nodes", async () => {
    const whole = new Whole();
    whole.kube.failNext("list", "refused", { resource: resources.nodes, times: 1 });
    whole.kube.seed(resources.mailClusters, cluster({ replicas: 1 }));
    const operator = whole.start();
    await whole.until("settled", () => isSettled(whole), 500);
    assert.equal(whole.condition("ClientIPVisible"), "Unknown NodesUnknown");
    await operator.stop();
  });
});
