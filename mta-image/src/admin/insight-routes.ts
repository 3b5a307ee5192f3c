/** What the web administration asks, as routes (contract/insight-api.ts, warm-up-api.ts). Thin: shapes in, one function, answer out. */
import type { FastifyInstance } from "fastify";

import { Failure } from "#base/error.ts";

import {
  type ConfigView,
  type Deliveries,
  GroupQuery,
  type MessageView,
  type Metrics,
  type OrderResult,
  type QueueGroups,
  QueueOrder,
  QueueSearch,
  type SearchPage,
} from "#contract/insight-api.ts";
import type { WarmUpView } from "#contract/warm-up-api.ts";

import { withShape } from "./shape.ts";

/** What the routes ask of the engine. */
export interface InsightDoor {
  search(query: QueueSearch): SearchPage;
  groups(query: GroupQuery): QueueGroups;
  /** Throws a Failure when the order cannot be carried out at all. */
  order(order: QueueOrder): OrderResult;
  /** Null: no such message is queued and no attempt of it is remembered. */
  message(id: string): Promise<MessageView | null>;
  deliveries(): Deliveries;
  config(): ConfigView;
  metrics(): Promise<Metrics>;
  warmUp(): WarmUpView;
}

export function addInsightRoutes(server: FastifyInstance, door: InsightDoor): void {
  server.post("/v1/queue/search", async ({ body }, reply) =>
    withShape(reply, QueueSearch, body ?? {}, (query) => door.search(query)),
  );
  server.post("/v1/queue/groups", async ({ body }, reply) =>
    withShape(reply, GroupQuery, body ?? {}, (query) => door.groups(query)),
  );
  server.post("/v1/queue/change", async ({ body }, reply) =>
    withShape(reply, QueueOrder, body ?? {}, (order) => {
      try {
        return door.order(order);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return reply.code(409).send({ code: error.code, message: error.message });
      }
    }),
  );
  server.get<{ Params: { id: string } }>("/v1/messages/:id", async ({ params }, reply) => {
    const view = await door.message(params.id);
    return view ?? reply.code(404).send({ code: "not-found", message: "there is no such message" });
  });
  server.get("/v1/deliveries", async () => door.deliveries());
  server.get("/v1/config", async () => door.config());
  server.get("/v1/metrics", () => door.metrics());
  server.get("/v1/warm-up", async () => door.warmUp());
}
