/**
 * Which of its source addresses the next mail of a transport leaves from, where the queue has not chosen: they take turns, each as often
 * as it is in the list. A connection keeps its address, so each address has lanes, and its part of a destination's
 * connections, to itself. A host's family is not known yet: a turn has one address of each family there is.
 */
import { isIPv6 } from "node:net";

import type { TransportSettings } from "./transport.ts";

interface Turns {
  readonly settings: readonly TransportSettings[];
  next: number;
}

/** Of two families with odd weights; beyond, each connection chooses for itself. */
const MOST_TURNS = 1000;

export class SourceTurns {
  /** Null: there is nothing to take turns with. */
  readonly #known = new WeakMap<TransportSettings, Turns | null>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** The settings with the addresses whose turn it is, the same object for the same; as they are where none take turns. */
  next(settings: TransportSettings): TransportSettings {
    if (settings.sourceIps.length < 2 || settings.isSourceOrdered === true) return settings;
    let turns = this.#known.get(settings);
    if (turns === undefined) {
      const all = turnsOf(settings);
      // Settings that serve one message only must not all begin with the first.
      turns = all.length < 2 ? null : { settings: all, next: Math.floor(this.#random() * all.length) };
      this.#known.set(settings, turns);
    }
    if (turns === null) return settings;
    const chosen = turns.settings[turns.next] ?? settings;
    turns.next = (turns.next + 1) % turns.settings.length;
    return chosen;
  }
}

/** Empty: there is one choice only, or there are more than a destination may have connections. */
function turnsOf(settings: TransportSettings): readonly TransportSettings[] {
  const families = [false, true]
    .map((isSix) => settings.sourceIps.filter((ip) => isIPv6(ip) === isSix))
    .filter((ips) => ips.length > 0);
  const length = families.reduce((turns, ips) => leastCommonMultiple(turns, ips.length), 1);
  if (length > MOST_TURNS) return [];
  const choices = Array.from({ length }, (_, turn) => families.map((ips) => ips[turn % ips.length] ?? ""));
  const counts = new Map<string, number>();
  for (const ips of choices) counts.set(ips.join(), (counts.get(ips.join()) ?? 0) + 1);
  const spare = settings.maxConnections - counts.size;
  if (counts.size < 2 || spare < 0) return [];
  const derived = new Map(
    Array.from(counts, ([ips, count]) => {
      const maxConnections = 1 + Math.floor((spare * count) / length);
      return [ips, { ...settings, sourceIps: ips.split(","), maxConnections }];
    }),
  );
  return choices.map((ips) => derived.get(ips.join()) ?? settings);
}

function leastCommonMultiple(a: number, b: number): number {
  let [divisor, rest] = [a, b];
  while (rest > 0) [divisor, rest] = [rest, divisor % rest];
  return (a / divisor) * b;
}
