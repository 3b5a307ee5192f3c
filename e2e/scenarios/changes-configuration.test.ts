import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import type { Ledger } from "../peers/ledger.ts";
import { Stage, condition } from "./stage.ts";

describe("a change of the configuration", { timeout: 300_000 }, () => {
  let stage: Stage;
  let other: Ledger;

  before(async () => {
    stage = await Stage.open("changes");
    other = await stage.openSink();
    await stage.applyCluster("outbound", { replicas: 2 });
    await stage.ready("outbound", 2);
  });
  after(() => stage?.close());

  test("reaches every pod without a restart, and the status says which revision each runs", async () => {
    const before = await podUids(stage);
    const server = `${other.address}:${other.port}`;
    const traffic = await stage.traffic("outbound");
    await stage.applyCluster("outbound", {
      replicas: 2,
      config: { app: stage.app({ connection: { server } }) },
    });
    await stage.rolledOut("outbound");
    assert.deepEqual(await podUids(stage), before);
    await traffic.stop();
    await stage.send("outbound", 100);
    await stage.allDelivered();
    const ours = async (sink: Ledger): Promise<number> =>
      [...(await sink.recipients()).keys()].filter((name) => name.endsWith("user@example.net")).length;
    assert.deepEqual([await ours(other), await ours(stage.sink)], [100, 0]);
  });

  test("that is broken stays away from the pods, and condition and event say where it is broken", async () => {
    const good = (await stage.view("outbound")).status.revision.current;
    await stage.applyCluster("outbound", {
      replicas: 2,
      config: { app: { ...stage.app(), colour: "blue" } },
    });
    const view = await stage.until(
      "outbound",
      (seen) => condition(seen, "ConfigApplied")?.reason === "Invalid",
    );
    assert.match(condition(view, "ConfigApplied")?.message ?? "", /smtpd-app\.yaml.*colour.*unknown key/);
    assert.deepEqual(new Set(view.status.pods.map(({ revision }) => revision)), new Set([good]));
    const events = await stage.kubectl("get", "events", "--field-selector=reason=Invalid", "-o", "name");
    assert.notEqual(events, "");
    await stage.send("outbound", 10, "still@example.net");
  });

  test("that breaks a rule of the resource is refused with the field and the way out", async () => {
    await assert.rejects(
      stage.applyCluster("outbound", { replicas: -1 }),
      /spec\.replicas.*should be greater than or equal to 0/s,
    );
  });
});

async function podUids(stage: Stage): Promise<string> {
  return stage.kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}");
}
