/**
 * Answers to requests that have not come whole, such as 401 and 404. They say `Connection: close`, and what still comes is
 * read and dropped for a while: closed at once, the connection would be reset, and a client that sends on would lose the
 * answer (RFC 9112 9.6). Whoever is not through by then is cut off, so that a request that was refused holds nothing for long.
 */
import type { IncomingMessage } from "node:http";
import { Readable, finished } from "node:stream";
import type { FastifyInstance } from "fastify";

import type { Clock } from "#base/clock.ts";

/** As long as nginx, whose `lingering_time` it is. */
const LINGER_MS = 30_000;

/** To be called before the server listens. Requests that have come whole are answered as ever. */
export function lingerBehindAnswers(server: FastifyInstance, clock: Clock): void {
  server.addHook("onSend", async ({ raw }, reply, payload) => {
    if (typeof payload !== "string" || (await hasCome(raw))) return payload;
    reply.header("connection", "close").header("content-length", Buffer.byteLength(payload));
    return heldBehind(payload, raw, clock);
  });
}

async function hasCome(request: IncomingMessage): Promise<boolean> {
  if (request.complete) return true;
  request.unpipe();
  request.resume();
  // What came with its head is looked at by then.
  await new Promise((resolve) => setImmediate(resolve));
  return request.complete;
}

/** The payload, whose end comes only with that of the request: Node closes the connection behind it. */
function heldBehind(payload: string, request: IncomingMessage, clock: Clock): Readable {
  const answer = new Readable({ read: () => {} });
  answer.push(payload);
  const deadline = clock.after(LINGER_MS, () => request.socket.destroy());
  finished(request, () => {
    deadline.cancel();
    answer.push(null);
  });
  return answer;
}
