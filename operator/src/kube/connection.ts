/**
 * HTTP to one API server over few, kept sockets: one dispatcher for calls (at most two sockets, calls wait their
 * turn) and one for watches (one socket where the server speaks HTTP/2, else one each; they are opened one after the
 * other, since the client opens another socket for what comes while it is writing). Both are made once and made anew
 * only when CA or client certificate change; a watch that runs keeps its old socket to its end.
 *
 * Each call has a deadline and a bound on the answer's size. A call rejects with KubeFailure "unreachable" when no
 * full answer came; any HTTP status is an answer. Calls go over HTTP/1.1 on purpose: a stalled TCP connection must not
 * stall all of them. Watches share theirs, and so that a dead one is noticed before the bookmarks are missed, the server is
 * asked over it now and then; when no answer comes, all watches end as after any broken line.
 */
import type { ConnectionOptions as TlsOptions } from "node:tls";

import { Agent, type buildConnector, type Dispatcher, ProxyAgent } from "undici";

import type { Clock, Timer } from "#base/clock.ts";

import type { Access, Credentials } from "./access.ts";
import { KubeFailure, unreachable } from "./errors.ts";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Path and query. */
  readonly path: string;
  /** For messages: "get pods mail/out-0". */
  readonly what: string;
  readonly body?: { readonly contentType: string; readonly value: unknown };
}

export interface Answer {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly text: string;
}

export interface Stream {
  readonly status: number;
  readonly retryAfterSeconds: number | undefined;
  readonly body: Dispatcher.ResponseData["body"];
}

/** Told once for every answer; `code` is the HTTP status or "error" when there was none. */
export type Observer = (call: {
  readonly method: string;
  readonly code: string;
  readonly seconds: number;
}) => void;

/** Workers are few and calls short; more sockets would only move the queue into the server. */
const CALL_SOCKETS = 2;
/** Between two questions whether the line of the watches is alive, and for the answer. */
const PROBE_MS = 10_000;
/** The server's own limit for a request is 60 s; ours is below so that a pass notices within its deadline. */
const CALL_DEADLINE_MS = 30_000;
/** 500 objects of 100 KiB. A page beyond that would block the event loop for too long. */
const ANSWER_LIMIT_BYTES = 50 * 1024 * 1024;

export interface ConnectionOptions {
  readonly access: Access;
  readonly clock: Clock;
  readonly userAgent: string;
  readonly callDeadlineMs?: number;
  readonly probeMs?: number;
  /** Sockets for calls; two unless told. */
  readonly callSockets?: number;
  readonly observe?: Observer;
}

/** A peer that vanished without a FIN is noticed by TCP after 30 s of silence. */
const CONNECT = { timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000 } as const;

type Purpose = "calls" | "watches";

interface Dispatchers {
  readonly transport: Credentials["transport"];
  readonly calls: Dispatcher;
  readonly watches: Dispatcher;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #origin: string;
  readonly #prefix: string;
  readonly #closing = new Set<Promise<void>>();
  #dispatchers: Dispatchers | null = null;
  /** Watches that are open or on their way, and when the server is asked next. */
  #watching = 0;
  #probe: Timer | null = null;
  /** Resolves when no watch is being opened. */
  #opened: Promise<unknown> = Promise.resolve();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const url = new URL(options.access.server);
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/+$/, "");
  }

  /** The whole answer, whatever its status. */
  async call(call: Call): Promise<Answer> {
    const deadlineMs = this.#options.callDeadlineMs ?? CALL_DEADLINE_MS;
    const stop = new AbortController();
    const late = new Error(`the deadline of ${deadlineMs} ms has passed`);
    const timer = this.#options.clock.after(deadlineMs, () => stop.abort(late));
    try {
      const stream = await this.#send(call, "calls", stop.signal);
      const text = await collect(stream.body, call.what);
      return { status: stream.status, retryAfterSeconds: stream.retryAfterSeconds, text };
    } catch (error) {
      throw error instanceof KubeFailure ? error : unreachable(call.what, error);
    } finally {
      timer.cancel();
    }
  }

  /** The answer's head; the body is read by the caller, who ends it through `signal`. */
  async open(call: Call, signal: AbortSignal): Promise<Stream> {
    // One that hangs keeps the others waiting: whether the line is alive is asked from now on.
    this.#watching++;
    this.#planProbe();
    const opening = this.#opened.then(() => this.#send(call, "watches", signal));
    this.#opened = opening.catch(() => undefined);
    try {
      const stream = await opening;
      stream.body.once("close", () => this.#watching--);
      return stream;
    } catch (error) {
      this.#watching--;
      throw error instanceof KubeFailure ? error : unreachable(call.what, error);
    }
  }

  /** Ends every socket, those of running watches too. */
  async close(): Promise<void> {
    this.#probe?.cancel();
    const dispatchers = this.#dispatchers;
    this.#dispatchers = null;
    await Promise.all([dispatchers?.calls.destroy(), dispatchers?.watches.destroy(), ...this.#closing]);
  }

  async #send(call: Call, purpose: Purpose, signal: AbortSignal): Promise<Stream> {
    const credentials = await this.#options.access.credentials();
    const dispatcher = this.#dispatcherFor(credentials.transport)[purpose];
    const { method, body } = call;
    const headers: Record<string, string> = {
      accept: "application/json",
      "user-agent": this.#options.userAgent,
      ...credentials.headers,
    };
    const startedAt = this.#options.clock.monotonic();
    const tell = (code: string): void =>
      this.#options.observe?.({
        method,
        code,
        seconds: (this.#options.clock.monotonic() - startedAt) / 1000,
      });
    if (body !== undefined) headers["content-type"] = body.contentType;
    try {
      const response = await dispatcher.request({
        origin: this.#origin,
        path: `${this.#prefix}${call.path}`,
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body.value),
        headersTimeout: CALL_DEADLINE_MS,
        bodyTimeout: 0, // The deadline of a call and the inactivity timer of a watch cover the body.
        signal,
      });
      tell(String(response.statusCode));
      return {
        status: response.statusCode,
        retryAfterSeconds: retryAfter(response.headers),
        body: response.body,
      };
    } catch (error) {
      tell("error");
      throw error;
    }
  }

  #planProbe(): void {
    if (this.#probe !== null || this.#watching === 0) return;
    this.#probe = this.#options.clock.after(this.#options.probeMs ?? PROBE_MS, () => {
      this.#probe = null;
      void this.#askWhetherAlive();
    });
  }

  /** Any answer will do. Never rejects. */
  async #askWhetherAlive(): Promise<void> {
    const asked = this.#dispatchers;
    if (asked === null || this.#watching === 0) return;
    const ms = this.#options.probeMs ?? PROBE_MS;
    try {
      await this.#askLife(asked.watches, ms);
    } catch {
      const watches = this.#make(asked.transport, "watches");
      if (this.#dispatchers === asked) this.#dispatchers = { ...asked, watches };
      await asked.watches.destroy(new Error(`the line of the watches gave no answer for ${ms} ms`));
    } finally {
      this.#planProbe();
    }
  }

  /** Rejects when no answer comes in time. */
  async #askLife(watches: Dispatcher, withinMs: number): Promise<void> {
    const stop = new AbortController();
    const late = this.#options.clock.after(withinMs, () => stop.abort());
    try {
      const { headers } = await this.#options.access.credentials();
      const question = {
        origin: this.#origin,
        path: `${this.#prefix}/livez`,
        method: "GET",
        headers,
      } as const;
      const { body } = await watches.request({ ...question, signal: stop.signal });
      await body.dump();
    } finally {
      late.cancel();
    }
  }

  #dispatcherFor(transport: Credentials["transport"]): Dispatchers {
    const current = this.#dispatchers;
    if (current !== null && current.transport === transport) return current;
    const make = (purpose: Purpose): Dispatcher => this.#make(transport, purpose);
    this.#dispatchers = { transport, calls: make("calls"), watches: make("watches") };
    if (current !== null) for (const old of [current.calls, current.watches]) this.#retire(old);
    return this.#dispatchers;
  }

  #make(transport: Credentials["transport"], purpose: Purpose): Dispatcher {
    return dispatcherOf(transport, purpose, this.#options.callSockets ?? CALL_SOCKETS);
  }

  /** Lets what runs on it come to its end, then closes its sockets. */
  #retire(old: Dispatcher): void {
    const closing: Promise<void> = old.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

function dispatcherOf(
  transport: Credentials["transport"],
  purpose: Purpose,
  callSockets: number,
): Dispatcher {
  const common =
    purpose === "calls"
      ? { connections: callSockets, pipelining: 1, allowH2: false, keepAliveTimeout: 30_000 }
      : { connections: null, allowH2: true, keepAliveTimeout: 30_000 };
  switch (transport.type) {
    case "none":
      return new Agent({ ...common, connect: CONNECT });
    case "agent":
      return new Agent({ ...common, connect: { ...tlsOf(transport.connect), ...CONNECT } });
    case "proxy":
      return new ProxyAgent({ ...common, uri: transport.uri, requestTls: tlsOf(transport.requestTls) });
    case "socks":
      throw new KubeFailure("refused", "SOCKS proxies are not supported; use proxy-url with http or https");
  }
}

/** The same fields under two names; client-node's allows `undefined` as a value but leaves such keys out. */
function tlsOf(options: TlsOptions): buildConnector.BuildOptions {
  return options as buildConnector.BuildOptions;
}

/** All of it, up to a bound: beyond that, KubeFailure "broken". */
export async function collect(body: Stream["body"], what: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ANSWER_LIMIT_BYTES) {
      throw new KubeFailure("broken", `${what}: the answer is larger than ${ANSWER_LIMIT_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString("utf8");
}

function retryAfter(headers: Record<string, string | string[] | undefined>): number | undefined {
  const seconds = Number(headers["retry-after"]);
  return Number.isFinite(seconds) ? seconds : undefined;
}
