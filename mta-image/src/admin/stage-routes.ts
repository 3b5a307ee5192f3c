/** The stage as routes (contract/stage-api.ts). Thin: shapes in, one function, answer out. */
import type { FastifyInstance } from "fastify";

import type { Problem } from "#contract/admin-api.ts";
import { StageRequest, type StageState } from "#contract/stage-api.ts";

export interface StageDoor {
  /** Null when there is none. */
  state(): StageState | null;
  /** Takes the place of one that is there; problems leave everything as it was. */
  put(request: StageRequest): Promise<readonly Problem[]>;
  /** False when there was none. */
  end(): boolean;
}

export function addStageRoutes(server: FastifyInstance, door: StageDoor): void {
  server.get("/v1/stage", async () => ({ stage: door.state() }));
  server.put("/v1/stage", async ({ body }, reply) => {
    const request = StageRequest.safeParse(body);
    if (!request.success) {
      const [issue] = request.error.issues;
      const message = `${issue?.path.join(".")}: ${issue?.message}`;
      return reply.code(400).send({ code: "bad-request", message });
    }
    const problems = await door.put(request.data);
    if (problems.length === 0) return { stage: door.state() };
    return reply.code(422).send({ code: "config-invalid", message: "the stage was refused", problems });
  });
  server.delete("/v1/stage", async () => ({ changed: door.end() ? 1 : 0 }));
}
