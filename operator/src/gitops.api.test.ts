/**
 * What tools that deliver from Git rely on, against a real API server: each phase of a MailCluster is what kstatus and Argo
 * CD's script say it is, and nobody but the user writes the spec.
 */
import assert from "node:assert/strict";
import { after, afterEach, beforeEach, describe, test } from "node:test";

import type { CustomObject } from "#operator/kube/objects.ts";

import { Admin, apiServerFromEnvironment, kubeOf } from "../testing/api-server.ts";
import { healthOf } from "../testing/argo-health.ts";
import { FaultyWorld } from "../testing/faulty-world.ts";
import { kstatusOf } from "../testing/kstatus.ts";
import { app } from "../testing/whole.ts";

const server = apiServerFromEnvironment();

describe("a MailCluster from Git", { skip: server === null, timeout: 900_000 }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const kube = kubeOf(server);
  let world: FaultyWorld;

  beforeEach(async () => {
    world = await FaultyWorld.open({ server, admin, kube, seed: 50, most: 0 });
  });
  afterEach(() => world.close());
  after(() => kube.close());

  const path = (): string => world.pathOf(world.namespace);
  const present = async (): Promise<CustomObject> =>
    (await admin.call("GET", path())).body as unknown as CustomObject;
  const manifest = (spec: object): object => ({
    apiVersion: "mailfleet.io/v1alpha1",
    kind: "MailCluster",
    metadata: { name: "out", namespace: world.namespace },
    spec: { config: { app }, ...spec },
  });
  /** As somebody who delivers from Git does it. */
  async function deliver(object: object): Promise<CustomObject> {
    const query = "?fieldManager=argocd-controller&force=true";
    const reply = await admin.call("PATCH", `${path()}${query}`, object, "application/apply-patch+yaml");
    assert.ok(reply.status < 300, JSON.stringify(reply.body));
    return reply.body as unknown as CustomObject;
  }
  const patch = (body: object) => admin.call("PATCH", path(), body, "application/merge-patch+json");

  /** Waits until both say so; says what they said when they never do. */
  async function phase(kstatus: string, health: string): Promise<void> {
    let last = "";
    await world
      .until(`${kstatus} and ${health}`, async () => {
        const object = await present();
        last = `${await kstatusOf(object)} ${(await healthOf(object)).status}`;
        return last === `${kstatus} ${health}`;
      })
      .catch((error: unknown) => {
        throw new Error(`wanted ${kstatus} ${health}, last was ${last}`, { cause: error });
      });
  }

  test("is in each phase what kstatus and Argo CD say", async () => {
    await deliver(manifest({ replicas: 2 }));
    await phase("InProgress", "Progressing"); // Nobody has looked at it yet.
    world.operator.start();
    await phase("Current", "Healthy");
    await world.operator.stop();
    await deliver(manifest({ replicas: 3 }));
    await phase("InProgress", "Progressing"); // The status speaks of the spec before.
    world.operator.start();
    await phase("Current", "Healthy");
    await deliver(manifest({ replicas: 3, config: { app: { transportgroups: [{ transports: 7 }] } } }));
    await phase("Failed", "Degraded");
    await deliver(manifest({ replicas: 3 }));
    await phase("Current", "Healthy");
    await patch({ metadata: { annotations: { "mailfleet.io/paused": "true" } } });
    await phase("Current", "Suspended");
    await patch({ metadata: { annotations: { "mailfleet.io/paused": null } } });
    await phase("Current", "Healthy");
    await world.turns(3, 20);
    await deliver(manifest({ replicas: 1 }));
    await phase("InProgress", "Progressing"); // Pods leave, mail first.
    await phase("Current", "Healthy");
    await world.turns(3, 20);
    await admin.call("DELETE", path());
    await phase("Terminating", "Progressing");
  });

  test("keeps the number of its scaler when the same manifest is delivered again", async () => {
    world.operator.start();
    const scaling = { mode: "Internal", minReplicas: 1, maxReplicas: 3, targets: { dueMessagesPerPod: 20 } };
    await deliver(manifest({ autoscaling: scaling }));
    await phase("Current", "Healthy");
    await world.turns(2, 100);
    const size = async (): Promise<number | undefined> =>
      ((await present()).status as { targetReplicas?: number } | undefined)?.targetReplicas;
    await world.until("three pods are wanted", async () => (await size()) === 3);
    const before = await present();
    const again = await deliver(manifest({ autoscaling: scaling }));
    assert.equal(again.metadata.generation, before.metadata.generation);
    assert.deepEqual(again["spec" as keyof CustomObject], before["spec" as keyof CustomObject]);
    assert.equal((await size()) ?? 0, 3);
    await isWrittenByItsUserOnly();
  });

  test("keeps the number that came through the scale subresource", async () => {
    world.operator.start();
    const first = await deliver(manifest({ replicas: 2, autoscaling: { mode: "External" } }));
    await phase("Current", "Healthy");
    const scale = `${path()}/scale?fieldManager=kube-controller-manager`;
    const body = { spec: { replicas: 3 } };
    assert.equal((await admin.call("PATCH", scale, body, "application/merge-patch+json")).status, 200);
    // The number belongs to the scaler now: the manifest leaves it out from here on.
    const again = await deliver(manifest({ autoscaling: { mode: "External" } }));
    assert.equal((again as unknown as { spec: { replicas: number } }).spec.replicas, 3);
    const once = await deliver(manifest({ autoscaling: { mode: "External" } }));
    assert.equal(once.metadata.generation, (first.metadata.generation ?? 0) + 1);
    await phase("Current", "Healthy");
    await isWrittenByItsUserOnly();
  });

  /** Nothing of the spec belongs to the operator. */
  async function isWrittenByItsUserOnly(): Promise<void> {
    const { metadata } = await present();
    const { managedFields = [] } = metadata as {
      managedFields?: { manager: string; fieldsV1: Record<string, unknown> }[];
    };
    const writers = managedFields.filter(({ fieldsV1 }) => "f:spec" in fieldsV1);
    assert.deepEqual(
      writers.map(({ manager }) => manager).filter((name) => name.startsWith("mailfleet")),
      [],
    );
    assert.ok(managedFields.some(({ manager }) => manager.startsWith("mailfleet-operator")));
  }
});
