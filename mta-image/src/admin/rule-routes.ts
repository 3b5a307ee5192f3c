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
  RuleId,
  Shares,
  SuspensionAdd,
  type SuspensionList,
} from "#contract/rules-api.ts";

/** What the routes ask of the engine. False: there is no such rule, or there are too many already. */
export interface RuleDoor {
  policies(): PolicyList;
  addPolicy(id: string, policy: PolicyAdd): boolean;
  deletePolicy(id: string): boolean;
  suspensions(): SuspensionList;
  suspend(id: string, suspension: SuspensionAdd): boolean;
  unsuspend(id: string): boolean;
  quotas(): QuotaList;
  addQuota(id: string, quota: QuotaAdd): boolean;
  deleteQuota(id: string): boolean;
  shares(): Shares;
  /** Rejects with a Failure when it cannot be kept; nothing has changed then. */
  setShares(shares: Shares): Promise<Shares>;
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
  server.get("/v1/shares", async () => door.shares());
  server.put("/v1/shares", async ({ body }, reply) => {
    const shares = Shares.safeParse(body);
    if (!shares.success) return badRequest(reply, shares.error);
    try {
      return await door.setShares(shares.data);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return reply.code(503).send({ code: error.code, message: error.message });
    }
  });
  for (const path of ["/v1/queue/:message/explain", "/v1/queue/:message/:recipient/explain"]) {
    server.get<{ Params: { message: string; recipient?: string } }>(path, async ({ params }, reply) => {
      const { message, recipient = null } = params;
      const index = recipient === null ? null : /^\d{1,6}$/.test(recipient) ? Number(recipient) : -1;
      const answer = door.explain(message, index);
      return answer.entries.length > 0 ? answer : notFound(reply, "there is no such recipient in the queue");
    });
  }
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

function badRequest(reply: FastifyReply, error: z.ZodError): unknown {
  const message = error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  return reply.code(400).send({ code: "bad-request", message });
}

function notFound(reply: FastifyReply, message: string): unknown {
  return reply.code(404).send({ code: "not-found", message });
}
