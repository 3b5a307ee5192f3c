/** The custom resource definitions as a real API server has them: what it publishes of them, and what lists can be filtered by. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { KubeConfig } from "@kubernetes/client-node/dist/config.js";

import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";
import { definitions } from "#crds/definitions.ts";
import { accessOf } from "#operator/kube/access.ts";
import { HttpKube } from "#operator/kube/http-kube.ts";

import { Admin, apiServerFromEnvironment, prepare } from "../testing/api-server.ts";
import { app } from "../testing/whole.ts";
import { missingFields } from "./definitions-check.ts";

const server = apiServerFromEnvironment();

describe("definitions on a real API server", { skip: server === null }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const namespace = `fields-${Date.now().toString(36)}`;
  const base = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}`;
  const config = new KubeConfig();
  config.loadFromFile(server.kubeconfig);
  // Somebody without any right of its own: what every client may read has to be enough.
  config.users = config.users.map((each) => ({
    ...each,
    impersonateUser: "system:serviceaccount:none:nobody",
  }));
  const kube = new HttpKube({
    access: accessOf(config),
    clock: systemClock,
    random: systemRandom,
    userAgent: "mailfleet-test",
  });

  before(() => prepare(admin, [namespace]));
  after(async () => {
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}`);
    await kube.close();
  });

  test("are seen to be complete by somebody without rights", async () => {
    await until(async () => (await missingFields(kube, definitions))?.length === 0);
  });

  test("are seen to lack what a later version would have", async () => {
    const [later] = structuredClone(definitions);
    assert.ok(later !== undefined);
    const [version] = later.spec["versions"] as { schema: { openAPIV3Schema: Properties } }[];
    const spec = version?.schema.openAPIV3Schema.properties["spec"] as Properties;
    spec.properties["tomorrow"] = { type: "string" };
    assert.deepEqual(await missingFields(kube, [later]), ["MailCluster spec.tomorrow"]);
  });

  test("let lists be filtered by image, check and mode", async () => {
    const kind = (name: string) => ({ apiVersion: "mailfleet.io/v1alpha1", kind: name });
    const plugin = (name: string, reference: string, more: object = {}) => {
      const spec = { source: { image: { reference, path: "a.so" } }, ...more };
      return admin.apply(`${base}/nativeplugins/${name}`, {
        ...kind("NativePlugin"),
        metadata: { name, namespace },
        spec,
      });
    };
    const cluster = (name: string, spec: object) =>
      admin.apply(`${base}/mailclusters/${name}`, {
        ...kind("MailCluster"),
        metadata: { name, namespace },
        spec: { config: { app }, ...spec },
      });
    const made = await Promise.all([
      plugin("one", "registry.example/a:1"),
      plugin("two", "registry.example/b:1", { check: "Off" }),
      cluster("fixed", { replicas: 0, engine: { image: "registry.example/mta:1" } }),
      cluster("scaled", { replicas: 0, autoscaling: { mode: "External" } }),
    ]);
    assert.deepEqual(
      made.map(({ status }) => status < 300),
      [true, true, true, true],
      JSON.stringify(made.map(({ body }) => body["message"])),
    );
    const named = async (plural: string, selector: string): Promise<readonly string[]> => {
      const { body } = await admin.call(
        "GET",
        `${base}/${plural}?fieldSelector=${encodeURIComponent(selector)}`,
      );
      return ((body["items"] ?? []) as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
    };
    assert.deepEqual(await named("nativeplugins", "spec.source.image.reference=registry.example/b:1"), [
      "two",
    ]);
    assert.deepEqual(await named("nativeplugins", "spec.check!=Off"), ["one"]);
    assert.deepEqual(await named("mailclusters", "spec.engine.image=registry.example/mta:1"), ["fixed"]);
    assert.deepEqual(await named("mailclusters", "spec.autoscaling.mode=External"), ["scaled"]);
  });
});

interface Properties {
  readonly properties: Record<string, unknown>;
}

/** Schemas are published some moments after the definitions are served. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail("never came true");
}
