/**
 * "Has my cache seen my write?" A reconciler notes every write it makes for a key; before it decides something
 * disruptive (delete a pod, create a replacement) it asks whether the stores have caught up, and if not it looks
 * again later. Without this a second pass, woken by an old event, would act on the world before its own first act.
 *
 * A write counts as seen when its store has come to the version the server answered with; a deletion when the
 * store no longer shows that uid as alive. Bookmarks and the periodic relist move every store on, so nothing
 * waits for ever. Nothing in here fails.
 */
import type { KubeObject, Resource } from "#operator/kube/kube.ts";
import { compareVersions, type Store } from "./store.ts";

interface Write {
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Null for a deletion. */
  readonly resourceVersion: string | null;
}

export class Expectations {
  readonly #stores: ReadonlyMap<string, Store<KubeObject>>;
  readonly #pending = new Map<string, Map<string, Write>>();

  /** `stores` by plural name of their resource; writes of kinds without a store that is filled are not waited for. */
  constructor(stores: ReadonlyMap<string, Store<KubeObject>>) {
    this.#stores = stores;
  }

  /** After create, apply, applyStatus or replace, with the object the server answered. `owner`: "namespace/name". */
  wrote(owner: string, resource: Resource, stored: KubeObject): void {
    this.#note(owner, {
      plural: resource.plural,
      namespace: stored.metadata.namespace ?? "",
      name: stored.metadata.name,
      uid: stored.metadata.uid ?? "",
      resourceVersion: stored.metadata.resourceVersion ?? "0",
    });
  }

  /** After a delete that was accepted, with the object that was looked at. */
  deleted(owner: string, resource: Resource, object: KubeObject): void {
    this.#note(owner, {
      plural: resource.plural,
      namespace: object.metadata.namespace ?? "",
      name: object.metadata.name,
      uid: object.metadata.uid ?? "",
      resourceVersion: null,
    });
  }

  /** The writes of this owner that the caches have not seen yet, as "pods out-0"; empty means go ahead. */
  unseen(owner: string): readonly string[] {
    const writes = this.#pending.get(owner);
    if (writes === undefined) return [];
    for (const [id, write] of writes) if (this.#isSeen(write)) writes.delete(id);
    if (writes.size === 0) this.#pending.delete(owner);
    return [...writes.values()].map((write) => `${write.plural} ${write.name}`);
  }

  /** When the owner is gone. */
  forget(owner: string): void {
    this.#pending.delete(owner);
  }

  #note(owner: string, write: Write): void {
    const writes = this.#pending.get(owner) ?? new Map<string, Write>();
    this.#pending.set(owner, writes);
    writes.set(`${write.plural}/${write.namespace}/${write.name}`, write);
  }

  #isSeen(write: Write): boolean {
    const store = this.#stores.get(write.plural);
    if (store?.synced !== true) return true;
    if (write.resourceVersion !== null) {
      return compareVersions(store.versionIn(write.namespace), write.resourceVersion) >= 0;
    }
    const known = store.get(write.namespace, write.name);
    return (
      known === null || known.metadata.uid !== write.uid || known.metadata.deletionTimestamp !== undefined
    );
  }
}
