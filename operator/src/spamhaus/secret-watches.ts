/**
 * The users' Secrets that clusters refer to, each watched by its name and nothing else of the namespace. A cluster is
 * looked at anew when its Secret changes. What the watch has not listed yet is read from the server. Lost watches are
 * taken up again by list-watch; nothing in here fails but the first read.
 */
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";
import { type Key, keyText } from "#operator/cache/key.ts";
import { ObjectStore } from "#operator/cache/store.ts";
import type { Kube } from "#operator/kube/kube.ts";
import { type Secret, resources } from "#operator/kube/objects.ts";
import { listWatch } from "#operator/watch/list-watch.ts";

export interface SecretWatchesOptions {
  readonly kube: Kube;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** The Secret of that cluster is another one. */
  readonly onChange: (cluster: Key) => void;
}

interface Watch {
  readonly name: string;
  readonly store: ObjectStore<Secret>;
  readonly end: AbortController;
}

export class SecretWatches {
  readonly #options: SecretWatchesOptions;
  /** By cluster. */
  readonly #watches = new Map<string, Watch>();

  constructor(options: SecretWatchesOptions) {
    this.#options = options;
  }

  /** The Secret of that name as it is now; from now on its changes wake the cluster. */
  async read(cluster: Key, name: string): Promise<Secret | null> {
    const known = this.#watches.get(keyText(cluster));
    const watch = known?.name === name ? known : this.#start(cluster, name);
    if (watch.store.synced) return watch.store.get(cluster.namespace, name);
    const ref = { resource: resources.secrets, namespace: cluster.namespace, name };
    return this.#options.kube.get<Secret>(ref);
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

  #start(cluster: Key, name: string): Watch {
    this.forget(cluster);
    const { onChange, ...tools } = this.#options;
    const watch = { name, store: new ObjectStore<Secret>(), end: new AbortController() };
    this.#watches.set(keyText(cluster), watch);
    void listWatch<Secret>(
      {
        ...tools,
        resource: resources.secrets,
        namespace: cluster.namespace,
        fieldSelector: `metadata.name=${name}`,
        store: watch.store,
        onChange: () => onChange(cluster),
      },
      watch.end.signal,
    );
    return watch;
  }
}
