/** The suppression list as routes (contract/suppression-api.ts). Thin: shapes in, one function, answer out. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { z } from "zod";

import { Failure } from "#base/error.ts";
import {
  SuppressionAdd,
  SuppressionDelete,
  type SuppressionPage,
  SuppressionQuery,
} from "#contract/suppression-api.ts";

/** What the routes ask of the engine. Each throws a Failure when the list is off, full or broken. */
export interface SuppressionDoor {
  page(query: SuppressionQuery): SuppressionPage;
  add(order: SuppressionAdd): number;
  delete(order: SuppressionDelete): number;
}

export function addSuppressionRoutes(server: FastifyInstance, door: SuppressionDoor): void {
  server.get("/v1/suppressions", async ({ query }, reply) =>
    answer(reply, SuppressionQuery, query, (wanted) => door.page(wanted)),
  );
  server.post("/v1/suppressions", async ({ body }, reply) =>
    answer(reply, SuppressionAdd, body, (order) => ({ changed: door.add(order) })),
  );
  server.post("/v1/suppressions/delete", async ({ body }, reply) =>
    answer(reply, SuppressionDelete, body, (order) => ({ changed: door.delete(order) })),
  );
}

function answer<T extends z.ZodType>(
  reply: FastifyReply,
  schema: T,
  input: unknown,
  handle: (value: z.infer<T>) => unknown,
): unknown {
  const parsed = schema.safeParse(input ?? {});
  if (!parsed.success) {
    const message = parsed.error.issues
      .map((issue) => `${issue.path.join(".")}: ${issue.message}`)
      .join("; ");
    return reply.code(400).send({ code: "bad-request", message });
  }
  try {
    return handle(parsed.data);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return reply.code(409).send({ code: error.code, message: error.message });
  }
}
