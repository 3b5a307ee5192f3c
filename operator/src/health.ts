/**
 * What the kubelet and Prometheus ask: /healthz (the loop turns), /readyz (the caches are filled; a standby is ready too),
 * /metrics. Start rejects with a Failure `listen-failed`.
 */
import type { Registry } from "prom-client";

import { listenHttp, makeHttpServer } from "#base/http-server.ts";

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function startHealthServer(options: {
  readonly port: number;
  readonly registry: Registry;
  /** Null when ready, else what is missing. */
  readonly notReadyBecause: () => string | null;
}): Promise<HealthServer> {
  const server = makeHttpServer();
  server.get("/healthz", async () => ({ ok: true }));
  server.get("/readyz", async (_request, reply) => {
    const missing = options.notReadyBecause();
    return missing === null ? { ok: true } : reply.code(503).send({ code: "not-ready", message: missing });
  });
  server.get("/metrics", async (_request, reply) =>
    reply.header("content-type", options.registry.contentType).send(await options.registry.metrics()),
  );
  const port = await listenHttp(server, { host: "::", port: options.port });
  return { port, close: () => server.close() };
}
