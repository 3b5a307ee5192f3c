/**
 * A native plugin that takes the engine's process down with it: the engine names it, the operator puts it into quarantine,
 * pods go back to the plugins that were good, and every recipient gets the mail that waited meanwhile.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { run } from "../peers/shell.ts";
import { offerPlugin } from "./offer-plugin.ts";
import { Stage, condition, eventually } from "./stage.ts";

const root = new URL("../../", import.meta.url).pathname;
const MAILS = 60;

interface PodView {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly volumes: readonly { readonly name: string }[] };
  readonly status: { readonly containerStatuses?: readonly { name: string; restartCount: number }[] };
}

describe("a native plugin that crashes", { timeout: 600_000 }, () => {
  let stage: Stage;
  let good: string | undefined;

  before(async () => {
    stage = await Stage.open("crashes");
    await run("make", ["-s", "-C", `${root}mta-image/native`, "test-plugins"], { timeoutMs: 300_000 });
    for (const name of ["nap", "suspend"])
      await offerPlugin(stage, name, `${root}build/native/test/${name}.so`);
    await stage.applyCluster("outbound", clusterSpec({ plugins: ["nap"], beforeDelivery: "nap(1);" }));
    await stage.until("outbound", (view) => condition(view, "Ready")?.status === "True", 240);
    good = (await stage.rolledOut("outbound")).status.revision.target;
  });
  after(() => stage?.close());

  function clusterSpec({ plugins, beforeDelivery }: { plugins: string[]; beforeDelivery: string }) {
    return {
      replicas: 2,
      config: { app: { ...stage.app(), scripting: { hooks: { predelivery: beforeDelivery } } } },
      plugins: plugins.map((name) => ({ name })),
    };
  }

  const quarantine = async (): Promise<string> => {
    const plugin = (await stage.lab.get(["-n", stage.namespace, "nativeplugin", "suspend"])) as {
      status?: { conditions?: { type: string; status: string; reason: string; message: string }[] };
    };
    const found = plugin.status?.conditions?.find(({ type }) => type === "Quarantined");
    return `${found?.status} ${found?.reason}: ${found?.message}`;
  };
  const pods = async (): Promise<readonly PodView[]> => {
    const selector = "app.kubernetes.io/component=mta";
    const list = (await stage.lab.get(["-n", stage.namespace, "pods", "-l", selector])) as {
      items: readonly PodView[];
    };
    return list.items;
  };
  const restarts = ({ status }: PodView): number =>
    status.containerStatuses?.find(({ name }) => name === "mta")?.restartCount ?? 0;

  test("is named by its engine and put into quarantine", async () => {
    await stage.sink.mode("defer");
    await stage.send("outbound", MAILS);
    await stage.applyCluster(
      "outbound",
      clusterSpec({ plugins: ["nap", "suspend"], beforeDelivery: "crash();" }),
    );
    const said = await eventually(quarantine, (text) => text.startsWith("True"), 240);
    assert.match(said, /^True CrashLoop: .*crash in plugin suspend, function crash/);
  });

  test("reaches no second pod, and those that had it go back to what was good", async () => {
    const view = await stage.until(
      "outbound",
      ({ status }) => status.readyReplicas === 2 && status.pods.every(({ revision }) => revision === good),
      180,
    );
    assert.equal(condition(view, "PluginsReady")?.reason, "Quarantined");
    const seen = await pods();
    assert.deepEqual(seen.map(restarts), [0, 0]);
    assert.ok(seen.every(({ spec }) => !spec.volumes.some(({ name }) => name === "plugin-suspend")));
  });

  test("has lost no mail and doubled none", async () => {
    await stage.sink.mode("accept");
    await stage.delivered(MAILS);
    assert.deepEqual((await stage.sink.report()).doubled, []);
    await stage.until("outbound", ({ status }) => status.queue.total === 0);
  });
});
