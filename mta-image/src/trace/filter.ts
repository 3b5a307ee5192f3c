/**
 * Whether a session or one of its transactions is what a reader asked for (pure). What is known when a session opens is
 * judged then; whose mail it is, when the commands have said so.
 */
import { isIP } from "node:net";

import type { TraceQuery } from "#contract/trace-api.ts";

import { isInNetworks, makeNetworks } from "../net/networks.ts";
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
  const networks = query.remoteIp === undefined ? null : makeNetworks([query.remoteIp]);
  const domainOf = (address: string): string => address.slice(address.lastIndexOf("@") + 1).toLowerCase();
  const holds = (address: string | null, text: string): boolean =>
    (address ?? "").toLowerCase().includes(text.toLowerCase());
  return {
    isAboutMail: sender !== undefined || recipient !== undefined || domain !== undefined,
    wantsSession: (about) =>
      (direction === undefined || about.direction === direction) &&
      (listener === undefined || about.listener === listener) &&
      (transportId === undefined || about.transportId === transportId) &&
      // Who comes by a UNIX socket has no address.
      (networks === null || (isIP(about.remoteIp) !== 0 && isInNetworks(networks, about.remoteIp))),
    wantsPart: (part) =>
      (sender === undefined || holds(part.sender, sender)) &&
      (recipient === undefined || part.recipients.some((address) => holds(address, recipient))) &&
      (domain === undefined ||
        [part.sender ?? "", ...part.recipients].some(
          (address) => domainOf(address) === domain.toLowerCase(),
        )),
  };
}
