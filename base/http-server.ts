/**
 * Fastify set up once for the HTTP faces of both programs: bounded bodies and headers, deadlines, errors as
 * { code, message } without a stack trace. Start rejects with a Failure `listen-failed` naming the address.
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { type FastifyInstance, fastify } from "fastify";

import { Failure, describe } from "./error.ts";

export interface HttpServerOptions {
  /** Of JSON and the like; 64 KiB unless told. */
  readonly maxBodyBytes?: number;
  /** Within which a whole request must have come; 30 s unless told. */
  readonly requestMs?: number;
  /** Closing waits for requests under way, which `closeAllConnections` cuts; unless told they are cut at once. */
  readonly letsRequestsEnd?: boolean;
  /** Networks of proxies whose word on a client's address and protocol counts. */
  readonly trustProxy?: readonly string[];
  /** Paths of PEM files; with clientCa, clients may show a certificate of that authority. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

export function makeHttpServer(options: HttpServerOptions = {}): FastifyInstance {
  const base = {
    bodyLimit: options.maxBodyBytes ?? 64 * 1024,
    requestTimeout: options.requestMs ?? 30_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: options.letsRequestsEnd === true ? ("idle" as const) : true,
    logger: false,
    ...(options.trustProxy === undefined ? {} : { trustProxy: [...options.trustProxy] }),
  };
  const server = (
    options.tls === undefined ? fastify(base) : fastify({ ...base, https: tlsOptions(options.tls) })
  ) as FastifyInstance;
  if (options.letsRequestsEnd === true) hangUpWhenClosing(server);
  server.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ code: "not-found", message: "no such path" }),
  );
  server.setErrorHandler((error: { statusCode?: number; message: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    const message = status < 500 ? error.message : "internal error, see the log";
    return reply.code(status).send({ code: status < 500 ? "bad-request" : "internal", message });
  });
  return server;
}

/** A client would keep its connection for the next request, and closing would wait for that. */
function hangUpWhenClosing(server: FastifyInstance): void {
  let isClosing = false;
  server.addHook("preClose", async () => {
    isClosing = true;
  });
  server.addHook("onSend", async (_request, reply) => {
    if (isClosing) reply.header("connection", "close");
  });
}

/** Resolves with the port in use. `backlog` is how many connections the kernel keeps waiting, its own choice when absent. */
export async function listenHttp(
  server: FastifyInstance,
  address: { host: string; port: number; backlog?: number },
): Promise<number> {
  try {
    await server.listen({ ...address, host: hostFor(address.host, networkInterfaces()) });
  } catch (cause) {
    throw new Failure(
      "listen-failed",
      `cannot listen on ${address.host}:${address.port}: ${describe(cause)}`,
      { cause },
    );
  }
  const bound = server.server.address();
  return typeof bound === "object" && bound !== null ? bound.port : 0;
}

/** "::" stands for all addresses; a kernel without IPv6 refuses to listen on it. */
export function hostFor(host: string, interfaces: ReturnType<typeof networkInterfaces>): string {
  const hasIpv6 = Object.values(interfaces).some((all) => all?.some(({ family }) => family === "IPv6"));
  return host === "::" && !hasIpv6 ? "0.0.0.0" : host;
}

function tlsOptions(tls: { cert: string; key: string; clientCa?: string }): Record<string, unknown> {
  const withCa =
    tls.clientCa === undefined
      ? {}
      : { ca: readFileSync(tls.clientCa), requestCert: true, rejectUnauthorized: false };
  return { cert: readFileSync(tls.cert), key: readFileSync(tls.key), minVersion: "TLSv1.2", ...withCa };
}
