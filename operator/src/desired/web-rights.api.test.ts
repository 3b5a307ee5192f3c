/**
 * What a web administration may do to MailClusters, asked of a real API server as its service account, with the rights that
 * the operator gives it and the policy that the chart brings.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { loadAll } from "js-yaml";

import { root } from "../../../tools/tree.ts";
import { render } from "../../../helm/helm.ts";
import { Admin, apiServerFromEnvironment, prepare } from "../../testing/api-server.ts";
import { aContext } from "../../testing/builders.ts";
import { app } from "../../testing/whole.ts";
import { webRole, webRoleBinding } from "./web-rights.ts";

const server = apiServerFromEnvironment();
const ROLLOUT = "mailfleet.io/rollout";
const MERGE = "application/merge-patch+json";
const APPLY = "application/apply-patch+yaml";

describe("the rights of a web administration", { skip: server === null }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const namespace = `web-${Date.now().toString(36)}`;
  const web = new Admin(server, `system:serviceaccount:${namespace}:out-web`);
  const clusters = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters`;
  const rights = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const patch = (body: object, { name = "out", as = web } = {}) =>
    as.call("PATCH", `${clusters}/${name}`, body, MERGE);
  const order = (word: string | null) => patch({ metadata: { annotations: { [ROLLOUT]: word } } });
  const put = async (path: string, object: unknown): Promise<void> => {
    const { status, body } = await admin.apply(path, object);
    assert.ok(status < 300, `${path}: ${String(body["message"])}`);
  };

  before(async () => {
    await prepare(admin, [namespace]);
    for (const name of ["out", "other"]) {
      const metadata = { name, namespace, labels: { team: "mail" }, annotations: { note: "kept" } };
      const kind = { apiVersion: "mailfleet.io/v1alpha1", kind: "MailCluster" };
      await put(`${clusters}/${name}`, { ...kind, metadata, spec: { replicas: 1, config: { app } } });
    }
    const spec = { config: { app }, webAdmin: { enabled: true, rolloutOrders: true } };
    const context = aContext({ spec });
    // With an owner that is not there, the garbage collector would take the rights away.
    const { body } = await admin.call("GET", `${clusters}/out`);
    const { uid } = body["metadata"] as { readonly uid: string };
    const cluster = { ...context.cluster, name: "out", namespace, uid };
    await put(`${rights}/roles/out-web`, webRole({ ...context, cluster }));
    await put(`${rights}/rolebindings/out-web`, webRoleBinding({ ...context, cluster }));
    for (const { path, object } of await policies()) await put(path, object);
    await untilPolicyActs();
  });

  after(async () => {
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}`);
    for (const { path } of await policies()) await admin.call("DELETE", path);
  });

  /** A policy acts some moments after it is there. Each probe is another change: what changes nothing is allowed. */
  async function untilPolicyActs(): Promise<void> {
    for (let i = 0; i < 400; i++) {
      const { status } = await patch({ metadata: { labels: { probe: `x${i}` } } });
      if (status === 422) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.fail("the policy never acted");
  }

  async function refused(body: object, words: RegExp): Promise<void> {
    const reply = await patch(body);
    assert.equal(reply.status, 422, JSON.stringify(reply.body));
    assert.match(String(reply.body["message"]), words);
  }

  test("each order is taken, also by server-side apply, and taken back", async () => {
    for (const word of ["pause", "promote", "rollback", null])
      assert.equal((await order(word)).status, 200, String(word));
    const applied = await web.call(
      "PATCH",
      `${clusters}/out?fieldManager=mailfleet-web`,
      {
        apiVersion: "mailfleet.io/v1alpha1",
        kind: "MailCluster",
        metadata: { name: "out", annotations: { [ROLLOUT]: "pause" } },
      },
      APPLY,
    );
    assert.equal(applied.status, 200, String(applied.body["message"]));
    assert.equal((await order(null)).status, 200);
  });

  test("a word that is no order is refused", () =>
    refused({ metadata: { annotations: { [ROLLOUT]: "explode" } } }, /pause, promote or rollback/));

  test("the spec is refused, also together with an order", async () => {
    await refused({ spec: { replicas: 5 } }, /not the spec/);
    await refused(
      { metadata: { annotations: { [ROLLOUT]: "pause" } }, spec: { replicas: 5 } },
      /not the spec/,
    );
  });

  test("labels, finalizers and owners are refused", async () => {
    const owner = { apiVersion: "v1", kind: "ConfigMap", name: "a", uid: "b" };
    for (const metadata of [
      { labels: { team: null } },
      { labels: { more: "x" } },
      { finalizers: ["example.org/stay"] },
      { ownerReferences: [owner] },
    ])
      await refused({ metadata }, /not labels, finalizers or owners/);
  });

  test("other annotations are refused: new, changed or taken away", async () => {
    for (const annotations of [{ "mailfleet.io/hibernate": "true" }, { note: "changed" }, { note: null }])
      await refused({ metadata: { annotations } }, /no other/);
  });

  test("another cluster, its status, its size and its deletion are not its own", async () => {
    const order = { metadata: { annotations: { [ROLLOUT]: "pause" } } };
    assert.equal((await patch(order, { name: "other" })).status, 403);
    const of = async (method: string, path: string, body?: object) =>
      (await web.call(method, `${clusters}${path}`, body, MERGE)).status;
    assert.equal(await of("PATCH", "/out/status", { status: {} }), 403);
    assert.equal(await of("PATCH", "/out/scale", { spec: { replicas: 9 } }), 403);
    assert.equal(await of("DELETE", "/out"), 403);
    assert.equal(await of("GET", ""), 403);
    assert.equal(await of("GET", "/out"), 200);
  });

  test("nobody else is held to it", async () => {
    const reply = await patch({ spec: { replicas: 2 }, metadata: { labels: { more: "x" } } }, { as: admin });
    assert.equal(reply.status, 200, String(reply.body["message"]));
  });
});

/** Policy and binding as the chart renders them. */
async function policies(): Promise<readonly { readonly path: string; readonly object: unknown }[]> {
  const all = loadAll(await render(`${root}helm/testdata/default.values.yaml`)) as (Named | null)[];
  const found = all.filter((each) => each?.kind.startsWith("ValidatingAdmissionPolicy") === true);
  assert.equal(found.length, 2);
  return found.map((object) => {
    const plural =
      object?.kind === "ValidatingAdmissionPolicy"
        ? "validatingadmissionpolicies"
        : "validatingadmissionpolicybindings";
    return {
      path: `/apis/admissionregistration.k8s.io/v1/${plural}/${object?.metadata.name ?? ""}`,
      object,
    };
  });
}

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}
