/**
 * One connection through the proxy, once it is known where it goes: it is opened from the address that was asked for, then
 * bytes go both ways with back pressure, each side may end its half, and an end or error of one is one of the other. What
 * cannot be opened is told as an SMTP server would, with 421 in place of a greeting, so that the agent's log has the reason.
 * `onEnd` is called once, when both sides are gone.
 */
import { type Socket, connect } from "node:net";

import { describe } from "#base/error.ts";

import type { Way } from "./rules.ts";

/** Longer than the longest wait of RFC 5321 4.5.3.2, ten minutes after the end of data. */
const IDLE_MS = 660_000;
/** Shorter than an agent waits for a greeting. */
const CONNECT_MS = 60_000;

export interface Passage {
  /** Null when both sides came together. */
  readonly trouble: string | null;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

export function relay(client: Socket, way: Way, name: string, onEnd: (passage: Passage) => void): void {
  const { source, target } = way;
  let trouble: string | null = null;
  let isOpen = false;
  const far = connect({
    host: target.ip,
    port: target.port,
    localAddress: source.ip,
    allowHalfOpen: true,
    noDelay: true,
  });
  far.setTimeout(CONNECT_MS);
  far.once("timeout", () => far.destroy(isOpen ? undefined : new Error("it does not answer")));
  far.once("connect", () => {
    isOpen = true;
    far.setTimeout(IDLE_MS);
    client.pipe(far).pipe(client);
  });
  let isBroken = false;
  far.once("error", (error) => {
    isBroken = true;
    if (!isOpen)
      trouble = `cannot connect from ${source.ip} to ${target.ip}:${target.port}: ${describe(error)}`;
  });
  client.once("error", () => far.resetAndDestroy());
  client.once("close", () => far.destroy());
  far.once("close", () => {
    if (trouble !== null) turnAway(client, name, trouble);
    else if (isBroken) client.resetAndDestroy();
    else client.destroySoon();
    onEnd({ trouble, bytesOut: far.bytesWritten, bytesIn: far.bytesRead });
  });
}

/** In plain text, whatever the client meant to speak: it has said nothing yet. */
export function turnAway(client: Socket, name: string, why: string): void {
  client.end(`421 4.4.1 ${name} ${why}\r\n`, () => client.destroySoon());
}
