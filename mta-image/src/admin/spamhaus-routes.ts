/**
 * The Spamhaus part of the admin API (contract/spamhaus-api.ts): trying a key and lists out before they are used.
 * Name servers that are none answer with 400.
 */
import type { FastifyInstance } from "fastify";

import { describe } from "#base/error.ts";
import { ProbeRequest, type ProbeResult } from "#contract/spamhaus-api.ts";

import { badRequest } from "./shape.ts";

/** What the route asks of the engine; spamhaus/spamhaus.ts implements it. */
export interface SpamhausDoor {
  probe(request: ProbeRequest): Promise<ProbeResult>;
}

export function addSpamhausRoutes(server: FastifyInstance, door: SpamhausDoor): void {
  server.post("/v1/spamhaus/probe", async ({ body }, reply) => {
    const request = ProbeRequest.safeParse(body);
    if (!request.success) return badRequest(reply, request.error);
    return door
      .probe(request.data)
      .catch((error: unknown) => reply.code(400).send({ code: "bad-request", message: describe(error) }));
  });
}
