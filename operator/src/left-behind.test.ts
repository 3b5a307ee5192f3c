/** A pass that hangs in the middle of its orders while the operator ends: somebody else may act by the time it goes on. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { resources } from "#operator/kube/objects.ts";

import { cluster, Whole } from "../testing/whole.ts";

describe("a pass that is left behind", () => {
  test("gives no further order to any engine when it goes on", async () => {
    const whole = new Whole();
    whole.kube.seed(resources.mailClusters, cluster({ replicas: 3 }));
    const operator = whole.start();
    await whole.until("ready", () => whole.condition("Ready") === "True AllPodsReady");
    for (const pod of ["out-0", "out-1", "out-2"]) whole.engines.queue(whole.node.addressOf(pod), 5);
    const scaleTo = (replicas: number): void => whole.edit(({ spec }) => Object.assign(spec, { replicas }));
    scaleTo(1);
    const states = (): string[] => [...whole.engines.byIp.values()].map(({ state }) => state);
    await whole.until("two leave", () => states().filter((state) => state === "Cordoned").length === 2);

    const drain = whole.engines.drain.bind(whole.engines);
    const asked: string[] = [];
    let goOn = (): void => undefined;
    whole.engines.drain = async (address, order) => {
      asked.push(`${order.mode} ${address.ip}`);
      if (asked.length === 1) await new Promise<void>((resolve) => (goOn = resolve));
      return drain(address, order);
    };
    scaleTo(3);
    await whole.until("the first of two is told", () => asked.length === 1);
    await operator.stop();
    goOn();
    await whole.turns(20);
    assert.equal(asked.length, 1);
    assert.deepEqual(states().sort(), ["Cordoned", "Serving", "Serving"]);
  });
});
