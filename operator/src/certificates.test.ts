import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { NAMESPACE, Whole, cluster } from "../testing/whole.ts";
import { resources } from "#operator/kube/objects.ts";

async function started(
  spec: Record<string, unknown>,
): Promise<{ whole: Whole; stop: () => Promise<unknown> }> {
  const whole = new Whole();
  whole.kube.seed(resources.mailClusters, cluster(spec));
  const operator = whole.start();
  const isReady = (): boolean =>
    whole.condition("Ready") === "True AllPodsReady" && whole.condition("Reconciling") === "False Settled";
  await whole.until("settled", isReady, 500);
  return { whole, stop: () => operator.stop() };
}

describe("certificates of listeners", () => {
  const listeners = [{ name: "smtp", port: 25, tls: { secretName: "mail-tls" } }];
  const secret = (cert: string) => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "mail-tls", namespace: NAMESPACE },
    data: { "tls.crt": cert, "tls.key": "a2V5" },
  });

  test("are read again by all engines once nodes have had the time to bring new ones, and not else", async () => {
    const { whole, stop } = await started({ replicas: 2, listeners });
    whole.kube.seed(resources.secrets, secret("b25l"));
    await whole.turns(700, 1000);
    whole.engines.pushes.length = 0;
    await whole.turns(700, 1000);
    assert.equal(whole.engines.pushes.length, 0);
    whole.kube.edit(resources.secrets, NAMESPACE, "mail-tls", (copy) => {
      (copy as unknown as { data: Record<string, string> }).data["tls.crt"] = "dHdv";
    });
    await whole.turns(700, 1000);
    assert.deepEqual(
      whole.engines.pushes.map(({ ip }) => ip).sort(),
      ["out-0", "out-1"].map((name) => whole.node.addressOf(name)).sort(),
    );
    for (const { files } of whole.engines.pushes) assert.equal(files.length, 3, "the rules stay in force");
    await stop();
  });

  test("are noticed when they are renewed, each of several, and nothing is asked meanwhile", async () => {
    const named = (name: string) => ({ ...secret("b25l"), metadata: { name, namespace: NAMESPACE } });
    const second = { name: "tls", port: 465, implicitTls: true, tls: { secretName: "other-tls" } };
    const { whole, stop } = await started({ replicas: 1, listeners: [...listeners, second] });
    for (const name of ["mail-tls", "other-tls"]) whole.kube.seed(resources.secrets, named(name));
    await whole.turns(400, 1000);
    whole.engines.pushes.length = 0;
    whole.kube.calls.length = 0;
    await whole.turns(700, 1000);
    const gets = whole.kube.calls.filter(({ method, plural }) => method === "get" && plural === "secrets");
    assert.deepEqual([gets.length, whole.engines.pushes.length], [0, 0]);
    for (const times of [1, 2]) {
      const name = times === 1 ? "other-tls" : "mail-tls";
      whole.kube.edit(resources.secrets, NAMESPACE, name, (copy) => {
        (copy as unknown as { data: Record<string, string> }).data["tls.crt"] = "dHdv";
      });
      // As long as nodes may take to bring them, and a little.
      await whole.turns(140, 1000);
      assert.equal(whole.engines.pushes.length, times);
    }
    await stop();
  });
});
