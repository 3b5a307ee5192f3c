/** The whole operator and the HTTPRoute of a web administration, where the Gateway API is there, comes and goes. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { type HttpRoute, resources } from "#operator/kube/objects.ts";

import { cluster, NAMESPACE, Whole } from "../testing/whole.ts";

const httpRoute = {
  parentRefs: [{ name: "edge", namespace: "gateways", sectionName: "https" }],
  hostnames: ["mail.example.org"],
};
const webAdmin = { enabled: true, httpRoute };
const isServed = { resource: resources.httpRoutes };

const routeIn = ({ kube }: Whole): HttpRoute | null =>
  kube.peek<HttpRoute>(resources.httpRoutes, NAMESPACE, "out-web");
const events = (whole: Whole): readonly string[] =>
  (whole.kube.peekAll(resources.events) as unknown as { reason: string }[]).map(({ reason }) => reason);
const isReady = (whole: Whole): boolean => whole.condition("Ready") === "True AllPodsReady";

test("a route is made, put right when somebody changes it, and taken away with its switch", async () => {
  const whole = new Whole();
  whole.kube.seed(resources.mailClusters, cluster({ webAdmin }));
  const operator = whole.start();
  await whole.until("a route", () => routeIn(whole) !== null, 500);
  const { spec, metadata } = routeIn(whole) as HttpRoute;
  assert.deepEqual([spec.parentRefs, spec.hostnames], [httpRoute.parentRefs, httpRoute.hostnames]);
  assert.deepEqual(spec.rules, [
    {
      matches: [{ path: { type: "PathPrefix", value: "/" } }],
      backendRefs: [{ name: "out-web", port: 80 }],
    },
  ]);
  assert.equal(metadata.ownerReferences?.[0]?.kind, "MailCluster");
  whole.kube.edit<HttpRoute>(resources.httpRoutes, NAMESPACE, "out-web", (copy) => {
    Object.assign(copy.spec, { hostnames: ["elsewhere.example.org"] });
  });
  await whole.until("put right", () => routeIn(whole)?.spec.hostnames[0] === "mail.example.org", 500);
  whole.edit((copy) => Object.assign(copy.spec, { webAdmin: { enabled: true } }));
  await whole.until("gone", () => routeIn(whole) === null, 500);
  await operator.stop();
});

for (const code of ["not-found", "refused"] as const)
  test(`where none can be read (${code}) the cluster says what is missing, takes mail, and makes it later`, async () => {
    const whole = new Whole();
    whole.kube.failNext("list", code, { ...isServed, times: 3 });
    whole.kube.seed(resources.mailClusters, cluster({ webAdmin }));
    const operator = whole.start();
    await whole.until("ready", () => isReady(whole));
    assert.equal(whole.condition("WebAdminReady"), "False RouteNotServed");
    assert.match(whole.message("WebAdminReady"), /install the definitions of the Gateway API/);
    assert.equal(whole.condition("Stalled"), "False Moving");
    assert.equal(routeIn(whole), null);
    await whole.until("told", () => events(whole).includes("RouteNotServed"));
    await whole.until("a route", () => routeIn(whole) !== null, 1000);
    await whole.until("said so", () => whole.condition("WebAdminReady") === "False Progressing");
    await operator.stop();
  });

test("definitions that go take nothing with them but the route", async () => {
  const whole = new Whole();
  whole.kube.seed(resources.mailClusters, cluster({ webAdmin, replicas: 1 }));
  const operator = whole.start();
  await whole.until("a route", () => routeIn(whole) !== null && isReady(whole), 500);
  whole.kube.failNext("watch", "not-found", isServed);
  whole.kube.failNext("list", "not-found", { ...isServed, times: 1000 });
  whole.kube.discard(resources.httpRoutes, NAMESPACE, "out-web");
  whole.kube.storage.breakWatches();
  await whole.until("said so", () => whole.condition("WebAdminReady") === "False RouteNotServed", 500);
  whole.edit((copy) => Object.assign(copy.spec, { replicas: 2 }));
  await whole.until("grown", () => whole.names("pods").length === 2 && isReady(whole), 500);
  assert.equal(routeIn(whole), null);
  await operator.stop();
});
