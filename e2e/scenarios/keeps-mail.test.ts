import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Stage, condition, eventually } from "./stage.ts";

describe("mail that cannot be delivered yet", { timeout: 400_000 }, () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.open("keeps");
    const app = { ...stage.app(), suppression: {} };
    await stage.applyCluster("outbound", { replicas: 2, config: { app } });
    await stage.ready("outbound", 2);
  });
  after(() => stage?.close());

  test("outlives a pod that is killed without warning", async () => {
    await stage.sink.mode("defer");
    await stage.send("outbound", 200, "kill@example.net");
    await stage.kubectl("delete", "pod", "outbound-0", "--grace-period=0", "--force");
    await stage.ready("outbound", 2);
    await stage.sink.mode("accept");
    await stage.delivered(200);
    assert.deepEqual((await stage.sink.report()).doubled, []);
  });

  const suppressed = (slot: number): Promise<string> =>
    stage.kubectl("exec", `outbound-${slot}`, "--", "mtactl", "suppression", "list");

  test("goes to nobody whom any pod was told to leave alone: all of them learn it", async () => {
    for (const slot of [0, 1])
      await stage.kubectl("exec", `outbound-${slot}`, "--", "mtactl", "suppression", "add", nobody(slot));
    const isWhole = (list: string): boolean => [0, 1].every((slot) => list.includes(nobody(slot)));
    for (const slot of [0, 1]) await eventually(() => suppressed(slot), isWhole, 60);
  });

  test("leaves with its pod when the cluster shrinks: handed to the pod that stays, once, and nobody is turned away", async () => {
    await stage.sink.mode("defer");
    await stage.send("outbound", 300, "shrink@example.net");
    const traffic = await stage.traffic("outbound");
    await stage.kubectl("scale", "mailcluster", "outbound", "--replicas=1");
    await stage.until("outbound", ({ status }) => status.replicas === 1 && status.pods.length === 1);
    const { status } = await stage.ready("outbound", 1);
    assert.equal(status.pods.length, 1);
    const [stayed] = status.pods;
    const list = await suppressed(stayed?.slot ?? -1);
    for (const slot of [0, 1]) assert.ok(list.includes(nobody(slot)), list);
    await traffic.stop();
    await stage.sink.mode("accept");
    await stage.allDelivered();
  });

  test("holds the deletion of the cluster until it is delivered, and then nothing is left", async () => {
    await stage.sink.mode("defer");
    await stage.send("outbound", 50, "delete@example.net");
    await stage.kubectl("delete", "mailcluster", "outbound", "--wait=false");
    const view = await stage.until("outbound", (seen) => condition(seen, "Ready")?.reason === "Deleting");
    assert.equal(view.status.pods.length, 1);
    await stage.sink.mode("accept");
    await stage.allDelivered();
    const kinds =
      "mailclusters,pods,persistentvolumeclaims,services,secrets,networkpolicies,poddisruptionbudgets";
    await eventually(
      () => stage.kubectl("get", kinds, "-o", "name"),
      (names) => names === "",
      90,
    );
    assert.deepEqual((await stage.sink.report()).doubled, []);
  });
});

/** Whom the pod of a slot is told to leave alone. */
function nobody(slot: number): string {
  return `nobody-${slot}@example.net`;
}
