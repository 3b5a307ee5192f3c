/**
 * The admin API: contract/admin-api.ts over HTTP. Thin: a request is checked by its schema, one function of
 * the engine is called, its answer goes back. Every path needs the bearer token, compared in constant time, or
 * a client certificate of the configured authority.
 */
import type { TLSSocket } from "node:tls";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { Failure } from "#base/error.ts";
import { type HttpServerOptions, makeHttpServer } from "#base/http-server.ts";
import { isSameSecret } from "#base/secret.ts";
import {
  type ConfigResult,
  ConfigPush,
  DrainRequest,
  type EngineStatus,
  type Problem,
  type QueueChange,
  type QueuePage,
  QueueQuery,
  QueueSelector,
  SpreadRequest,
} from "#contract/admin-api.ts";

import { type BreakpointDoor, addBreakpointRoutes } from "./breakpoint-routes.ts";
import { type InsightDoor, addInsightRoutes } from "./insight-routes.ts";
import { type PluginDoor, addPluginRoutes } from "./plugin-routes.ts";
import { type RuleDoor, addRuleRoutes } from "./rule-routes.ts";
import { withShape } from "./shape.ts";
import { type SuppressionDoors, addSuppressionRoutes } from "./suppression-routes.ts";
import { type ScriptStateDoor, addScriptStateRoutes } from "./script-state-routes.ts";
import { type StageDoor, addStageRoutes } from "./stage-routes.ts";
import { type SpamhausDoor, addSpamhausRoutes } from "./spamhaus-routes.ts";
import { type TlsReportDoor, addTlsReportRoutes } from "./tls-report-routes.ts";
import { type TraceDoor, addTraceRoutes } from "./trace-routes.ts";
import { type TransferDoor, addTransferRoutes } from "./transfer-routes.ts";

export type ConfigAnswer =
  | ({ readonly ok: true } & ConfigResult)
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What the admin API asks of the engine. `mta.ts` implements it. */
export interface Administration {
  status(): EngineStatus;
  pushConfig(push: ConfigPush): Promise<ConfigAnswer>;
  reloadConfig(): Promise<ConfigAnswer>;
  /** Rejects with a Failure when peers cannot be reached for lack of keys; nothing has changed then. */
  drain(request: DrainRequest): Promise<EngineStatus>;
  /** As drain; rejects with `engine-leaving` unless the engine serves. */
  spread(request: SpreadRequest): Promise<EngineStatus>;
  queue(query: QueueQuery): QueuePage;
  changeQueue(action: "retry" | "hold" | "release" | "bounce", selector: QueueSelector): QueueChange;
}

/** What stands behind the doors; one that is left out has no routes. */
export interface AdminRooms {
  readonly administration: Administration;
  readonly transfer: TransferDoor;
  readonly rules: RuleDoor;
  readonly spamhaus: SpamhausDoor;
  readonly insight: InsightDoor;
  readonly plugins: PluginDoor;
  readonly tlsReports: TlsReportDoor;
  readonly traces: TraceDoor;
  readonly scripts?: ScriptStateDoor;
  readonly breakpoints?: BreakpointDoor;
  readonly stage?: StageDoor;
  readonly suppression?: SuppressionDoors;
}

export interface AdminServerOptions extends AdminRooms {
  /** Asked at each call, since it may be renewed. Null: only client certificates open the door. */
  readonly token: () => string | null;
  readonly tls?: NonNullable<HttpServerOptions["tls"]>;
}

export function makeAdminServer(options: AdminServerOptions): FastifyInstance {
  const { administration } = options;
  // A push carries whole configuration files.
  const server = makeHttpServer({
    maxBodyBytes: 4 * 1024 * 1024,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
  });
  server.addHook("onRequest", async (request, reply) => {
    if (!isAllowed(request, options.token())) {
      await reply
        .code(401)
        .header("www-authenticate", "Bearer")
        .send({ code: "unauthorized", message: "a valid bearer token is needed" });
    }
  });
  server.get("/v1/status", async () => administration.status());
  server.get("/v1/queue", async (request, reply) =>
    withShape(reply, QueueQuery, request.query, (query) => administration.queue(query)),
  );
  server.put("/v1/config", async (request, reply) =>
    withShape(reply, ConfigPush, request.body, async (push) =>
      answerConfig(reply, await administration.pushConfig(push)),
    ),
  );
  server.post("/v1/config/reload", async (_request, reply) =>
    answerConfig(reply, await administration.reloadConfig()),
  );
  addDrainOrders(server, administration);
  addTransferRoutes(server, options.transfer);
  addRuleRoutes(server, options.rules);
  addSpamhausRoutes(server, options.spamhaus);
  addInsightRoutes(server, options.insight);
  addPluginRoutes(server, options.plugins);
  addTlsReportRoutes(server, options.tlsReports);
  addTraceRoutes(server, options.traces);
  if (options.suppression !== undefined) addSuppressionRoutes(server, options.suppression);
  if (options.scripts !== undefined) addScriptStateRoutes(server, options.scripts);
  if (options.breakpoints !== undefined) addBreakpointRoutes(server, options.breakpoints);
  if (options.stage !== undefined) addStageRoutes(server, options.stage);
  addQueueOrders(server, administration);
  return server;
}

function addDrainOrders(server: FastifyInstance, administration: Administration): void {
  server.post("/v1/drain", async (request, reply) =>
    withShape(reply, DrainRequest, request.body, (body) => obey(reply, () => administration.drain(body))),
  );
  server.post("/v1/spread", async (request, reply) =>
    withShape(reply, SpreadRequest, request.body, (body) => obey(reply, () => administration.spread(body))),
  );
}

function addQueueOrders(server: FastifyInstance, administration: Administration): void {
  for (const action of ["retry", "hold", "release", "bounce"] as const) {
    server.post(`/v1/queue/${action}`, async (request, reply) =>
      withShape(reply, QueueSelector, request.body, (selector) =>
        administration.changeQueue(action, selector),
      ),
    );
  }
}

async function obey(reply: FastifyReply, order: () => Promise<EngineStatus>): Promise<unknown> {
  try {
    return await order();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return reply.code(409).send({ code: error.code, message: error.message });
  }
}

function answerConfig(reply: FastifyReply, answer: ConfigAnswer): unknown {
  if (answer.ok) return { revision: answer.revision };
  const message = "the configuration has problems; the one before stays in force";
  return reply.code(422).send({ code: "config-invalid", message, problems: answer.problems });
}

function isAllowed(request: FastifyRequest, token: string | null): boolean {
  if ((request.raw.socket as Partial<TLSSocket>).authorized === true) return true;
  const match = /^Bearer (.+)$/.exec(request.headers.authorization ?? "");
  if (token === null || match?.[1] === undefined) return false;
  return isSameSecret(match[1], token);
}
