/**
 * The taking side of a hand-over as routes of the admin server (contract/transfer-api.ts). A failure answers with
 * its sentence: the giving engine shows it as what it waits for.
 */
import type { FastifyInstance, FastifyReply } from "fastify";

import { Failure } from "#base/error.ts";
import { BatchQuery, type TransferAnswer, TransferQuestion, maxBatchBytes } from "#contract/transfer-api.ts";

/** What the routes ask of the engine; transfer/receiver.ts implements it. */
export interface TransferDoor {
  receive(batch: string, bytes: Buffer): Promise<TransferAnswer>;
  taken(question: TransferQuestion): Promise<TransferAnswer>;
  forgotten(question: TransferQuestion): TransferAnswer;
}

export function addTransferRoutes(server: FastifyInstance, door: TransferDoor): void {
  server.addContentTypeParser(
    "application/octet-stream",
    { parseAs: "buffer", bodyLimit: maxBatchBytes },
    (_request, body, done) => done(null, body),
  );
  server.post("/v1/transfer/messages", { bodyLimit: maxBatchBytes }, (request, reply) =>
    answer(reply, async () => {
      const { batch } = BatchQuery.parse(request.query);
      if (!Buffer.isBuffer(request.body)) throw wrongShape("the body is not application/octet-stream");
      return door.receive(batch, request.body);
    }),
  );
  server.post("/v1/transfer/taken", (request, reply) =>
    answer(reply, async () => door.taken(TransferQuestion.parse(request.body))),
  );
  server.post("/v1/transfer/forgotten", (request, reply) =>
    answer(reply, async () => door.forgotten(TransferQuestion.parse(request.body))),
  );
}

async function answer(reply: FastifyReply, handle: () => Promise<TransferAnswer>): Promise<unknown> {
  try {
    return await handle();
  } catch (error) {
    if (error instanceof Failure) {
      return reply.code(error.transient ? 503 : 400).send({ code: error.code, message: error.message });
    }
    if ((error as Error).name === "$ZodError" || (error as Error).name === "ZodError") {
      return reply.code(400).send({ code: "bad-request", message: "the request has another shape" });
    }
    throw error;
  }
}

function wrongShape(message: string): Failure {
  return new Failure("bad-request", message, { transient: false });
}
