/** No pod is wanted and mail waits for its next attempt: it stays in its volume, and the first message due brings a pod back. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { Stage, condition, eventually } from "./stage.ts";

/** Longer than the shortest sleep by what it takes to fall asleep. */
const RETRY_SECONDS = 170;
const HIBERNATE = "mailfleet.io/hibernate";

describe("mail that is not due, where no pod is wanted", { timeout: 600_000 }, () => {
  let stage: Stage;

  before(async () => {
    stage = await Stage.open("sleeps");
    const retry = { count: 100, intervals: [{ interval: RETRY_SECONDS }] };
    for (const name of ["asleep", "zero"])
      await stage.applyCluster(name, { replicas: 1, config: { app: stage.app({ retry }) } });
    await stage.ready("asleep", 1);
    await stage.ready("zero", 1);
  });
  after(() => stage?.close());

  const things = (kind: string): Promise<string> => stage.kubectl("get", kind, "-o", "name");
  const deferred = (name: string): Promise<string> =>
    stage.kubectl("get", "mailcluster", name, "-o", "jsonpath={.status.queue.deferred}");

  test("sleeps in its volume, is delivered when it is due, and then nothing is left", async () => {
    await stage.sink.mode("defer");
    await stage.send("asleep", 20, "asleep@example.net");
    await stage.send("zero", 20, "zero@example.net");
    for (const name of ["asleep", "zero"])
      await eventually(
        () => deferred(name),
        (count) => count === "20",
        30,
      );
    await stage.sink.mode("accept");
    await stage.kubectl("annotate", "mailcluster", "asleep", `${HIBERNATE}=true`);
    await stage.kubectl("scale", "mailcluster", "zero", "--replicas=0");
    await eventually(
      () => things("pods"),
      (names) => names === "",
      60,
    );
    const claims = (await things("pvc")).split("\n").sort();
    assert.deepEqual(claims, ["persistentvolumeclaim/asleep-0", "persistentvolumeclaim/zero-0"]);
    const view = await stage.until("asleep", (seen) => condition(seen, "Hibernated")?.status === "True");
    assert.equal(condition(view, "Reconciling")?.status, "False");
    assert.equal((await stage.sink.report()).recipients, 0);
    await stage.allDelivered(RETRY_SECONDS + 60);
    await eventually(
      () => things("pods,pvc"),
      (names) => names === "",
      60,
    );
  });

  test("and both come back as large as they were", async () => {
    await stage.kubectl("annotate", "mailcluster", "asleep", `${HIBERNATE}-`);
    await stage.kubectl("scale", "mailcluster", "zero", "--replicas=1");
    await stage.ready("asleep", 1);
    await stage.ready("zero", 1);
    await stage.send("asleep", 5, "again@example.net");
    await stage.allDelivered();
  });
});
