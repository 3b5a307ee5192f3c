/**
 * An operator process behind a proxy that loses, delays, doubles and refuses its requests, and kills it in the middle of
 * them, while a user changes the cluster: nothing is lost, and what is there in the end is what a fresh apply makes. Each
 * seed is a schedule; MAILFLEET_FAULT_SEEDS names others ("5,6,7"), MAILFLEET_FAULTS how many faults each has.
 */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";

import { seededRandom } from "#base/random.ts";

import { Admin, apiServerFromEnvironment, kubeOf } from "../testing/api-server.ts";
import { FaultyWorld } from "../testing/faulty-world.ts";
import { intentOf } from "../testing/intent.ts";
import { RestlessUser } from "../testing/restless-user.ts";

const server = apiServerFromEnvironment();
const seeds = (process.env["MAILFLEET_FAULT_SEEDS"] ?? "1,2").split(",").map(Number);
const most = Number(process.env["MAILFLEET_FAULTS"] ?? "40");
const MOST_CHANGES = 150;

describe("behind a line that fails", { skip: server === null, timeout: 900_000 * seeds.length }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const kube = kubeOf(server);
  after(() => kube.close());

  for (const seed of seeds)
    test(`schedule ${seed}: no mail is lost, and the end is as a fresh apply makes it`, async (t) => {
      const world = await FaultyWorld.open({ server, admin, kube, seed, most });
      try {
        await misbehave(world, seed);
        t.diagnostic(
          `${world.schedule.summary}; ${world.operator.deaths} deaths; ${world.proxy.writes} writes`,
        );
        await settle(world);
        assert.equal(world.node.lost, 0);
        assert.equal(world.node.delivered.size, world.node.accepted.size);
        assert.ok(world.node.accepted.size > 0);
        await world.applyAfresh();
        await world.until("the fresh one is settled", () => world.isSettled(world.freshNamespace, 3));
        const [actual, expected] = [world.namespace, world.freshNamespace].map((name) =>
          intentOf(kube, name, "out"),
        );
        assert.deepEqual(await actual, await expected);
        assert.deepEqual(world.node.violations, []);
      } finally {
        await world.close();
      }
    });

  /** A user who changes something every second or so, until all faults have been. */
  async function misbehave(world: FaultyWorld, seed: number): Promise<void> {
    const user = new RestlessUser(admin, world.namespace, seededRandom(seed + 1000));
    // Mail first: else most faults would meet an operator that has nothing to lose yet.
    world.schedule.isOn = false;
    world.operator.start();
    await user.apply(2);
    await world.until("there is a cluster", () => world.isSettled(world.namespace, 2));
    await world.turns(5, 3);
    world.schedule.isOn = true;
    for (let changes = 0; world.schedule.count < most; changes++) {
      assert.ok(changes < MOST_CHANGES, `only ${world.schedule.summary}`);
      await user.change();
      await world.turns(15, 1);
      assert.deepEqual(world.node.violations, []);
    }
    world.schedule.isOn = false;
    // A start-up setting: pods that took configurations while they ran are made anew with the last one.
    await user.apply(3, { shutdownSeconds: 33 });
  }

  function settle(world: FaultyWorld): Promise<void> {
    const isSettled = async (): Promise<boolean> =>
      world.node.queued === 0 && (await world.isSettled(world.namespace, 3));
    return world.until("the cluster is settled and its mail delivered", isSettled);
  }
});
