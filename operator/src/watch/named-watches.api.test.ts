/** A user's Secret watched by name on a real API server. Skipped where no server is given. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { systemRandom } from "#base/random.ts";
import { findAccess } from "#operator/kube/access.ts";
import { HttpKube } from "#operator/kube/http-kube.ts";
import { type Secret, resources } from "#operator/kube/objects.ts";

import { Admin, apiServerFromEnvironment } from "../../testing/api-server.ts";
import { NamedWatches } from "./named-watches.ts";

const server = apiServerFromEnvironment();

describe("a Secret that a cluster refers to", { skip: server === null }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const namespace = `secrets-${Date.now().toString(36)}`;
  const path = `/api/v1/namespaces/${namespace}/secrets`;
  const cluster = { namespace, name: "inbound" };
  const kube = new HttpKube({
    access: findAccess(server.kubeconfig),
    clock: systemClock,
    random: systemRandom,
    userAgent: "mailfleet-test",
  });
  const woken: string[] = [];
  const watches = new NamedWatches<Secret>({
    kube,
    resource: resources.secrets,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    onChange: ({ name }) => woken.push(name),
  });

  before(async () => {
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
    assert.ok((await admin.apply(`/api/v1/namespaces/${namespace}`, body)).status < 300);
  });
  after(async () => {
    watches.close();
    await admin.call("DELETE", `/api/v1/namespaces/${namespace}`);
    await kube.close();
  });

  const put = (name: string, key: string): Promise<unknown> =>
    admin.apply(`${path}/${name}`, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name },
      stringData: { key },
    });
  const keyOf = (secret: Secret | null): string =>
    Buffer.from(secret?.data?.["key"] ?? "", "base64").toString();

  async function untilRead(wanted: string): Promise<void> {
    for (let tries = 0; tries < 1200; tries++) {
      if (keyOf(await watches.read(cluster, "dqs")) === wanted) return;
      await wait(50);
    }
    assert.equal(keyOf(await watches.read(cluster, "dqs")), wanted);
  }

  test("wakes its cluster when it comes, changes and goes, and others of the namespace do not", async () => {
    assert.equal(await watches.read(cluster, "dqs"), null);
    await put("dqs", "first");
    await untilRead("first");
    await put("dqs", "second");
    await untilRead("second");
    const before = woken.length;
    assert.ok(before >= 2);
    await put("other", "third");
    await wait(300);
    assert.equal(woken.length, before);
    await admin.call("DELETE", `${path}/dqs`);
    await untilRead("");
    assert.equal(woken.length, before + 1);
  });

  test("is read at once when the cluster refers to another one, and wakes nobody when it refers to none", async () => {
    assert.equal(keyOf(await watches.read(cluster, "other")), "third");
    watches.forget(cluster);
    await wait(100);
    const before = woken.length;
    await put("other", "fourth");
    await wait(300);
    assert.equal(woken.length, before);
  });
});
