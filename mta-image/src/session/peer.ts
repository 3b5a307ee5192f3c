/** Who is at the other end of a connection, as the socket or a proxy that we trust says (pure). */
import type { ProxySource } from "../net/proxy-header.ts";
import type { ByteSocket } from "../net/byte-socket.ts";
import type { NamedClient } from "../smtp/xclient.ts";
import { canonicalIp, normalizeIp } from "../net/networks.ts";

export interface Peer {
  /** "" for a UNIX socket. */
  readonly ip: string;
  readonly port: number;
  /** The client is a process of this machine that may open our UNIX socket. */
  readonly isLocal: boolean;
  /** The proxy that named the client; null when the client came by itself. */
  readonly proxyIp: string | null;
  /** What the proxy said besides (TLVs), as hexadecimal digits; null for nothing. */
  readonly proxyTlv: string | null;
  /** Whoever speaks for the client does not know its address: `ip` is another's and vouches for nothing. */
  readonly isUnknown?: boolean;
}

/**
 * Null for a client of TCP that was gone before anybody could ask who it is: what it has sent may still be read, and must not
 * pass for that of a client of a UNIX socket, who may relay.
 */
export function peerOf({ remoteAddress, remotePort }: ByteSocket, kind: "tcp" | "unix"): Peer | null {
  const ip = remoteAddress ?? "";
  if (kind === "tcp" && ip === "") return null;
  return {
    ip: normalizeIp(ip),
    port: remotePort ?? 0,
    isLocal: kind === "unix",
    proxyIp: null,
    proxyTlv: null,
  };
}

/** The client that a proxy at the other end speaks for. */
export function namedBy(proxy: Peer, { ip, port, tlvs }: ProxySource): Peer {
  return {
    ip: canonicalIp(ip),
    port,
    isLocal: false,
    proxyIp: proxy.ip,
    proxyTlv: tlvs?.toString("hex") ?? null,
  };
}

/** The client that XCLIENT names on a connection from `proxyIp`; what it does not say stays as it was before. */
export function renamed(before: Peer, { ip, port = 0 }: NamedClient, proxyIp: string): Peer {
  const isKnown = typeof ip === "string";
  return {
    ip: isKnown ? canonicalIp(ip) : before.ip,
    port,
    isLocal: false,
    proxyIp,
    proxyTlv: null,
    isUnknown: !isKnown && (ip === null || before.isUnknown === true),
  };
}
