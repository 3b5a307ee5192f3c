/** How few sockets the API server sees, and how soon a dead one is noticed. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node/dist/config.js";

import { systemClock } from "#base/clock.ts";
import { systemRandom } from "#base/random.ts";

import { BlackHole } from "../../../e2e/faults/black-hole.ts";
import { FaultProxy } from "../../../e2e/faults/fault-proxy.ts";
import { apiServerFromEnvironment } from "../../testing/api-server.ts";
import { accessOf } from "./access.ts";
import { HttpKube } from "./http-kube.ts";
import { isKubeFailure } from "./errors.ts";
import { resources } from "./objects.ts";

const server = apiServerFromEnvironment();

/** An API server that shares its processors with others may need a second for an answer. */
const PROBE_MS = 4000;

describe("the line to a real API server", { skip: server === null, timeout: 900_000 }, () => {
  if (server === null) return;
  const closing: (() => Promise<unknown>)[] = [];
  after(async () => {
    for (const close of closing.reverse()) await close();
  });

  function open(config: KubeConfig, probeMs: number): HttpKube {
    const common = { clock: systemClock, random: systemRandom, userAgent: "mailfleet-test" };
    const kube = new HttpKube({ access: accessOf(config), ...common, probeMs });
    closing.push(() => kube.close());
    return kube;
  }

  test("ten watches and many calls share at most three sockets", async () => {
    const proxy = await FaultProxy.start({
      kubeconfig: server.kubeconfig,
      actAs: null,
      address: "127.0.0.1",
      choose: () => null,
      onKill: () => undefined,
    });
    closing.push(() => proxy.close());
    const config = new KubeConfig();
    config.loadFromString(proxy.kubeconfig);
    const kube = open(config, 10_000);
    const stop = new AbortController();
    const kinds = [
      resources.pods,
      resources.services,
      resources.configMaps,
      resources.secrets,
      resources.claims,
    ];
    const watches = [...kinds, ...kinds].map(async (kind) => {
      const { resourceVersion } = await kube.list(kind, { namespace: "default" });
      const events = kube.watch(kind, { namespace: "default", resourceVersion, signal: stop.signal });
      for await (const _ of events);
    });
    for (let i = 0; i < 10; i++)
      await Promise.all(kinds.map((kind) => kube.list(kind, { namespace: "default" })));
    assert.ok(proxy.connections <= 3, `${proxy.connections} sockets`);
    stop.abort();
    await Promise.all(watches);
  });

  test("watches on a line that has died end, and new ones work", async () => {
    const config = new KubeConfig();
    config.loadFromFile(server.kubeconfig);
    const { hostname, port } = new URL(config.getCurrentCluster()?.server ?? "");
    const hole = await BlackHole.start({ host: hostname, port: Number(port) });
    closing.push(() => hole.close());
    config.clusters = config.clusters.map((each) => ({ ...each, server: `https://127.0.0.1:${hole.port}` }));
    const kube = open(config, PROBE_MS);
    const never = new AbortController().signal;
    const { resourceVersion } = await kube.list(resources.pods, { namespace: "default" });
    const watch = async (signal: AbortSignal): Promise<void> => {
      const events = kube.watch(resources.pods, { namespace: "default", resourceVersion, signal });
      for await (const _ of events);
    };
    const dead = Promise.all([watch(never), watch(never)]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    hole.swallow();
    await assert.rejects(dead, (error) => isKubeFailure(error, "unreachable"));
    const stop = new AbortController();
    const alive = watch(stop.signal);
    // Longer than a live line may be without an answer.
    await new Promise((resolve) => setTimeout(resolve, 2.5 * PROBE_MS));
    stop.abort();
    await alive;
  });
});
