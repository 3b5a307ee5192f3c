/**
 * Waits for the PROXY header at the start of a connection and hands the connection over behind it, with what came
 * after the header still to be read. Silence, nonsense and a connection that ends first all destroy it: nothing is
 * ever said to somebody whose address is not known. Exactly one of `onReady` and `onGone` is called.
 */
import type { Socket } from "node:net";

import type { Clock } from "#base/clock.ts";

import { type ProxyHeader, readProxyHeader } from "./proxy-header.ts";

/** A proxy writes its header with the first packet. */
const HEADER_MS = 5000;

export function awaitProxyHeader(
  socket: Socket,
  options: {
    readonly clock: Clock;
    readonly onReady: (header: ProxyHeader) => void;
    readonly onGone: () => void;
  },
): void {
  let held = Buffer.alloc(0);
  // Only its own listeners: without any, a stream forgets that it is paused and lets fall what comes.
  const finish = (): void => {
    deadline.cancel();
    socket.off("data", read);
    for (const name of ["error", "end", "close"]) socket.off(name, giveUp);
  };
  const giveUp = (): void => {
    finish();
    socket.on("error", () => {});
    socket.destroy();
    options.onGone();
  };
  const read = (chunk: Buffer): void => {
    held = Buffer.concat([held, chunk]);
    const header = readProxyHeader(held);
    if (header === null) return;
    if (header === "invalid") return giveUp();
    finish();
    socket.pause();
    if (held.length > header.end) socket.unshift(held.subarray(header.end));
    options.onReady(header);
    // TLS that took the connection over fetches by itself what is held.
    if (socket.listenerCount("data") > 0) socket.resume();
  };
  const deadline = options.clock.after(HEADER_MS, giveUp);
  for (const name of ["error", "end", "close"]) socket.on(name, giveUp);
  socket.on("data", read);
}
