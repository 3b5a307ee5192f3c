/** The whole operator where labels of namespaces say whose clusters are its own. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type Pod, resources } from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

const namespaceWith = (labels: Record<string, string>, name = NAMESPACE) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});
const label = (whole: Whole, labels: Record<string, string>): void => {
  whole.kube.edit(resources.namespaces, "", NAMESPACE, (copy) => {
    (copy.metadata as { labels?: Record<string, string> }).labels = labels;
  });
};
const isWell = (whole: Whole): boolean => whole.condition("Ready") === "True AllPodsReady";

function started(labels: Record<string, string>) {
  const whole = new Whole();
  whole.kube.seed(resources.namespaces, namespaceWith(labels));
  whole.kube.seed(resources.mailClusters, cluster({ replicas: 2 }));
  const operator = whole.start({ namespaceSelector: "team=mail" });
  return { whole, operator };
}

describe("an operator with a selector of namespaces", () => {
  test("looks after clusters in namespaces that carry the label, and not elsewhere", async () => {
    const { whole, operator } = started({ team: "mail" });
    const there = cluster({ replicas: 1 });
    whole.kube.seed(resources.namespaces, namespaceWith({ team: "web" }, "elsewhere"));
    const metadata = { ...there.metadata, namespace: "elsewhere" };
    whole.kube.seed(resources.mailClusters, { ...there, metadata });
    await whole.until("well", () => isWell(whole), 500);
    await whole.turns(50);
    assert.equal(whole.kube.peekAll(resources.pods, NAMESPACE).length, 2);
    assert.equal(whole.kube.peekAll(resources.pods, "elsewhere").length, 0);
    assert.equal(operator.manager.figuresOf("elsewhere", "out"), "absent");
    await operator.stop();
  });

  test("begins when a namespace gains the label, and touches nothing once it has lost it", async () => {
    const { whole, operator } = started({});
    await whole.turns(50);
    assert.equal(whole.kube.peekAll(resources.pods).length, 0);
    label(whole, { team: "mail" });
    await whole.until("well", () => isWell(whole), 500);
    label(whole, { team: "web" });
    await whole.turns(20);
    whole.edit(({ spec }) => Object.assign(spec, { replicas: 4 }));
    whole.kube.discard(resources.pods, NAMESPACE, "out-1");
    const writes = whole.kube.writes.length;
    await whole.turns(200, 1000);
    assert.equal(whole.kube.writes.length, writes);
    const pods = whole.kube.peekAll<Pod>(resources.pods, NAMESPACE);
    assert.equal(pods.length, 1, "the pod that is left goes on");
    label(whole, { team: "mail" });
    await whole.until("all four", () => isWell(whole) && whole.names("pods").length === 4, 500);
    assert.ok(
      whole.kube.peekAll<Pod>(resources.pods).some(({ metadata }) => metadata.uid === pods[0]?.metadata.uid),
    );
    await operator.stop();
  });

  test("is not ready, and does nothing, before it knows which namespaces are meant", async () => {
    const { whole, operator } = started({ team: "mail" });
    assert.notEqual(operator.manager.notReadyBecause(), null);
    await whole.until("ready", () => operator.manager.notReadyBecause() === null);
    await operator.stop();
  });
});
