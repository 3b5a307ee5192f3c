/**
 * The API server as a narrow door. `http-kube.ts` implements it (the only importer of client-node and
 * undici), `operator/testing/fake-kube.ts` fakes it.
 *
 * Every call has a deadline and rejects with a KubeFailure (kube/errors.ts) whose code is one of
 *   not-found | conflict | already-exists | gone | throttled | refused | invalid | unreachable | broken
 * `transient` says whether the same call may succeed later. Nothing is retried in here.
 */

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Any object of the API; rooms narrow it with the types of `objects.ts` or `#crds`. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** A kind and where it is served: { apiVersion: "v1", kind: "Pod", plural: "pods" }. */
export interface Resource {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

export interface Ref {
  readonly resource: Resource;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
}

export interface ListOptions {
  /** "" lists all namespaces. */
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continueToken?: string;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** null on the last page. */
  readonly continueToken: string | null;
}

export interface WatchOptions {
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion: string;
  readonly signal: AbortSignal;
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/** The event recorder's input; merged and rate limited before it becomes an events.k8s.io/v1 object. */
export interface EventInput {
  readonly regarding: KubeObject;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly action: string;
  readonly note: string;
}

export interface Kube {
  /** Null when there is no such object. */
  get<T extends KubeObject>(ref: Ref): Promise<T | null>;
  list<T extends KubeObject>(resource: Resource, options: ListOptions): Promise<ListPage<T>>;
  /**
   * Yields until the server ends the watch or `signal` aborts (then returns). Rejects when the line breaks, is
   * silent too long, or the version asked for is compacted away ("gone").
   */
  watch<T extends KubeObject>(resource: Resource, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Server-side apply with force as field manager "mailfleet-operator". Returns what the server stored. */
  apply<T extends KubeObject>(resource: Resource, object: T): Promise<T>;
  /** Server-side apply of the status subresource as "mailfleet-operator-status". */
  applyStatus<T extends KubeObject>(resource: Resource, object: T): Promise<T>;
  create<T extends KubeObject>(resource: Resource, object: T): Promise<T>;
  /** Replaces with optimistic locking: the object carries the resourceVersion that was read. */
  replace<T extends KubeObject>(resource: Resource, object: T): Promise<T>;
  /** JSON merge patch of metadata only (finalizers, annotations), guarded by resourceVersion when given. */
  patchMetadata(ref: Ref, patch: Record<string, unknown>): Promise<void>;
  /** False when it was gone already. The preconditions make sure that it is the object that was looked at. */
  delete(
    ref: Ref,
    preconditions: { uid: string; resourceVersion?: string },
    options?: { gracePeriodSeconds?: number },
  ): Promise<boolean>;
}
