/**
 * Keeps one store as the API server has it: lists in pages, then watches from there, for ever. Handlers are told what
 * changed and may only enqueue; one that throws is logged and changes nothing for the others.
 *
 * What goes wrong and what happens: the server ends the watch: watched again from the last version, at once. The
 * line breaks, is silent (kube/watch-stream.ts notices), or ends as soon as it is there: the same after a pause that grows,
 * since a proxy or a server that goes may end every watch so. The version is compacted
 * away (410), or a page's token is: listed anew. Events that come twice or late change nothing (cache/store.ts). And every
 * ten minutes or so all is listed anew, so that nothing that was missed stays missed; `onDrift` counts what that found.
 */
import type { Clock } from "#base/clock.ts";
import { sleep } from "#base/clock.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";
import type { Change, ObjectStore } from "#operator/cache/store.ts";
import { delayAfter } from "#operator/kube/back-off.ts";
import { isKubeFailure, unreachable } from "#operator/kube/errors.ts";
import type { Kube, KubeObject, Resource } from "#operator/kube/kube.ts";

/** JSON of 500 objects is parsed in well under a second: the lease is renewed in between. */
const PAGE = 500;
const BACK_OFF = { firstMs: 250, longestMs: 30_000 };
/** A watch that ends sooner and has brought nothing was none. */
const SHORTEST_MS = 1000;
const RELIST = { leastMs: 480_000, spreadMs: 240_000 };

export interface ListWatchOptions<T extends KubeObject> {
  readonly kube: Kube;
  readonly resource: Resource;
  /** "" for all namespaces. */
  readonly namespace: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly store: ListedStore<T>;
  /** What is kept of an object; all of it when absent. */
  readonly trim?: (object: T) => T;
  readonly onChange: (change: Change<T>) => void;
  /** How many changes a periodic list brought that the watch had not. */
  readonly onDrift?: (count: number) => void;
  /** The first list is in the store. */
  readonly onListed?: () => void;
  /** The kind may not be served, or not be ours to read: then the watch ends, in place of trying for ever. */
  readonly mayBeAbsent?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The part of ObjectStore that is filled; one per namespace where only some are watched. */
export type ListedStore<T extends KubeObject> = Pick<
  ObjectStore<T>,
  "replaceAll" | "put" | "remove" | "advance"
>;

/** Resolves when `signal` aborts, or when a kind that may be absent is; never rejects. */
export async function listWatch<T extends KubeObject>(
  options: ListWatchOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const state: State = { version: null, failures: 0, listedAt: 0, listedBefore: false };
  while (!signal.aborted) {
    try {
      state.version ??= await listAll(options, state);
      await watchFrom(options, state, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (options.mayBeAbsent === true && isAbsence(error)) return;
      if (isKubeFailure(error, "gone")) state.version = null;
      state.failures++;
      const pauseMs = Math.max(
        delayAfter(state.failures, BACK_OFF, options.random),
        isKubeFailure(error) ? (error.retryAfterMs ?? 0) : 0,
      );
      options.log.warn({ kind: options.resource.plural, err: error, pauseMs }, "watch-broken");
      await sleep(options.clock, pauseMs, signal);
    }
  }
}

function isAbsence(error: unknown): boolean {
  if (!isKubeFailure(error) || error.transient) return false;
  return error.code === "not-found" || error.code === "refused";
}

interface State {
  /** Where to watch from; null: list first. */
  version: string | null;
  failures: number;
  listedAt: number;
  listedBefore: boolean;
}

async function listAll<T extends KubeObject>(options: ListWatchOptions<T>, state: State): Promise<string> {
  const { kube, resource, namespace } = options;
  const items: T[] = [];
  let continueToken: string | null = null;
  let resourceVersion = "0";
  do {
    const page: Awaited<ReturnType<typeof kube.list<T>>> = await kube.list<T>(resource, {
      namespace,
      limit: PAGE,
      ...selectorsOf(options),
      ...(continueToken === null ? {} : { continueToken }),
    });
    items.push(...(options.trim === undefined ? page.items : page.items.map(options.trim)));
    ({ continueToken, resourceVersion } = page);
  } while (continueToken !== null);
  const changes = options.store.replaceAll(items, resourceVersion);
  if (state.listedBefore) options.onDrift?.(changes.length);
  else options.onListed?.();
  state.listedBefore = true;
  state.listedAt = options.clock.monotonic();
  for (const change of changes) tell(options, change);
  return resourceVersion;
}

async function watchFrom<T extends KubeObject>(
  options: ListWatchOptions<T>,
  state: State,
  signal: AbortSignal,
): Promise<void> {
  const { kube, resource, namespace, store } = options;
  const relist = new AbortController();
  const ends = AbortSignal.any([signal, relist.signal]);
  const timer = options.clock.after(relistDelay(options, state), () => relist.abort());
  const startedAt = options.clock.monotonic();
  let isBarren = true;
  try {
    const events = kube.watch<T>(resource, {
      namespace,
      resourceVersion: state.version ?? "0",
      signal: ends,
      ...selectorsOf(options),
    });
    for await (const event of events) {
      state.failures = 0;
      isBarren = false;
      if (event.type === "BOOKMARK") {
        store.advance(event.resourceVersion);
        state.version = event.resourceVersion;
        continue;
      }
      const object = options.trim?.(event.object) ?? event.object;
      const changes = event.type === "DELETED" ? store.remove(object) : store.put(object);
      state.version = event.object.metadata.resourceVersion ?? state.version;
      for (const change of changes) tell(options, change);
    }
  } finally {
    timer.cancel();
  }
  if (relist.signal.aborted) state.version = null;
  else if (isBarren && !signal.aborted && options.clock.monotonic() - startedAt < SHORTEST_MS)
    throw unreachable(`watch ${resource.plural}`, new Error("the watch ended as soon as it was there"));
}

function selectorsOf<T extends KubeObject>(
  options: ListWatchOptions<T>,
): Pick<ListWatchOptions<T>, "labelSelector" | "fieldSelector"> {
  const { labelSelector, fieldSelector } = options;
  return {
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

function relistDelay<T extends KubeObject>(options: ListWatchOptions<T>, state: State): number {
  const age = options.clock.monotonic() - state.listedAt;
  return Math.max(RELIST.leastMs + options.random() * RELIST.spreadMs - age, 0);
}

function tell<T extends KubeObject>(options: ListWatchOptions<T>, change: Change<T>): void {
  try {
    options.onChange(change);
  } catch (error) {
    options.log.error({ kind: options.resource.plural, err: error }, "watch-handler-failed");
  }
}
