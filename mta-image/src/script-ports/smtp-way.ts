/**
 * How a conversation of a script goes, from the server that it names: the settings of the transport of that name, or what
 * the script says itself. Pure but for the keys that are read. A name that the configuration does not have is a problem in words.
 */
import { isIP } from "node:net";

import type { BindNonlocal } from "../delivery/connect-to.ts";
import { type TransportSettings, type Timeouts, defaultTransport } from "../delivery/transport.ts";
import type { KeyPort, SmtpServer, SmtpState, SmtpTls } from "../script/ports.ts";

/** What the configuration knows of the way out. */
export interface SmtpRoom {
  readonly transports: () => ReadonlyMap<string, TransportSettings>;
  /** What an address is sent from with, by itself or by its name. */
  readonly sources: (name: string) => Pick<TransportSettings, "sourceIps" | "sources">;
  /** Who binds source addresses that this system need not have; absent: nobody can. */
  readonly bind?: BindNonlocal;
  readonly keys: KeyPort | undefined;
}

/** Where there is no configuration: addresses stand for themselves. */
export const bareRoom: Omit<SmtpRoom, "keys"> = {
  transports: () => new Map(),
  sources: (ip) => ({ sourceIps: [ip], sources: new Map([[ip, { ip, hostname: null, proxy: null }]]) }),
};

export interface Way {
  readonly server: SmtpServer;
  /** As a transport with the script's wishes would have them. */
  readonly settings: TransportSettings;
  readonly certificate: { readonly cert: string; readonly key: string } | null;
}

export function wayTo(server: SmtpServer, room: SmtpRoom): Way | { readonly problem: string } {
  const { transportId: id } = server;
  if (id === null) return ownWay(server, room);
  const settings = room.transports().get(id);
  if (settings === undefined) return ownWay({ ...server, server: id }, room);
  return { server: { ...server, ...likeTransport(settings) }, settings, certificate: null };
}

function likeTransport({ tls, ...settings }: TransportSettings): Partial<SmtpServer> {
  const { tlsMode: mode, ca, isLmtp } = settings;
  const mustVerify = mode.endsWith("_verify");
  const own: SmtpTls = {
    mode,
    isImplicit: false,
    serverName: tls?.serverName ?? true,
    versions: tls?.versions ?? null,
    ciphers: null,
    verifyHost: mustVerify && tls?.verifyHost !== false,
    names: [],
    defaultCa: ca === null || tls?.defaultCa === true,
    ca: ca === null ? [] : [ca],
    clientCert: null,
    isCaptured: false,
  };
  return {
    tls: own,
    isLmtp,
    connectMs: settings.timeouts.connectMs,
    ...(settings.exchangers === undefined ? {} : { exchangers: settings.exchangers }),
  };
}

function ownWay(server: SmtpServer, room: SmtpRoom): Way | { readonly problem: string } {
  const { tls, port, isLmtp } = server;
  const leaving = leavingFrom(server, room);
  if ("problem" in leaving) return leaving;
  const { clientCert: name } = tls;
  const cert = name === null ? null : room.keys?.certificate?.(name);
  const key = name === null ? null : room.keys?.privateKey(name);
  if (cert === undefined || key === undefined || (name !== null && (cert === null || key === null)))
    return { problem: `there is no certificate ${name}` };
  const certificate = cert === null || key === null ? null : { cert, key };
  const settings = {
    ...defaultTransport,
    server: server.server,
    port,
    isLmtp,
    tlsMode: tls.mode,
    ...leaving,
  };
  return { server, settings, certificate };
}

function leavingFrom(
  { source, isNonlocal }: SmtpServer,
  room: SmtpRoom,
): Pick<TransportSettings, "sourceIps" | "sources" | "bind"> | { readonly problem: string } {
  const { sourceIps, sources } = source === null ? defaultTransport : room.sources(source);
  if (sourceIps.some((ip) => isIP(ip) === 0)) return { problem: `there is no source address ${source}` };
  if (!isNonlocal) return { sourceIps, sources };
  const { bind } = room;
  return bind === undefined
    ? { problem: "nonlocal_source is to be had in the engine alone" }
    : { sourceIps, sources, bind };
}

const USUAL: Readonly<Record<SmtpState, keyof Timeouts>> = {
  BANNER: "greetingMs",
  HELO: "helloMs",
  EHLO: "helloMs",
  LHLO: "helloMs",
  STARTTLS: "helloMs",
  "AUTH-PLAIN": "helloMs",
  "AUTH-LOGIN": "helloMs",
  "AUTH-LOGIN-USER": "helloMs",
  AUTH: "helloMs",
  XCLIENT: "helloMs",
  MAIL: "mailMs",
  RCPT: "rcptMs",
  DATA: "dataMs",
  EOD: "endOfDataMs",
  QUIT: "helloMs",
};

export function timeoutIn(state: SmtpState, { server, settings }: Way): number {
  return server.timeouts[state] ?? settings.timeouts[USUAL[state]];
}
