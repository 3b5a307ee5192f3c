/** Who is at the other end of a connection, as the socket or a proxy that we trust says (pure). */
import type { ProxySource } from "../net/proxy-header.ts";
import type { ByteSocket } from "../net/byte-socket.ts";
import { normalizeIp } from "../net/networks.ts";

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
}

export function peerOf(socket: ByteSocket): Peer {
  const { remoteAddress, remotePort } = socket;
  return {
    ip: normalizeIp(remoteAddress ?? ""),
    port: remotePort ?? 0,
    isLocal: remoteAddress === undefined,
    proxyIp: null,
    proxyTlv: null,
  };
}

/** The client that a proxy at the other end speaks for. */
export function namedBy(proxy: Peer, { ip, port, tlvs }: ProxySource): Peer {
  return {
    ip: normalizeIp(ip),
    port,
    isLocal: false,
    proxyIp: proxy.ip,
    proxyTlv: tlvs?.toString("hex") ?? null,
  };
}
