/** A new version of the operator that makes pods anew: clusters take turns. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { type CustomObject, type Pod, resources } from "#operator/kube/objects.ts";
import { Turns } from "#operator/reconcile/turns.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

const names = ["one", "two", "three"];
const OLD = "mailfleet-mta:old";
const NEW = "mailfleet-mta:new";

const named = (name: string): CustomObject => ({
  ...cluster({ replicas: 2, rollout: { canary: { pods: 1, bakeSeconds: 5 } } }),
  metadata: { name, namespace: NAMESPACE },
});

async function settledWithOld(): Promise<Whole> {
  const whole = new Whole();
  for (const name of names) whole.kube.seed(resources.mailClusters, named(name));
  const operator = whole.start({ engineImage: OLD });
  for (const name of names) await whole.until(`${name} is settled`, () => isSettled(whole, name), 500);
  await operator.stop();
  return whole;
}

const isSettled = (whole: Whole, name: string): boolean =>
  whole.condition("Ready", name) === "True AllPodsReady" &&
  whole.condition("Reconciling", name) === "False Settled";

const imagesOf = (whole: Whole, name: string): readonly string[] =>
  whole.kube
    .peekAll<Pod>(resources.pods)
    .filter(({ metadata }) => metadata.labels?.["mailfleet.io/cluster"] === name)
    .map(({ spec }) => spec.containers[0]?.image ?? "");
const isNew = (whole: Whole, name: string): boolean => {
  const images = imagesOf(whole, name);
  return images.length === 2 && images.every((image) => image === NEW) && isSettled(whole, name);
};
/** Clusters that a change has reached and that are not done with it. */
const inTheMiddle = (whole: Whole): number =>
  names.filter((name) => imagesOf(whole, name).includes(NEW) && !isNew(whole, name)).length;

describe("a new version of the operator", () => {
  test("makes one cluster anew after the other, and says who waits for whom", async () => {
    const whole = await settledWithOld();
    const operator = whole.start({ engineImage: NEW, maxUpgradingClusters: 1 });
    const waiting = (): readonly string[] =>
      names.filter((name) => whole.condition("RolloutComplete", name) === "False WaitingForTurn");
    await whole.until("two wait", () => waiting().length === 2, 500);
    const [first = ""] = waiting();
    assert.equal(whole.condition("Reconciling", first), "True WaitingForTurn");
    assert.match(whole.message("RolloutComplete", first), /mail\/\w+ have their turn first/);
    const { plan = [] } = (whole.cluster(first)?.status ?? {}) as { plan?: { waitsFor?: string }[] };
    assert.deepEqual(
      plan.map(({ waitsFor }) => waitsFor),
      ["UpgradeTurn", "UpgradeTurn"],
    );

    let most = 0;
    const isDone = (): boolean => {
      most = Math.max(most, inTheMiddle(whole));
      return names.every((name) => isNew(whole, name));
    };
    await whole.until("all are new", isDone, 500);
    assert.equal(most, 1);
    await operator.stop();
  });

  test("makes all anew at once where nothing bounds it", async () => {
    const whole = await settledWithOld();
    const operator = whole.start({ engineImage: NEW, maxUpgradingClusters: 0 });
    await whole.until("all at once", () => inTheMiddle(whole) === 3, 500);
    await operator.stop();
  });

  test("goes on with the cluster that it was at when it is ended, and does not begin with another", async () => {
    const whole = await settledWithOld();
    const first = whole.start({ engineImage: NEW, maxUpgradingClusters: 1 });
    await whole.until("one is half way", () => inTheMiddle(whole) === 1, 500);
    await first.stop();
    const second = whole.start({ engineImage: NEW, maxUpgradingClusters: 1 });
    let most = 0;
    const isOneDone = (): boolean => {
      most = Math.max(most, inTheMiddle(whole));
      return names.some((name) => isNew(whole, name));
    };
    await whole.until("one is done", isOneDone, 500);
    assert.equal(most, 1);
    await second.stop();
  });

  test("keeps nobody waiting who changes a spec, or gives the order to promote", async () => {
    const whole = await settledWithOld();
    const operator = whole.start({ engineImage: NEW, maxUpgradingClusters: 1 });
    const waiting = (): readonly string[] =>
      names.filter((name) => whole.condition("RolloutComplete", name) === "False WaitingForTurn");
    await whole.until("two wait", () => waiting().length === 2, 500);
    const [one = "", other = ""] = waiting();
    whole.edit(({ spec }) => Object.assign(spec, { engine: { env: [{ name: "A", value: "b" }] } }), one);
    whole.edit(({ metadata }) => {
      metadata.annotations = { "mailfleet.io/rollout": "promote" };
    }, other);
    await whole.until("nobody waits", () => waiting().length === 0, 500);
    await whole.until("all are new", () => names.every((name) => isNew(whole, name)), 500);
    await operator.stop();
  });
});

describe("turns", () => {
  const key = (name: string) => ({ namespace: "mail", name });
  const anew = { isUnderWay: false };

  test("go to who asked first, and those that were half way are over the number", () => {
    const woken: string[] = [];
    const turns = new Turns(1, ({ name }) => woken.push(name));
    assert.deepEqual(
      ["a", "b", "c"].map((name) => turns.take(key(name), anew)),
      [true, false, false],
    );
    assert.equal(turns.take(key("d"), { isUnderWay: true }), true);
    turns.leave(key("a"));
    assert.deepEqual(woken, [], "the place is taken by one more than there is");
    turns.leave(key("d"));
    assert.deepEqual(woken, ["b"]);
  });

  test("go on when the one that was woken is there no more", () => {
    const woken: string[] = [];
    const turns = new Turns(1, ({ name }) => woken.push(name));
    for (const name of ["a", "b", "c"]) turns.take(key(name), anew);
    turns.leave(key("a"));
    turns.leave(key("b"));
    assert.deepEqual(woken, ["b", "c"]);
  });
});
