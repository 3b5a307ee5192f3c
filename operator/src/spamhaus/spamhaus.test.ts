/** The whole operator on fakes: a key from a Secret into the pods, another one in its place, and one that is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { type ConfigMap, type Pod, type Secret, resources } from "#operator/kube/objects.ts";

import { NAMESPACE, Whole, cluster } from "../../testing/whole.ts";
import { keyFileName } from "./section.ts";

const FIRST = "firstfirstfirst";
const SECOND = "secondsecondsecond";

function secret(key: string): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "dqs", namespace: NAMESPACE },
    data: { key: Buffer.from(key).toString("base64") },
  };
}

const protectedCluster = (): ReturnType<typeof cluster> =>
  cluster({
    spamhaus: { keySecretRef: { name: "dqs" } },
    rollout: { canary: { pods: 1, bakeSeconds: 10 } },
  });

function files(whole: Whole): readonly string[] {
  const found = whole.kube.peek<Secret>(resources.secrets, NAMESPACE, "out-spamhaus");
  return Object.keys(found?.data ?? {});
}

async function started(): Promise<{ whole: Whole; fileOf: (key: string) => string; uids: () => unknown[] }> {
  const whole = new Whole();
  await whole.kube.create(resources.secrets, secret(FIRST));
  await whole.kube.create(resources.mailClusters, protectedCluster());
  whole.start();
  await whole.until("it is healthy", () => whole.condition("SpamhausHealthy") === "True Healthy");
  const uid = whole.cluster()?.metadata.uid ?? "";
  return {
    whole,
    fileOf: (key) => keyFileName(uid, key),
    uids: () => whole.kube.peekAll<Pod>(resources.pods).map(({ metadata }) => metadata.uid),
  };
}

function put(whole: Whole, key: string): void {
  whole.kube.edit(resources.secrets, NAMESPACE, "dqs", (copy) => {
    Object.assign(copy, { data: secret(key).data });
  });
}

/** All that others than Secrets can be read in. */
function everythingBut(whole: Whole): string {
  const kinds = Object.values(resources).filter(({ plural }) => plural !== "secrets");
  return JSON.stringify([kinds.map((kind) => whole.kube.peekAll(kind)), whole.engines.pushes]);
}

test("a key goes from its Secret into a file of every pod, and nowhere else", async () => {
  const { whole, fileOf } = await started();
  assert.deepEqual(files(whole), [fileOf(FIRST)]);
  const maps = whole.kube.peekAll<ConfigMap>(resources.configMaps);
  assert.ok(maps.some(({ data }) => data?.["smtpd-app.yaml"]?.includes(fileOf(FIRST))));
  assert.equal(everythingBut(whole).includes(FIRST), false);
  assert.equal(everythingBut(whole).includes(Buffer.from(FIRST).toString("base64")), false);
});

test("a new key is tried out, goes to the canary pod, then everywhere, and no pod is made anew", async () => {
  const { whole, fileOf, uids } = await started();
  const before = uids();
  put(whole, SECOND);
  await whole.until("it is tried out", () => whole.engines.probes.length > 0);
  assert.deepEqual(
    whole.engines.probes.map(({ file }) => file),
    [fileOf(SECOND)],
  );
  const usedBy = (key: string): number =>
    [...whole.engines.byIp.values()].filter(({ spamhaus }) => spamhaus?.key === fileOf(key)).length;
  await whole.until("the canary pod has it", () => usedBy(SECOND) === 1);
  assert.equal(usedBy(FIRST), 1);
  assert.deepEqual(files(whole), [fileOf(FIRST), fileOf(SECOND)].toSorted());
  await whole.until("all have it", () => usedBy(SECOND) === 2);
  await whole.until("the old one is gone", () => files(whole).length === 1);
  assert.deepEqual(files(whole), [fileOf(SECOND)]);
  await whole.until("it is healthy", () => whole.condition("SpamhausHealthy") === "True Healthy");
  assert.deepEqual(uids(), before);
  assert.equal(everythingBut(whole).includes(SECOND), false);
});

test("a refused key leaves the pods as they are, and condition and event say so", async () => {
  const { whole, fileOf } = await started();
  const pushes = whole.engines.pushes.length;
  whole.engines.probeOutcome = (file) => (file === fileOf(SECOND) ? "key-refused" : "listed");
  put(whole, SECOND);
  await whole.until("it says so", () => whole.condition("SpamhausHealthy") === "False KeyRefused");
  await whole.turns(100);
  assert.equal(whole.engines.pushes.length, pushes);
  assert.ok(whole.engines.probes.length < 5);
  const events = JSON.stringify(whole.kube.peekAll(resources.events));
  assert.match(events, /KeyRefused/);
  assert.equal(events.includes(SECOND), false);
  put(whole, FIRST);
  await whole.until("it is healthy", () => whole.condition("SpamhausHealthy") === "True Healthy");
});

test("a Secret that goes away takes nothing with it, and one that was never there asks nothing", async () => {
  const { whole, fileOf } = await started();
  const gone = whole.kube.peek(resources.secrets, NAMESPACE, "dqs");
  const ref = { resource: resources.secrets, namespace: NAMESPACE, name: "dqs" };
  await whole.kube.delete(ref, { uid: gone?.metadata.uid ?? "" });
  await whole.until("it says so", () => whole.condition("SpamhausHealthy") === "False KeyMissing");
  assert.deepEqual(files(whole), [fileOf(FIRST)]);
  whole.edit(({ spec }) => delete spec["spamhaus"]);
  await whole.until("it is off", () => whole.condition("SpamhausHealthy") === "True Disabled");
  await whole.until("no key is left", () => !whole.names("secrets").includes("out-spamhaus"));
});

test("trouble that an engine tells wakes the operator", async () => {
  const { whole } = await started();
  const [ip = ""] = whole.engines.byIp.keys();
  const before = whole.engines.byIp.get(ip)?.spamhaus ?? null;
  assert.ok(before !== null);
  whole.engines.change(ip, { spamhaus: { ...before, trouble: "quota" } });
  await whole.until("it says so", () => whole.condition("SpamhausHealthy") === "False QuotaExceeded");
  whole.engines.change(ip, { spamhaus: before });
  await whole.until("it is healthy", () => whole.condition("SpamhausHealthy") === "True Healthy");
});
