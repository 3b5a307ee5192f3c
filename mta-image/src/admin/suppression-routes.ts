/** The suppression list as routes (contract/suppression-api.ts). Thin: shapes in, one function, answer out. */
import type { FastifyInstance, FastifyReply } from "fastify";

import { Failure } from "#base/error.ts";
import {
  SuppressionAdd,
  SuppressionDelete,
  type SuppressionPage,
  SuppressionQuery,
} from "#contract/suppression-api.ts";

import { withShape } from "./shape.ts";

/** What the routes ask of the engine. Each throws a Failure when the list is off, full or broken. */
export interface SuppressionDoor {
  page(query: SuppressionQuery): SuppressionPage;
  add(order: SuppressionAdd): number;
  delete(order: SuppressionDelete): number;
}

export function addSuppressionRoutes(server: FastifyInstance, door: SuppressionDoor): void {
  server.get("/v1/suppressions", async ({ query }, reply) =>
    withShape(reply, SuppressionQuery, query, (wanted) => answer(reply, () => door.page(wanted))),
  );
  server.post("/v1/suppressions", async ({ body }, reply) =>
    withShape(reply, SuppressionAdd, body ?? {}, (order) =>
      answer(reply, () => ({ changed: door.add(order) })),
    ),
  );
  server.post("/v1/suppressions/delete", async ({ body }, reply) =>
    withShape(reply, SuppressionDelete, body ?? {}, (order) =>
      answer(reply, () => ({ changed: door.delete(order) })),
    ),
  );
}

function answer(reply: FastifyReply, handle: () => unknown): unknown {
  try {
    return handle();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return reply.code(409).send({ code: error.code, message: error.message });
  }
}
