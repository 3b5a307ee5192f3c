/** What scripts remember as routes (contract/script-state-api.ts). Thin: shapes in, one function, answer out. */
import type { FastifyInstance } from "fastify";

import {
  CacheClear,
  type CachePage,
  CacheQuery,
  RateClear,
  type RatePage,
  RateQuery,
} from "#contract/script-state-api.ts";

import { withShape } from "./shape.ts";

/** What the routes ask of the engine. */
export interface ScriptStateDoor {
  caches(query: CacheQuery): CachePage;
  /** How many were forgotten; so with the other one. */
  clearCaches(order: CacheClear): number;
  rates(query: RateQuery): RatePage;
  clearRates(order: RateClear): number;
}

export function addScriptStateRoutes(server: FastifyInstance, door: ScriptStateDoor): void {
  server.get("/v1/scripts/caches", async ({ query }, reply) =>
    withShape(reply, CacheQuery, query, (wanted) => door.caches(wanted)),
  );
  server.post("/v1/scripts/caches/clear", async ({ body }, reply) =>
    withShape(reply, CacheClear, body ?? {}, (order) => ({ changed: door.clearCaches(order) })),
  );
  server.get("/v1/scripts/rates", async ({ query }, reply) =>
    withShape(reply, RateQuery, query, (wanted) => door.rates(wanted)),
  );
  server.post("/v1/scripts/rates/clear", async ({ body }, reply) =>
    withShape(reply, RateClear, body ?? {}, (order) => ({ changed: door.clearRates(order) })),
  );
}
