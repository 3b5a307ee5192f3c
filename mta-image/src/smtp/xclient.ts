/**
 * XCLIENT as Postfix describes it (XCLIENT_README): a trusted client names the one that it speaks for. Attributes are
 * `NAME=value` with xtext values; [UNAVAILABLE] and [TEMPUNAVAIL] say that nothing is known. Pure; null for what is
 * none. Names that we make no use of are read and left aside.
 */
import { isIP } from "node:net";

import { decodeXtext } from "./xtext.ts";

/** What a proxy said; what it did not say is absent. */
export interface NamedClient {
  /** Null: the proxy says that it does not know. */
  readonly ip?: string | null;
  readonly port?: number;
  readonly helo?: string;
  readonly login?: string;
}

export const xclientNames = [
  "NAME",
  "ADDR",
  "PORT",
  "PROTO",
  "HELO",
  "LOGIN",
  "DESTADDR",
  "DESTPORT",
] as const;

const HELO = /^(?:[A-Za-z0-9._:-]{1,255}|\[[A-Za-z0-9.:]{1,60}\])$/;
const LOGIN = /^[^\x00-\x1f\x7f]{1,255}$/;

export function parseXclient(text: string): NamedClient | null {
  const found = new Map<string, string | null>();
  for (const part of text.trim().split(/ +/)) {
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(equals, 0)).toUpperCase();
    const value = decodeXtext(part.slice(equals + 1));
    if (!(xclientNames as readonly string[]).includes(name) || value === null || found.has(name)) return null;
    found.set(name, value === "[UNAVAILABLE]" || value === "[TEMPUNAVAIL]" ? null : value);
  }
  return clientOf(found);
}

function clientOf(found: ReadonlyMap<string, string | null>): NamedClient | null {
  const ip = found.get("ADDR")?.replace(/^IPV6:/i, "") ?? (found.has("ADDR") ? null : undefined);
  const [port, helo, login] = ["PORT", "HELO", "LOGIN"].map((name) => found.get(name) ?? undefined);
  if (typeof ip === "string" && isIP(ip) === 0) return null;
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) <= 65_535)) return null;
  if ((helo !== undefined && !HELO.test(helo)) || (login !== undefined && !LOGIN.test(login))) return null;
  return {
    ...(ip === undefined ? {} : { ip }),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...(helo === undefined ? {} : { helo }),
    ...(login === undefined ? {} : { login }),
  };
}
