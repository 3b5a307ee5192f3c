/** Identities through a whole operator on a fake API server: who holds what while a cluster grows, shrinks and loses a node. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { annotations } from "#crds/group.ts";
import { resources, type Pod } from "#operator/kube/objects.ts";

import { Whole, cluster } from "../testing/whole.ts";

const names = ["203.0.113.1", "203.0.113.2", "203.0.113.3"];
const identities = names.map((address) => ({ address, hostname: `mx-${address.at(-1)}.example.org` }));

function start(spec: Record<string, unknown>, prepare: (whole: Whole) => void = () => {}) {
  const whole = new Whole();
  whole.engines.canHandOver = true;
  prepare(whole);
  whole.kube.seed(resources.mailClusters, cluster({ identities, ...spec }));
  return { whole, operator: whole.start() };
}

/** What each pod was made with, by name. */
function heldBy(whole: Whole): Record<string, string> {
  const pods = whole.kube.peekAll<Pod>(resources.pods);
  return Object.fromEntries(
    pods.map(({ metadata, spec }) => {
      const identity = metadata.annotations?.[annotations.identity] ?? "";
      assert.deepEqual(spec.containers[0]?.args?.slice(-2), ["--identity", identity]);
      return [metadata.name, identity];
    }),
  );
}

function uidOf(whole: Whole, pod: string): string | undefined {
  return whole.kube.peekAll<Pod>(resources.pods).find(({ metadata }) => metadata.name === pod)?.metadata.uid;
}

const scaleTo = (whole: Whole, replicas: number): void =>
  whole.edit(({ spec }) => {
    spec["replicas"] = replicas;
  });
const settled = (whole: Whole): Promise<void> =>
  whole.until("settled", () => whole.condition("Reconciling") === "False Settled");

describe("identities of a cluster", () => {
  test("belong to a pod each, are told in the status, and stay over a restart of a pod", async () => {
    const { whole, operator } = start({ replicas: 2 });
    await settled(whole);
    const held = { "out-0": names[0], "out-1": names[1] };
    assert.deepEqual(heldBy(whole), held);
    assert.equal(whole.condition("IdentitiesHeld"), "True Held");
    const { pods = [] } = (whole.cluster()?.status ?? {}) as {
      pods?: readonly { slot: number; identity?: string }[];
    };
    assert.deepEqual(
      pods.map(({ slot, identity }) => [slot, identity]),
      [[0, names[0]], [1, names[1]]], // biome-ignore format: pairs
    );
    const before = uidOf(whole, "out-0");
    whole.kube.discard(resources.pods, "mail", "out-0");
    await whole.until("it is made anew", () => uidOf(whole, "out-0") !== before);
    await settled(whole);
    assert.deepEqual(heldBy(whole), held);
    await operator.stop();
  });

  test("are given to others only when their slot is gone", async () => {
    const { whole, operator } = start({ replicas: 3 });
    await settled(whole);
    whole.edit(({ metadata }) => {
      metadata.annotations = { [annotations.removeSlots]: "0" };
    });
    scaleTo(whole, 2);
    await whole.until("one left", () => whole.names("pods").length === 2);
    await settled(whole);
    assert.deepEqual(heldBy(whole), { "out-1": names[1], "out-2": names[2] });
    scaleTo(whole, 3);
    await whole.until("three", () => whole.names("pods").length === 3);
    assert.deepEqual(heldBy(whole), { "out-0": names[0], "out-1": names[1], "out-2": names[2] });
    await operator.stop();
  });

  test("fewer than pods wanted: as many pods run, and the condition says what to do", async () => {
    const { whole, operator } = start({ replicas: 5 });
    await whole.until("told", () => whole.condition("IdentitiesHeld") === "False TooFew");
    await settled(whole);
    assert.equal(whole.names("pods").length, 3);
    assert.match(whole.message("IdentitiesHeld"), /add 2 to spec.identities, or ask for 3 pods/);
    whole.edit(({ spec }) => {
      spec["identities"] = [
        ...identities,
        { address: "203.0.113.4", hostname: "mx-4.example.org" },
        { address: "2001:db8::5", hostname: "mx-5.example.org" },
      ];
    });
    await whole.until("five", () => whole.names("pods").length === 5);
    await whole.until("held", () => whole.condition("IdentitiesHeld") === "True Held");
    assert.equal(new Set(Object.values(heldBy(whole))).size, 5);
    await operator.stop();
  });

  test("of a pod on a node that is lost are nobody else's", async () => {
    const { whole, operator } = start({ replicas: 2, identities: identities.slice(0, 2) }, ({ node }) => {
      node.addNode("node-a");
    });
    await settled(whole);
    whole.node.lose("node-a");
    whole.node.addNode("node-b");
    for (const name of ["out-0", "out-1"]) whole.kube.discard(resources.pods, "mail", name);
    await whole.turns(100);
    // Somebody removes their objects, though their processes may still run.
    for (const name of ["out-0", "out-1"]) whole.kube.finish(resources.pods, "mail", name);
    await whole.until("told", () => whole.condition("IdentitiesHeld") === "False Assigning", 500);
    await whole.turns(100);
    assert.deepEqual(whole.names("pods"), []);
    whole.kube.finish(resources.nodes, "", "node-a");
    await whole.until("the node is dead", () => whole.names("pods").length === 2, 500);
    const held = Object.values(heldBy(whole));
    assert.deepEqual(held.sort(), names.slice(0, 2));
    await operator.stop();
  });
});
