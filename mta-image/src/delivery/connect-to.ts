/**
 * A connection on its way to a host: from an address of this system, through the proxy that has the address, or from one
 * that this system need not have. Node sets no option of a socket before it binds, so such a socket is bound by somebody else and
 * handed over. Never throws: what cannot be bound is an error of the socket, as a refused connection is.
 */
import { type NetConnectOpts, Socket, connect, isIPv6 } from "node:net";

import { systemError } from "../net/system-error.ts";
import type { EgressProxy } from "./egress.ts";

/** The descriptor of a socket that is bound to the address, which the caller closes, or minus an errno. */
export type BindNonlocal = (address: string, port: number, isStream: boolean) => number;

export interface Leaving {
  /** An address, a name that the system looks up, or the path of a socket. */
  readonly ip: string;
  readonly port: number;
  /** Null lets the system choose. */
  readonly sourceIp: string | null;
  /** The proxy that has the source address; null: this machine has it. */
  readonly proxy: EgressProxy | null;
  /** Who binds a source address that this system need not have; null: it must be one of its own. */
  readonly bind: BindNonlocal | null;
}

export function connectTo(leaving: Leaving): Socket {
  const { ip, port, sourceIp, proxy, bind } = leaving;
  const isBoundHere = bind === null || sourceIp === null || proxy !== null || ip.startsWith("/");
  if (isBoundHere) return connect(placeOf(leaving));
  const descriptor = bind(sourceIp, 0, true);
  if (descriptor < 0) return new Socket().destroy(systemError(descriptor, "bind", sourceIp));
  const family = isIPv6(sourceIp) ? 6 : 4;
  // One address, one try: for another one Node would make another socket, which is not bound.
  const place = { host: ip, port, family, autoSelectFamily: false };
  return new Socket({ fd: descriptor }).connect(place).setNoDelay(true);
}

function placeOf({ ip, port, sourceIp, proxy }: Leaving): NetConnectOpts {
  if (ip.startsWith("/")) return { path: ip };
  if (proxy !== null) return { host: proxy.host, port: proxy.port, noDelay: true };
  return { host: ip, port, noDelay: true, ...(sourceIp === null ? {} : { localAddress: sourceIp }) };
}
