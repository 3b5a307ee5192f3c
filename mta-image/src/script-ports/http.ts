/**
 * HTTP for scripts over undici: connections are kept by what they were made for (authority, TLS, proxy), the least
 * recently used of them go first. Answers are bounded in size and time. Never rejects: trouble is an error text.
 */
import { Readable } from "node:stream";
import { rootCertificates } from "node:tls";

import type { Dispatcher } from "undici";

import { describe } from "#base/error.ts";

import type { HttpAnswer, HttpPort, HttpWish } from "../script/ports.ts";

const MAX_AGENTS = 32;
/** A request without a timeout of its own; the script's own limits are usually shorter. */
const LONGEST_MS = 300_000;

export class ScriptHttp implements HttpPort {
  readonly #agents = new Map<string, Dispatcher>();

  async request(wish: HttpWish, signal: AbortSignal): Promise<HttpAnswer | { readonly error: string }> {
    const limit = AbortSignal.timeout(wish.timeoutMs || LONGEST_MS);
    try {
      // Loaded here: scripts that ask nobody do without its 11 MB.
      const undici = await import("undici");
      const dispatcher = this.#agent(undici, wish);
      const answer = await undici.request(wish.url, {
        method: wish.method as Dispatcher.HttpMethod,
        headers: wish.headers.flat(),
        body: wish.body === null ? null : body(wish),
        dispatcher:
          wish.redirects === 0
            ? dispatcher
            : dispatcher.compose(undici.interceptors.redirect({ maxRedirections: wish.redirects })),
        signal: AbortSignal.any([signal, limit]),
      });
      return {
        status: answer.statusCode,
        headers: headersOf(answer.headers),
        body: await read(answer.body, wish),
      };
    } catch (error) {
      return { error: limit.aborted ? "no answer in time" : reason(error) };
    }
  }

  /** At the end of the process, or of a test. */
  async close(): Promise<void> {
    const all = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(all.map((agent) => agent.destroy()));
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

type Undici = typeof import("undici");

function makeAgent({ Agent, ProxyAgent }: Undici, wish: HttpWish): Dispatcher {
  const { tls, proxy, unixPath, sourceIp, connectTimeoutMs } = wish;
  const secure = {
    rejectUnauthorized: tls.verifyPeer,
    ...(tls.ca.length > 0 || !tls.defaultCa
      ? { ca: [...(tls.defaultCa ? rootCertificates : []), ...tls.ca] }
      : {}),
    ...(tls.verifyHost ? {} : { checkServerIdentity: () => undefined }),
    ...tls.certificate,
  };
  if (proxy !== null) return new ProxyAgent({ uri: proxyUrl(proxy), requestTls: secure });
  return new Agent({
    connect: {
      ...secure,
      timeout: connectTimeoutMs,
      ...(unixPath === null ? {} : { socketPath: unixPath }),
      ...(sourceIp === null ? {} : { localAddress: sourceIp }),
    },
  });
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

function reason(error: unknown): string {
  const { cause } = error as { cause?: unknown };
  return describe(cause instanceof Error ? cause : error);
}
