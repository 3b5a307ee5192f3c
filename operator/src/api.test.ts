/**
 * The operator against a real API server with its controllers, with exactly the rights of rbac.ts, and engines that are
 * fakes behind real TLS. Skipped where no server is given (operator/testing/api-server.ts).
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";

import { sleep, systemClock } from "#base/clock.ts";
import { EngineClient } from "#operator/engine/client.ts";
import type { HttpKube } from "#operator/kube/http-kube.ts";
import { type CustomObject, type Pod, type Secret, resources } from "#operator/kube/objects.ts";

import { freePort } from "../../e2e/peers/free-port.ts";
import { Admin, apiServerFromEnvironment, deniedIn, readYaml, writesIn } from "../testing/api-server.ts";
import { grantRights, OPERATOR } from "../testing/rights.ts";
import { kubeAs, liveManager } from "../testing/live-manager.ts";
import { LiveNode } from "../testing/live-node.ts";
import { app } from "../testing/whole.ts";
import type { Ending } from "./manager.ts";

const server = apiServerFromEnvironment();
const crds = new URL("../../crds/", import.meta.url);

describe("against a real API server", { skip: server === null }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const namespace = `mail-${Date.now().toString(36)}`;
  const mailClusters = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters`;
  const kube = kubeAs(null, server.kubeconfig);
  const running: { stop: () => Promise<Ending> }[] = [];
  let node: LiveNode;

  before(async () => {
    for (const file of readdirSync(new URL("generated/", crds))) {
      if (!file.endsWith(".yaml")) continue;
      const crd = readYaml(new URL(`generated/${file}`, crds)) as { metadata: { name: string } };
      const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${crd.metadata.name}`;
      assert.ok((await admin.apply(path, crd)).status < 300);
    }
    for (const name of [namespace, "mailfleet-test"]) {
      const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
      const body = { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
      assert.ok((await admin.apply(`/api/v1/namespaces/${name}`, body)).status < 300);
    }
    await grantRights(admin);
    node = new LiveNode(kube, namespace, await freePort());
    await until("the CRDs are served", async () => (await admin.call("GET", mailClusters)).status === 200);
  });

  after(async () => {
    await Promise.all(running.map((each) => each.stop()));
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}`);
    await node.close();
    await kube.close();
  });

  function start(identity: string): { stop: () => Promise<Ending>; kube: HttpKube } {
    const own = kubeAs(OPERATOR, server?.kubeconfig ?? "");
    const leaseKube = kubeAs(OPERATOR, server?.kubeconfig ?? "");
    const engines = new EngineClient({ clock: systemClock, port: node.port });
    const manager = liveManager({
      kube: own,
      leaseKube,
      identity,
      watchNamespaces: [namespace],
      workers: 4,
      engines,
      paces: { lively: 200, scaling: 300, settled: 500 },
    });
    const stop = new AbortController();
    const ending = manager.run(stop.signal).finally(async () => {
      await Promise.all([own.close(), leaseKube.close(), engines.close()]);
    });
    const started = {
      kube: own,
      stop: () => {
        stop.abort();
        return ending;
      },
    };
    running.push(started);
    return started;
  }

  const cluster = (spec: Record<string, unknown>) => ({
    apiVersion: "mailfleet.io/v1alpha1",
    kind: "MailCluster",
    metadata: { name: "out", namespace },
    spec: { config: { app }, ...spec },
  });
  const get = () => kube.get<CustomObject>({ resource: resources.mailClusters, namespace, name: "out" });
  const condition = async (type: string): Promise<string> => {
    await node.turn();
    const status = (await get())?.status as { conditions?: { type: string; status: string }[] } | undefined;
    return status?.conditions?.find((each) => each.type === type)?.status ?? "";
  };
  const isSettled = async () =>
    (await condition("Ready")) === "True" && (await condition("Reconciling")) === "False";
  const patchCluster = (patch: object) =>
    admin.call("PATCH", `${mailClusters}/out`, patch, "application/merge-patch+json");
  const pods = async () => (await kube.list<Pod>(resources.pods, { namespace })).items;

  /** Asks the server what it would say, without making anything. */
  async function tryOut(folder: "valid" | "invalid", file: string) {
    const path = new URL(`testdata/${folder}/${file}`, crds);
    const object = readYaml(path) as { kind: string; metadata: object };
    const plural = object.kind === "MailCluster" ? "mailclusters" : "nativeplugins";
    const target = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/${plural}`;
    const body = { ...object, metadata: { ...object.metadata, namespace } };
    const reply = await admin.call("POST", `${target}?dryRun=All&fieldValidation=Strict`, body);
    return { ...reply, text: readFileSync(path, "utf8") };
  }

  for (const file of readdirSync(new URL("testdata/invalid/", crds))) {
    test(`${file} is refused with the sentence it names`, async () => {
      const { status, body, text } = await tryOut("invalid", file);
      const expected = text.slice(2, text.indexOf("\n"));
      assert.ok(status === 422 || status === 400, `status ${status}`);
      assert.ok(String(body["message"]).includes(expected), String(body["message"]));
    });
  }

  for (const file of readdirSync(new URL("testdata/valid/", crds))) {
    test(`${file} is taken`, async () => {
      const { status, body } = await tryOut("valid", file);
      assert.equal(status, 201, String(body["message"]));
    });
  }

  test("a cluster comes up with no more rights than rbac.ts, in a namespace that is restricted", async () => {
    start("first");
    const reply = await admin.apply(`${mailClusters}/out`, cluster({ replicas: 2 }));
    assert.ok(reply.status < 300, JSON.stringify(reply.body));
    await until("ready", isSettled);
    assert.deepEqual(
      (await pods()).map(({ metadata }) => metadata.name),
      ["out-0", "out-1"],
    );
    if (server.auditLog !== null) assert.deepEqual(deniedIn(server.auditLog, OPERATOR), []);
  });

  test("a settled cluster is not written to", { skip: server.auditLog === null }, async () => {
    const log = server.auditLog ?? "";
    const count = () => writesIn(log, OPERATOR).filter((write) => !write.includes(" leases ")).length;
    await systemSleep(3000);
    const beforehand = count();
    await systemSleep(8000);
    const later = writesIn(log, OPERATOR).filter((write) => !write.includes(" leases "));
    assert.deepEqual(later.slice(beforehand), []);
  });

  test("the web administration comes with its switch, keeps its password, and goes with its switch", async () => {
    const web = { namespace, name: "out-web" };
    const password = async (): Promise<string | undefined> =>
      (await kube.get<Secret>({ resource: resources.secrets, ...web }))?.data?.["password"];
    const isThere = async (): Promise<boolean[]> =>
      Promise.all(
        [resources.deployments, resources.services, resources.networkPolicies, resources.serviceAccounts].map(
          async (resource) => (await kube.get({ resource, ...web })) !== null,
        ),
      );
    await patchCluster({ spec: { webAdmin: { enabled: true } } });
    await until("all of it is there", async () => !(await isThere()).includes(false) && (await isSettled()));
    const before = await password();
    assert.ok(before !== undefined);
    await patchCluster({ spec: { webAdmin: { ingress: { host: "mail.example.org" } } } });
    await until(
      "an ingress",
      async () => (await kube.get({ resource: resources.ingresses, ...web })) !== null,
    );
    assert.equal(await password(), before);
    await patchCluster({ spec: { webAdmin: { rolloutOrders: true } } });
    const rights = async (): Promise<boolean[]> =>
      Promise.all(
        [resources.roles, resources.roleBindings].map(
          async (resource) => (await kube.get({ resource, ...web })) !== null,
        ),
      );
    await until("rights to order roll-outs", async () => !(await rights()).includes(false));
    await patchCluster({ spec: { webAdmin: { rolloutOrders: false } } });
    await until("no such rights", async () => !(await rights()).includes(true));
    if (server.auditLog !== null) assert.deepEqual(deniedIn(server.auditLog, OPERATOR), []);
    await patchCluster({ spec: { webAdmin: null } });
    await until("all of it is gone", async () => !(await isThere()).includes(true) && (await isSettled()));
    assert.equal(await password(), undefined);
  });

  test("kubectl scale works: the scale subresource follows and reports", async () => {
    const scale = { spec: { replicas: 3 } };
    const path = `${mailClusters}/out/scale`;
    const reply = await admin.call("PATCH", path, scale, "application/merge-patch+json");
    assert.equal(reply.status, 200);
    await until("three pods", async () => (await pods()).length === 3 && (await isSettled()));
    const { body } = await admin.call("GET", path);
    const status = body["status"] as { replicas: number; selector: string };
    assert.equal(status.replicas, 3);
    assert.match(status.selector, /mailfleet.io\/cluster=out/);
  });

  test("a pod that is named leaves, and the others keep their numbers", async () => {
    await patchCluster({ metadata: { annotations: { "mailfleet.io/remove-slots": "0" } } });
    await patchCluster({ spec: { replicas: 2 } });
    const left = async () => (await pods()).map(({ metadata }) => metadata.name).sort();
    await until("two pods", async () => (await left()).length === 2 && (await isSettled()));
    assert.deepEqual(await left(), ["out-1", "out-2"]);
    await patchCluster({ metadata: { annotations: { "mailfleet.io/remove-slots": null } } });
  });

  test("the autoscaler and spec.replicas exclude each other, whoever writes", async () => {
    const autoscaling = { mode: "Internal", minReplicas: 3, maxReplicas: 4 };
    const refused = await patchCluster({ spec: { autoscaling } });
    assert.equal(refused.status, 422);
    assert.match(String(refused.body["message"]), /remove spec\.replicas and set autoscaling\.minReplicas/);
    assert.equal((await patchCluster({ spec: { replicas: null, autoscaling } })).status, 200);
    await until("three pods", async () => (await pods()).length === 3 && (await isSettled()));
    const scale = { spec: { replicas: 1 } };
    const path = `${mailClusters}/out/scale`;
    const reply = await admin.call("PATCH", path, scale, "application/merge-patch+json");
    assert.equal(reply.status, 422);
    assert.match(String(reply.body["message"]), /exclude each other/);
    assert.equal((await patchCluster({ spec: { replicas: 3, autoscaling: null } })).status, 200);
  });

  test("a volume that cannot grow is said in the server's words, and everything else goes on", async () => {
    const shrunk = await patchCluster({ spec: { storage: { size: "10Gi" } } });
    assert.equal(shrunk.status, 200);
    assert.equal((await patchCluster({ spec: { storage: { size: "20Gi" } } })).status, 200);
    await until("said", async () => (await condition("SpoolsHealthy")) === "False");
    assert.match(
      JSON.stringify((await get())?.status),
      /immutable after creation[^}]*"reason":"ResizeRefused"/,
    );
    const refused = await patchCluster({ spec: { storage: { size: "5Gi" } } });
    assert.equal(refused.status, 422);
    assert.match(String(refused.body["message"]), /cannot shrink/);
    assert.ok(await isSettled());
    if (server.auditLog !== null) assert.deepEqual(deniedIn(server.auditLog, OPERATOR), []);
  });

  test("what keeps a pod from being made anew, and what for it is, stands in the status", async () => {
    await patchCluster({ metadata: { annotations: { "mailfleet.io/rollout": "pause" } } });
    await patchCluster({ spec: { engine: { env: [{ name: "A", value: "b" }] } } });
    const planned = async () => JSON.stringify((await get())?.status ?? {});
    const waits = /"action":"ReplacePod","reason":"Environment","slot":\d,"waitsFor":"RolloutPaused"/;
    await until("planned", async () => waits.test(await planned()));
    await patchCluster({ metadata: { annotations: { "mailfleet.io/rollout": null } } });
    await until("done", async () => (await isSettled()) && !(await planned()).includes("ReplacePod"));
  });

  test("when the one that acts stops, the other takes over", async () => {
    const second = start("second");
    await systemSleep(500);
    await running[0]?.stop();
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}/pods/out-1`);
    await until("the pod is back", async () => (await pods()).length === 3 && (await isSettled()));
    const lease = await kube.get<CustomObject & { spec: { holderIdentity: string } }>({
      resource: resources.leases,
      namespace: "mailfleet-test",
      name: "mailfleet-operator",
    });
    assert.equal(lease?.spec.holderIdentity, "second");
    assert.ok(second);
  });

  test("deletion leaves nothing", async () => {
    await admin.call("DELETE", `${mailClusters}/out`);
    await until("gone", async () => {
      await node.turn();
      return (await get()) === null;
    });
    const kinds = [
      resources.pods,
      resources.claims,
      resources.services,
      resources.configMaps,
      resources.secrets,
      resources.serviceAccounts,
      resources.disruptionBudgets,
      resources.networkPolicies,
      resources.deployments,
      resources.ingresses,
      resources.roles,
      resources.roleBindings,
    ];
    await until("nothing is left", async () => {
      const labelSelector = "mailfleet.io/cluster=out";
      const lists = await Promise.all(kinds.map((kind) => kube.list(kind, { namespace, labelSelector })));
      return lists.every(({ items }) => items.length === 0);
    });
  });

  // The last one: no other test has a namespace after it.
  test("a namespace that is deleted with a cluster in it goes, though nothing can be made in it any more", async () => {
    assert.ok((await admin.apply(`${mailClusters}/out`, cluster({ replicas: 2 }))).status < 300);
    await until("ready", isSettled);
    assert.equal((await admin.call("DELETE", `/api/v1/namespaces/${namespace}`)).status, 200);
    await until("the namespace is gone", async () => {
      await node.turn();
      return (await admin.call("GET", `/api/v1/namespaces/${namespace}`)).status === 404;
    });
  });
});

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if (await isTrue()) return;
    await systemSleep(100);
  }
  assert.fail(`never came true: ${what}`);
}

/** Real time, on a timer that keeps the process alive. */
function systemSleep(ms: number): Promise<void> {
  const alive = setInterval(() => undefined, 1000);
  return sleep(systemClock, ms).finally(() => clearInterval(alive));
}
