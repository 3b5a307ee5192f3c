/** What people say in the moment between a judgement and its deed, when no cache has heard of it yet. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import type { Kube } from "#operator/kube/kube.ts";
import { resources } from "#operator/kube/objects.ts";

import { cluster, Whole } from "../testing/whole.ts";

const annotate = (whole: Whole, annotations: Record<string, string>): void =>
  whole.edit((copy) => {
    copy.metadata.annotations = { ...copy.metadata.annotations, ...annotations };
  });

/** `say` is carried out once, when the operator takes its last look at the MailCluster. */
async function sayAtTheLastMoment(start: number, size: number, say: (whole: Whole) => void) {
  const whole = new Whole();
  let isSaid = false;
  let isArmed = false;
  const kube = new Proxy<Kube>(whole.kube, {
    get(target, name: keyof Kube) {
      if (name !== "get") return target[name].bind(target);
      return (ref: Parameters<Kube["get"]>[0]) => {
        if (isArmed && !isSaid && ref.resource.plural === resources.mailClusters.plural) {
          isSaid = true;
          say(whole);
        }
        return target.get(ref);
      };
    },
  });
  whole.kube.seed(resources.mailClusters, cluster({ replicas: start }));
  const operator = whole.start({ kube });
  await whole.until("settled", () => whole.condition("Reconciling") === "False Settled", 500);
  isArmed = true;
  whole.edit(({ spec }) => Object.assign(spec, { replicas: size }));
  await whole.until("it was said", () => isSaid, 500);
  return { whole, stop: () => operator.stop() };
}

describe("before anything is taken away the MailCluster is looked at live", () => {
  test("a cluster that was paused in that moment keeps its pods", async () => {
    const { whole, stop } = await sayAtTheLastMoment(3, 2, (each) =>
      annotate(each, { "mailfleet.io/paused": "true" }),
    );
    await whole.turns(200, 500);
    assert.equal(whole.condition("Paused"), "True Paused");
    assert.equal(whole.names("pods").length, 3);
    assert.equal(whole.names("claims").length, 3);
    annotate(whole, { "mailfleet.io/paused": "" });
    await whole.until("two pods", () => whole.names("pods").length === 2, 500);
    await stop();
  });

  test("a pod that is wanted again in that moment stays", async () => {
    const { whole, stop } = await sayAtTheLastMoment(3, 2, (each) =>
      each.edit(({ spec }) => Object.assign(spec, { replicas: 3 })),
    );
    await whole.until("settled", () => whole.condition("Ready") === "True AllPodsReady", 500);
    assert.deepEqual(whole.names("pods"), ["out-0", "out-1", "out-2"]);
    const deleted = whole.kube.writes.filter(
      ({ method, plural }) =>
        method === "delete" && (plural === "pods" || plural === "persistentvolumeclaims"),
    );
    assert.deepEqual(deleted, []);
    await stop();
  });
});
