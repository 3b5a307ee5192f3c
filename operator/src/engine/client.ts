/**
 * Engines over HTTPS: the pod's address, the cluster's own authority, a fixed name in the certificate, a bearer token.
 * An answer is bounded in time and size and checked by the shared schemas before anybody sees it. Sockets are kept for
 * each authority and thrown away when it changes; a pod that leaves costs one idle socket for a minute.
 */
import { isIPv6 } from "node:net";

import { Agent, type Dispatcher } from "undici";
import type { z } from "zod";

import type { Clock } from "#base/clock.ts";
import { describe, Failure } from "#base/error.ts";
import { parseJson } from "#base/json.ts";
import {
  ApiError,
  ConfigResult,
  type ConfigPush,
  type DrainOrder,
  EngineStatus,
  type SpreadRequest,
} from "#contract/admin-api.ts";
import { type ShareOrder, Shares, ShareState } from "#contract/rules-api.ts";
import { type ProbeOrder, ProbeResult } from "#contract/spamhaus-api.ts";
import { SharingState, type SourcesOrder } from "#contract/suppression-sharing.ts";
import { ports } from "#contract/runtime.ts";

import type { EngineAddress, Engines, PushOutcome, ShareAnswer } from "./engines.ts";

/** An engine answers from memory; what takes longer is stuck, and a stuck one is unknown. */
const DEADLINE_MS = 5000;
/** The engine asks name servers before it answers, for spamhaus.timeoutSeconds at most. */
const PROBE_DEADLINE_MS = 65_000;
const ANSWER_LIMIT_BYTES = 1024 * 1024;
/** Authorities in use at once; beyond it the one not used for longest loses its sockets. */
const MAX_AGENTS = 4000;

export interface EngineClientOptions {
  readonly clock: Clock;
  /** The admin port of the pods; another one only in tests. */
  readonly port?: number;
  readonly deadlineMs?: number;
}

interface Request {
  readonly method: "GET" | "PUT" | "POST";
  readonly path: string;
  readonly body?: unknown;
}

interface Answer {
  readonly status: number;
  readonly json: unknown;
}

export class EngineClient implements Engines {
  readonly #options: EngineClientOptions;
  readonly #agents = new Map<string, Agent>();

  constructor(options: EngineClientOptions) {
    this.#options = options;
  }

  async status(address: EngineAddress): Promise<EngineStatus> {
    const answer = await this.#call(address, { method: "GET", path: "/v1/status" });
    return accept(EngineStatus, address, answer);
  }

  async push(address: EngineAddress, push: ConfigPush): Promise<PushOutcome> {
    const answer = await this.#call(address, { method: "PUT", path: "/v1/config", body: push });
    if (answer.status === 422 || answer.status === 400) {
      const said = ApiError.safeParse(answer.json);
      const fallback = { file: "", path: "", reason: said.data?.message ?? "refused without a reason" };
      return { kind: "refused", problems: said.data?.problems ?? [fallback] };
    }
    return { kind: "taken", revision: accept(ConfigResult, address, answer).revision };
  }

  async drain(address: EngineAddress, order: DrainOrder): Promise<EngineStatus> {
    const answer = await this.#call(address, { method: "POST", path: "/v1/drain", body: order });
    return accept(EngineStatus, address, answer);
  }

  async spread(address: EngineAddress, order: SpreadRequest): Promise<EngineStatus | null> {
    const answer = await this.#call(address, { method: "POST", path: "/v1/spread", body: order });
    return answer.status === 404 || answer.status === 409 ? null : accept(EngineStatus, address, answer);
  }

  async share(address: EngineAddress, order: ShareOrder): Promise<ShareAnswer> {
    const answer = await this.#call(address, { method: "PUT", path: "/v1/shares", body: order });
    if (answer.status === 404) return "unknown";
    if (answer.status === 409) return null;
    if (order.after !== undefined) return accept(ShareState, address, answer);
    accept(Shares, address, answer);
    return "taken";
  }

  async follow(address: EngineAddress, order: SourcesOrder): Promise<SharingState | null> {
    const answer = await this.#call(address, {
      method: "PUT",
      path: "/v1/suppressions/sources",
      body: order,
    });
    return answer.status === 404 || answer.status === 409 ? null : accept(SharingState, address, answer);
  }

  async probe(address: EngineAddress, order: ProbeOrder): Promise<ProbeResult | null> {
    const request = { method: "POST", path: "/v1/spamhaus/probe", body: order } as const;
    const answer = await this.#call(address, request, PROBE_DEADLINE_MS);
    return answer.status === 404 ? null : accept(ProbeResult, address, answer);
  }

  async close(): Promise<void> {
    const agents = [...this.#agents.values()];
    this.#agents.clear();
    await Promise.all(agents.map((agent) => agent.destroy()));
  }

  async #call(
    address: EngineAddress,
    request: Request,
    deadlineMs = this.#options.deadlineMs ?? DEADLINE_MS,
  ): Promise<Answer> {
    const stop = new AbortController();
    const late = new Error(`no answer within ${deadlineMs} ms`);
    const timer = this.#options.clock.after(deadlineMs, () => stop.abort(late));
    try {
      const response = await this.#send(address, request, stop.signal);
      const json = parse(address, await collect(address, response.body));
      if (response.statusCode === 401) {
        throw new Failure("engine-denied", `engine ${address.ip} does not accept our token`);
      }
      return { status: response.statusCode, json };
    } catch (error) {
      if (error instanceof Failure) throw error;
      const reason = `engine ${address.ip}: ${describe(error)}`;
      throw new Failure("engine-unreachable", reason, { cause: error });
    } finally {
      timer.cancel();
    }
  }

  #send(address: EngineAddress, request: Request, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const host = isIPv6(address.ip) ? `[${address.ip}]` : address.ip;
    const body = request.body === undefined ? null : JSON.stringify(request.body);
    return this.#agentOf(address).request({
      origin: `https://${host}:${this.#options.port ?? ports.admin}`,
      path: request.path,
      method: request.method,
      headers: {
        authorization: `Bearer ${address.token}`,
        ...(body === null ? {} : { "content-type": "application/json" }),
      },
      body,
      signal,
    });
  }

  #agentOf(address: EngineAddress): Agent {
    const id = `${address.serverName}\n${address.caCertificates}`;
    const known = this.#agents.get(id);
    if (known !== undefined) {
      this.#agents.delete(id);
      this.#agents.set(id, known);
      return known;
    }
    const agent = new Agent({
      connections: 1,
      allowH2: false,
      keepAliveTimeout: 30_000,
      connect: { ca: address.caCertificates, servername: address.serverName, timeout: DEADLINE_MS },
    });
    this.#agents.set(id, agent);
    const [oldest] = this.#agents;
    if (this.#agents.size > MAX_AGENTS && oldest !== undefined) {
      this.#agents.delete(oldest[0]);
      void oldest[1].close();
    }
    return agent;
  }
}

async function collect(address: EngineAddress, body: Dispatcher.ResponseData["body"]): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ANSWER_LIMIT_BYTES)
      throw broken(address, `an answer of more than ${ANSWER_LIMIT_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size).toString("utf8");
}

function parse(address: EngineAddress, text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    throw broken(address, "something that is not JSON");
  }
}

function accept<T extends z.ZodType>(schema: T, address: EngineAddress, answer: Answer): z.output<T> {
  if (answer.status !== 200) throw broken(address, `status ${answer.status}`);
  const parsed = schema.safeParse(answer.json);
  if (parsed.success) return parsed.data;
  throw broken(address, `an answer of another shape (${parsed.error.issues[0]?.path.join(".") ?? ""})`);
}

function broken(address: EngineAddress, sent: string): Failure {
  return new Failure("engine-broken", `engine ${address.ip} sent ${sent}`);
}
