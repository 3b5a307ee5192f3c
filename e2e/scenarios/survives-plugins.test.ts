/**
 * A native plugin that takes the engine's process down with it: it reaches the pod that tries it out and no other, that pod
 * goes back to the plugins that were good, and every recipient gets the mail that waited meanwhile. The roll-out takes it
 * back when it sees a crash; a process that ends faster than the operator looks brings quarantine first. Either names the plugin.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { run } from "../peers/shell.ts";
import { offerPlugin } from "./offer-plugin.ts";
import { type ClusterView, Stage, condition } from "./stage.ts";

const root = new URL("../../", import.meta.url).pathname;
const MAILS = 60;

interface PodView {
  readonly spec: { readonly volumes: readonly { readonly name: string }[] };
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

  const pods = async (): Promise<readonly PodView[]> => {
    const selector = "app.kubernetes.io/component=mta";
    const list = (await stage.lab.get(["-n", stage.namespace, "pods", "-l", selector])) as {
      items: readonly PodView[];
    };
    return list.items;
  };
  const takenBack = (view: ClusterView): boolean => {
    const [rollout, plugins] = [condition(view, "RolloutComplete"), condition(view, "PluginsReady")];
    const why =
      rollout?.reason === "RolledBack" ? rollout : plugins?.reason === "Quarantined" ? plugins : null;
    return why?.message.includes("suspend") === true;
  };

  test("is taken back from the pod that tried it out, and reaches no other", async () => {
    await stage.sink.mode("defer");
    await stage.send("outbound", MAILS);
    await stage.applyCluster(
      "outbound",
      clusterSpec({ plugins: ["nap", "suspend"], beforeDelivery: "crash();" }),
    );
    await stage.until(
      "outbound",
      (view) =>
        takenBack(view) &&
        view.status.readyReplicas === 2 &&
        view.status.pods.every(({ revision }) => revision === good),
      240,
    );
    const seen = await pods();
    assert.ok(seen.every(({ spec }) => !spec.volumes.some(({ name }) => name === "plugin-suspend")));
  });

  test("has lost no mail and doubled none", async () => {
    await stage.sink.mode("accept");
    await stage.delivered(MAILS);
    assert.deepEqual((await stage.sink.report()).doubled, []);
    await stage.until("outbound", ({ status }) => status.queue.total === 0);
  });
});
