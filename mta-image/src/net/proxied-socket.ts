/**
 * Waits for the PROXY header at the start of a connection and hands the connection over behind it, with what came
 * after the header still to be read. Silence, nonsense and a connection that ends first all destroy it: nothing is
 * ever said to somebody whose address is not known. Exactly one of `onReady` and `onGone` is called.
 */
import type { Socket } from "node:net";

import type { Clock } from "#base/clock.ts";

import { type ProxySource, readProxyHeader } from "./proxy-header.ts";

/** A proxy writes its header with the first packet. */
const HEADER_MS = 5000;

export function awaitProxyHeader(
  socket: Socket,
  options: {
    readonly clock: Clock;
    readonly onReady: (source: ProxySource | null) => void;
    readonly onGone: () => void;
  },
): void {
  let held = Buffer.alloc(0);
  const finish = (): void => {
    deadline.cancel();
    socket.removeAllListeners();
  };
  const giveUp = (): void => {
    finish();
    socket.on("error", () => {});
    socket.destroy();
    options.onGone();
  };
  const deadline = options.clock.after(HEADER_MS, giveUp);
  socket.on("error", giveUp);
  socket.on("end", giveUp);
  socket.on("close", giveUp);
  socket.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    const header = readProxyHeader(held);
    if (header === null) return;
    if (header === "invalid") return giveUp();
    finish();
    socket.pause();
    if (held.length > header.end) socket.unshift(held.subarray(header.end));
    options.onReady(header.source);
    // TLS that took the connection over fetches by itself what is held.
    if (socket.listenerCount("data") > 0) socket.resume();
  });
}
