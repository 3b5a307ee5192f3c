/**
 * Puts the operator together: doors, caches, queues, controllers, in the order in which they may start, and ends them in
 * the other order. A standby keeps its caches filled and takes over at once. Losing the lease stops everything and ends
 * the run: a fresh process is the safe way back.
 */
import { type Clock, sleep } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import { collectGarbage } from "#base/memory.ts";
import type { Random } from "#base/random.ts";
import { allSynced, makeCaches, storesByPlural, type WritableCaches } from "#operator/cache/caches.ts";
import { Expectations } from "#operator/cache/expectations.ts";
import type { Key } from "#operator/cache/key.ts";
import type { OperatorFacts } from "#operator/desired/context.ts";
import type { Engines } from "#operator/engine/engines.ts";
import { EngineReports, type Pace } from "#operator/engine/reports.ts";
import type { ClusterFigures, FigureSource } from "#operator/keda/scaler.ts";
import { fenced } from "#operator/kube/fenced.ts";
import type { Kube } from "#operator/kube/kube.ts";
import { resources } from "#operator/kube/objects.ts";
import { Leader } from "#operator/kube/leader.ts";
import { EventRecorder } from "#operator/kube/recorder.ts";
import { Controller } from "#operator/reconcile/controller.ts";
import { clusterFigures } from "#operator/reconcile/figures.ts";
import { mailClusterReconciler } from "#operator/reconcile/mail-cluster.ts";
import { Memory } from "#operator/reconcile/memory.ts";
import { ownedBy } from "#operator/reconcile/owned.ts";
import { nativePluginReconciler } from "#operator/reconcile/native-plugin.ts";
import type { Tools } from "#operator/reconcile/tools.ts";
import { Turns } from "#operator/reconcile/turns.ts";
import { WorkQueue } from "#operator/reconcile/work-queue.ts";
import { ScriptCheck } from "#operator/scripts/check-scripts.ts";
import { isAddressIn } from "#operator/slots/node.ts";
import { observeSlots } from "#operator/slots/observed.ts";
import { NamedWatches } from "#operator/watch/named-watches.ts";
import { pluginsOf } from "#operator/watch/mapping.ts";
import { startWatches } from "#operator/watch/start-watches.ts";

import type { Metrics } from "./metrics.ts";

export interface ManagerOptions {
  readonly kube: Kube;
  /** With sockets of its own, so that a renewal waits for nobody; null acts without a lease. */
  readonly leaseKube: Kube | null;
  readonly lease: { readonly namespace: string; readonly name: string };
  readonly identity: string;
  readonly watchNamespaces: readonly string[];
  /** Which of all namespaces; absent or "": all. */
  readonly namespaceSelector?: string;
  readonly workers: number;
  /** Clusters that a new version makes anew at once; 0: no bound. */
  readonly maxUpgradingClusters: number;
  readonly facts: OperatorFacts;
  readonly engines: Engines;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly paces?: Readonly<Record<Pace, number>>;
}

export type Ending = "stopped" | "leadership-lost";

export class Manager implements FigureSource {
  readonly caches: WritableCaches;
  readonly #options: ManagerOptions;
  readonly #clusters: WorkQueue;
  readonly #plugins: WorkQueue;
  /** Null while another one acts: engines are asked by one only. */
  #acting: Tools | null = null;
  #mayReadNodes = true;
  /** Until it is known that there are none. */
  #mayHaveRoutes = true;

  constructor(options: ManagerOptions) {
    this.#options = options;
    this.caches = makeCaches(options.watchNamespaces, (options.namespaceSelector ?? "") !== "");
    this.#clusters = new WorkQueue(options);
    this.#plugins = new WorkQueue(options);
    const { mailClusters, nativePlugins } = this.caches;
    options.metrics.gaugeOf("clusters", () => ({
      MailCluster: mailClusters.size,
      NativePlugin: nativePlugins.size,
    }));
    options.metrics.gaugeOf("queued_keys", () => ({
      mailcluster: this.#clusters.depth,
      nativeplugin: this.#plugins.depth,
    }));
  }

  /** Null when ready. */
  notReadyBecause(): string | null {
    return this.#isSynced ? null : "the caches are not filled yet";
  }

  /**
   * Where nodes may be read they are waited for: without them no lost one can be told from a good one. The same for routes:
   * what is not known yet is not missing.
   */
  get #isSynced(): boolean {
    const { nodes, httpRoutes, namespaces } = this.caches;
    const hasNodes = nodes.synced || !this.#mayReadNodes;
    const hasNamespaces = namespaces.synced || (this.#options.namespaceSelector ?? "") === "";
    return allSynced(this.caches) && hasNodes && hasNamespaces && (httpRoutes.synced || !this.#mayHaveRoutes);
  }

  figuresOf(namespace: string, name: string): ClusterFigures | "unknown" | "absent" {
    if (this.#acting === null) return "unknown";
    if (this.caches.mailClusters.get(namespace, name) === null) return "absent";
    const key: Key = { namespace, name };
    const { pods, claims } = ownedBy(this.caches, key);
    return clusterFigures(
      observeSlots(pods, claims, this.#acting.reports.recent(key)),
      this.#options.clock.now(),
    );
  }

  /** Runs until `stop` aborts or leadership is lost. */
  async run(stop: AbortSignal): Promise<Ending> {
    const watching = new AbortController();
    const watches = this.#watch(watching.signal);
    try {
      const { leaseKube, lease, identity, clock, random, log } = this.#options;
      if (leaseKube === null) return await this.#act(stop, new AbortController().signal);
      const leader = new Leader({ kube: leaseKube, ...lease, identity, clock, random, log });
      const lost = await leader.acquire(stop);
      if (lost === null) return "stopped";
      try {
        return await this.#act(stop, lost);
      } finally {
        await leader.release();
      }
    } finally {
      watching.abort();
      await watches;
    }
  }

  #watch(signal: AbortSignal): Promise<void> {
    const { kube, clock, random, log, metrics, namespaceSelector = "" } = this.#options;
    const routes = { caches: this.caches, clusters: this.#clusters, plugins: this.#plugins };
    const onNodesRefused = (): void => {
      this.#mayReadNodes = false;
    };
    const onRoutesAbsent = (): void => {
      this.#mayHaveRoutes = false;
    };
    return startWatches(
      {
        ...{ kube, clock, random, log, namespaceSelector, onDrift: metrics.drift },
        ...{ onNodesRefused, onRoutesAbsent, ...routes },
      },
      signal,
    );
  }

  /** As the one that acts. */
  async #act(stop: AbortSignal, lost: AbortSignal): Promise<Ending> {
    const { metrics, log } = this.#options;
    const ended = AbortSignal.any([stop, lost]);
    await this.#synced(ended);
    if (ended.aborted) return lost.aborted ? "leadership-lost" : "stopped";
    const tools = this.#tools(lost);
    this.#acting = tools;
    const controllers = this.#controllers(tools);
    metrics.leader(true);
    for (const controller of controllers) controller.start();
    log.info({ clusters: this.caches.mailClusters.size }, "acting");
    await aborted(ended);
    this.#acting = null;
    metrics.leader(false);
    const reason = lost.aborted ? "leadership is lost" : "the operator stops";
    log.info({ reason, cause: describe(ended.reason) }, "stopping");
    await Promise.all(controllers.map((controller) => controller.stop(reason)));
    tools.reports.close();
    tools.secretWatches.close();
    tools.certificateWatches.close();
    tools.configWatches.close();
    await tools.recorder.flush();
    return lost.aborted ? "leadership-lost" : "stopped";
  }

  async #synced(ended: AbortSignal): Promise<void> {
    while (!this.#isSynced && !ended.aborted) await sleep(this.#options.clock, 50, ended);
    collectGarbage();
  }

  #tools(lost: AbortSignal): Tools & { readonly recorder: EventRecorder } {
    const { clock, random, log, engines, facts, identity, paces } = this.#options;
    const kube = fenced(this.#options.kube, lost);
    const onNews = (key: Key): void => this.#news(key);
    const onChange = (key: Key): void => this.#clusters.add(key);
    const watching = { kube, clock, random, log, onChange };
    return {
      kube,
      caches: this.caches,
      expectations: new Expectations(storesByPlural(this.caches)),
      engines,
      reports: new EngineReports({
        engines,
        clock,
        random,
        log,
        onNews,
        isNodeAddress: (address) => isAddressIn(this.caches.nodes, address),
        ...(paces === undefined ? {} : { paces }),
      }),
      recorder: new EventRecorder({ kube, clock, log, instance: identity }),
      facts,
      clock,
      log,
      memory: new Memory(clock.monotonic()),
      turns: new Turns(this.#options.maxUpgradingClusters, onChange),
      scripts: new ScriptCheck(),
      secretWatches: new NamedWatches({ ...watching, resource: resources.secrets }),
      certificateWatches: new NamedWatches({ ...watching, resource: resources.secrets }),
      configWatches: new NamedWatches({ ...watching, resource: resources.configMaps }),
    };
  }

  /** An engine said something new: of its cluster, and of the plugins in it. */
  #news(key: Key): void {
    this.#clusters.add(key);
    const cluster = this.caches.mailClusters.get(key.namespace, key.name);
    for (const plugin of cluster === null ? [] : pluginsOf(cluster)) this.#plugins.add(plugin);
  }

  #controllers(tools: Tools): readonly Controller[] {
    const { clock, log, workers, metrics } = this.#options;
    const common = { clock, log, onPass: metrics.pass };
    return [
      new Controller({
        ...common,
        name: "mailcluster",
        queue: this.#clusters,
        reconcile: mailClusterReconciler(tools),
        workers,
      }),
      new Controller({
        ...common,
        name: "nativeplugin",
        queue: this.#plugins,
        reconcile: nativePluginReconciler(tools),
        workers: 1,
      }),
    ];
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
