import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { type Postfix, startPostfix } from "../peers/postfix.ts";
import { Stage, eventually } from "./stage.ts";

describe("a cluster of two pods", { timeout: 300_000 }, () => {
  let stage: Stage;
  let postfix: Postfix;

  before(async () => {
    stage = await Stage.open("delivers");
    await stage.applyCluster("outbound", { replicas: 2 });
    await stage.ready("outbound", 2);
  });
  after(async () => {
    await postfix?.stop();
    await stage?.close();
  });

  test("delivers every mail once", async () => {
    await stage.send("outbound", 1000);
    await stage.delivered(1000);
    assert.deepEqual(await stage.sink.report(), { deliveries: 1000, recipients: 1000, doubled: [] });
  });

  test("shows itself to kubectl as Ready with replicas and queue", async () => {
    const table = await eventually(
      () => stage.kubectl("get", "mailcluster", "outbound"),
      (text) => /^outbound\s+True\s+2\s+2\s+0\s/m.test(text),
      30,
    );
    assert.match(table, /^NAME\s+READY\s+REPLICAS\s+READY PODS\s+QUEUE\s/);
  });

  test("keeps the admin API to those with the cluster's keys", async () => {
    const status = await stage.kubectl("exec", "outbound-0", "--", "mtactl", "status");
    assert.match(status, /state +Serving/);
  });

  test("takes mail from a real Postfix and delivers to a real Postfix", async () => {
    const address = await stage.kubectl("get", "service", "outbound", "-o", "jsonpath={.spec.clusterIP}");
    const { nodeAddress, networkNamespace } = stage.lab.cluster;
    postfix = await startPostfix({
      address: nodeAddress,
      port: 2599,
      namespace: networkNamespace,
      domains: ["postfix.example.test"],
      relayHost: `[${address}]:25`,
    });
    await stage.applyCluster("outbound", {
      replicas: 2,
      config: { app: stage.app({ connection: { server: `${nodeAddress}:2599` } }) },
    });
    await stage.rolledOut("outbound");
    // To a domain that the Postfix does not know: it relays to the cluster, which brings it back for the other one.
    await postfix.submit("a@example.org", "b@postfix.example.test", "Subject: direct\n\nhello\n");
    await postfix.submit("a@example.org", "c@elsewhere.example.test", "Subject: relayed\n\nhello\n");
    await eventually(
      () => postfix.count(),
      (count) => count >= 1,
      30,
    );
    const [text = ""] = await postfix.messages();
    assert.match(text, /Subject: direct/);
  });
});
