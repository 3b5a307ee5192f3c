/** A whole operator on a fake API server, a fake node and engines in memory, with time that is turned by hand. */
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import type { Kube } from "#operator/kube/kube.ts";
import { type CustomObject, resources } from "#operator/kube/objects.ts";
import { type Ending, Manager } from "#operator/manager.ts";
import { makeMetrics, type Metrics } from "#operator/metrics.ts";

import { keysUnderWay } from "./keys-under-way.ts";
import { FakeKube } from "./fake-kube.ts";
import { FakeNode } from "./fake-node.ts";
import { MemoryEngines } from "./memory-engines.ts";

export const NAMESPACE = "mail";

export class Whole {
  readonly clock = new ManualClock();
  readonly kube = new FakeKube({ clock: this.clock });
  readonly engines = new MemoryEngines();
  readonly node = new FakeNode(this.kube, this.engines);

  constructor() {
    this.kube.storage.podsLinger = true;
    this.kube.storage.claimsLinger = true;
  }

  /** Starts an operator; several may run at once. `kube` may stand in front of the fake server. */
  start(
    options: {
      kube?: Kube;
      identity?: string;
      leaderElect?: boolean;
      watchNamespaces?: readonly string[];
      namespaceSelector?: string;
      metrics?: Metrics;
      maxUpgradingClusters?: number;
      /** Another image of the engine is what a new version of the operator may bring. */
      engineImage?: string;
    } = {},
  ): Running {
    const kube = options.kube ?? this.kube;
    const manager = new Manager({
      kube,
      leaseKube: options.leaderElect === true ? kube : null,
      lease: { namespace: "system", name: "mailfleet-operator" },
      identity: options.identity ?? "operator-0",
      watchNamespaces: options.watchNamespaces ?? [],
      namespaceSelector: options.namespaceSelector ?? "",
      workers: 4,
      maxUpgradingClusters: options.maxUpgradingClusters ?? 0,
      facts: {
        engineImage: options.engineImage ?? "mailfleet-mta:test",
        webImage: "mailfleet-web:test",
        namespace: "system",
        podLabels: { "app.kubernetes.io/name": "mailfleet-operator" },
        hasImageVolumes: true,
        hasOrdersPolicy: true,
      },
      engines: this.engines,
      metrics: options.metrics ?? makeMetrics(),
      clock: this.clock,
      random: () => 0.5,
      log: silentLog,
    });
    const stop = new AbortController();
    const ending = manager.run(stop.signal);
    return { manager, ending, stop: () => this.#stop(stop, ending) };
  }

  /** Lets time and node go on until `isTrue`; rejects with what was last seen after a long while. */
  async until(what: string, isTrue: () => boolean, stepMs = 100): Promise<void> {
    for (let i = 0; i < 3000; i++) {
      if (isTrue()) return;
      await this.turn(stepMs);
    }
    throw new Error(`never came true: ${what}; status ${JSON.stringify(this.cluster()?.status)}`);
  }

  async turn(stepMs = 250): Promise<void> {
    this.node.turn();
    this.engines.turn();
    this.clock.advance(stepMs);
    // Certificates are made on other threads: real time has to pass as well, and no other until they are there.
    do await new Promise((resolve) => setTimeout(resolve, 1));
    while (keysUnderWay() > 0);
  }

  async turns(count: number, stepMs = 250): Promise<void> {
    for (let i = 0; i < count; i++) await this.turn(stepMs);
  }

  cluster(name = "out"): CustomObject | null {
    return this.kube.peek<CustomObject>(resources.mailClusters, NAMESPACE, name);
  }

  /** As a user would: the copy may be changed. */
  edit(change: (copy: ClusterDraft) => void, name = "out"): void {
    this.kube.edit(resources.mailClusters, NAMESPACE, name, (copy) => {
      change(copy as unknown as ClusterDraft);
    });
  }

  /** "Ready=True AllPodsReady". */
  condition(type: string, name = "out"): string {
    const found = this.#condition(type, name);
    return found === undefined ? "" : `${found.status} ${found.reason}`;
  }

  message(type: string, name = "out"): string {
    return this.#condition(type, name)?.message ?? "";
  }

  #condition(type: string, name: string) {
    const status = this.cluster(name)?.status as {
      conditions?: { type: string; status: string; reason: string; message: string }[];
    };
    return status?.conditions?.find((condition) => condition.type === type);
  }

  names(kind: keyof typeof resources): readonly string[] {
    return this.kube.peekAll(resources[kind]).map(({ metadata }) => metadata.name);
  }

  async #stop(stop: AbortController, ending: Promise<Ending>): Promise<Ending> {
    stop.abort();
    let ended = false;
    void ending.finally(() => (ended = true)).catch(() => undefined);
    while (!ended) await this.turn();
    return ending;
  }
}

interface ClusterDraft {
  readonly metadata: { annotations?: Record<string, string> };
  readonly spec: Record<string, unknown>;
}

export interface Running {
  readonly manager: Manager;
  readonly ending: Promise<Ending>;
  stop(): Promise<Ending>;
}

export const app = {
  transportgroups: [{ id: "default", transports: [{ id: "mx" }] }],
} as const;

export function cluster(spec: Record<string, unknown> = {}): CustomObject {
  return {
    apiVersion: "mailfleet.io/v1alpha1",
    kind: "MailCluster",
    metadata: { name: "out", namespace: NAMESPACE },
    spec: { replicas: 2, config: { app }, ...spec },
  };
}
