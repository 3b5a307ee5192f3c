/** Breakpoints as routes (contract/breakpoint-api.ts). Thin: shapes in, one function, answer out. */
import type { FastifyInstance, FastifyReply } from "fastify";

import { Failure } from "#base/error.ts";
import { type BreakpointDetail, BreakpointRequest, type BreakpointView } from "#contract/breakpoint-api.ts";

import { withShape } from "./shape.ts";

/** What the routes ask of the engine. */
export interface BreakpointDoor {
  list(): readonly BreakpointView[];
  detail(id: number): BreakpointDetail | null;
  /** Rejects with a Failure when it cannot be set. */
  put(request: BreakpointRequest): Promise<BreakpointView>;
  /** False when there is none. */
  delete(id: number): boolean;
}

export function addBreakpointRoutes(server: FastifyInstance, door: BreakpointDoor): void {
  server.get("/v1/breakpoints", async () => ({ breakpoints: door.list() }));
  server.post("/v1/breakpoints", async ({ body }, reply) =>
    withShape(reply, BreakpointRequest, body ?? {}, (request) => put(reply, door, request)),
  );
  server.get<{ Params: { id: string } }>("/v1/breakpoints/:id", async ({ params }, reply) => {
    const found = door.detail(Number(params.id));
    if (found !== null) return found;
    return reply.code(404).send({ code: "not-found", message: `there is no breakpoint ${params.id}` });
  });
  server.delete<{ Params: { id: string } }>("/v1/breakpoints/:id", async ({ params }) => ({
    changed: door.delete(Number(params.id)) ? 1 : 0,
  }));
}

async function put(reply: FastifyReply, door: BreakpointDoor, request: BreakpointRequest): Promise<unknown> {
  try {
    return await door.put(request);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { code, message } = error;
    return reply.code(code === "no-statement" ? 422 : 409).send({ code, message });
  }
}
