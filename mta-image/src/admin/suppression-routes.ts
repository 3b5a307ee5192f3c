/** The suppression list as routes (contract/suppression-api.ts). Thin: shapes in, one function, answer out. */
import type { FastifyInstance, FastifyReply } from "fastify";

import { Failure } from "#base/error.ts";
import {
  SuppressionAdd,
  SuppressionDelete,
  type SuppressionPage,
  SuppressionQuery,
} from "#contract/suppression-api.ts";
import {
  type Changes,
  ChangesQuery,
  type SharingState,
  SourcesOrder,
} from "#contract/suppression-sharing.ts";

import { withShape } from "./shape.ts";

/** What the routes ask of the engine. Each throws a Failure, or rejects with it, when the list is off, full or broken. */
export interface SuppressionDoor {
  page(query: SuppressionQuery): SuppressionPage;
  add(order: SuppressionAdd): Promise<number>;
  delete(order: SuppressionDelete): Promise<number>;
}

/** How lists of a cluster become one; suppression/sharing.ts and suppression-list.ts. */
export interface SharingDoor {
  follow(order: SourcesOrder): SharingState;
  changes(query: ChangesQuery): Changes;
}

export interface SuppressionDoors {
  readonly suppression: SuppressionDoor;
  readonly sharing: SharingDoor;
}

export function addSuppressionRoutes(server: FastifyInstance, doors: SuppressionDoors): void {
  addSharingRoutes(server, doors.sharing);
  const door = doors.suppression;
  server.get("/v1/suppressions", async ({ query }, reply) =>
    withShape(reply, SuppressionQuery, query, (wanted) => answer(reply, () => door.page(wanted))),
  );
  server.post("/v1/suppressions", async ({ body }, reply) =>
    withShape(reply, SuppressionAdd, body ?? {}, (order) =>
      answer(reply, async () => ({ changed: await door.add(order) })),
    ),
  );
  server.post("/v1/suppressions/delete", async ({ body }, reply) =>
    withShape(reply, SuppressionDelete, body ?? {}, (order) =>
      answer(reply, async () => ({ changed: await door.delete(order) })),
    ),
  );
}

function addSharingRoutes(server: FastifyInstance, door: SharingDoor): void {
  server.put("/v1/suppressions/sources", async ({ body }, reply) =>
    withShape(reply, SourcesOrder, body ?? {}, (order) => answer(reply, () => door.follow(order))),
  );
  server.get("/v1/suppressions/changes", async ({ query }, reply) =>
    withShape(reply, ChangesQuery, query, (asked) => answer(reply, () => door.changes(asked))),
  );
}

async function answer(reply: FastifyReply, handle: () => unknown): Promise<unknown> {
  try {
    return await handle();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return reply.code(409).send({ code: error.code, message: error.message });
  }
}
