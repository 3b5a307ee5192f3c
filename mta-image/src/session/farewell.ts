/** Ends a connection so that its last reply arrives. Never fails. */
import type { Socket } from "node:net";

import type { Clock } from "#base/clock.ts";

/** How long a client may take to fetch the last reply and close. */
const LINGER_MS = 2000;

/** Sends what is still to be sent and closes; a client that never closes its side is cut, and nothing it sends is read. */
export function closeSoftly(socket: Socket, clock: Clock): void {
  socket.end();
  socket.resume();
  const linger = clock.after(LINGER_MS, () => socket.destroy());
  socket.once("close", () => linger.cancel());
}
