import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Stage, condition } from "./stage.ts";

describe("a cluster that scales by itself", { timeout: 400_000 }, () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.open("scales");
    await stage.applyCluster("outbound", {
      autoscaling: {
        mode: "Internal",
        minReplicas: 1,
        maxReplicas: 3,
        targets: { dueMessagesPerPod: 200 },
        behavior: { scaleDown: { stabilizationSeconds: 5, pods: 2, percent: 100, periodSeconds: 1 } },
      },
    });
    await stage.ready("outbound", 1);
  });
  after(() => stage?.close());

  test("grows with the queue, shrinks when it is worked off, and delivers every mail once", async () => {
    await stage.sink.pace(1000);
    await stage.send("outbound", 1200, "burst@example.net");
    await stage.until("outbound", ({ status }) => status.readyReplicas === 3);
    // Nobody sends anything meanwhile: what the new pods have is a part of the first one's backlog.
    const { status } = await stage.until("outbound", ({ status: { pods } }) =>
      pods.every(({ queued = 0 }) => queued >= 100),
    );
    assert.match(status.spread?.message ?? "", /^slot \d: \d+ to /);
    const spread = await stage.kubectl(
      "get",
      "events",
      "--field-selector=reason=BacklogSpread",
      "-o",
      "name",
    );
    assert.notEqual(spread, "");
    // As long as a new pod has not told its figures, they are unknown, and the autoscaler says so.
    await stage.until("outbound", (view) => condition(view, "ScalingActive")?.status === "True");
    await stage.send("outbound", 300, "more@example.net");
    await stage.sink.pace(0);
    await stage.delivered(1500, 120);
    await stage.until("outbound", ({ status }) => status.replicas === 1, 150);
    assert.deepEqual(await stage.sink.report(), { deliveries: 1500, recipients: 1500, doubled: [] });
  });

  test("keeps the number it chose when the same manifest is applied again", async () => {
    const before = await stage.view("outbound");
    await stage.kubectl("annotate", "mailcluster", "outbound", "example.org/applied=again");
    const events = await stage.kubectl("get", "events", "--field-selector=reason=ScaledUp", "-o", "name");
    assert.notEqual(events, "");
    assert.equal((await stage.view("outbound")).status.replicas, before.status.replicas);
  });
});
