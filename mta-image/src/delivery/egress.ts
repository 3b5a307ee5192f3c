/**
 * Where connections leave from: an address, the name it says hello with, and the proxy that has the address where this
 * machine has not: SOCKS5 (RFC 1928, with a login by RFC 1929), or one that reads a PROXY header and connects from the address that it names.
 * `reachThrough` takes an open connection to the proxy up to the host; null, or why that failed. Never rejects.
 */
import { readFile } from "node:fs/promises";
import { type Socket, isIP, isIPv6 } from "node:net";
import { SocksClient } from "socks";

import { describe } from "#base/error.ts";

import { makeProxyHeader } from "../net/proxy-header-writer.ts";

export interface EgressProxy {
  readonly protocol: "socks5" | "proxy";
  readonly host: string;
  readonly port: number;
  /** For SOCKS5 (RFC 1929). The password is read at each connection, so that it may be renewed. */
  readonly login: { readonly username: string; readonly passwordfile: string } | null;
}

export interface SourceAddress {
  readonly ip: string;
  /** Null: the engine's own name. */
  readonly hostname: string | null;
  readonly proxy: EgressProxy | null;
}

export async function reachThrough(
  proxy: EgressProxy,
  socket: Socket,
  target: {
    readonly ip: string;
    readonly port: number;
    readonly sourceIp: string;
    readonly timeoutMs: number;
  },
): Promise<string | null> {
  const { ip, port, sourceIp } = target;
  if (proxy.protocol === "proxy") {
    socket.write(makeProxyHeader({ ip: sourceIp, port: 0 }, { ip, port }));
    return null;
  }
  try {
    const login = proxy.login === null ? {} : await readLogin(proxy.login);
    await SocksClient.createConnection({
      proxy: { host: proxy.host, port: proxy.port, type: 5, ...login },
      command: "connect",
      destination: { host: ip, port },
      existing_socket: socket,
      timeout: target.timeoutMs,
    });
    return null;
  } catch (error) {
    return `proxy ${proxy.host}:${proxy.port}: ${describe(error)}`;
  }
}

async function readLogin({
  username,
  passwordfile,
}: NonNullable<EgressProxy["login"]>): Promise<{ userId: string; password: string }> {
  const password = (await readFile(passwordfile, "utf8")).replace(/\r?\n$/, "");
  return { userId: username, password };
}

/** Those of a host's addresses that can be tried from ours. Sockets of this machine, and names of it, have no family. */
export function reachable(
  ips: readonly string[],
  { sourceIps, onlyFamily }: { readonly sourceIps: readonly string[]; readonly onlyFamily: 4 | 6 | null },
): readonly string[] {
  return ips.filter(
    (ip) =>
      ip.startsWith("/") ||
      ((onlyFamily === null || isIP(ip) === 0 || isIP(ip) === onlyFamily) &&
        chooseSource(sourceIps, ip, () => 0) !== undefined),
  );
}

/** Null lets the system choose; undefined means that none of them fits the host's address. */
export function chooseSource(
  sourceIps: readonly string[],
  ip: string,
  random: () => number,
): string | null | undefined {
  if (sourceIps.length === 0 || ip.startsWith("/")) return null;
  const fitting = sourceIps.filter((source) => isIPv6(source) === isIPv6(ip));
  return fitting[Math.floor(random() * fitting.length)];
}
