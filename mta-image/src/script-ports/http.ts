/**
 * HTTP for scripts over undici: connections are kept by what they were made for (authority, TLS, proxy), the least
 * recently used of them go first. Answers are bounded in size and time. Never rejects: trouble is an error text.
 */
import { Readable } from "node:stream";
import { rootCertificates } from "node:tls";

import type { Dispatcher } from "undici";

import type { Clock, Timer } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";

import type { BackgroundWish, HttpAnswer, HttpPort, HttpWish, NoResult } from "../script/http-port.ts";
import { BackgroundRequests } from "./http-background.ts";
import { NoResults } from "./no-results.ts";

const MAX_AGENTS = 32;
/** A connection or an answer without a timeout of its own; the script's own limits are usually shorter. */
const LONGEST_MS = 300_000;

export interface HttpParts {
  readonly clock: Clock;
  /** Source addresses by name; none: there are no names. */
  readonly addresses?: () => ReadonlyMap<string, string>;
  /** Of requests that came to nothing. */
  readonly log?: Log;
}

export class ScriptHttp implements HttpPort {
  readonly #agents = new Map<string, Dispatcher>();
  readonly #clock: Clock;
  readonly #addresses: () => ReadonlyMap<string, string>;
  readonly #background: BackgroundRequests;
  readonly #noResults: NoResults;

  constructor({ clock, addresses, log }: HttpParts) {
    this.#clock = clock;
    this.#addresses = addresses ?? (() => new Map());
    this.#noResults = new NoResults(clock, log);
    this.#background = new BackgroundRequests({
      request: (wish, signal) => this.request(wish, signal),
      clock,
      log,
    });
  }

  note(nothing: NoResult): void {
    this.#noResults.note(nothing);
  }

  background(wish: HttpWish, how: BackgroundWish): Promise<boolean> {
    return this.#background.add(wish, how);
  }

  async request(asked: HttpWish, signal: AbortSignal): Promise<HttpAnswer | { readonly error: string }> {
    const limit = new TimeLimit(this.#clock, asked);
    try {
      const wish = this.#located(asked);
      // Loaded here: scripts that ask nobody do without its 11 MB.
      const undici = await import("undici");
      const dispatcher = this.#agent(undici, wish).compose(limit.fromConnection);
      const either = AbortSignal.any([signal, limit.signal]);
      const asking = undici.request(wish.url, {
        method: wish.method as Dispatcher.HttpMethod,
        headers: wish.headers.flat(),
        body: wish.body === null ? null : body(wish),
        dispatcher:
          wish.redirects === 0
            ? dispatcher
            : dispatcher.compose(undici.interceptors.redirect({ maxRedirections: wish.redirects })),
        signal: either,
      });
      // By itself it heeds the signal only once it has a connection.
      const answer = await Promise.race([asking, aborted(either)]);
      return {
        status: answer.statusCode,
        reason: answer.statusText,
        headers: headersOf(answer.headers),
        body: await read(answer.body, wish),
      };
    } catch (error) {
      return { error: limit.signal.aborted ? "no answer in time" : reason(error) };
    } finally {
      limit.end();
    }
  }

  /** At the end of the process, or of a test. */
  async close(): Promise<void> {
    await this.#background.close();
    const all = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(all.map((agent) => agent.destroy()));
  }

  /** With the address that is meant by a name. */
  #located(wish: HttpWish): HttpWish {
    if (wish.sourceIp !== null || wish.sourceIpId === null) return wish;
    const sourceIp = this.#addresses().get(wish.sourceIpId);
    if (sourceIp === undefined) throw new Error(`there is no address ${wish.sourceIpId}`);
    return { ...wish, sourceIp };
  }

  #agent(undici: Undici, wish: HttpWish): Dispatcher {
    const key = JSON.stringify([wish.tls, wish.proxy, wish.unixPath, wish.sourceIp, wish.connectTimeoutMs]);
    const known = this.#agents.get(key);
    const agent = known ?? makeAgent(undici, wish);
    this.#agents.delete(key);
    this.#agents.set(key, agent);
    for (const [oldest, old] of this.#agents) {
      if (this.#agents.size <= MAX_AGENTS) break;
      this.#agents.delete(oldest);
      void old.close();
    }
    return agent;
  }
}

/** The time until there is a connection to ask over, a proxy's included, and from then on that of the answer. */
class TimeLimit {
  readonly #over = new AbortController();
  readonly #after: (ms: number) => Timer;
  readonly #answerMs: number;
  #timer: Timer;
  #isConnected = false;

  constructor(clock: Clock, { timeoutMs, connectTimeoutMs }: HttpWish) {
    this.#after = (ms) => clock.after(ms || LONGEST_MS, () => this.#over.abort());
    this.#answerMs = timeoutMs;
    this.#timer = this.#after(connectTimeoutMs);
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  readonly fromConnection: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
    const next = handler.onRequestStart;
    handler.onRequestStart = (controller, context) => {
      this.#connected();
      next?.call(handler, controller, context);
    };
    return dispatch(options, handler);
  };

  /** Redirects have the time of the first answer. */
  #connected(): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    this.#timer.cancel();
    this.#timer = this.#after(this.#answerMs);
  }

  end(): void {
    this.#timer.cancel();
  }
}

/** Rejects when the signal aborts, and has no other end. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(new Error("given up"));
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}

type Undici = typeof import("undici");

function makeAgent({ Agent, EnvHttpProxyAgent, Pool, ProxyAgent }: Undici, wish: HttpWish): Dispatcher {
  const { tls, proxy, unixPath, sourceIp, connectTimeoutMs } = wish;
  const secure = {
    rejectUnauthorized: tls.verifyPeer,
    ...(tls.ca.length > 0 || !tls.defaultCa
      ? { ca: [...(tls.defaultCa ? rootCertificates : []), ...tls.ca] }
      : {}),
    ...(tls.verifyHost ? {} : { checkServerIdentity: () => undefined }),
    ...tls.certificate,
  };
  const timeout = connectTimeoutMs || LONGEST_MS;
  // Also those to proxies begin at the address; an agent overrules a localAddress in `connect` by none.
  const pool = (origin: string | URL, options: object): Dispatcher =>
    new Pool(origin, { ...options, ...(sourceIp === null ? {} : { localAddress: sourceIp }) });
  const connect = { ...secure, timeout };
  const factories = { factory: pool, clientFactory: pool };
  const throughProxy = { ...factories, requestTls: connect, proxyTls: { timeout } };
  if (unixPath !== null) return new Agent({ connect: { ...connect, socketPath: unixPath } });
  if (proxy === "") return new Agent({ connect, factory: pool });
  return proxy === null
    ? new EnvHttpProxyAgent({ connect, ...throughProxy })
    : new ProxyAgent({ uri: proxyUrl(proxy), ...throughProxy });
}

function proxyUrl(text: string): string {
  return text.includes("://") ? text : `http://${text}`;
}

function body({ body: pieces }: HttpWish): Buffer | Readable | null {
  if (pieces === null) return null;
  const bytes = pieces.size > KEPT_BYTES ? null : pieces.bytes();
  return Buffer.isBuffer(bytes) ? bytes : Readable.from(pieces.chunks());
}

/** Larger bodies are sent as they are read. */
const KEPT_BYTES = 1024 * 1024;

async function read(stream: AsyncIterable<Buffer>, { maxBytes }: HttpWish): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function headersOf(headers: Record<string, string | string[] | undefined>): (readonly [string, string])[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value ?? ""]).map((one) => [name, one] as const),
  );
}

/** Never empty: several addresses that refused are one error without a text of its own. */
function reason(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  const why = cause instanceof Error ? cause : error;
  const { code, name } = why as { code?: unknown; name?: unknown };
  return describe(why) || String(code ?? name);
}
