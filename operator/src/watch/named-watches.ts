/**
 * Objects of the users' that clusters refer to, of one kind, each watched by its name and nothing else of the namespace. A
 * cluster is looked at anew when its object changes. What the watch has not listed yet is read from the server. Lost
 * watches are taken up again by list-watch; nothing in here fails but the first read.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";
import { type Key, keyText } from "#operator/cache/key.ts";
import { ObjectStore } from "#operator/cache/store.ts";
import type { Kube, KubeObject, Resource } from "#operator/kube/kube.ts";

import { listWatch } from "./list-watch.ts";

export interface NamedWatchesOptions {
  readonly kube: Kube;
  /** The kind of all of them. */
  readonly resource: Resource;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The object of that cluster is another one. */
  readonly onChange: (cluster: Key) => void;
}

interface Watch<T extends KubeObject> {
  readonly store: ObjectStore<T>;
  readonly end: AbortController;
}

export class NamedWatches<T extends KubeObject> {
  readonly #options: NamedWatchesOptions;
  /** By cluster, then by the name of the object. */
  readonly #watches = new Map<string, Map<string, Watch<T>>>();

  constructor(options: NamedWatchesOptions) {
    this.#options = options;
  }

  /** The object of that name as it is now, the only one of this kind; from now on its changes wake the cluster. */
  async read(cluster: Key, name: string): Promise<T | null> {
    const [object = null] = await this.readAll(cluster, [name]);
    return object;
  }

  /** The objects of these names in their order, and no others any more; null for those that are not there. */
  async readAll(cluster: Key, names: readonly string[]): Promise<readonly (T | null)[]> {
    const watches = this.#watches.get(keyText(cluster)) ?? new Map<string, Watch<T>>();
    for (const [name, { end }] of watches) {
      if (names.includes(name)) continue;
      end.abort();
      watches.delete(name);
    }
    this.#watches.set(keyText(cluster), watches);
    return Promise.all(names.map((name) => this.#readOne(cluster, name, watches)));
  }

  /** The cluster refers to none any more. */
  forget(cluster: Key): void {
    for (const { end } of this.#watches.get(keyText(cluster))?.values() ?? []) end.abort();
    this.#watches.delete(keyText(cluster));
  }

  close(): void {
    const all = [...this.#watches.values()].flatMap((watches) => [...watches.values()]);
    for (const { end } of all) end.abort();
    this.#watches.clear();
  }

  async #readOne(cluster: Key, name: string, watches: Map<string, Watch<T>>): Promise<T | null> {
    const watch = watches.get(name) ?? this.#start(cluster, name);
    watches.set(name, watch);
    if (watch.store.synced) return watch.store.get(cluster.namespace, name);
    const { kube, resource } = this.#options;
    return kube.get<T>({ resource, namespace: cluster.namespace, name });
  }

  #start(cluster: Key, name: string): Watch<T> {
    const { onChange, ...tools } = this.#options;
    const watch = { store: new ObjectStore<T>(), end: new AbortController() };
    void listWatch<T>(
      {
        ...tools,
        namespace: cluster.namespace,
        fieldSelector: `metadata.name=${name}`,
        store: watch.store,
        // A list that was on its way when the watch ended still comes.
        onChange: () => {
          if (!watch.end.signal.aborted) onChange(cluster);
        },
      },
      watch.end.signal,
    );
    return watch;
  }
}
