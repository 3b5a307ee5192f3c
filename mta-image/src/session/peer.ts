/** Who is at the other end of a connection, as the socket or a proxy that we trust says (pure). */
import type { Socket } from "node:net";

import { normalizeIp } from "./access.ts";

export interface Peer {
  /** "" for a UNIX socket. */
  readonly ip: string;
  readonly port: number;
  /** The client is a process of this machine that may open our UNIX socket. */
  readonly isLocal: boolean;
  /** The proxy that named the client; null when the client came by itself. */
  readonly proxyIp: string | null;
}

export function peerOf(socket: Socket): Peer {
  const { remoteAddress, remotePort } = socket;
  return {
    ip: normalizeIp(remoteAddress ?? ""),
    port: remotePort ?? 0,
    isLocal: remoteAddress === undefined,
    proxyIp: null,
  };
}
