/**
 * Scaling from outside with real parts: the controller manager's HorizontalPodAutoscaler, external metrics by an adapter that
 * asks the operator over gRPC by KEDA's own protocol file, and the scale subresource of a real API server.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { status as codes } from "@grpc/grpc-js";

import { type Pod, resources } from "#operator/kube/objects.ts";

import { freePort } from "../../e2e/peers/free-port.ts";
import { Admin, apiServerFromEnvironment, kubeOf } from "../testing/api-server.ts";
import { FaultyWorld } from "../testing/faulty-world.ts";
import { KedaClient, type ObjectRef } from "../testing/keda-client.ts";
import { MetricsAdapter } from "../testing/metrics-adapter.ts";
import { app } from "../testing/whole.ts";

const server = apiServerFromEnvironment();

describe("scaling from outside", { skip: server === null, timeout: 900_000 }, () => {
  if (server === null) return;
  const admin = new Admin(server);
  const kube = kubeOf(server);
  let world: FaultyWorld;
  let keda: KedaClient;
  let adapter: MetricsAdapter | null = null;

  before(async () => {
    const kedaPort = await freePort();
    world = await FaultyWorld.open({ server, admin, kube, seed: 51, most: 0, kedaPort });
    keda = await KedaClient.connect(`127.0.0.1:${kedaPort}`);
    world.operator.start();
    const reply = await admin.apply(world.pathOf(world.namespace), {
      apiVersion: "mailfleet.io/v1alpha1",
      kind: "MailCluster",
      metadata: { name: "out", namespace: world.namespace },
      spec: { replicas: 1, autoscaling: { mode: "External" }, config: { app } },
    });
    assert.ok(reply.status < 300, JSON.stringify(reply.body));
    await world.until("one pod", () => world.isSettled(world.namespace, 1));
  });
  after(async () => {
    keda.close();
    await adapter?.close();
    await world.close();
    await kube.close();
  });

  const ref = (scalerMetadata: Record<string, string> = {}, name = "out"): ObjectRef => ({
    name,
    namespace: world.namespace,
    scalerMetadata: { metric: "dueMessages", target: "20", ...scalerMetadata },
  });
  const rejects = (promise: Promise<unknown>, code: number, words: RegExp): Promise<void> =>
    assert.rejects(
      promise,
      (error: Error & { code: number }) => error.code === code && words.test(error.message),
    );

  test("KEDA's calls are answered, and what cannot be answered is an error that says why", async () => {
    assert.equal(await keda.isActive(ref()), false);
    assert.equal(await keda.target(ref()), 20);
    assert.equal(await keda.value(ref(), "dueMessages"), 0);
    await rejects(keda.value(ref({}, "other"), ""), codes.NOT_FOUND, /no MailCluster .*\/other/);
    await rejects(keda.value(ref({ metric: "moon" }), ""), codes.INVALID_ARGUMENT, /moon/);
    await rejects(keda.target(ref({ target: "-1" })), codes.INVALID_ARGUMENT, /-1/);
  });

  test("a stream tells when mail is due, and when no more is", async () => {
    const seen: boolean[] = [];
    const { cancel, ended } = keda.follow(ref(), (isActive) => seen.push(isActive));
    await world.until("it says that nothing is due", async () => seen.at(-1) === false);
    await world.turns(2, 60);
    await world.until("it says that mail is due", async () => seen.at(-1) === true);
    await world.until("all is delivered", async () => world.node.queued === 0);
    await world.until("it says that nothing is due", async () => seen.at(-1) === false);
    cancel();
    assert.equal(await ended, codes.CANCELLED);
    assert.deepEqual(seen, [false, true, false]);
  });

  test("a stream about a cluster that is not there ends with an error", async () => {
    const { ended } = keda.follow(ref({}, "other"), () => assert.fail("nothing is to be told"));
    assert.equal(await ended, codes.NOT_FOUND);
  });

  test("figures of a pod that is being made anew are unknown, never zero", async () => {
    const pods = `/api/v1/namespaces/${world.namespace}/pods`;
    await admin.call("DELETE", `${pods}/out-0`, { gracePeriodSeconds: 0 });
    // Nobody runs pods meanwhile: the new one has no engine yet.
    for (let tries = 0; ; tries++) {
      const answer = await keda.value(ref(), "").catch((error: { code: number }) => error);
      if (typeof answer !== "number") {
        assert.equal(answer.code, codes.UNAVAILABLE);
        break;
      }
      assert.ok(tries < 1200, "the figures of a pod without an engine are known");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await world.until("it is back", () => world.isSettled(world.namespace, 1));
    assert.equal(await keda.value(ref(), ""), 0);
  });

  test("a HorizontalPodAutoscaler adds pods for mail, holds while it knows nothing, and lets them go with their mail", async () => {
    adapter = await MetricsAdapter.start(admin, world.namespace, () => keda.value(ref(), ""));
    const hpa = `/apis/autoscaling/v2/namespaces/${world.namespace}/horizontalpodautoscalers/out`;
    await admin.apply(hpa, autoscaler(world.namespace));
    await world.turns(2, 200);
    await world.until("three pods", () => world.isSettled(world.namespace, 3));
    await world.operator.stop();
    await world.until("the autoscaler knows nothing", async () => {
      const { body } = await admin.call("GET", hpa);
      const { conditions = [] } = body["status"] as { conditions?: { type: string; status: string }[] };
      return conditions.some(({ type, status }) => type === "ScalingActive" && status === "False");
    });
    await world.until("all is delivered", async () => world.node.queued === 0);
    await world.turns(60, 0);
    const { items } = await kube.list<Pod>(resources.pods, {
      namespace: world.namespace,
    });
    assert.equal(items.length, 3);
    world.operator.start();
    await world.turns(1, 10);
    await world.until("one pod", () => world.isSettled(world.namespace, 1));
    await world.until("all is delivered", async () => world.node.queued === 0);
    assert.deepEqual(world.node.violations, []);
    assert.equal(world.node.lost, 0);
    assert.equal(world.node.delivered.size, world.node.accepted.size);
  });
});

function autoscaler(namespace: string): object {
  const metric = { name: "mailfleet_due_messages" };
  const target = { type: "AverageValue", averageValue: "20" };
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name: "out", namespace },
    spec: {
      scaleTargetRef: { apiVersion: "mailfleet.io/v1alpha1", kind: "MailCluster", name: "out" },
      minReplicas: 1,
      maxReplicas: 3,
      metrics: [{ type: "External", external: { metric, target } }],
      behavior: {
        scaleUp: { stabilizationWindowSeconds: 0 },
        scaleDown: {
          stabilizationWindowSeconds: 0,
          policies: [{ type: "Pods", value: 5, periodSeconds: 2 }],
        },
      },
    },
  };
}
