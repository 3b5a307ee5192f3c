/**
 * One kind in several watched namespaces, read as one store. Each part is filled by a list-watch of its own, and each has
 * come as far as its own watch: a write in a namespace has been seen when that part has seen it.
 */
import type { KubeObject } from "#operator/kube/kube.ts";

import { type IndexFunction, ObjectStore, type Store } from "./store.ts";

export class ScopedStore<T extends KubeObject> implements Store<T> {
  /** By namespace; the only one is "" when all namespaces are watched. */
  readonly parts: ReadonlyMap<string, ObjectStore<T>>;
  readonly #isPicked: (namespace: string) => boolean;

  /** No namespaces: all. What is in a namespace that is not picked is as good as absent. */
  constructor(
    namespaces: readonly string[],
    indexes: Readonly<Record<string, IndexFunction>> = {},
    isPicked: (namespace: string) => boolean = () => true,
  ) {
    this.#isPicked = isPicked;
    const scopes = namespaces.length === 0 ? [""] : namespaces;
    this.parts = new Map(scopes.map((namespace) => [namespace, new ObjectStore<T>(indexes)]));
  }

  get synced(): boolean {
    return [...this.parts.values()].every((part) => part.synced);
  }

  get size(): number {
    return this.list().length;
  }

  versionIn(namespace: string): string {
    return this.#partOf(namespace)?.versionIn(namespace) ?? "0";
  }

  get(namespace: string, name: string): T | null {
    return this.#isPicked(namespace) ? (this.#partOf(namespace)?.get(namespace, name) ?? null) : null;
  }

  list(namespace?: string): readonly T[] {
    if (namespace !== undefined) return this.#isPicked(namespace) ? this.everythingIn(namespace) : [];
    return this.#picked([...this.parts.values()].flatMap((part) => part.list()));
  }

  by(index: string, value: string): readonly T[] {
    return this.#picked([...this.parts.values()].flatMap((part) => part.by(index, value)));
  }

  /** Also where the namespace is not picked. */
  everythingIn(namespace: string): readonly T[] {
    return this.#partOf(namespace)?.list(namespace) ?? [];
  }

  #picked(objects: readonly T[]): readonly T[] {
    return objects.filter(({ metadata }) => this.#isPicked(metadata.namespace ?? ""));
  }

  #partOf(namespace: string): ObjectStore<T> | null {
    return this.parts.get(namespace) ?? this.parts.get("") ?? null;
  }
}
