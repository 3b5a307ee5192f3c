/** The plugin part of the admin API as routes (contract/plugins-api.ts). Thin: shapes in, one function, answer out. */
import type { FastifyInstance } from "fastify";

import { Failure } from "#base/error.ts";
import { type PluginAnswer, PluginCommand, type PluginState } from "#contract/plugins-api.ts";

import { badRequest } from "./shape.ts";

/** What the routes ask of the engine. */
export interface PluginDoor {
  states(): readonly PluginState[];
  /** Throws a Failure when there is no such plugin, or it takes no commands. */
  command(id: string, args: readonly string[]): PluginAnswer;
}

export function addPluginRoutes(server: FastifyInstance, door: PluginDoor): void {
  server.get("/v1/plugins", async () => ({ plugins: door.states() }));
  server.post<{ Params: { id: string } }>("/v1/plugins/:id/command", async ({ params, body }, reply) => {
    const command = PluginCommand.safeParse(body ?? {});
    if (!command.success) return badRequest(reply, command.error);
    try {
      return door.command(params.id, command.data.args);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return reply.code(404).send({ code: error.code, message: error.message });
    }
  });
}
