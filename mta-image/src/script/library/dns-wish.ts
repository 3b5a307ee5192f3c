/**
 * Whom a script wants to be asked about DNS, and how long it waits: `servers` and `timeout` of dns_query, spf_query, dnsbl and
 * verifyDKIM. Throws a Refusal for what cannot be meant, so that no server is passed over in silence.
 */
import { isIP } from "node:net";

import { toText } from "../convert.ts";
import { Refusal } from "../error.ts";
import type { DnsWish } from "../ports.ts";
import { HslArray, type Value } from "../value.ts";

/** resolv.conf knows three; more only make the wait longer. */
const MOST_SERVERS = 8;
/** Whoever waits longer holds a session for an answer that does not come. */
const LONGEST_SECONDS = 60;

export const WISH_DOCS = `Options \`servers\`: up to ${MOST_SERVERS} name servers to ask in place of the engine's own, as 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53, whose answers are not kept; \`timeout\`: seconds that each question may take, up to ${LONGEST_SECONDS}, with such servers 5 unless given.`;

export function dnsWish(servers: Value, timeout: Value): DnsWish {
  return { servers: serversOf(servers), timeoutMs: timeout === null ? null : timeoutOf(timeout) };
}

function serversOf(value: Value): readonly string[] | null {
  if (value === null) return null;
  if (!(value instanceof HslArray)) throw new Refusal("servers is a list of name servers");
  const servers = value.values().map(toText);
  // An empty list names nobody: the engine's own are asked, as without the option.
  if (servers.length === 0) return null;
  if (servers.length > MOST_SERVERS)
    throw new Refusal(`servers names more than ${MOST_SERVERS} name servers`);
  const wrong = servers.find((text) => !isServer(text));
  if (wrong !== undefined)
    throw new Refusal(`${wrong} is no name server, such as 192.0.2.1, 192.0.2.1:53 or [2001:db8::1]:53`);
  return servers;
}

function isServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const [, bracketed, bare = bracketed ?? "", digits] =
    /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  return isIP(bare) === (bracketed === undefined ? 4 : 6) && Number(digits) > 0 && Number(digits) < 65_536;
}

function timeoutOf(value: Value): number {
  const seconds = typeof value === "string" ? Number(value) : value;
  if (typeof seconds !== "number" || !(seconds > 0))
    throw new Refusal("timeout is a number of seconds, more than 0");
  return Math.min(seconds, LONGEST_SECONDS) * 1000;
}
