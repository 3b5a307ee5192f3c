/**
 * Live and sampled traces of sessions as routes (contract/trace-api.ts). The live one is a stream that lasts until a
 * bound of its query or the caller's end; what is written to a caller who does not read is bounded by the watch.
 */
import type { ServerResponse } from "node:http";
import type { FastifyInstance } from "fastify";

import { type MessageTraces, type SessionTraceView, TraceQuery } from "#contract/trace-api.ts";

import type { TraceReader, Watch } from "../trace/watch.ts";
import { badRequest } from "./shape.ts";

/** What the routes ask of the engine. */
export interface TraceDoor {
  /** Null: too many look already. */
  watch(query: TraceQuery, reader: TraceReader): Watch | null;
  samplesOf(messageId: string): SessionTraceView[];
}

export function addTraceRoutes(server: FastifyInstance, door: TraceDoor): void {
  server.get("/v1/trace", (request, reply) => {
    const parsed = TraceQuery.safeParse(request.query);
    if (!parsed.success) return badRequest(reply, parsed.error);
    const watch = door.watch(parsed.data, readerOf(reply.raw));
    if (watch === null) {
      const message = "too many traces are read already; end one of them";
      return reply.code(409).send({ code: "too-many-traces", message });
    }
    reply.hijack();
    reply.raw.once("close", () => watch.leave());
    begin(reply.raw);
    return reply;
  });
  server.get<{ Params: { id: string } }>(
    "/v1/messages/:id/traces",
    async ({ params }): Promise<MessageTraces> => ({ traces: door.samplesOf(params.id) }),
  );
}

function readerOf(response: ServerResponse): TraceReader {
  return {
    get pendingBytes() {
      return response.writableLength;
    },
    write(text) {
      begin(response);
      response.write(text);
    },
    end: () => void response.end(),
    destroy: () => void response.destroy(),
  };
}

/** Sessions that are open already may be told before the route has returned. */
function begin(response: ServerResponse): void {
  if (response.headersSent) return;
  response.writeHead(200, { "content-type": "application/x-ndjson", "cache-control": "no-store" });
  response.flushHeaders();
}
