/** What the chart's bound on images lets through and refuses, asked of a real API server. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { loadAll } from "js-yaml";

import { Admin, apiServerFromEnvironment, prepare } from "../operator/testing/api-server.ts";
import { app } from "../operator/testing/whole.ts";
import { root } from "../tools/tree.ts";
import { render } from "./helm.ts";

const server = apiServerFromEnvironment();
const MERGE = "application/merge-patch+json";

interface Policy {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: Record<string, unknown>;
}

describe("a chart that bounds images", { skip: server === null }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const namespace = `images-${Date.now().toString(36)}`;
  const base = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}`;
  let policies: readonly { readonly path: string; readonly object: Policy }[] = [];

  const cluster = (name: string, spec: object) =>
    admin.apply(`${base}/mailclusters/${name}`, {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      metadata: { name, namespace },
      spec: { replicas: 0, config: { app }, ...spec },
    });
  const plugin = (name: string, source: object) =>
    admin.apply(`${base}/nativeplugins/${name}`, {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "NativePlugin",
      metadata: { name, namespace },
      spec: { source },
    });
  const image = (reference: string) => ({ image: { reference, path: "a.so" } });

  before(async () => {
    await prepare(admin, [namespace]);
    assert.ok((await plugin("early", image("elsewhere.example/a:1"))).status < 300);
    policies = await boundTo(namespace);
    for (const { path, object } of policies) assert.ok((await admin.apply(path, object)).status < 300, path);
    await untilPolicyActs();
  });

  after(async () => {
    for (const { path } of policies) await admin.call("DELETE", path);
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}`);
  });

  async function untilPolicyActs(): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const probe = await admin.call(
        "PATCH",
        `${base}/nativeplugins/early`,
        { spec: { id: `probe-${tries}` } },
        MERGE,
      );
      if (probe.status === 422) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    assert.fail("the policy never acted");
  }

  test("lets images of these beginnings through, and clusters that name none", async () => {
    for (const reply of [
      await plugin("good", image("registry.example/mail/warm-up@sha256:ab")),
      await plugin("port", image("registry.example:5000/plugins/x:1")),
      await cluster("plain", {}),
      await cluster("named", { engine: { image: "registry.example/mail/mta:2" } }),
    ])
      assert.ok(reply.status < 300, String(reply.body["message"]));
  });

  test("refuses any other, by its name and with what would be right", async () => {
    for (const [reply, words] of [
      [await plugin("bad", image("elsewhere.example/a:1")), /image elsewhere\.example\/a:1 is not allowed/],
      [
        await plugin("bad", image("registry.example.elsewhere/mail/a:1")),
        /must begin with registry\.example/,
      ],
      [await cluster("bad", { engine: { image: "mta:1" } }), /image mta:1 is not allowed/],
      [await cluster("bad", { webAdmin: { enabled: true, image: "web:1" } }), /image web:1 is not allowed/],
    ] as const) {
      assert.equal(reply.status, 422, JSON.stringify(reply.body));
      assert.match(String(reply.body["message"]), words);
    }
  });

  test("refuses plugins that come from no image", async () => {
    const reply = await plugin("bad", { configMap: { name: "files", key: "a.so" } });
    assert.equal(reply.status, 422);
    assert.match(String(reply.body["message"]), /from images alone/);
  });

  test("lets what was there before be marked and deleted, and the operator's marks be taken off", async () => {
    const path = `${base}/nativeplugins/early`;
    const mark = (finalizers: readonly string[]) =>
      admin.call("PATCH", path, { metadata: { finalizers } }, MERGE);
    assert.equal((await mark(["mailfleet.io/plugin-in-use"])).status, 200);
    assert.equal((await admin.call("DELETE", path)).status, 200);
    assert.equal((await mark([])).status, 200);
    assert.equal((await admin.call("GET", path)).status, 404);
  });
});

/** As the chart renders them, for one namespace, so that other tests of the same server are left alone. */
async function boundTo(namespace: string) {
  const all = loadAll(await render(`${root}helm/testdata/restricted.values.yaml`)) as (Policy | null)[];
  const found = all.filter((each) => each?.metadata.name.endsWith("-allowed-images") === true);
  assert.equal(found.length, 2);
  return found.flatMap((each) => {
    if (each === null) return [];
    const isPolicy = each.kind === "ValidatingAdmissionPolicy";
    const plural = isPolicy ? "validatingadmissionpolicies" : "validatingadmissionpolicybindings";
    const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": namespace } };
    const spec = isPolicy ? each.spec : { ...each.spec, matchResources: { namespaceSelector } };
    const path = `/apis/admissionregistration.k8s.io/v1/${plural}/${each.metadata.name}`;
    return [{ path, object: { ...each, spec } }];
  });
}
