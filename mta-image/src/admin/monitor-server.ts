/**
 * Health and figures for whoever runs the engine, without a password and without details:
 * /metrics (Prometheus), /ready (200 while new mail is welcome), /healthy (200 while the process does its job;
 * 503 with a closed spool, so that a restart recovers it).
 */
import type { FastifyInstance } from "fastify";

import { makeHttpServer } from "#base/http-server.ts";

export interface Health {
  readonly isReady: () => boolean;
  readonly isHealthy: () => boolean;
  readonly metrics: () => Promise<string>;
}

export function makeMonitorServer(health: Health): FastifyInstance {
  const server = makeHttpServer();
  server.get("/metrics", async (_request, reply) => {
    return reply.type("text/plain; version=0.0.4; charset=utf-8").send(await health.metrics());
  });
  server.get("/ready", async (_request, reply) => answer(reply, health.isReady()));
  server.get("/healthy", async (_request, reply) => answer(reply, health.isHealthy()));
  return server;
}

function answer(reply: { code(status: number): { send(text: string): unknown } }, isWell: boolean): unknown {
  return reply.code(isWell ? 200 : 503).send(isWell ? "ok\n" : "no\n");
}
