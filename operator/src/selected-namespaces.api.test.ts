/**
 * An operator with a selector of namespaces on a real API server, with its own rights: a namespace that gains and loses the
 * label. Skipped where no server is given (operator/testing/api-server.ts).
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { sleep, systemClock } from "#base/clock.ts";
import { EngineClient } from "#operator/engine/client.ts";
import { type CustomObject, resources } from "#operator/kube/objects.ts";

import { Admin, apiServerFromEnvironment, prepare } from "../testing/api-server.ts";
import { kubeAs, liveManager } from "../testing/live-manager.ts";
import { grantRights, OPERATOR } from "../testing/rights.ts";
import { app } from "../testing/whole.ts";

const server = apiServerFromEnvironment();

describe("namespaces by label", { skip: server === null }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const namespace = `picked-${Date.now().toString(36)}`;
  const path = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters/out`;
  const end = new AbortController();
  const own = kubeAs(OPERATOR, server.kubeconfig);
  const engines = new EngineClient({ clock: systemClock });
  let ending: Promise<unknown> = Promise.resolve();
  let manager: ReturnType<typeof liveManager>;

  before(async () => {
    await prepare(admin, [namespace, "mailfleet-test"]);
    await grantRights(admin);
    await scale(0);
    manager = liveManager({
      kube: own,
      identity: "picking",
      watchNamespaces: [],
      namespaceSelector: `mailfleet-test=${namespace}`,
      engines,
    });
    ending = manager.run(end.signal);
    await until("caches are filled", async () => manager.notReadyBecause() === null);
  });
  after(async () => {
    await label(namespace);
    await admin.call("DELETE", path);
    await until("gone", async () => (await admin.call("GET", path)).status === 404);
    end.abort();
    await ending;
    await engines.close();
    await own.close();
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}`);
  });

  async function scale(replicas: number): Promise<void> {
    const { status, body } = await admin.apply(path, {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      metadata: { name: "out", namespace },
      spec: { replicas, deletionPolicy: "Discard", config: { app } },
    });
    assert.ok(status < 300, String(body["message"]));
  }

  async function label(value: string | null): Promise<void> {
    const patch = { metadata: { labels: { "mailfleet-test": value } } };
    const { status } = await admin.call(
      "PATCH",
      `/api/v1/namespaces/${namespace}`,
      patch,
      "application/merge-patch+json",
    );
    assert.equal(status, 200);
  }

  const target = async (): Promise<number | undefined> => {
    const cluster = await own.get<CustomObject>({ resource: resources.mailClusters, namespace, name: "out" });
    return (cluster?.status as { targetReplicas?: number } | undefined)?.targetReplicas;
  };

  test("a cluster is looked after while its namespace carries the label", async () => {
    await sleep(systemClock, 1000);
    assert.equal(await target(), undefined, "nobody has looked at it");
    await label(namespace);
    await until("looked at", async () => (await target()) === 0);
    await label(null);
    await until("left", async () => manager.caches.mailClusters.get(namespace, "out") === null);
    await scale(1);
    await sleep(systemClock, 2000);
    assert.equal(await target(), 0, "nobody follows what it says now");
    await label(namespace);
    await until("followed", async () => (await target()) === 1);
  });
});

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 1200; tries++) {
    if (await isTrue()) return;
    await sleep(systemClock, 100);
  }
  throw new Error(`never came true: ${what}`);
}
