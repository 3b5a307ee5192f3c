/**
 * The last known objects of one kind. The list-watch writes, everybody else reads; what is read is deeply
 * frozen, so a caller that tries to change it throws. Objects are found by namespace and name or through an index
 * that was declared when the store was made. Nothing in here fails.
 *
 * `versionIn` is how far the store has come. Versions of one kind are comparable (KEP-5504, stable in
 * Kubernetes 1.35; older servers number them the same way), which is what expectations.ts builds on.
 */
import type { KubeObject } from "#operator/kube/kube.ts";

/** What readers see. */
export interface Store<T extends KubeObject> {
  /** False until the kind has been listed once; nobody decides anything before. */
  readonly synced: boolean;
  /** The version up to which everything that happened in that namespace is in here; "0" before the first list. */
  versionIn(namespace: string): string;
  readonly size: number;
  get(namespace: string, name: string): T | null;
  /** All objects, or those of one namespace, in no particular order. */
  list(namespace?: string): readonly T[];
  /** Objects for which the index function named `index` yields `value`. */
  by(index: string, value: string): readonly T[];
}

export type Change<T> =
  | { readonly kind: "added"; readonly object: T }
  | { readonly kind: "updated"; readonly object: T; readonly before: T }
  | { readonly kind: "deleted"; readonly object: T };

export type IndexFunction = (object: KubeObject) => readonly string[];

export class ObjectStore<T extends KubeObject> implements Store<T> {
  #synced = false;
  #resourceVersion = "0";
  readonly #objects = new Map<string, T>();
  readonly #indexes: {
    readonly name: string;
    readonly of: IndexFunction;
    readonly map: Map<string, Set<T>>;
  }[];

  constructor(indexes: Readonly<Record<string, IndexFunction>> = {}) {
    const all = { ...indexes, [NAMESPACE_INDEX]: (object: KubeObject) => [object.metadata.namespace ?? ""] };
    this.#indexes = Object.entries(all).map(([name, of]) => ({ name, of, map: new Map() }));
  }

  get synced(): boolean {
    return this.#synced;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  versionIn(_namespace: string): string {
    return this.#resourceVersion;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(namespace: string, name: string): T | null {
    return this.#objects.get(`${namespace}/${name}`) ?? null;
  }

  list(namespace?: string): readonly T[] {
    return namespace === undefined ? [...this.#objects.values()] : this.by(NAMESPACE_INDEX, namespace);
  }

  by(index: string, value: string): readonly T[] {
    const found = this.#indexes.find((candidate) => candidate.name === index);
    if (found === undefined) throw new Error(`bug: the store has no index named ${index}`);
    return [...(found.map.get(value) ?? [])];
  }

  /**
   * Takes a whole list as the truth and returns what differs from what was known. A name that now carries
   * another uid yields a deletion and an addition: whoever follows objects must not mistake one for the other.
   */
  replaceAll(items: readonly T[], resourceVersion: string): readonly Change<T>[] {
    const changes: Change<T>[] = [];
    const listed = new Set(items.map(keyOf));
    for (const [key, object] of [...this.#objects]) {
      if (listed.has(key)) continue;
      this.#drop(key, object);
      changes.push({ kind: "deleted", object });
    }
    for (const item of items) changes.push(...this.#put(item));
    // A list is never older than the one before unless the server was restored from a backup; then it rules.
    this.#resourceVersion = resourceVersion;
    this.#synced = true;
    return changes;
  }

  /** The kind is not served any more: as before the first list. */
  forget(): void {
    for (const [key, object] of [...this.#objects]) this.#drop(key, object);
    this.#resourceVersion = "0";
    this.#synced = false;
  }

  /** One watch event that carries an object. An event older than what is known changes nothing. */
  put(object: T): readonly Change<T>[] {
    this.advance(object.metadata.resourceVersion ?? "0");
    const known = this.#objects.get(keyOf(object));
    if (known !== undefined && known.metadata.uid === object.metadata.uid && !isNewer(object, known))
      return [];
    return this.#put(object);
  }

  remove(object: T): readonly Change<T>[] {
    this.advance(object.metadata.resourceVersion ?? "0");
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known === undefined || known.metadata.uid !== object.metadata.uid) return [];
    this.#drop(key, known);
    return [{ kind: "deleted", object: deepFreeze(object) }];
  }

  /** A bookmark: nothing else has happened up to `resourceVersion`. */
  advance(resourceVersion: string): void {
    if (compareVersions(resourceVersion, this.#resourceVersion) > 0) this.#resourceVersion = resourceVersion;
  }

  #put(object: T): readonly Change<T>[] {
    const key = keyOf(object);
    const known = this.#objects.get(key);
    if (known !== undefined && isSame(known, object)) return [];
    deepFreeze(object);
    if (known !== undefined) this.#drop(key, known);
    this.#objects.set(key, object);
    for (const index of this.#indexes) for (const value of index.of(object)) enter(index.map, value, object);
    if (known === undefined) return [{ kind: "added", object }];
    if (known.metadata.uid === object.metadata.uid) return [{ kind: "updated", object, before: known }];
    return [
      { kind: "deleted", object: known },
      { kind: "added", object },
    ];
  }

  #drop(key: string, object: T): void {
    this.#objects.delete(key);
    for (const index of this.#indexes) {
      for (const value of index.of(object)) {
        const set = index.map.get(value);
        set?.delete(object);
        if (set?.size === 0) index.map.delete(value);
      }
    }
  }
}

/** Orders two resourceVersions of one kind: decimal numbers of any length without leading zeros. */
export function compareVersions(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}

const NAMESPACE_INDEX = "namespace";

function keyOf(object: KubeObject): string {
  return `${object.metadata.namespace ?? ""}/${object.metadata.name}`;
}

function isNewer(object: KubeObject, known: KubeObject): boolean {
  return compareVersions(object.metadata.resourceVersion ?? "0", known.metadata.resourceVersion ?? "0") > 0;
}

function isSame(known: KubeObject, object: KubeObject): boolean {
  return (
    known.metadata.uid === object.metadata.uid &&
    known.metadata.resourceVersion === object.metadata.resourceVersion
  );
}

function enter<T>(map: Map<string, Set<T>>, value: string, object: T): void {
  const set = map.get(value);
  if (set === undefined) map.set(value, new Set([object]));
  else set.add(object);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) deepFreeze(inner);
  return value;
}
