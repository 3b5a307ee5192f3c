/**
 * Moves a connection that stays to those that are read in turns, without the work of Node's for each event. Whoever calls it
 * puts its listeners onto what it gets. Never fails: what cannot be moved (TLS, UNIX sockets, something read or written is still
 * with Node, no addon, no descriptor left) stays the same socket.
 */
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";

import { BatchedSocket } from "./batched-socket.ts";
import type { ByteSocket } from "./byte-socket.ts";
import { batchOfProcess } from "./socket-batch.ts";

export function adopt(socket: ByteSocket): ByteSocket {
  if (!(socket instanceof Socket) || socket instanceof TLSSocket || !isIdle(socket)) return socket;
  const descriptor = descriptorOf(socket);
  const batch = descriptor < 0 ? null : batchOfProcess();
  if (batch === null) return socket;
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  const moved = BatchedSocket.open(batch, descriptor, { remoteAddress, remotePort, localAddress, localPort });
  if (moved === null) return socket;
  // Node closes its own descriptor of the connection, not the connection; nobody is to hear of that.
  socket.removeAllListeners();
  socket.on("error", () => {});
  socket.destroy();
  return moved;
}

/** As TLS needs it: one of Node's. */
export function asNodeSocket(socket: ByteSocket): Socket {
  return socket instanceof BatchedSocket ? socket.giveBack() : (socket as Socket);
}

/** -1 when it has none any more. Node keeps it with its own half of the socket, also of one that listens. */
export function descriptorOf(socket: object): number {
  const { _handle: handle } = socket as unknown as { _handle?: { readonly fd: number } | null };
  return handle?.fd ?? -1;
}

function isIdle(socket: Socket): boolean {
  return (
    socket.remoteAddress !== undefined &&
    !socket.destroyed &&
    socket.readable &&
    socket.writable &&
    !socket.isPaused() &&
    socket.readableLength === 0 &&
    socket.writableLength === 0
  );
}
