/** kubectl mailfleet as people use it: against real engines, through the API server, from the network of the node. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";

import { findProgram } from "../../helm/helm.ts";
import { run } from "../peers/shell.ts";
import { root } from "../../tools/tree.ts";
import { Stage, condition, eventually } from "./stage.ts";

describe("kubectl mailfleet", { timeout: 400_000 }, () => {
  let stage: Stage;
  const folder = mkdtempSync(join(tmpdir(), "bundle-"));
  const mailfleet = (...args: readonly string[]): Promise<string> => {
    const { cluster } = stage.lab;
    const where = ["--kubeconfig", cluster.kubeconfig, "-n", stage.namespace];
    const entry = `${root}operator/src/kubectl-mailfleet.ts`;
    const argv = ["--disable-warning=ExperimentalWarning", entry, ...args, ...where];
    const env = { KUBECTL: findProgram("kubectl") };
    return run(process.execPath, argv, { namespace: cluster.networkNamespace, env });
  };

  before(async () => {
    stage = await Stage.open("steers");
    await stage.applyCluster("outbound", { replicas: 2 });
    await stage.ready("outbound", 2);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await stage?.close();
  });

  test("shows a cluster that is well, and takes a test mail that arrives", async () => {
    assert.match(await mailfleet("status", "outbound"), /ready, 2 of 2 pods, 0 queued/);
    const said = await mailfleet("send", "outbound", "--from", "a@example.org", "--to", "b@example.net");
    assert.match(said, /^outbound-\d: 250 /);
    stage.account.took("b@example.net");
    await stage.delivered(1);
  });

  test("shows what waits, as the engines themselves say", async () => {
    await stage.sink.mode("defer");
    await stage.send("outbound", 20, "wait@example.net");
    const text = await mailfleet("queue", "outbound", "--domain", "example.net", "--limit", "5");
    assert.match(text, /^POD +STATE +TOTAL/);
    assert.match(text, /outbound-0 +Serving/);
    assert.match(text, /outbound-1 +Serving/);
    assert.match(text, /wait@example\.net/);
  });

  test("makes a bundle with figures and logs and without addresses", async () => {
    const file = join(folder, "r.tar.gz");
    await mailfleet("report", "outbound", "-o", file);
    const text = gunzipSync(readFileSync(file)).toString("latin1");
    assert.match(text, /outbound-0\.engine\.json/);
    assert.match(text, /outbound-0\.log/);
    assert.doesNotMatch(text, /wait@example\.net/);
  });

  test("fences a pod: its mail stays with it, also over the loss of the pod, while the other one serves", async () => {
    const queuedIn = async (slot: number): Promise<number> =>
      (await stage.view("outbound")).status.pods.find((pod) => pod.slot === slot)?.queued ?? 0;
    const uid = (): Promise<string> =>
      stage.kubectl("get", "pod", "outbound-1", "-o", "jsonpath={.metadata.uid}");
    const fenced = () =>
      stage.until(
        "outbound",
        (view) =>
          condition(view, "Fenced")?.reason === "Fenced" &&
          view.status.pods.some(({ slot, state }) => slot === 1 && state === "Fenced"),
      );
    const traffic = await stage.traffic("outbound");
    await mailfleet("fence", "outbound", "1");
    await fenced();
    const kept = await queuedIn(1);
    assert.ok(kept > 0);
    await stage.sink.mode("accept");
    await eventually(
      () => queuedIn(0),
      (queued) => queued === 0,
      60,
    );
    assert.equal(await queuedIn(1), kept);
    const before = await uid();
    await stage.kubectl("delete", "pod", "outbound-1", "--grace-period=0", "--force");
    await eventually(
      () => uid().catch(() => before),
      (now) => now !== before,
      60,
    );
    await fenced();
    assert.equal(await queuedIn(1), kept);
    await mailfleet("unfence", "outbound", "1");
    await stage.ready("outbound", 2);
    await traffic.stop();
    await stage.allDelivered();
    await stage.sink.mode("defer");
    await stage.send("outbound", 20, "again@example.net");
  });

  test("names the pod that leaves, whose mail the other one takes", async () => {
    const traffic = await stage.traffic("outbound");
    await mailfleet("drain", "outbound", "0");
    const { status } = await stage.until(
      "outbound",
      (view) => view.status.pods.length === 1 && view.status.replicas === 1,
    );
    assert.deepEqual(
      status.pods.map(({ slot }) => slot),
      [1],
    );
    await traffic.stop();
    await stage.sink.mode("accept");
    await stage.allDelivered();
  });

  test("pauses everything, and what would happen stands in the status", async () => {
    await mailfleet("pause", "outbound", "--all");
    await stage.kubectl("scale", "mailcluster", "outbound", "--replicas=2");
    await stage.until("outbound", (view) => condition(view, "Paused")?.status === "True");
    assert.match(await mailfleet("status", "outbound"), /CreatePod +Missing +waits: Paused/);
    await mailfleet("resume", "outbound");
    await stage.ready("outbound", 2);
  });
});
