/**
 * An API server in memory for tests, behind the same Kube interface as the real one.
 *
 * It does: uids, one growing resourceVersion, generation (counts changes of anything but metadata and status),
 * creation and deletion timestamps, finalizers, delete and replace preconditions, status as a subresource,
 * pages with continue tokens, label selectors (equality and existence), watches that replay from a version, 410
 * after `compact()`, server-side apply as a deep merge in which a manager's dropped fields disappear.
 * It does not: schema validation or defaulting, field conflicts between managers (apply is forced anyway), merging
 * of lists by key (a list is replaced as a whole), garbage collection unless `collectGarbage()` is called,
 * admission, quotas, or the life of pods: set their status with `setStatus`, end a lingering one with `finish`.
 *
 * Knobs: `failNext` makes the next calls of a method fail, `storage` cuts watches and forgets the past, `calls` and
 * `writes` tell what was asked. Unmet conditions reject with the same KubeFailure codes as http-kube.
 */
import { isDeepStrictEqual } from "node:util";

import type { Clock } from "#base/clock.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import type { KubeCode } from "#operator/kube/errors.ts";
import type {
  Kube,
  KubeObject,
  ListOptions,
  ListPage,
  ObjectMeta,
  Ref,
  Resource,
  WatchEvent,
  WatchOptions,
} from "#operator/kube/kube.ts";

import {
  compact,
  type Draft,
  FakeStorage,
  fail,
  frozen,
  type Json,
  keepMeta,
  keyOf,
  type MutableMeta,
} from "./fake-storage.ts";
import { mergeApplied, mergePatch } from "./merge.ts";

export type Method = keyof Kube;

export interface Call {
  readonly method: Method;
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Write extends Call {
  /** False for an apply or patch that left the object as it was. */
  readonly changed: boolean;
}

interface Fault {
  readonly method: Method;
  readonly plural: string | null;
  readonly error: Error;
  skip: number;
  times: number;
}

export class FakeKube implements Kube {
  /** Every call in order, reads included. */
  readonly calls: Call[] = [];
  /** Every call that asked for a change, in order. */
  readonly writes: Write[] = [];
  readonly #storage: FakeStorage;
  readonly #applied = new Map<string, Json>();
  readonly #faults: Fault[] = [];

  constructor(options: { clock?: Clock } = {}) {
    this.#storage = new FakeStorage(options.clock ?? new ManualClock());
  }

  // --- the Kube interface ---

  async get<T extends KubeObject>(ref: Ref): Promise<T | null> {
    this.#enter("get", ref.resource, ref.namespace, ref.name);
    const found = this.#storage.find(ref.resource, ref.namespace, ref.name);
    return found === undefined ? null : frozen<T>(found);
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions): Promise<ListPage<T>> {
    this.#enter("list", resource, options.namespace, "");
    const { offset, version } = this.#storage.readToken(options.continueToken);
    const all = this.#storage.select(resource, options);
    const limit = options.limit ?? all.length;
    const items = all.slice(offset, offset + limit).map((object) => frozen<T>(object));
    const next = offset + limit;
    return {
      items,
      resourceVersion: String(version),
      continueToken: next < all.length ? `${next}@${version}` : null,
    };
  }

  async *watch<T extends KubeObject>(
    resource: Resource,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    this.#enter("watch", resource, options.namespace, "");
    yield* this.#storage.follow<T>(resource, options);
  }

  async apply<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { status: _, ...intent } = object as unknown as Json;
    return this.#apply<T>("apply", resource, intent as unknown as KubeObject);
  }

  async applyStatus<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const ref = { resource, namespace: object.metadata.namespace ?? "", name: object.metadata.name };
    if (this.#storage.find(resource, ref.namespace, ref.name) === undefined) {
      this.#enter("applyStatus", resource, ref.namespace, ref.name);
      throw fail("not-found", `applyStatus ${resource.plural} ${ref.name}`);
    }
    const { apiVersion, kind, metadata } = object;
    const { name, namespace, uid, resourceVersion } = metadata;
    const guarded = {
      apiVersion,
      kind,
      metadata: compact({ name, namespace, uid, resourceVersion }),
      status: (object as unknown as Json)["status"],
    };
    return this.#apply<T>("applyStatus", resource, guarded as unknown as KubeObject);
  }

  async create<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { namespace = "", name } = object.metadata;
    this.#enter("create", resource, namespace, name);
    if (this.#storage.find(resource, namespace, name) !== undefined) {
      throw fail("already-exists", `create ${resource.plural} ${name}`);
    }
    this.#logWrite("create", resource, namespace, name, true);
    return frozen<T>(this.#storage.insert(resource, object));
  }

  async replace<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { namespace = "", name } = object.metadata;
    this.#enter("replace", resource, namespace, name);
    const stored = this.#storage.existing(`replace ${resource.plural} ${name}`, resource, namespace, name);
    this.#guard(`replace ${resource.plural} ${name}`, stored, object.metadata);
    const next = {
      ...structuredClone(object),
      metadata: keepMeta(stored, object.metadata),
    } as unknown as Draft;
    if (stored["status"] !== undefined) next["status"] = stored["status"];
    this.#logWrite("replace", resource, namespace, name, !isDeepStrictEqual(stored, next));
    return frozen<T>(this.#storage.update(resource, stored, next));
  }

  async patchMetadata(ref: Ref, patch: Record<string, unknown>): Promise<void> {
    const what = `patch ${ref.resource.plural} ${ref.name}`;
    this.#enter("patchMetadata", ref.resource, ref.namespace, ref.name);
    const stored = this.#storage.existing(what, ref.resource, ref.namespace, ref.name);
    this.#guard(what, stored, patch as Partial<ObjectMeta>);
    const { uid: _uid, resourceVersion: _version, ...rest } = patch;
    const metadata = mergePatch(stored.metadata as unknown as Json, rest) as unknown as MutableMeta;
    const next = { ...structuredClone(stored), metadata } as Draft;
    const changed = !isDeepStrictEqual(stored, next);
    this.#logWrite("patchMetadata", ref.resource, ref.namespace, ref.name, changed);
    this.#storage.update(ref.resource, stored, next);
  }

  async delete(ref: Ref, preconditions: { uid: string; resourceVersion?: string }): Promise<boolean> {
    this.#enter("delete", ref.resource, ref.namespace, ref.name);
    const stored = this.#storage.find(ref.resource, ref.namespace, ref.name);
    this.#logWrite("delete", ref.resource, ref.namespace, ref.name, stored !== undefined);
    if (stored === undefined) return false;
    this.#guard(`delete ${ref.resource.plural} ${ref.name}`, stored, preconditions);
    this.#storage.discard(ref.resource, stored);
    return true;
  }

  // --- what tests use ---

  /** Puts an object in place with its status, as if it had always been there; not counted as a call or write. */
  seed<T extends KubeObject>(resource: Resource, object: T): T {
    return frozen<T>(this.#storage.insert(resource, object, { keepStatus: true }));
  }

  /** What another actor sees; not counted. Null when absent. */
  peek<T extends KubeObject>(resource: Resource, namespace: string, name: string): T | null {
    const found = this.#storage.find(resource, namespace, name);
    return found === undefined ? null : frozen<T>(found);
  }

  peekAll<T extends KubeObject>(resource: Resource, namespace = ""): readonly T[] {
    return this.#storage.select(resource, { namespace }).map((object) => frozen<T>(object));
  }

  /** Another actor (a user, the kubelet) changes an object: `change` edits a copy in place. Not counted. */
  edit<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    name: string,
    change: (copy: T) => void,
  ): T {
    const stored = this.#storage.existing(`edit ${name}`, resource, namespace, name);
    const copy = structuredClone(stored);
    change(copy as unknown as T);
    return frozen<T>(this.#storage.update(resource, stored, copy));
  }

  setStatus(resource: Resource, namespace: string, name: string, status: unknown): void {
    this.edit(resource, namespace, name, (copy) => {
      (copy as unknown as Json)["status"] = structuredClone(status);
    });
  }

  /** Another actor deletes an object; finalizers and lingering count. */
  discard(resource: Resource, namespace: string, name: string): void {
    this.#storage.discard(resource, this.#storage.existing(`discard ${name}`, resource, namespace, name));
  }

  /** The object goes for good, whatever holds it. */
  finish(resource: Resource, namespace: string, name: string): void {
    this.#storage.remove(resource, this.#storage.existing(`finish ${name}`, resource, namespace, name));
  }

  /**
   * After `skip` good calls, the next `times` (1) calls of `method` fail with `code` before anything happens.
   * `resource` narrows it to one kind. A fault stays until it is used up.
   */
  failNext(
    method: Method,
    code: KubeCode,
    options: { times?: number; skip?: number; resource?: Resource } = {},
  ): void {
    this.#faults.push({
      method,
      plural: options.resource?.plural ?? null,
      error: fail(code, `fault injected into ${method}`),
      skip: options.skip ?? 0,
      times: options.times ?? 1,
    });
  }

  /** Time, linger knobs, watches and garbage: what the server itself does. */
  get storage(): FakeStorage {
    return this.#storage;
  }

  // --- inside ---

  #apply<T extends KubeObject>(method: "apply" | "applyStatus", resource: Resource, intent: KubeObject): T {
    const { namespace = "", name } = intent.metadata;
    const what = `${method} ${resource.plural} ${name}`;
    this.#enter(method, resource, namespace, name);
    const key = keyOf(resource, namespace, name);
    const stored = this.#storage.find(resource, namespace, name);
    const { resourceVersion: _, uid: __, ...metadata } = intent.metadata;
    const fields = structuredClone({ ...intent, metadata }) as unknown as Json;
    if (stored === undefined) {
      if (intent.metadata.uid !== undefined) throw fail("conflict", `${what}: uid differs`);
      this.#applied.set(`${method} ${key}`, fields);
      this.#logWrite(method, resource, namespace, name, true);
      return frozen<T>(this.#storage.insert(resource, fields as unknown as KubeObject));
    }
    this.#guard(what, stored, intent.metadata);
    const next = mergeApplied(stored, this.#applied.get(`${method} ${key}`) ?? {}, fields) as Draft;
    this.#applied.set(`${method} ${key}`, fields);
    this.#logWrite(method, resource, namespace, name, !isDeepStrictEqual(stored, next));
    return frozen<T>(this.#storage.update(resource, stored, next));
  }

  #guard(
    what: string,
    stored: Draft,
    wanted: { readonly uid?: string; readonly resourceVersion?: string },
  ): void {
    if (wanted.uid !== undefined && wanted.uid !== stored.metadata.uid) {
      throw fail("conflict", `${what}: uid differs`);
    }
    if (wanted.resourceVersion !== undefined && wanted.resourceVersion !== stored.metadata.resourceVersion) {
      throw fail("conflict", `${what}: the object has been modified`);
    }
  }

  #enter(method: Method, resource: Resource, namespace: string, name: string): void {
    this.calls.push({ method, plural: resource.plural, namespace, name });
    const index = this.#faults.findIndex(
      (fault) => fault.method === method && (fault.plural === null || fault.plural === resource.plural),
    );
    const fault = this.#faults[index];
    if (fault === undefined) return;
    if (fault.skip > 0) {
      fault.skip--;
      return;
    }
    if (--fault.times <= 0) this.#faults.splice(index, 1);
    throw fault.error;
  }

  #logWrite(method: Method, resource: Resource, namespace: string, name: string, changed: boolean): void {
    this.writes.push({ method, plural: resource.plural, namespace, name, changed });
  }
}
