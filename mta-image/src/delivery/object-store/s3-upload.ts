/**
 * The body of a request on its way out. What is large waits for the store's "go on" (RFC 9110, 10.1.1) and then goes by
 * pieces, each after a look at what came in: an answer that comes early ends the upload. Some stores say "go on" to
 * all, read on for a while or until nothing comes for a second, then refuse and close the line; a write into it breaks
 * the line before that refusal is read. So a second try sends a first piece and listens before it sends the rest.
 */
import type { ClientRequest } from "node:http";

import type { Clock } from "#base/clock.ts";

/** What fits into the buffers of a line is sent at once. */
const LARGE_BYTES = 65_536;
const PIECE_BYTES = 131_072;
const FIRST_BYTES = 16_384;
/** Some stores never say "go on". */
const LONGEST_WAIT_MS = 1000;
const LISTEN_MS = 3000;

export interface SendOptions {
  readonly clock: Clock;
  readonly isSecondTry: boolean;
}

/** Headers for the body. */
export function bodyHeaders(body: Buffer): Record<string, string> {
  const length = { "content-length": String(body.length) };
  return body.length > LARGE_BYTES ? { ...length, expect: "100-continue" } : length;
}

export function sendBody(request: ClientRequest, body: Buffer, options: SendOptions): void {
  if (body.length <= LARGE_BYTES) return void request.end(body);
  let isBegun = false;
  const begin = (): void => {
    if (!isBegun) sendPieces(request, body, options);
    isBegun = true;
  };
  request.once("socket", () => {
    const timer = options.clock.after(LONGEST_WAIT_MS, begin);
    request.once("close", () => timer.cancel());
  });
  request.once("continue", () => setImmediate(begin));
  request.once("response", () => (isBegun = true));
  request.flushHeaders();
}

function sendPieces(request: ClientRequest, body: Buffer, { clock, isSecondTry }: SendOptions): void {
  let at = 0;
  let isAnswered = false;
  request.once("response", () => (isAnswered = true));
  const next = (): void => {
    if (isAnswered || request.destroyed) return;
    if (at >= body.length) return void request.end();
    const isCareful = isSecondTry && at === 0;
    const piece = body.subarray(at, at + (isCareful ? FIRST_BYTES : PIECE_BYTES));
    at += piece.length;
    request.write(piece, () => (isCareful ? void clock.after(LISTEN_MS, next) : setImmediate(next)));
  };
  next();
}
