/**
 * Where the clients of engines appear to come from (pure): how many of the last sessions with mail had an address of a
 * node, and how many other addresses there were. The condition ClientIPVisible is judged by it.
 */
import type { EngineStatus } from "#contract/admin-api.ts";

export type IsNodeAddress = (address: string) => boolean;

export interface ClientView {
  readonly sessions: number;
  readonly fromNodes: number;
  /** Addresses that are none of a node. */
  readonly others: number;
}

/** Fewer sessions tell nothing. */
export const FEWEST_SESSIONS = 20;
/** Of the sessions, from addresses of nodes: where hiding begins, and where it is over. */
export const HIDDEN = { from: 0.5, until: 0.25 } as const;
/** Other addresses that are so few that somebody in front may stand for all clients, and so many that nobody does. */
export const ALONE = { from: 2, until: 4 } as const;

/** Engines that do not tell, or are unknown, add nothing. */
export function viewClients(engines: readonly (EngineStatus | null)[], isNode: IsNodeAddress): ClientView {
  const told = engines.flatMap((engine) => (engine?.clients === undefined ? [] : [engine.clients]));
  const all = told.flatMap(({ addresses }) => addresses);
  const fromNodes = all.filter(({ address }) => isNode(address));
  const others = new Set(all.map(({ address }) => address).filter((address) => !isNode(address)));
  return { sessions: sum(all), fromNodes: sum(fromNodes), others: others.size };
}

/** What of one engine's clients may change the condition, as text to compare: which bounds they are beyond. */
export function newsOfClients(engine: EngineStatus, isNode: IsNodeAddress): string {
  const { sessions, fromNodes, others } = viewClients([engine], isNode);
  if (sessions < FEWEST_SESSIONS) return "few";
  const share = fromNodes / sessions;
  const bounds = [share >= HIDDEN.from, share >= HIDDEN.until, others <= ALONE.from, others <= ALONE.until];
  return bounds.map(Number).join("");
}

function sum(addresses: readonly { readonly sessions: number }[]): number {
  return addresses.reduce((count, { sessions }) => count + sessions, 0);
}
