import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { resources } from "#operator/kube/objects.ts";

import { Whole, cluster } from "../../testing/whole.ts";

async function started(spec: Record<string, unknown>): Promise<{
  whole: Whole;
  stop: () => Promise<unknown>;
}> {
  const whole = new Whole();
  whole.engines.canHandOver = true;
  whole.kube.seed(resources.mailClusters, cluster(spec));
  const operator = whole.start();
  await whole.until("settled", () => whole.condition("Reconciling") === "False Settled", 500);
  return { whole, stop: () => operator.stop() };
}

const ipOf = (whole: Whole, slot: number): string => whole.node.addressOf(`out-${slot}`);
const scaleTo = (whole: Whole, replicas: number): void =>
  whole.edit(({ spec }) => {
    spec["replicas"] = replicas;
  });

describe("shares in the limits of the cluster", () => {
  const sharesOf = (whole: Whole): Map<string, string> =>
    new Map(whole.engines.shares.map(({ ip, share }) => [ip, share]));

  test("follow the pods up and down, and a cluster at rest is told nothing", async () => {
    const { whole, stop } = await started({ replicas: 2 });
    await whole.until("halves", () => [...sharesOf(whole).values()].join(" ") === "1/2 1/2");
    scaleTo(whole, 3);
    await whole.until("thirds", () => [...sharesOf(whole).values()].join(" ") === "1/3 1/3 1/3");
    await whole.until("settled", () => whole.condition("Reconciling") === "False Settled");
    whole.engines.shares.length = 0;
    await whole.turns(900, 1000);
    assert.deepEqual(whole.engines.shares, []);
    scaleTo(whole, 2);
    await whole.until("gone", () => whole.names("pods").length === 2);
    await whole.until("halves", () => [...sharesOf(whole).values()].join(" ") === "1/2 1/2");
    await stop();
  });

  test("reach an engine that was silent once it answers again", async () => {
    const { whole, stop } = await started({ replicas: 2 });
    const ip = ipOf(whole, 1);
    await whole.until("halves", () => sharesOf(whole).get(ip) === "1/2");
    whole.engines.silent.add(ip);
    scaleTo(whole, 3);
    await whole.until("the others", () => sharesOf(whole).get(ipOf(whole, 0)) === "1/3");
    assert.equal(sharesOf(whole).get(ip), "1/2");
    whole.engines.silent.delete(ip);
    await whole.until("it too", () => sharesOf(whole).get(ip) === "1/3");
    await stop();
  });

  test("come with places, whose turn moves on while an engine waits for it, and no longer", async () => {
    const { whole, stop } = await started({ replicas: 3 });
    const ips = [0, 1, 2].map((slot) => ipOf(whole, slot));
    const shareOf = (ip: string) => whole.engines.byIp.get(ip)?.share;
    const turns = (): string => ips.map((ip) => shareOf(ip)?.place?.turn ?? "none").join(" ");
    await whole.until("placed", () => turns() === "0 0 0");
    const indexes = ips.map((ip) => shareOf(ip)?.place?.index ?? -1);
    assert.deepEqual(indexes.toSorted(), [0, 1, 2]);
    await whole.turns(60, 1000);
    assert.equal(turns(), "0 0 0");
    const starve = (isStarved: boolean): void => {
      const share = shareOf(ips[1] ?? "");
      assert.ok(share);
      whole.engines.change(ips[1] ?? "", { share: { ...share, isStarved } });
    };
    starve(true);
    await whole.until("the next turn", () => turns() === "1 1 1");
    await whole.until("the one after it", () => turns() === "2 2 2");
    starve(false);
    await whole.until("settled", () => whole.condition("Reconciling") === "False Settled");
    const before = turns();
    await whole.turns(60, 1000);
    assert.equal(turns(), before);
    await stop();
  });
});
