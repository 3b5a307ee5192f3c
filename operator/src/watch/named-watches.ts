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
  readonly name: string;
  readonly store: ObjectStore<T>;
  readonly end: AbortController;
}

export class NamedWatches<T extends KubeObject> {
  readonly #options: NamedWatchesOptions;
  /** By cluster. */
  readonly #watches = new Map<string, Watch<T>>();

  constructor(options: NamedWatchesOptions) {
    this.#options = options;
  }

  /** The object of that name as it is now; from now on its changes wake the cluster. */
  async read(cluster: Key, name: string): Promise<T | null> {
    const known = this.#watches.get(keyText(cluster));
    const watch = known?.name === name ? known : this.#start(cluster, name);
    if (watch.store.synced) return watch.store.get(cluster.namespace, name);
    const { kube, resource } = this.#options;
    return kube.get<T>({ resource, namespace: cluster.namespace, name });
  }

  /** The cluster refers to none any more. */
  forget(cluster: Key): void {
    this.#watches.get(keyText(cluster))?.end.abort();
    this.#watches.delete(keyText(cluster));
  }

  close(): void {
    for (const { end } of this.#watches.values()) end.abort();
    this.#watches.clear();
  }

  #start(cluster: Key, name: string): Watch<T> {
    this.forget(cluster);
    const { onChange, ...tools } = this.#options;
    const watch = { name, store: new ObjectStore<T>(), end: new AbortController() };
    this.#watches.set(keyText(cluster), watch);
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
