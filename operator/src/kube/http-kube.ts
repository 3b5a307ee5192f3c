/**
 * The Kube interface against a real API server. Every method builds one request, decodes one answer and leaves
 * judging to the caller: nothing is retried or cached. What fails rejects with a KubeFailure (errors.ts).
 */
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";

import type { Access } from "./access.ts";
import { type Answer, type Call, collect, Connection, type Observer, type Stream } from "./connection.ts";
import { answerFailure, decodeAnswer, decodeEvent, decodeList, decodeObject } from "./decode.ts";
import { isKubeFailure, unreachable } from "./errors.ts";
import type {
  Kube,
  KubeObject,
  ListOptions,
  ListPage,
  Ref,
  Resource,
  WatchEvent,
  WatchOptions,
} from "./kube.ts";
import { pathOf } from "./paths.ts";
import { readLines } from "./watch-stream.ts";

const MANAGER = "mailfleet-operator";
const STATUS_MANAGER = "mailfleet-operator-status";

/** The server is asked to end a watch after 5 to 10 minutes, spread so that watches do not all return at once. */
const WATCH_SECONDS = { least: 300, spread: 300 };

/**
 * The server sends a bookmark about once a minute (at most 75 s apart). Longer silence means a dead line that TCP
 * has not noticed.
 */
const SILENCE_MS = 100_000;

export interface HttpKubeOptions {
  readonly access: Access;
  readonly clock: Clock;
  readonly random: Random;
  readonly userAgent: string;
  readonly observe?: Observer;
  /** Milliseconds for one call from request to last byte; 30 s unless told. */
  readonly callDeadlineMs?: number;
  /** Milliseconds without a byte after which a watch is given up; 100 s unless told. */
  readonly silenceMs?: number;
  /** Milliseconds between two questions whether the line of the watches is alive; 10 s unless told. */
  readonly probeMs?: number;
  /** Sockets for calls; two unless told. */
  readonly callSockets?: number;
}

export class HttpKube implements Kube {
  readonly #options: HttpKubeOptions;
  readonly #connection: Connection;

  constructor(options: HttpKubeOptions) {
    this.#options = options;
    this.#connection = new Connection(options);
  }

  async get<T extends KubeObject>(ref: Ref): Promise<T | null> {
    const what = `get ${ref.resource.plural} ${ref.namespace}/${ref.name}`;
    const answer = await this.#connection.call({ method: "GET", path: pathOf(ref), what });
    if (answer.status === 404) return null;
    return decodeObject<T>(what, ref.resource, decodeAnswer(what, answer));
  }

  async list<T extends KubeObject>(resource: Resource, options: ListOptions): Promise<ListPage<T>> {
    const what = `list ${resource.plural}`;
    const path = pathOf(
      { resource, namespace: options.namespace },
      {
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
        limit: options.limit?.toString(),
        continue: options.continueToken,
      },
    );
    const answer = await this.#connection.call({ method: "GET", path, what });
    return decodeList<T>(what, resource, decodeAnswer(what, answer));
  }

  async *watch<T extends KubeObject>(
    resource: Resource,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    if (options.signal.aborted) return;
    const what = `watch ${resource.plural}`;
    const stop = new AbortController();
    const follow = (): void => stop.abort(options.signal.reason);
    options.signal.addEventListener("abort", follow, { once: true });
    try {
      const stream = await this.#connection.open(
        { method: "GET", path: this.#watchPath(resource, options), what },
        stop.signal,
      );
      const body = stream.body as AsyncIterable<Buffer>;
      if (stream.status !== 200)
        throw answerFailure(what, { ...stream, text: await this.#textOf(stream, what, stop) });
      const lines = readLines(body, {
        what,
        clock: this.#options.clock,
        silenceMs: this.#options.silenceMs ?? SILENCE_MS,
        abort: (reason) => stop.abort(reason),
      });
      for await (const line of lines) yield decodeEvent<T>(what, resource, line);
    } catch (error) {
      if (!options.signal.aborted) throw error;
    } finally {
      options.signal.removeEventListener("abort", follow);
      stop.abort(); // Also when the consumer leaves early: the socket must not stay open.
    }
  }

  apply<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { status: _, ...intent } = object as T & { status?: unknown };
    return this.#apply<T>({ resource, object, intent, manager: MANAGER });
  }

  applyStatus<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const intent = {
      apiVersion: resource.apiVersion,
      kind: resource.kind,
      metadata: { name, namespace, uid, resourceVersion },
      status: (object as T & { status?: unknown }).status,
    };
    return this.#apply<T>({ resource, object, intent, manager: STATUS_MANAGER, subresource: "status" });
  }

  async create<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { namespace = "", name } = object.metadata;
    const path = pathOf({ resource, namespace }, { fieldManager: MANAGER });
    return this.#write<T>(resource, {
      method: "POST",
      path,
      what: `create ${resource.plural} ${namespace}/${name}`,
      body: { contentType: "application/json", value: object },
    });
  }

  async replace<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
    const { namespace = "", name } = object.metadata;
    const path = pathOf({ resource, namespace, name }, { fieldManager: MANAGER });
    return this.#write<T>(resource, {
      method: "PUT",
      path,
      what: `replace ${resource.plural} ${namespace}/${name}`,
      body: { contentType: "application/json", value: object },
    });
  }

  async patchMetadata(ref: Ref, patch: Record<string, unknown>): Promise<void> {
    await this.#write(ref.resource, {
      method: "PATCH",
      path: pathOf(ref, { fieldManager: MANAGER }),
      what: `patch ${ref.resource.plural} ${ref.namespace}/${ref.name}`,
      body: { contentType: "application/merge-patch+json", value: { metadata: patch } },
    });
  }

  async delete(
    ref: Ref,
    preconditions: { uid: string; resourceVersion?: string },
    options: { gracePeriodSeconds?: number } = {},
  ): Promise<boolean> {
    const what = `delete ${ref.resource.plural} ${ref.namespace}/${ref.name}`;
    const { gracePeriodSeconds } = options;
    const value = {
      apiVersion: "v1",
      kind: "DeleteOptions",
      preconditions,
      propagationPolicy: "Background",
      gracePeriodSeconds,
    };
    const answer = await this.#connection.call({
      method: "DELETE",
      path: pathOf(ref),
      what,
      body: { contentType: "application/json", value },
    });
    try {
      decodeAnswer(what, answer);
      return true;
    } catch (error) {
      if (isKubeFailure(error, "not-found")) return false;
      throw error;
    }
  }

  /** A GET outside the object API (version, discovery). */
  async raw(path: string): Promise<Answer> {
    return this.#connection.call({ method: "GET", path, what: `get ${path}` });
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  async #apply<T extends KubeObject>(request: {
    resource: Resource;
    object: T;
    intent: unknown;
    manager: string;
    subresource?: "status";
  }): Promise<T> {
    const { resource, object, intent, manager, subresource } = request;
    const { namespace = "", name } = object.metadata;
    const target = { resource, namespace, name, ...(subresource === undefined ? {} : { subresource }) };
    return this.#write<T>(resource, {
      method: "PATCH",
      path: pathOf(target, { fieldManager: manager, force: "true" }),
      what: `apply ${resource.plural} ${namespace}/${name}`,
      // JSON is YAML; the media type for plain JSON is unknown to servers before 1.30.
      body: { contentType: "application/apply-patch+yaml", value: intent },
    });
  }

  async #write<T extends KubeObject>(resource: Resource, call: Call): Promise<T> {
    const answer = await this.#connection.call(call);
    return decodeObject<T>(call.what, resource, decodeAnswer(call.what, answer));
  }

  /** Of an answer that is no watch; one that does not end is as good as none. */
  async #textOf({ body }: Stream, what: string, stop: AbortController): Promise<string> {
    const ms = this.#options.silenceMs ?? SILENCE_MS;
    const late = new Error(`its error did not end within ${ms} ms`);
    const timer = this.#options.clock.after(ms, () => stop.abort(late));
    try {
      return await collect(body, what);
    } catch (error) {
      throw isKubeFailure(error) ? error : unreachable(what, error);
    } finally {
      timer.cancel();
    }
  }

  #watchPath(resource: Resource, options: WatchOptions): string {
    const seconds = WATCH_SECONDS.least + Math.floor(this.#options.random() * WATCH_SECONDS.spread);
    return pathOf(
      { resource, namespace: options.namespace },
      {
        watch: "true",
        allowWatchBookmarks: "true",
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
        resourceVersion: options.resourceVersion,
        timeoutSeconds: String(seconds),
      },
    );
  }
}
