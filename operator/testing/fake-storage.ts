/**
 * What the fake API server holds: objects with uids, one growing version, the log of events that watches replay. It knows
 * finalizers, lingering pods and claims, generations; who may do what and which faults are due is fake-kube.ts's business.
 */
import { isDeepStrictEqual } from "node:util";

import type { Clock } from "#base/clock.ts";
import { codeOf, failureOf, type KubeCode, KubeFailure } from "#operator/kube/errors.ts";
import type {
  KubeObject,
  ListOptions,
  ObjectMeta,
  Resource,
  WatchEvent,
  WatchOptions,
} from "#operator/kube/kube.ts";

import { matchesSelector } from "./label-selector.ts";

interface LoggedEvent {
  readonly version: number;
  readonly plural: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
  readonly labelsBefore: Readonly<Record<string, string>> | undefined;
}

export type Json = Record<string, unknown>;
export type MutableMeta = { -readonly [K in keyof ObjectMeta]: ObjectMeta[K] };
export interface Draft extends Json {
  apiVersion: string;
  kind: string;
  metadata: MutableMeta;
}

export class FakeStorage {
  /** When true, deleted pods stay with a deletionTimestamp until `remove` (a kubelet that takes its time). */
  podsLinger = false;
  /** The same for claims (the protection finalizer). */
  claimsLinger = false;
  readonly #clock: Clock;
  readonly #objects = new Map<string, Draft>();
  readonly #events: LoggedEvent[] = [];
  readonly #wakers = new Set<() => void>();
  #version = 100;
  #uids = 0;
  #oldest = 0;
  #generation = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get watchers(): number {
    return this.#wakers.size;
  }

  find(resource: Resource, namespace: string, name: string): Draft | undefined {
    return this.#objects.get(keyOf(resource, namespace, name));
  }

  async *follow<T extends KubeObject>(
    resource: Resource,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    const generation = this.#generation;
    let seen = Number(options.resourceVersion);
    while (!options.signal.aborted && generation === this.#generation) {
      if (seen < this.#oldest)
        throw failureOf(`watch ${resource.plural}`, { status: 410, reason: "Expired" });
      const next = this.#events.find(
        (event) =>
          event.version > seen && event.plural === resource.plural && typeFor(event, options) !== null,
      );
      const type = next === undefined ? null : typeFor(next, options);
      if (next !== undefined && type !== null) {
        seen = next.version;
        yield { type, object: frozen<T>(next.object) };
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

  /** Sends the last `count` events once more, as a server that lost its place. */
  repeatEvents(count: number): void {
    for (const event of this.#events.slice(-count)) {
      this.#events.push({ ...event, version: ++this.#version });
    }
    this.#wake();
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

  insert(resource: Resource, object: KubeObject, options: { keepStatus?: boolean } = {}): Draft {
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

  update(resource: Resource, stored: Draft, next: Draft): Draft {
    if (isDeepStrictEqual(stored, next)) return stored;
    if (!isDeepStrictEqual(contentOf(stored), contentOf(next))) {
      next.metadata.generation = (stored.metadata.generation ?? 0) + 1;
    }
    const released =
      next.metadata.deletionTimestamp !== undefined && (next.metadata.finalizers ?? []).length === 0;
    if (released && !this.#lingers(resource)) {
      this.remove(resource, next);
      return next;
    }
    this.#objects.set(keyOf(resource, next.metadata.namespace ?? "", next.metadata.name), next);
    this.#emit(resource.plural, "MODIFIED", next, stored.metadata.labels);
    return next;
  }

  /** What a delete call does: finalizers and lingering hold the object, marked. */
  discard(resource: Resource, stored: Draft): void {
    if (this.#lingers(resource) || (stored.metadata.finalizers ?? []).length > 0) this.mark(resource, stored);
    else this.remove(resource, stored);
  }

  #lingers({ plural }: Resource): boolean {
    return (
      (this.podsLinger && plural === "pods") || (this.claimsLinger && plural === "persistentvolumeclaims")
    );
  }

  mark(resource: Resource, stored: Draft): void {
    if (stored.metadata.deletionTimestamp !== undefined) return;
    const next = structuredClone(stored);
    next.metadata.deletionTimestamp = this.#timestamp();
    next.metadata.generation = (stored.metadata.generation ?? 0) + 1;
    this.#objects.set(keyOf(resource, next.metadata.namespace ?? "", next.metadata.name), next);
    this.#emit(resource.plural, "MODIFIED", next);
  }

  remove(resource: Resource, stored: Draft): void {
    const key = keyOf(resource, stored.metadata.namespace ?? "", stored.metadata.name);
    this.#objects.delete(key);
    this.#emit(resource.plural, "DELETED", structuredClone(stored));
  }

  #emit(
    plural: string,
    type: LoggedEvent["type"],
    object: Draft,
    labelsBefore = object.metadata.labels,
  ): void {
    object.metadata.resourceVersion = String(++this.#version);
    this.#events.push({
      version: this.#version,
      plural,
      type,
      object: structuredClone(object) as unknown as KubeObject,
      labelsBefore,
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

  select(resource: Resource, options: ListOptions): Draft[] {
    return [...this.#objects]
      .filter(([key, object]) => pluralOf(key) === resource.plural && inScope(object, options))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, object]) => object);
  }

  readToken(token: string | undefined): { offset: number; version: number } {
    if (token === undefined) return { offset: 0, version: this.#version };
    const [offset, version] = token.split("@").map(Number);
    if (version === undefined || offset === undefined || version < this.#oldest) {
      throw failureOf("list", { status: 410, reason: "Expired" });
    }
    return { offset, version };
  }

  existing(what: string, resource: Resource, namespace: string, name: string): Draft {
    const stored = this.#objects.get(keyOf(resource, namespace, name));
    if (stored === undefined) throw fail("not-found", what);
    return stored;
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

export function fail(code: KubeCode, what: string): KubeFailure {
  const reason = code === "already-exists" ? "AlreadyExists" : undefined;
  const answer = { status: STATUS[code], reason, message: what };
  return codeOf(answer) === code ? failureOf(what, answer) : new KubeFailure(code, what);
}

export function keyOf(resource: Resource, namespace: string, name: string): string {
  return `${resource.plural}/${namespace}/${name}`;
}

function pluralOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}

/** An object that comes to match a selector is added for who follows it, one that matches no more is deleted. */
function typeFor(
  { type, object, labelsBefore }: LoggedEvent,
  options: Parameters<typeof inScope>[1],
): LoggedEvent["type"] | null {
  const isIn = inScope(object, options);
  if (type !== "MODIFIED") return isIn ? type : null;
  const wasIn = inScope({ metadata: { ...object.metadata, labels: labelsBefore ?? {} } }, options);
  if (isIn) return wasIn ? type : "ADDED";
  return wasIn ? "DELETED" : null;
}

function inScope(
  object: { metadata: ObjectMeta },
  options: { namespace: string; labelSelector?: string; fieldSelector?: string },
): boolean {
  const { fieldSelector } = options;
  if (fieldSelector !== undefined && fieldSelector !== `metadata.name=${object.metadata.name}`) return false;
  if (options.namespace !== "" && object.metadata.namespace !== options.namespace) return false;
  return (
    options.labelSelector === undefined ||
    matchesSelector(options.labelSelector, object.metadata.labels ?? {})
  );
}

/** The server keeps its own fields whatever a client sends. */
export function keepMeta(stored: Draft, sent: ObjectMeta): MutableMeta {
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

export function compact(fields: Json): Json {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

export function frozen<T>(value: unknown): T {
  return freeze(structuredClone(value)) as T;
}

function freeze(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) freeze(inner);
  return Object.freeze(value);
}
