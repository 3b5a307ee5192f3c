/**
 * Whether a session or one of its transactions is what a reader asked for (pure). What is known when a session opens is
 * judged then; whose mail it is, when the commands have said so.
 */
import { BlockList, isIP, isIPv4 } from "node:net";

import type { TraceQuery } from "#contract/trace-api.ts";

import type { Part } from "./part.ts";

/** What is known of a session from its start. */
export interface TraceAbout {
  readonly id: string;
  readonly direction: "in" | "out";
  readonly remoteIp: string;
  readonly remotePort: number;
  /** "" for what goes out. */
  readonly listener: string;
  /** "" for what comes in, as the host. */
  readonly transportId: string;
  readonly host: string;
}

type Conditions = Pick<
  TraceQuery,
  "direction" | "remoteIp" | "listener" | "transportId" | "sender" | "recipient" | "domain"
>;

export interface TraceFilter {
  /** Asks for mail of somebody, so not every transaction is shown. */
  readonly isAboutMail: boolean;
  wantsSession(about: TraceAbout): boolean;
  wantsPart(part: Pick<Part, "sender" | "recipients">): boolean;
}

export function filterOf(query: Conditions): TraceFilter {
  const { direction, listener, transportId, sender, recipient, domain } = query;
  const networks = query.remoteIp === undefined ? null : networkOf(query.remoteIp);
  const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  const holds = (address: string | null, text: string): boolean =>
    (address ?? "").toLowerCase().includes(text.toLowerCase());
  return {
    isAboutMail: sender !== undefined || recipient !== undefined || domain !== undefined,
    wantsSession: (about) =>
      (direction === undefined || about.direction === direction) &&
      (listener === undefined || about.listener === listener) &&
      (transportId === undefined || about.transportId === transportId) &&
      (networks === null || isWithin(networks, about.remoteIp)),
    wantsPart: (part) =>
      (sender === undefined || holds(part.sender, sender)) &&
      (recipient === undefined || part.recipients.some((address) => holds(address, recipient))) &&
      (domain === undefined ||
        [part.sender ?? "", ...part.recipients].some(
          (address) => domainOf(address) === domain.toLowerCase(),
        )),
  };
}

function networkOf(text: string): BlockList {
  const [address = "", bits] = text.split("/");
  const isV4 = isIPv4(address);
  const list = new BlockList();
  list.addSubnet(address, Number(bits ?? (isV4 ? 32 : 128)), isV4 ? "ipv4" : "ipv6");
  return list;
}

function isWithin(list: BlockList, ip: string): boolean {
  return isIP(ip) !== 0 && list.check(ip, isIPv4(ip) ? "ipv4" : "ipv6");
}
