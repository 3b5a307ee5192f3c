/** Ends a connection so that its last reply arrives. Never fails. */
import type { TLSSocket } from "node:tls";

import type { Clock } from "#base/clock.ts";

import type { ByteSocket } from "../net/byte-socket.ts";

/** How long a client may take to fetch the last reply and close. */
const LINGER_MS = 2000;

/** Sends what is still to be sent and closes; a client that never closes its side is cut, and nothing it sends is read. */
export function closeSoftly(socket: ByteSocket, clock: Clock): void {
  socket.end();
  socket.resume();
  const linger = clock.after(LINGER_MS, () => socket.destroy());
  socket.once("close", () => linger.cancel());
}

/**
 * Closes behind the reply to QUIT (RFC 5321 4.1.1.10): nothing more is to come, so nobody is waited for, not even the client's
 * own end. In TLS, whose end has to be said, and when the reply has not left yet, it is the same as `closeSoftly`.
 */
export function closeBehindQuit(socket: ByteSocket, clock: Clock): void {
  socket.uncork();
  socket.flush?.();
  const isTls = (socket as Partial<TLSSocket>).encrypted === true;
  if (isTls || socket.writableLength > 0) closeSoftly(socket, clock);
  else socket.destroy();
}
