/**
 * To be called by whoever hears a socket's bytes, for each chunk. Node asks a socket for more behind every chunk, in a turn of
 * its own queue that costs several times as much as the asking; it leaves that out when somebody has asked already. Changes
 * nothing else: a socket that is paused stays so. Never fails.
 */
import type { ByteSocket } from "./byte-socket.ts";

export function readOn(socket: ByteSocket): void {
  socket.read(0);
}
