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
 * Knobs: `failNext` makes the next calls of a method fail, `breakWatches` cuts the streams, `calls` and `writes`
 * tell what was asked. Unmet conditions reject with the same KubeFailure codes as http-kube.
 */
import { isDeepStrictEqual } from "node:util";

import type { Clock } from "#base/clock.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";
import { codeOf, failureOf, KubeFailure, type KubeCode } from "#operator/kube/errors.ts";
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

import { matchesSelector } from "./label-selector.ts";
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

interface LoggedEvent {
  readonly version: number;
  readonly plural: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
}

type Json = Record<string, unknown>;
type MutableMeta = { -readonly [K in keyof ObjectMeta]: ObjectMeta[K] };
interface Draft extends Json {
  apiVersion: string;
  kind: string;
  metadata: MutableMeta;
}

export class FakeKube implements Kube {
  /** Every call in order, reads included. */
  readonly calls: Call[] = [];
  /** Every call that asked for a change, in order. */
  readonly writes: Write[] = [];
  /** When true, deleted pods stay with a deletionTimestamp until `finish` (a kubelet that takes its time). */
  podsLinger = false;

  readonly #clock: Clock;
  readonly #objects = new Map<string, Draft>();
  readonly #applied = new Map<string, Json>();
  readonly #events: LoggedEvent[] = [];
  readonly #faults: Fault[] = [];
  readonly #wakers = new Set<() => void>();
  #version = 100;
  #uids = 0;
  #oldest = 0;
  #generation = 0;

  constructor(options: { clock?: Clock } = {}) {
    this.#clock = options.clock ?? new ManualClock();
  }

  // --- the Kube interface ---

  async get<T extends KubeObject>(ref: Ref): Promise<T | null> {
    this.#enter("get", ref.resource, ref.namespace, ref.name);
    const found = this.#objects.get(keyOf(ref.resource, ref.namespace, ref.name));
    return found === undefined ? null : frozen<T>(found);
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions): Promise<ListPage<T>> {
    this.#enter("list", resource, options.namespace, "");
    const { offset, version } = this.#readToken(options.continueToken);
    const all = this.#select(resource, options);
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
    const generation = this.#generation;
    let seen = Number(options.resourceVersion);
    while (!options.signal.aborted && generation === this.#generation) {
      if (seen < this.#oldest)
        throw failureOf(`watch ${resource.plural}`, { status: 410, reason: "Expired" });
      const next = this.#events.find(
        (event) => event.version > seen && event.plural === resource.plural && inScope(event.object, options),
      );
      if (next !== undefined) {
        seen = next.version;
        yield { type: next.type, object: frozen<T>(next.object) };
        continue;
      }
      if (seen < this.#version) {
        seen = this.#version;
        yield { type: "BOOKMARK", resourceVersion: String(seen) };
        continue;
      }
      await this.#change(options.signal);
    }
  }

  async apply<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { status: _, ...intent } = object as unknown as Json;
    return this.#apply<T>("apply", resource, intent as unknown as KubeObject);
  }

  async applyStatus<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const ref = { resource, namespace: object.metadata.namespace ?? "", name: object.metadata.name };
    if (!this.#objects.has(keyOf(resource, ref.namespace, ref.name))) {
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
    if (this.#objects.has(keyOf(resource, namespace, name))) {
      throw fail("already-exists", `create ${resource.plural} ${name}`);
    }
    this.#logWrite("create", resource, namespace, name, true);
    return frozen<T>(this.#insert(resource, object));
  }

  async replace<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { namespace = "", name } = object.metadata;
    this.#enter("replace", resource, namespace, name);
    const stored = this.#existing(`replace ${resource.plural} ${name}`, resource, namespace, name);
    this.#guard(`replace ${resource.plural} ${name}`, stored, object.metadata);
    const next = {
      ...structuredClone(object),
      metadata: keepMeta(stored, object.metadata),
    } as unknown as Draft;
    if (stored["status"] !== undefined) next["status"] = stored["status"];
    this.#logWrite("replace", resource, namespace, name, !isDeepStrictEqual(stored, next));
    return frozen<T>(this.#update(resource, stored, next));
  }

  async patchMetadata(ref: Ref, patch: Record<string, unknown>): Promise<void> {
    const what = `patch ${ref.resource.plural} ${ref.name}`;
    this.#enter("patchMetadata", ref.resource, ref.namespace, ref.name);
    const stored = this.#existing(what, ref.resource, ref.namespace, ref.name);
    this.#guard(what, stored, patch as Partial<ObjectMeta>);
    const { uid: _uid, resourceVersion: _version, ...rest } = patch;
    const metadata = mergePatch(stored.metadata as unknown as Json, rest) as unknown as MutableMeta;
    const next = { ...structuredClone(stored), metadata } as Draft;
    const changed = !isDeepStrictEqual(stored, next);
    this.#logWrite("patchMetadata", ref.resource, ref.namespace, ref.name, changed);
    this.#update(ref.resource, stored, next);
  }

  async delete(ref: Ref, preconditions: { uid: string; resourceVersion?: string }): Promise<boolean> {
    this.#enter("delete", ref.resource, ref.namespace, ref.name);
    const stored = this.#objects.get(keyOf(ref.resource, ref.namespace, ref.name));
    this.#logWrite("delete", ref.resource, ref.namespace, ref.name, stored !== undefined);
    if (stored === undefined) return false;
    this.#guard(`delete ${ref.resource.plural} ${ref.name}`, stored, preconditions);
    const lingers = this.podsLinger && ref.resource.plural === "pods";
    if (lingers || (stored.metadata.finalizers ?? []).length > 0) this.#mark(ref.resource, stored);
    else this.#remove(ref.resource, stored);
    return true;
  }

  // --- what tests use ---

  /** Puts an object in place with its status, as if it had always been there; not counted as a call or write. */
  seed<T extends KubeObject>(resource: Resource, object: T): T {
    return frozen<T>(this.#insert(resource, object, { keepStatus: true }));
  }

  /** What another actor sees; not counted. Null when absent. */
  peek<T extends KubeObject>(resource: Resource, namespace: string, name: string): T | null {
    const found = this.#objects.get(keyOf(resource, namespace, name));
    return found === undefined ? null : frozen<T>(found);
  }

  peekAll<T extends KubeObject>(resource: Resource, namespace = ""): readonly T[] {
    return this.#select(resource, { namespace }).map((object) => frozen<T>(object));
  }

  /** Another actor (a user, the kubelet) changes an object: `change` edits a copy in place. Not counted. */
  edit<T extends KubeObject>(
    resource: Resource,
    namespace: string,
    name: string,
    change: (copy: T) => void,
  ): T {
    const stored = this.#existing(`edit ${name}`, resource, namespace, name);
    const copy = structuredClone(stored);
    change(copy as unknown as T);
    return frozen<T>(this.#update(resource, stored, copy));
  }

  setStatus(resource: Resource, namespace: string, name: string, status: unknown): void {
    this.edit(resource, namespace, name, (copy) => {
      (copy as unknown as Json)["status"] = structuredClone(status);
    });
  }

  /** Another actor deletes an object; finalizers and `podsLinger` count. */
  discard(resource: Resource, namespace: string, name: string): void {
    const stored = this.#existing(`discard ${name}`, resource, namespace, name);
    const lingers = this.podsLinger && resource.plural === "pods";
    if (lingers || (stored.metadata.finalizers ?? []).length > 0) this.#mark(resource, stored);
    else this.#remove(resource, stored);
  }

  /** The object goes for good, whatever holds it. */
  finish(resource: Resource, namespace: string, name: string): void {
    this.#remove(resource, this.#existing(`finish ${name}`, resource, namespace, name));
  }

  /** Removes objects whose owners are all gone, once; the real controller repeats this. Returns how many. */
  collectGarbage(): number {
    const uids = new Set([...this.#objects.values()].map((object) => object.metadata.uid));
    const orphans = [...this.#objects].filter(([, object]) => {
      const owners = object.metadata.ownerReferences ?? [];
      return owners.length > 0 && owners.every((owner) => !uids.has(owner.uid));
    });
    for (const [key, object] of orphans) {
      this.#objects.delete(key);
      this.#emit(pluralOf(key), "DELETED", object);
    }
    return orphans.length;
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

  /** Ends every running watch as a server does at its time limit. */
  breakWatches(): void {
    this.#generation++;
    this.#wake();
  }

  /** Forgets the past: a watch from an older version, and a continue token from before, get 410. */
  compact(): void {
    this.#events.length = 0;
    this.#oldest = this.#version;
    this.#wake();
  }

  get watchers(): number {
    return this.#wakers.size;
  }

  // --- inside ---

  #apply<T extends KubeObject>(method: "apply" | "applyStatus", resource: Resource, intent: KubeObject): T {
    const { namespace = "", name } = intent.metadata;
    const what = `${method} ${resource.plural} ${name}`;
    this.#enter(method, resource, namespace, name);
    const key = keyOf(resource, namespace, name);
    const stored = this.#objects.get(key);
    const { resourceVersion: _, uid: __, ...metadata } = intent.metadata;
    const fields = structuredClone({ ...intent, metadata }) as unknown as Json;
    if (stored === undefined) {
      if (intent.metadata.uid !== undefined) throw fail("conflict", `${what}: uid differs`);
      this.#applied.set(`${method} ${key}`, fields);
      this.#logWrite(method, resource, namespace, name, true);
      return frozen<T>(this.#insert(resource, fields as unknown as KubeObject));
    }
    this.#guard(what, stored, intent.metadata);
    const next = mergeApplied(stored, this.#applied.get(`${method} ${key}`) ?? {}, fields) as Draft;
    this.#applied.set(`${method} ${key}`, fields);
    this.#logWrite(method, resource, namespace, name, !isDeepStrictEqual(stored, next));
    return frozen<T>(this.#update(resource, stored, next));
  }

  #insert(resource: Resource, object: KubeObject, options: { keepStatus?: boolean } = {}): Draft {
    const draft = structuredClone(object) as unknown as Draft;
    if (options.keepStatus !== true) delete draft["status"];
    draft.metadata = {
      ...draft.metadata,
      uid: draft.metadata.uid ?? `uid-${++this.#uids}`,
      generation: draft.metadata.generation ?? 1,
      creationTimestamp: draft.metadata.creationTimestamp ?? this.#timestamp(),
    };
    this.#objects.set(keyOf(resource, draft.metadata.namespace ?? "", draft.metadata.name), draft);
    this.#emit(resource.plural, "ADDED", draft);
    return draft;
  }

  #update(resource: Resource, stored: Draft, next: Draft): Draft {
    if (isDeepStrictEqual(stored, next)) return stored;
    if (!isDeepStrictEqual(contentOf(stored), contentOf(next))) {
      next.metadata.generation = (stored.metadata.generation ?? 0) + 1;
    }
    const released =
      next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0;
    if (released && !(this.podsLinger && resource.plural === "pods")) {
      this.#remove(resource, next);
      return next;
    }
    this.#objects.set(keyOf(resource, next.metadata.namespace ?? "", next.metadata.name), next);
    this.#emit(resource.plural, "MODIFIED", next);
    return next;
  }

  #mark(resource: Resource, stored: Draft): void {
    if (stored.metadata.deletionTimestamp !== undefined) return;
    const next = structuredClone(stored);
    next.metadata.deletionTimestamp = this.#timestamp();
    next.metadata.generation = (stored.metadata.generation ?? 0) + 1;
    this.#objects.set(keyOf(resource, next.metadata.namespace ?? "", next.metadata.name), next);
    this.#emit(resource.plural, "MODIFIED", next);
  }

  #remove(resource: Resource, stored: Draft): void {
    const key = keyOf(resource, stored.metadata.namespace ?? "", stored.metadata.name);
    this.#objects.delete(key);
    this.#applied.delete(`apply ${key}`);
    this.#applied.delete(`applyStatus ${key}`);
    this.#emit(resource.plural, "DELETED", structuredClone(stored));
  }

  #emit(plural: string, type: LoggedEvent["type"], object: Draft): void {
    object.metadata.resourceVersion = String(++this.#version);
    this.#events.push({
      version: this.#version,
      plural,
      type,
      object: structuredClone(object) as unknown as KubeObject,
    });
    this.#wake();
  }

  #wake(): void {
    for (const waker of [...this.#wakers]) waker();
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#wakers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #select(resource: Resource, options: ListOptions): Draft[] {
    return [...this.#objects]
      .filter(([key, object]) => pluralOf(key) === resource.plural && inScope(object, options))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  #readToken(token: string | undefined): { offset: number; version: number } {
    if (token === undefined) return { offset: 0, version: this.#version };
    const [offset, version] = token.split("@").map(Number);
    if (version === undefined || offset === undefined || version < this.#oldest) {
      throw failureOf("list", { status: 410, reason: "Expired" });
    }
    return { offset, version };
  }

  #existing(what: string, resource: Resource, namespace: string, name: string): Draft {
    const stored = this.#objects.get(keyOf(resource, namespace, name));
    if (stored === undefined) throw fail("not-found", what);
    return stored;
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

  #timestamp(): string {
    return `${new Date(this.#clock.now()).toISOString().slice(0, 19)}Z`;
  }
}

const STATUS: Readonly<Record<KubeCode, number>> = {
  "not-found": 404,
  conflict: 409,
  "already-exists": 409,
  gone: 410,
  throttled: 429,
  refused: 403,
  invalid: 422,
  unreachable: 503,
  broken: 500,
};

function fail(code: KubeCode, what: string): KubeFailure {
  const reason = code === "already-exists" ? "AlreadyExists" : undefined;
  const answer = { status: STATUS[code], reason, message: what };
  return codeOf(answer) === code ? failureOf(what, answer) : new KubeFailure(code, what);
}

function keyOf(resource: Resource, namespace: string, name: string): string {
  return `${resource.plural}/${namespace}/${name}`;
}

function pluralOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

function inScope(
  object: { metadata: ObjectMeta },
  options: { namespace: string; labelSelector?: string },
): boolean {
  if (options.namespace !== "" && object.metadata.namespace !== options.namespace) return false;
  return (
    options.labelSelector === undefined ||
    matchesSelector(options.labelSelector, object.metadata.labels ?? {})
  );
}

/** The server keeps its own fields whatever a client sends. */
function keepMeta(stored: Draft, sent: ObjectMeta): MutableMeta {
  const { uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } = stored.metadata;
  return compact({
    ...structuredClone(sent),
    uid,
    resourceVersion,
    generation,
    creationTimestamp,
    deletionTimestamp,
  }) as unknown as MutableMeta;
}

function contentOf(object: Draft): Json {
  const { metadata: _, status: __, ...content } = object;
  return content;
}

function compact(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function frozen<T>(value: unknown): T {
  return freeze(structuredClone(value)) as T;
}

function freeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
