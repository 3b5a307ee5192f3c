/** The scheduling part of the admin API as routes (contract/rules-api.ts). Thin: shapes in, one function, answer out. */
import type { FastifyInstance, FastifyReply } from "fastify";
import type { z } from "zod";

import { Failure } from "#base/error.ts";
import {
  type Explanations,
  PolicyAdd,
  type PolicyList,
  QuotaAdd,
  type QuotaList,
  type ReactionList,
  ReactionSet,
  RuleId,
  ShareOrder,
  type ShareState,
  SuspensionAdd,
  type SuspensionList,
} from "#contract/rules-api.ts";

import { badRequest } from "./shape.ts";

/** What the routes ask of the engine. False: there is no such rule, or there are too many already. */
export interface RuleDoor {
  policies(): PolicyList;
  addPolicy(id: string, policy: PolicyAdd): boolean;
  deletePolicy(id: string): boolean;
  suspensions(): SuspensionList;
  suspend(id: string, suspension: SuspensionAdd): boolean;
  unsuspend(id: string): boolean;
  reactions(): ReactionList;
  setReaction(id: string, set: ReactionSet): boolean;
  /** How many rules have ended. */
  clearReaction(id: string): number;
  quotas(): QuotaList;
  addQuota(id: string, quota: QuotaAdd): boolean;
  deleteQuota(id: string): boolean;
  shares(): ShareState;
  /** False: it was told otherwise meanwhile. Rejects with a Failure when it cannot be kept. Nothing has changed then. */
  setShares(order: ShareOrder): Promise<boolean>;
  /** Null for all recipients of the message. */
  explain(messageId: string, recipient: number | null): Explanations;
}

interface ById {
  readonly id: string;
}

export function addRuleRoutes(server: FastifyInstance, door: RuleDoor): void {
  server.get("/v1/policies", async () => door.policies());
  server.get("/v1/suspensions", async () => door.suspensions());
  server.put<{ Params: ById }>("/v1/policies/:id", async ({ params, body }, reply) =>
    put(reply, { id: params.id, body, schema: PolicyAdd }, (id, policy) => door.addPolicy(id, policy)),
  );
  server.put<{ Params: ById }>("/v1/suspensions/:id", async ({ params, body }, reply) =>
    put(reply, { id: params.id, body, schema: SuspensionAdd }, (id, order) => door.suspend(id, order)),
  );
  server.delete<{ Params: ById }>("/v1/policies/:id", async ({ params }, reply) =>
    door.deletePolicy(params.id) ? { changed: 1 } : notFound(reply, "there is no such policy"),
  );
  server.delete<{ Params: ById }>("/v1/suspensions/:id", async ({ params }, reply) =>
    door.unsuspend(params.id) ? { changed: 1 } : notFound(reply, "there is no such suspension"),
  );
  server.get("/v1/quotas", async () => door.quotas());
  server.put<{ Params: ById }>("/v1/quotas/:id", async ({ params, body }, reply) =>
    put(reply, { id: params.id, body, schema: QuotaAdd }, (id, quota) => door.addQuota(id, quota)),
  );
  server.delete<{ Params: ById }>("/v1/quotas/:id", async ({ params }, reply) =>
    door.deleteQuota(params.id) ? { changed: 1 } : notFound(reply, "there is no such quota"),
  );
  addReactionRoutes(server, door);
  server.get("/v1/shares", async () => door.shares());
  server.put("/v1/shares", ({ body }, reply) => putShares(reply, door, body));
  for (const path of ["/v1/queue/:message/explain", "/v1/queue/:message/:recipient/explain"]) {
    server.get<{ Params: { message: string; recipient?: string } }>(path, async ({ params }, reply) => {
      const { message, recipient = null } = params;
      const index = recipient === null ? null : /^\d{1,6}$/.test(recipient) ? Number(recipient) : -1;
      const answer = door.explain(message, index);
      return answer.entries.length > 0 ? answer : notFound(reply, "there is no such recipient in the queue");
    });
  }

  async function putShares(reply: FastifyReply, door: RuleDoor, body: unknown): Promise<unknown> {
    const order = ShareOrder.safeParse(body);
    if (!order.success) return badRequest(reply, order.error);
    try {
      const isTaken = await door.setShares(order.data);
      return await reply.code(isTaken ? 200 : 409).send(door.shares());
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return reply.code(503).send({ code: error.code, message: error.message });
    }
  }
}

function addReactionRoutes(server: FastifyInstance, door: RuleDoor): void {
  server.get("/v1/reactions", async () => door.reactions());
  server.put<{ Params: ById }>("/v1/reactions/:id", async ({ params, body }, reply) => {
    const order = ReactionSet.safeParse(body ?? {});
    if (!order.success) return badRequest(reply, order.error);
    if (door.setReaction(params.id, order.data)) return { changed: 1 };
    return notFound(reply, "there is no such reaction, or a fact that it goes by is missing");
  });
  server.delete<{ Params: ById }>("/v1/reactions/:id", async ({ params }, reply) => {
    const changed = door.clearReaction(params.id);
    return changed > 0 ? { changed } : notFound(reply, "nothing of such a reaction is in force");
  });
}

function put<T extends z.ZodType>(
  reply: FastifyReply,
  request: { readonly id: string; readonly body: unknown; readonly schema: T },
  add: (id: string, value: z.infer<T>) => boolean,
): unknown {
  const id = RuleId.safeParse(request.id);
  const value = request.schema.safeParse(request.body ?? {});
  if (!id.success) return badRequest(reply, id.error);
  if (!value.success) return badRequest(reply, value.error);
  if (add(id.data, value.data)) return { changed: 1 };
  return reply.code(409).send({ code: "too-many-rules", message: "there are too many rules already" });
}

function notFound(reply: FastifyReply, message: string): unknown {
  return reply.code(404).send({ code: "not-found", message });
}
