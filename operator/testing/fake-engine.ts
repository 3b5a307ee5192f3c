/**
 * A pod's engine for tests: the admin API over HTTPS with the certificate of the cluster's admin Secret, with figures that a
 * test sets. It keeps what it was told (pushes, drains, shares) and can be silent, slow to answer, or say nonsense.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";

import {
  type ConfigPush,
  ConfigPush as ConfigPushSchema,
  DrainRequest,
  type EngineStatus,
  type Problem,
  SpreadRequest,
  stateUnder,
} from "#contract/admin-api.ts";
import { ShareOrder, type Shares } from "#contract/rules-api.ts";
import type { ProbeResult } from "#contract/spamhaus-api.ts";
import { SourcesOrder } from "#contract/suppression-sharing.ts";

export interface FakeEngineOptions {
  readonly host: string;
  /** 0 picks one. */
  readonly port: number;
  readonly cert: string;
  readonly key: string;
  readonly token: string;
  readonly status?: Partial<EngineStatus>;
}

export const settledStatus: EngineStatus = {
  version: "0.0.0-fake",
  startedAt: "2026-01-01T00:00:00.000Z",
  revision: "none",
  state: "Serving",
  ready: true,
  queue: { total: 0, active: 0, deferred: 0, hold: 0, oldestDueSeconds: 0 },
  spoolClosed: null,
  sessions: 0,
  deliveries: 0,
  totals: { accepted: 0, delivered: 0, deferred: 0, failed: 0, unclear: 0 },
  plugins: [],
};

export class FakeEngine {
  readonly pushes: ConfigPush[] = [];
  readonly drains: string[] = [];
  readonly shares: Shares[] = [];
  /** What it was told to spread; null: it is of a version that cannot. */
  spreads: SpreadRequest[] | null = null;
  /** Engines of early versions know no shares. */
  knowsShares = true;
  /** What a key that is tried out answers; null: it can try nothing out. */
  probeResult: ProbeResult | null = null;
  status: EngineStatus;
  /** What a push is refused with; empty: it is taken. */
  problems: readonly Problem[] = [];
  /** "silent" takes requests and never answers. */
  mood: "well" | "silent" | "nonsense" | "huge" = "well";
  readonly #token: string;
  #server: Server | null = null;

  constructor(token: string, status: EngineStatus) {
    this.#token = token;
    this.status = status;
  }

  static async start(options: FakeEngineOptions): Promise<FakeEngine> {
    const engine = new FakeEngine(options.token, { ...settledStatus, ...options.status });
    const server = createServer({ cert: options.cert, key: options.key });
    engine.#server = server;
    server.on("request", (request, response) => engine.serve(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(options.port, options.host, resolve);
    });
    return engine;
  }

  get port(): number {
    const bound = this.#server?.address();
    return typeof bound === "object" && bound !== null ? bound.port : 0;
  }

  /** One request, also of a server that answers for many engines. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.headers.authorization !== `Bearer ${this.#token}`) {
        answer(response, 401, { code: "unauthorized", message: "a valid bearer token is needed" });
        return;
      }
      const body = Buffer.concat(chunks).toString("utf8");
      this.#handle(`${request.method} ${request.url}`, body, response);
    });
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => (this.#server === null ? resolve(null) : this.#server.close(resolve)));
  }

  #handle(what: string, body: string, response: ServerResponse): void {
    if (this.mood === "silent") return;
    if (this.mood === "nonsense") return answer(response, 200, { hello: "world" });
    if (this.mood === "huge") return answer(response, 200, "x".repeat(2 * 1024 * 1024));
    if (what === "GET /v1/status") return answer(response, 200, this.status);
    if (what === "PUT /v1/config") return this.#push(ConfigPushSchema.parse(JSON.parse(body)), response);
    if (what === "PUT /v1/shares" && this.knowsShares)
      return this.#share(ShareOrder.parse(JSON.parse(body)), response);
    if (what === "POST /v1/spamhaus/probe" && this.probeResult !== null)
      return answer(response, 200, this.probeResult);
    if (what === "POST /v1/spread" && this.spreads !== null) {
      this.spreads.push(SpreadRequest.parse(JSON.parse(body)));
      const isWilling = this.status.state === "Serving";
      return answer(response, isWilling ? 200 : 409, isWilling ? this.status : { code: "engine-leaving" });
    }
    if (what === "PUT /v1/suppressions/sources" && this.status.suppression !== undefined)
      return this.#follow(SourcesOrder.parse(JSON.parse(body)), response);
    if (what === "POST /v1/drain") {
      const { mode } = DrainRequest.parse(JSON.parse(body));
      this.drains.push(mode);
      this.status = { ...this.status, state: stateUnder[mode] };
      return answer(response, 200, this.status);
    }
    answer(response, 404, { code: "not-found", message: "no such path" });
  }

  /** Engines whose status tells no share are of an early version: they take every order. */
  #share({ shares, after }: ShareOrder, response: ServerResponse): void {
    const { share } = this.status;
    if (after !== undefined && after !== share?.version) return answer(response, 409, share);
    this.shares.push({ shares });
    if (share === undefined) return answer(response, 200, { shares });
    const next = { shares, version: share.version + 1, held: shares.n / shares.of };
    this.status = { ...this.status, share: next };
    answer(response, 200, next);
  }

  #follow({ peers }: SourcesOrder, response: ServerResponse): void {
    const { suppression = null } = this.status;
    if (suppression === null) return answer(response, 409, { code: "suppression-off" });
    const next = { ...suppression, sources: peers.map(({ name, url }) => `${name} ${url}`) };
    this.status = { ...this.status, suppression: next };
    answer(response, 200, next);
  }

  #push(push: ConfigPush, response: ServerResponse): void {
    this.pushes.push(push);
    if (this.problems.length > 0) {
      const message = "the configuration has problems";
      return answer(response, 422, { code: "config-invalid", message, problems: this.problems });
    }
    this.status = { ...this.status, revision: push.revision };
    answer(response, 200, { revision: push.revision });
  }
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
