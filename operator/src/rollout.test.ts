/** The whole operator while a revision is tried out: what people may say to it, and a revision that cannot start. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type Pod, resources } from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

const WORD = "mailfleet.io/rollout";
const isSettled = (whole: Whole): boolean =>
  whole.condition("Ready") === "True AllPodsReady" && whole.condition("Reconciling") === "False Settled";

async function started(spec: Record<string, unknown>) {
  const whole = new Whole();
  whole.kube.seed(resources.mailClusters, cluster(spec));
  const operator = whole.start();
  await whole.until("settled", () => isSettled(whole), 500);
  whole.engines.pushes.length = 0;
  return { whole, stop: () => operator.stop() };
}

const say = (whole: Whole, word: string): void =>
  whole.edit(({ metadata }) => {
    metadata.annotations = { ...metadata.annotations, [WORD]: word };
  });
const said = (whole: Whole): string | undefined => whole.cluster()?.metadata.annotations?.[WORD];
const change = (whole: Whole, concurrency: number): void =>
  whole.edit(({ spec }) => {
    const { config } = spec as { config: { app: Record<string, unknown> } };
    config.app = { ...config.app, queues: { concurrency } };
  });
const reached = (whole: Whole): number => new Set(whole.engines.pushes.map(({ ip }) => ip)).size;
const podOf = (whole: Whole, slot: number): Pod | null =>
  whole.kube.peek<Pod>(resources.pods, NAMESPACE, `out-${slot}`);
const isBaking = (whole: Whole): boolean => /watched/.test(whole.message("RolloutComplete"));

const planOf = (whole: Whole): readonly string[] => {
  const { plan = [] } = (whole.cluster()?.status ?? {}) as { plan?: Record<string, string>[] };
  return plan.map(
    ({ slot, action, reason, waitsFor }) => `${slot} ${action} (${reason}) ${waitsFor ?? "next"}`,
  );
};
const eventsOf = (whole: Whole): readonly string[] =>
  (whole.kube.peekAll(resources.events) as unknown as { reason: string; note: string }[]).map(
    ({ reason, note }) => `${reason}: ${note}`,
  );

describe("what people say to a roll-out", () => {
  test("promote ends the time of bake, and the word is taken off", async () => {
    const { whole, stop } = await started({ replicas: 3, rollout: { canary: { bakeSeconds: 86_000 } } });
    change(whole, 7);
    await whole.until("baking", () => isBaking(whole), 500);
    assert.equal(reached(whole), 1);
    say(whole, "promote");
    await whole.until("complete", () => whole.condition("RolloutComplete") === "True Complete", 500);
    await whole.until("taken off", () => said(whole) === undefined, 500);
    assert.equal(reached(whole), 3);
    await stop();
  });

  test("rollback takes a revision back that did well, until the spec changes", async () => {
    const { whole, stop } = await started({ replicas: 3, rollout: { canary: { bakeSeconds: 86_000 } } });
    const good = whole.engines.byIp.get(whole.node.addressOf("out-1"))?.revision;
    change(whole, 7);
    await whole.until("baking", () => isBaking(whole), 500);
    say(whole, "rollback");
    await whole.until("back", () => whole.condition("RolloutComplete") === "False RolledBack", 500);
    await whole.until("taken off", () => said(whole) === undefined, 500);
    await whole.until("good again", () =>
      [...whole.engines.byIp.values()].every(({ revision }) => revision === good),
    );
    await whole.turns(100, 1000);
    assert.equal(whole.condition("RolloutComplete"), "False RolledBack");
    say(whole, "promote");
    await whole.until("complete", () => whole.condition("RolloutComplete") === "True Complete", 500);
    await stop();
  });

  test("pause keeps it where it is, and it goes on when the word is removed", async () => {
    const { whole, stop } = await started({ replicas: 3, rollout: { canary: { bakeSeconds: 30 } } });
    say(whole, "pause");
    change(whole, 7);
    await whole.until("paused", () => whole.condition("RolloutComplete") === "False Paused", 500);
    await whole.turns(200, 1000);
    assert.equal(reached(whole), 0);
    say(whole, "");
    await whole.until("complete", () => whole.condition("RolloutComplete") === "True Complete", 500);
    assert.equal(reached(whole), 3);
    await stop();
  });

  test("pause stops pods from being made anew, and lost ones come back all the same", async () => {
    const { whole, stop } = await started({ replicas: 3, rollout: { canary: { bakeSeconds: 0 } } });
    const uids = (): (string | undefined)[] => [0, 1, 2].map((slot) => podOf(whole, slot)?.metadata.uid);
    const before = uids();
    say(whole, "pause");
    whole.edit(({ spec }) => Object.assign(spec, { engine: { env: [{ name: "A", value: "b" }] } }));
    await whole.turns(100, 1000);
    assert.deepEqual(uids(), before);
    whole.kube.discard(resources.pods, NAMESPACE, "out-2");
    await whole.until("back", () => isReady(podOf(whole, 2)) && uids()[2] !== before[2], 500);
    assert.deepEqual(uids().slice(0, 2), before.slice(0, 2));
    await stop();
  });
});

const isReady = (pod: Pod | null): boolean =>
  pod?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;

describe("a restart that people ask for", () => {
  test("makes every pod anew with its volume, one at a time, says why, and is done once", async () => {
    const { whole, stop } = await started({ replicas: 3 });
    const uids = (): readonly (string | undefined)[] =>
      [0, 1, 2].map((slot) => podOf(whole, slot)?.metadata.uid);
    const before = uids();
    const claims = whole.kube.peekAll(resources.claims).map(({ metadata }) => metadata.uid);
    whole.edit(({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, "mailfleet.io/restart": "monday" };
    });
    let fewest = 3;
    await whole.until(
      "all anew",
      () => {
        const ready = whole.kube
          .peekAll<Pod>(resources.pods)
          .filter(({ status }) =>
            status?.conditions?.some(({ type, status: is }) => type === "Ready" && is === "True"),
          );
        fewest = Math.min(fewest, ready.length);
        return uids().every((uid, slot) => uid !== undefined && uid !== before[slot]) && isSettled(whole);
      },
      250,
    );
    assert.equal(fewest, 2);
    assert.deepEqual(
      whole.kube.peekAll(resources.claims).map(({ metadata }) => metadata.uid),
      claims,
    );
    assert.ok(
      eventsOf(whole).some((text) => /Restart/.test(text)),
      eventsOf(whole).join("\n"),
    );
    const writes = whole.kube.writes.length;
    await whole.turns(100, 1000);
    assert.equal(whole.kube.writes.length, writes);
    await stop();
  });
});

describe("edits that need a restart", () => {
  const setEnv = (whole: Whole, value: string): void =>
    whole.edit(({ spec }) => Object.assign(spec, { engine: { env: [{ name: "A", value }] } }));
  /** Pods that there were, each counted once, while an edit followed the other and until all was well. */
  async function podsOver(whole: Whole, values: readonly string[]): Promise<number> {
    const seen = new Set<string | undefined>();
    const look = (): void => {
      for (const { metadata } of whole.kube.peekAll<Pod>(resources.pods)) seen.add(metadata.uid);
    };
    for (const value of values) {
      setEnv(whole, value);
      for (let i = 0; i < 40; i++) {
        await whole.turn(1000);
        look();
      }
    }
    const isOver = (): boolean => {
      look();
      return isSettled(whole);
    };
    await whole.until("settled", isOver, 1000);
    return seen.size;
  }

  test("that follow each other make each pod anew once, and the status says what is waited for", async () => {
    const { whole, stop } = await started({
      replicas: 2,
      rollout: { settleSeconds: 60 },
    });
    setEnv(whole, "zero");
    await whole.turns(20, 1000);
    assert.deepEqual(planOf(whole), [
      "0 ReplacePod (Environment) Settling",
      "1 ReplacePod (Environment) Settling",
    ]);
    assert.match(whole.message("Reconciling"), /slot 0, slot 1; edits are gathered until .*settleSeconds/);
    assert.equal(await podsOver(whole, ["one", "two", "three"]), 2 + 2);
    const env = [0, 1].map((slot) => podOf(whole, slot)?.spec.containers[0]?.env ?? []);
    for (const each of env) assert.ok(each.some(({ name, value }) => name === "A" && value === "three"));
    await stop();
  });

  test("cost a restart each where nothing is gathered", async () => {
    const { whole, stop } = await started({ replicas: 1, rollout: { settleSeconds: 0 } });
    assert.equal(await podsOver(whole, ["one", "two", "three"]), 1 + 3);
    await stop();
  });
});

describe("a new image of the engine", () => {
  const image = (whole: Whole, name: string): void =>
    whole.edit(({ spec }) => Object.assign(spec, { engine: { image: name } }));
  const imagesOf = (whole: Whole): readonly string[] =>
    whole.kube.peekAll<Pod>(resources.pods).map(({ spec }) => spec.containers[0]?.image ?? "");

  test("is tried out in one pod first", async () => {
    const { whole, stop } = await started({
      replicas: 3,
      engine: { image: "mta:1" },
      rollout: { canary: { bakeSeconds: 60 } },
    });
    image(whole, "mta:2");
    await whole.until("baking", () => isBaking(whole), 500);
    assert.deepEqual([...imagesOf(whole)].sort(), ["mta:1", "mta:1", "mta:2"]);
    assert.deepEqual(planOf(whole), [
      "1 ReplacePod (EngineImage) CanaryFirst",
      "2 ReplacePod (EngineImage) CanaryFirst",
    ]);
    await whole.until("complete", () => whole.condition("RolloutComplete") === "True Complete", 500);
    assert.deepEqual(imagesOf(whole), ["mta:2", "mta:2", "mta:2"]);
    assert.deepEqual(planOf(whole), []);
    const told = eventsOf(whole);
    for (const slot of [0, 1, 2])
      assert.ok(told.includes(`PodDeleted: pod out-${slot}: Outdated (EngineImage)`), told.join());
    assert.ok(
      told.includes(
        "CanaryFirst: slot 1 is not made anew yet (EngineImage): another pod tries the change out first",
      ),
    );
    await stop();
  });

  test("is in the plan of a paused cluster, and nothing of it happens", async () => {
    const { whole, stop } = await started({ replicas: 2, engine: { image: "mta:1" } });
    whole.edit(({ metadata }) => {
      metadata.annotations = { "mailfleet.io/paused": "true" };
    });
    image(whole, "mta:2");
    await whole.until("planned", () => planOf(whole).length > 0, 500);
    assert.deepEqual(planOf(whole), [
      "0 ReplacePod (EngineImage) Paused",
      "1 ReplacePod (EngineImage) CanaryFirst",
    ]);
    await whole.turns(50);
    assert.deepEqual(imagesOf(whole), ["mta:1", "mta:1"]);
    await stop();
  });

  test("that cannot be had is taken back by itself, and the other pods never stop", async () => {
    const { whole, stop } = await started({ replicas: 3, engine: { image: "mta:1" } });
    whole.node.badImages.add("mta:bad");
    const others = [1, 2].map((slot) => podOf(whole, slot)?.metadata.uid);
    image(whole, "mta:bad");
    await whole.until("back", () => whole.condition("RolloutComplete") === "False RolledBack", 500);
    assert.match(whole.message("RolloutComplete"), /slot 0 cannot start: ImagePullBackOff/);
    await whole.until(
      "the old image",
      () => imagesOf(whole).every((name) => name === "mta:1") && isReady(podOf(whole, 0)),
      500,
    );
    assert.deepEqual(
      [1, 2].map((slot) => podOf(whole, slot)?.metadata.uid),
      others,
    );
    assert.equal(whole.condition("Stalled"), "True RolledBack");
    image(whole, "mta:2");
    await whole.until("complete", () => whole.condition("RolloutComplete") === "True Complete", 500);
    assert.deepEqual(imagesOf(whole), ["mta:2", "mta:2", "mta:2"]);
    await stop();
  });
});
