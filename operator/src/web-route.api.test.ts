/**
 * The HTTPRoute of a web administration on a real API server, with the operator's own rights: first without the Gateway API,
 * then with it. Skipped where no server is given (operator/testing/api-server.ts).
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { EngineClient } from "#operator/engine/client.ts";
import { type CustomObject, type HttpRoute, resources } from "#operator/kube/objects.ts";

import { Admin, apiServerFromEnvironment, deniedIn, prepare } from "../testing/api-server.ts";
import { removeRoutes, serveRoutes } from "../testing/gateway-api.ts";
import { kubeAs, liveManager } from "../testing/live-manager.ts";
import { grantRights, OPERATOR } from "../testing/rights.ts";
import { app } from "../testing/whole.ts";

const server = apiServerFromEnvironment();

describe("a route to a web administration", { skip: server === null }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const namespace = `route-${Date.now().toString(36)}`;
  const path = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters/out`;
  const httpRoute = {
    parentRefs: [{ name: "edge", namespace: "gateways", sectionName: "https", port: 443 }],
    hostnames: ["mail.example.org"],
  };
  const own = kubeAs(OPERATOR, server.kubeconfig);
  let stop: () => Promise<unknown> = () => Promise.resolve();

  before(async () => {
    await prepare(admin, [namespace, "mailfleet-test"]);
    await grantRights(admin);
    await removeRoutes(admin);
    const { status, body } = await admin.apply(path, {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      metadata: { name: "out", namespace },
      spec: { replicas: 0, config: { app }, webAdmin: { enabled: true, httpRoute } },
    });
    assert.ok(status < 300, String(body["message"]));
  });
  after(async () => {
    await admin.call("DELETE", path);
    await stop();
    await removeRoutes(admin);
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}`);
    await own.close();
  });

  function start(): void {
    const engines = new EngineClient({ clock: systemClock });
    const manager = liveManager({ kube: own, identity: "route", watchNamespaces: [namespace], engines });
    const end = new AbortController();
    const ending = manager.run(end.signal).finally(() => engines.close());
    stop = () => {
      end.abort();
      return ending;
    };
  }

  const route = () => own.get<HttpRoute>({ resource: resources.httpRoutes, namespace, name: "out-web" });
  const reason = async (): Promise<string> => {
    const cluster = await own.get<CustomObject>({ resource: resources.mailClusters, namespace, name: "out" });
    const status = cluster?.status as { conditions?: { type: string; reason: string }[] } | undefined;
    return status?.conditions?.find(({ type }) => type === "WebAdminReady")?.reason ?? "";
  };

  test("is missing, and the cluster says so, where HTTPRoutes are not served", async () => {
    start();
    await until("said so", async () => (await reason()) === "RouteNotServed");
    await stop();
  });

  test("is made where they are, and goes with its switch, within the rights of rbac.ts", async () => {
    await serveRoutes(admin);
    start();
    await until("a route", async () => (await route()) !== null);
    const made = await route();
    assert.deepEqual(made?.spec.hostnames, httpRoute.hostnames);
    const [parent] = made.spec.parentRefs;
    assert.deepEqual(parent, {
      group: "gateway.networking.k8s.io",
      kind: "Gateway",
      ...httpRoute.parentRefs[0],
    });
    await until("said so", async () => (await reason()) !== "RouteNotServed");
    const status = {
      parents: [
        {
          parentRef: { name: "edge" },
          controllerName: "example.org/gateway",
          conditions: [
            { type: "Accepted", status: "False", reason: "NoMatchingParent", message: "no listener" },
          ],
        },
      ],
    };
    const statusPath = `/apis/gateway.networking.k8s.io/v1/namespaces/${namespace}/httproutes/out-web/status`;
    const reply = await admin.call("PATCH", statusPath, { status }, "application/merge-patch+json");
    assert.equal(reply.status, 200, String(reply.body["message"]));
    await until("a Gateway's no is told", async () => (await reason()) === "RouteRefused");
    await admin.call(
      "PATCH",
      path,
      { spec: { webAdmin: { httpRoute: null } } },
      "application/merge-patch+json",
    );
    await until("gone", async () => (await route()) === null);
    if (server.auditLog !== null)
      assert.deepEqual(
        deniedIn(server.auditLog, OPERATOR).filter((text) => text.includes(namespace)),
        [],
      );
  });
});

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(`never came true: ${what}`);
}
