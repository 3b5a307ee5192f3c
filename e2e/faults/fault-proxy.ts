/**
 * Stands between the operator and an API server and does to each request what a schedule says: late, lost, doubled,
 * refused, stale, cut. It speaks TLS to both sides with keys of its own (HTTP/1.1 and HTTP/2 to the client) and shows the
 * API server the client certificate of the kubeconfig that it was given, acting as `actAs` where that is named.
 *
 * Nothing is hidden from whoever reads results: `writes` counts what the server was sent, `onKill` is called when a write
 * that is to be the client's last has been done. What the API server itself answers is passed on as it is.
 */
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest } from "node:http2";
import { Agent, request as httpsRequest } from "node:https";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { Http2ServerResponse } from "node:http2";
import type { TLSSocket } from "node:tls";
import { setTimeout as wait } from "node:timers/promises";

import { type Access, findAccess } from "#operator/kube/access.ts";

import { type Authority, makeServerKeys } from "./server-keys.ts";
import type { Fault, RequestKind } from "./schedule.ts";
import { passOn } from "./watch-faults.ts";

export interface FaultProxyOptions {
  /** Whose API server, and as whom it is asked. */
  readonly kubeconfig: string;
  readonly actAs: string | null;
  /** Where it listens; reachable by the client. */
  readonly address: string;
  /** Whom the client trusts already; null: it takes `kubeconfig` from here. */
  readonly authority?: Authority | null;
  readonly choose: (kind: RequestKind, path: string) => Fault | null;
  readonly onKill: () => void;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** How many answers of a list are kept to serve old ones from. */
const KEPT = 4;

export class FaultProxy {
  writes = 0;
  readonly #options: FaultProxyOptions;
  readonly #access: Access;
  readonly #agent: Agent;
  readonly #server: Http2SecureServer;
  readonly #ca: string;
  readonly #sockets = new Set<TLSSocket>();
  readonly #lists = new Map<string, Answer[]>();

  private constructor(options: FaultProxyOptions, keys: { cert: string; key: string }, access: Access) {
    this.#options = options;
    this.#access = access;
    this.#ca = keys.cert;
    this.#agent = new Agent({ keepAlive: true });
    this.#server = createSecureServer({ ...keys, allowHTTP1: true }, (request, response) => {
      this.#serve(request, response).catch(() => this.#cut(request));
    });
    this.#server.on("secureConnection", (socket: TLSSocket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket)).on("error", () => undefined);
    });
    this.#server.on("sessionError", () => undefined);
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(
      options,
      await makeServerKeys(options.address, options.authority ?? null),
      findAccess(options.kubeconfig),
    );
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(0, options.address, resolve);
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** For the client: this proxy as its API server. The proxy asks it for nothing but the right address. */
  get kubeconfig(): string {
    const server = `https://${this.#options.address}:${this.port}`;
    const ca = Buffer.from(this.#ca).toString("base64");
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "proxy", cluster: { server, "certificate-authority-data": ca } }],
      users: [{ name: "nobody", user: {} }],
      contexts: [{ name: "proxy", context: { cluster: "proxy", user: "nobody" } }],
      "current-context": "proxy",
    });
  }

  /** Sockets that clients have open. */
  get connections(): number {
    return this.#sockets.size;
  }

  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.cutAll();
    this.#agent.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const kind = kindOf(request.method, request.url);
    const fault = this.#options.choose(kind, request.url);
    if (fault?.kind === "delay") await wait(fault.ms);
    if (fault?.kind === "cut-all") return this.cutAll();
    if (fault?.kind === "lose-request") return this.#cut(request);
    if (fault?.kind === "refuse") return refuse(response, fault.status);
    if (kind === "watch") return this.#watch(request, response, fault);
    const stale = fault?.kind === "stale" ? this.#lists.get(request.url)?.[0] : undefined;
    if (stale !== undefined) return give(response, stale);
    const answer = await this.#ask(request, body);
    if (kind === "write") this.writes++;
    if (kind === "list") this.#keep(request.url, answer);
    if (fault?.kind === "repeat") await this.#ask(request, body);
    if (fault?.kind === "kill") this.#options.onKill();
    if (fault?.kind === "kill" || fault?.kind === "lose-answer") return this.#cut(request);
    give(response, answer);
  }

  #keep(url: string, answer: Answer): void {
    if (answer.status !== 200) return;
    const kept = this.#lists.get(url) ?? [];
    this.#lists.set(url, [...kept, answer].slice(-KEPT));
  }

  async #watch(
    request: Http2ServerRequest,
    response: Http2ServerResponse,
    fault: Fault | null,
  ): Promise<void> {
    const upstream = await this.#send(request, Buffer.alloc(0));
    response.writeHead(upstream.statusCode ?? 502, contentOf(upstream.headers));
    // HTTP/1.1 would hold the head back until the first event.
    (response as { flushHeaders?: () => void }).flushHeaders?.();
    passOn(upstream, response, fault, () => this.#cut(request));
  }

  async #ask(request: Http2ServerRequest, body: Buffer): Promise<Answer> {
    const upstream = await this.#send(request, body);
    const chunks: Buffer[] = [];
    for await (const chunk of upstream) chunks.push(chunk as Buffer);
    return { status: upstream.statusCode ?? 502, headers: upstream.headers, body: Buffer.concat(chunks) };
  }

  async #send(request: Http2ServerRequest, body: Buffer): Promise<IncomingMessage> {
    const { headers, transport } = await this.#access.credentials();
    const tls = transport.type === "agent" ? (transport.connect as object) : {};
    const { actAs } = this.#options;
    const type = request.headers["content-type"];
    return new Promise((resolve, reject) => {
      const call = httpsRequest(new URL(request.url, this.#access.server), {
        ...tls,
        agent: this.#agent,
        method: request.method,
        headers: {
          ...headers,
          accept: "application/json",
          "user-agent": request.headers["user-agent"] ?? "",
          "content-length": body.length,
          ...(type === undefined ? {} : { "content-type": type }),
          ...(actAs === null ? {} : { "impersonate-user": actAs }),
        },
      });
      call.once("response", resolve).once("error", reject).end(body);
      request.once("close", () => {
        if (!request.complete) call.destroy();
      });
    });
  }

  /** The line of this request, and with HTTP/2 that of others on it. */
  #cut(request: Http2ServerRequest): void {
    const { stream } = request as { stream?: { session?: { destroy(): void } } };
    if (stream?.session === undefined) request.socket.destroy();
    else stream.session.destroy();
  }
}

function kindOf(method: string, url: string): RequestKind {
  if (url.includes("/leases")) return "lease";
  if (method !== "GET") return "write";
  const { pathname, searchParams } = new URL(url, "https://server");
  if (searchParams.get("watch") === "true") return "watch";
  return /\/(?:namespaces\/[^/]+\/)?[a-z]+$/.test(pathname) && searchParams.has("limit") ? "list" : "get";
}

function give(response: Http2ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, contentOf(headers));
  response.end(body);
}

/** Without what belongs to one connection only. */
function contentOf(headers: IncomingMessage["headers"]): Record<string, string> {
  const { "content-type": type, "retry-after": retry } = headers;
  return {
    "content-type": type ?? "application/json",
    ...(retry === undefined ? {} : { "retry-after": retry }),
  };
}

const REASONS: Readonly<Record<number, string>> = {
  409: "Conflict",
  410: "Expired",
  429: "TooManyRequests",
  500: "InternalError",
  504: "Timeout",
};

function refuse(response: Http2ServerResponse, code: number): void {
  const message = "a fault of the test";
  const reason = REASONS[code] ?? "InternalError";
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code };
  const headers = { "content-type": "application/json", ...(code === 429 ? { "retry-after": "1" } : {}) };
  response.writeHead(code, headers);
  response.end(JSON.stringify(body));
}
