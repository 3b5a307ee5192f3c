/**
 * An upgrade of the operator on a real API server: what an earlier version made (testdata/version) is there, with pods that run,
 * and today's operator takes it over. No pod and no claim is made anew or changed, with what the server itself fills in,
 * defaults and refuses; and an edit makes pods anew all the same.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { systemClock } from "#base/clock.ts";
import { adminSecret } from "#operator/desired/admin-secret.ts";
import { adminServerName } from "#operator/desired/names.ts";
import { renewed } from "#operator/engine/authority.ts";
import type { KubeObject } from "#operator/kube/kube.ts";
import { type CustomObject, resources } from "#operator/kube/objects.ts";

import { freePort } from "../e2e/peers/free-port.ts";
import { Admin, apiServerFromEnvironment, kubeOf, prepare } from "../operator/testing/api-server.ts";
import { LiveNode } from "../operator/testing/live-node.ts";
import { OperatorProcess } from "../operator/testing/operator-process.ts";

interface Kept {
  readonly kind: keyof typeof resources;
  readonly object: KubeObject;
}

const server = apiServerFromEnvironment();
const kept = (
  JSON.parse(readFileSync(new URL("testdata/version/objects.json", import.meta.url), "utf8")) as Kept[]
).filter(({ kind }) => kind !== "secrets");
/** The namespace of what was kept: names and hashes hold it. */
const namespace = "mail";
const system = `upgrade-${Date.now().toString(36)}`;

describe("an upgrade on a real API server", { skip: server === null, timeout: 900_000 }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const kube = kubeOf(server);
  const names = kept.filter(({ kind }) => kind === "mailClusters").map(({ object }) => object.metadata.name);
  let node: LiveNode;
  let operator: OperatorProcess;
  let earlier: { readonly pods: readonly unknown[]; readonly claims: readonly unknown[] };

  before(async () => {
    await prepare(admin, [namespace, system]);
    await restore();
    const port = await freePort();
    node = new LiveNode(kube, namespace, port, "127.81.0");
    await until("all pods run", async () => {
      await node.turn();
      const { items } = await kube.list<KubeObject & Statusful>(resources.pods, { namespace });
      return items.every(({ status }) => status?.phase === "Running");
    });
    earlier = { pods: await bodiesOf("pods"), claims: await bodiesOf("claims") };
    operator = new OperatorProcess({
      kubeconfig: server.kubeconfig,
      namespaces: [namespace],
      leaseNamespace: system,
      port,
    });
    operator.start();
  });

  after(async () => {
    for (const name of names)
      await admin.call("DELETE", `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters/${name}`);
    await until("all is gone", async () => {
      await node.turn();
      return (await kube.list(resources.mailClusters, { namespace })).items.length === 0;
    });
    await operator.stop();
    await admin.call("DELETE", `/api/v1/namespaces/${system}`);
    await node.close();
    await kube.close();
  });

  /** As the earlier version left it: owners first, since what is made points to them. */
  async function restore(): Promise<void> {
    const uids = new Map<string, string>();
    for (const { object } of kept.filter(({ kind }) => kind === "mailClusters")) {
      const made = await kube.apply(resources.mailClusters, bare(object));
      uids.set(object.metadata.name, made.metadata.uid ?? "");
      const { status } = object as CustomObject;
      await kube.applyStatus(resources.mailClusters, { ...bare(object), status } as CustomObject);
      const { name } = object.metadata;
      const keys = await renewed(null, {
        serverName: adminServerName(name, namespace),
        now: systemClock.now(),
      });
      await kube.apply(
        resources.secrets,
        adminSecret({ ...made, name, namespace, uid: made.metadata.uid ?? "" }, keys),
      );
    }
    const order = [...kept].filter(({ kind }) => kind !== "mailClusters");
    // A pod is refused while its service account is missing.
    order.sort((a, b) => Number(a.kind === "pods") - Number(b.kind === "pods"));
    for (const { kind, object } of order) await kube.apply(resources[kind], owned(bare(object), uids));
  }

  /** What makes a pod or a claim this one, and what it is made of. */
  async function bodiesOf(kind: "pods" | "claims"): Promise<readonly unknown[]> {
    const { items } = await kube.list<KubeObject & { readonly spec: unknown }>(resources[kind], {
      namespace,
    });
    return items
      .map(({ metadata: { name, uid, labels, annotations }, spec }) => ({
        ...{ name, uid, labels, spec },
        annotations: Object.entries(annotations ?? {}).filter(([key]) => key.startsWith("mailfleet.io/")),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Today's operator has looked at it, and nothing is left to do. */
  async function isSettled(name: string): Promise<boolean> {
    const object = await kube.get<CustomObject>({ resource: resources.mailClusters, namespace, name });
    const { conditions = [], observedGeneration } = (object?.status ?? {}) as View;
    const is = (type: string): string => conditions.find((each) => each.type === type)?.status ?? "";
    const isNew = conditions.some(({ type }) => type === "ClientIPVisible");
    const isSeen = observedGeneration === object?.metadata.generation;
    return isNew && isSeen && is("Ready") === "True" && is("Reconciling") === "False";
  }

  async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 1200; i++) {
      if (await isTrue()) return;
      await wait(100);
    }
    assert.fail(`never came true: ${what}\n${operator?.lines.slice(-20).join("\n")}`);
  }

  async function settled(): Promise<void> {
    await until("all clusters are well", async () => {
      await node.turn();
      return (await Promise.all(names.map(isSettled))).every(Boolean);
    });
  }

  test("leaves pods and claims as they are", async () => {
    assert.equal(earlier.pods.length, 4);
    assert.equal(earlier.claims.length, 4);
    await settled();
    // Passes go on for a while: what was put off would come now.
    await wait(3000);
    await settled();
    assert.deepEqual(await bodiesOf("pods"), earlier.pods);
    assert.deepEqual(await bodiesOf("claims"), earlier.claims);
    // Not even a configuration is brought to them: revisions are the same.
    assert.deepEqual(
      operator.lines.filter((line) => /config-pushed|"steps"/.test(line)),
      [],
    );
  });

  test("and pods of a cluster that is edited are made anew all the same", async () => {
    const path = `/apis/mailfleet.io/v1alpha1/namespaces/${namespace}/mailclusters/plain`;
    const spec = {
      engine: { env: [{ name: "B", value: "c" }] },
      rollout: { settleSeconds: 0, canary: { bakeSeconds: 0 } },
    };
    const { status } = await admin.call("PATCH", path, { spec }, "application/merge-patch+json");
    assert.equal(status, 200);
    const uidsOf = (bodies: readonly unknown[]): readonly string[] =>
      (bodies as { name: string; uid: string }[])
        .filter(({ name }) => name.startsWith("plain-"))
        .map(({ uid }) => uid);
    const old = new Set(uidsOf(earlier.pods));
    await until("all are new", async () => {
      await node.turn();
      const uids = uidsOf(await bodiesOf("pods"));
      return uids.length === 2 && uids.every((uid) => !old.has(uid));
    });
    await settled();
    assert.deepEqual(await bodiesOf("claims"), earlier.claims);
  });
});

interface Statusful {
  readonly status?: { readonly phase?: string };
}

interface View {
  readonly observedGeneration?: number;
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}

/** Without what the server gives. */
function bare(object: KubeObject): KubeObject {
  const { metadata, status: _, ...rest } = object as CustomObject;
  const { uid: __, resourceVersion: ___, creationTimestamp: ____, generation: _____, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

function owned(object: KubeObject, uids: ReadonlyMap<string, string>): KubeObject {
  const { ownerReferences } = object.metadata;
  if (ownerReferences === undefined) return object;
  const owners = ownerReferences.map((owner) => ({ ...owner, uid: uids.get(owner.name) ?? owner.uid }));
  return { ...object, metadata: { ...object.metadata, ownerReferences: owners } };
}
