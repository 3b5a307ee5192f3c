/**
 * The web server in front of a real API server, with the token of the account that the operator gives its pods, the rights
 * that go with it and the policy of the chart.
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { load, loadAll } from "js-yaml";

import { webRole, webRoleBinding } from "#operator/desired/web-rights.ts";
import type { RolloutView } from "#web/shared/web-api.ts";
import { render } from "../../../helm/helm.ts";
import { Admin, apiServerFromEnvironment, prepare } from "../../../operator/testing/api-server.ts";
import { aContext } from "../../../operator/testing/builders.ts";
import { app } from "../../../operator/testing/whole.ts";
import { root } from "../../../tools/tree.ts";
import { until } from "../../testing/until.ts";
import { type WebRig, type WebVisitor, startRig } from "../testing/rig.ts";

const api = apiServerFromEnvironment();

describe("roll-outs that are ordered from the pages", { skip: api === null }, () => {
  if (api === null) return;
  const admin = new Admin(api);
  const namespace = `rollout-${Date.now().toString(36)}`;
  const object = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters/out`;
  const folder = mkdtempSync(join(tmpdir(), "account-"));
  let rig: WebRig;
  let visitor: WebVisitor;

  const put = async (path: string, body: unknown): Promise<void> => {
    const { status, body: said } = await admin.apply(path, body);
    assert.ok(status < 300, `${path}: ${String(said["message"])}`);
  };

  before(async () => {
    await prepare(admin, [namespace]);
    const metadata = { name: "out", namespace, annotations: { note: "kept" } };
    const kind = { apiVersion: "mailfleet.io/v1alpha1", kind: "MailCluster" };
    const spec = { config: { app }, webAdmin: { enabled: true, rolloutOrders: true } };
    await put(object, { ...kind, metadata, spec: { ...spec, replicas: 1 } });
    const context = aContext({ spec });
    // With an owner that is not there, the garbage collector would take the rights away.
    const { body } = await admin.call("GET", object);
    const { uid } = body["metadata"] as { readonly uid: string };
    const mine = { ...context, cluster: { ...context.cluster, name: "out", namespace, uid } };
    const rights = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
    await put(`${rights}/roles/out-web`, webRole(mine));
    await put(`${rights}/rolebindings/out-web`, webRoleBinding(mine));
    for (const { path, object: policy } of await policies(namespace)) await put(path, policy);
    const account = `/api/v1/namespaces/${namespace}/serviceaccounts/out-web`;
    await put(account, {
      apiVersion: "v1",
      kind: "ServiceAccount",
      metadata: { name: "out-web", namespace },
    });
    const token = await admin.call("POST", `${account}/token`, { spec: {} });
    writeFileSync(join(folder, "token"), (token.body["status"] as { token: string }).token);
    const { server, ca } = placeOf(api.kubeconfig);
    writeFileSync(join(folder, "ca.crt"), ca);
    rig = await startRig({
      engines: { hosts: [{ name: "none", url: "http://127.0.0.1:1" }] },
      cluster: {
        url: server,
        name: "out",
        namespace,
        tokenfile: join(folder, "token"),
        ca: join(folder, "ca.crt"),
      },
    });
    visitor = await rig.as("admin");
  });
  after(async () => {
    await rig?.stop();
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}`);
    for (const { path } of await policies(namespace)) await admin.call("DELETE", path);
    rmSync(folder, { recursive: true, force: true });
  });

  const look = async (): Promise<NonNullable<RolloutView["cluster"]>> => {
    const { json } = await visitor.call<RolloutView>("GET", "/api/rollout");
    assert.equal(json.failure, null, JSON.stringify(json));
    return json.cluster as NonNullable<RolloutView["cluster"]>;
  };
  const order = (word: string, resourceVersion: string) =>
    visitor.call<RolloutView & { readonly message: string }>("POST", `/api/rollout/${word}`, {
      resourceVersion,
    });

  test("each order is taken with the rights of the pods, and nothing else changes", async () => {
    for (const [name, word] of [
      ["pause", "pause"],
      ["promote", "promote"],
      ["rollback", "rollback"],
      ["resume", null],
    ] as const) {
      const { status, json } = await order(name, (await look()).resourceVersion);
      assert.equal(status, 200, json.message);
      assert.equal((await look()).word, word);
    }
    const { body } = await admin.call("GET", object);
    assert.deepEqual((body["metadata"] as { annotations: object }).annotations, { note: "kept" });
  });

  test("an object that has changed since it was looked at takes no order", async () => {
    const { resourceVersion } = await look();
    await admin.call(
      "PATCH",
      object,
      { metadata: { annotations: { note: "new" } } },
      "application/merge-patch+json",
    );
    const late = await order("pause", resourceVersion);
    assert.equal(late.status, 409);
    assert.match(late.json.message, /has changed meanwhile/);
    assert.equal((await look()).word, null);
  });

  test("without the right to patch, what the API server says is said", async () => {
    await admin.call(
      "DELETE",
      `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings/out-web`,
    );
    // The API server hears of it a moment later.
    const seen = async (): Promise<string> =>
      (await visitor.call<RolloutView>("GET", "/api/rollout")).json.failure?.message ?? "";
    await until(seen, (message) => message.includes("cannot get resource"));
    const refused = await order("pause", "1");
    assert.equal(refused.status, 403);
    assert.match(refused.json.message, /Kubernetes refuses it: .*cannot patch resource/);
  });
});

function placeOf(kubeconfig: string): { readonly server: string; readonly ca: string } {
  const { clusters } = load(readFileSync(kubeconfig, "utf8")) as {
    clusters: { cluster: Record<string, string> }[];
  };
  const cluster = clusters[0]?.cluster ?? {};
  const data = cluster["certificate-authority-data"];
  const ca =
    data === undefined
      ? readFileSync(cluster["certificate-authority"] ?? "", "utf8")
      : Buffer.from(data, "base64").toString("utf8");
  return { server: cluster["server"] ?? "", ca };
}

/** Policy and binding as the chart renders them, under names of this test's own. */
async function policies(mark: string): Promise<readonly { readonly path: string; readonly object: Named }[]> {
  const all = loadAll(await render(`${root}helm/testdata/default.values.yaml`)) as (Named | null)[];
  const plurals: Readonly<Record<string, string>> = {
    ValidatingAdmissionPolicy: "validatingadmissionpolicies",
    ValidatingAdmissionPolicyBinding: "validatingadmissionpolicybindings",
  };
  return all.flatMap((object) => {
    const plural = plurals[object?.kind ?? ""];
    if (object === null || plural === undefined) return [];
    const { policyName } = object.spec;
    const metadata = { name: `${object.metadata.name}-${mark}` };
    const spec = policyName === undefined ? object.spec : { ...object.spec, policyName: metadata.name };
    const path = `/apis/admissionregistration.k8s.io/v1/${plural}/${metadata.name}`;
    return [{ path, object: { ...object, metadata, spec } }];
  });
}

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly policyName?: string };
}
