/** The configuration of a cluster in a ConfigMap of the user's: an edit reaches the engines without a look at the clock. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type ConfigMap, resources } from "#operator/kube/objects.ts";

import { NAMESPACE, Whole, app, cluster } from "../testing/whole.ts";

function configMap(name: string, value: object): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: NAMESPACE },
    data: { "smtpd-app.yaml": JSON.stringify(value) },
  };
}

const slower = { ...app, queues: { concurrency: 3 } };

describe("a configuration in a ConfigMap", () => {
  test("is pushed when somebody edits it, within a second, and when another one is named", async () => {
    const whole = new Whole();
    whole.kube.seed(resources.configMaps, configMap("mine", app));
    whole.kube.seed(resources.configMaps, configMap("other", app));
    const config = (name: string): object => ({ appFrom: { name, key: "smtpd-app.yaml" } });
    whole.kube.seed(resources.mailClusters, cluster({ config: config("mine") }));
    const operator = whole.start();
    const settled = (): Promise<void> =>
      whole.until("settled", () => whole.condition("Reconciling") === "False Settled", 500);
    await settled();
    const pushes = (): number => whole.engines.pushes.length;
    assert.equal(pushes(), 0);
    const edit = (name: string, value: object): ConfigMap =>
      whole.kube.edit<ConfigMap>(resources.configMaps, NAMESPACE, name, (copy) => {
        Object.assign(copy, { data: configMap(name, value).data });
      });
    edit("mine", slower);
    const editedAt = whole.clock.now();
    await whole.until("pushed", () => pushes() > 0, 20);
    assert.ok(whole.clock.now() - editedAt < 1000);
    await settled();
    assert.equal(pushes(), 2);
    whole.edit(({ spec }) => {
      spec["config"] = config("other");
    });
    await whole.until("back", () => pushes() > 2, 20);
    await settled();
    edit("mine", app);
    await whole.turns(200, 100);
    assert.equal(pushes(), 4);
    edit("other", slower);
    await whole.until("again", () => pushes() > 4, 20);
    await operator.stop();
  });
});
