/**
 * Whether a line may start an attempt now, from which source address, and for how many recipients; if not, the line
 * waits in the waiting room. The dispatcher asks at each turn. Without rules it is never asked.
 *
 * The source is chosen here, at attempt time: of the transport's addresses those that are not suspended and that no
 * policy holds back. Addresses that warm up are preferred for first tries, warm ones for all others; among equals
 * they take turns. Judgements are kept per line and source until the rules change. Never fails.
 */
import { isIPv4 } from "node:net";

import type { Clock } from "#base/clock.ts";

import type { Counter } from "./counter.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import type { Remote } from "./grouping.ts";
import type { AttemptRules } from "../smtp/reached.ts";
import { type Line, LineState } from "./line-state.ts";
import type { Locator } from "./locator.ts";
import type { Facts } from "./matching.ts";
import type { Judgement, Rulebook } from "./rulebook.ts";
import { Blocker } from "./waiting-room.ts";

export interface AdmissionOptions {
  readonly rulebook: Rulebook;
  readonly clock: Clock;
  readonly locator: Locator;
  /** Source addresses of a transport; empty: the system chooses. */
  readonly sourcesFor: (transportId: string) => readonly string[];
  readonly doorkeeper: Doorkeeper;
  /** Where the line's mail goes is known now, or known anew. */
  readonly located: (line: Line) => void;
}

/** Leave for one attempt. */
export interface Ticket {
  /** "" lets delivery choose. */
  readonly source: string;
  readonly counters: readonly Counter[];
  /** The most recipients that the attempt may have. */
  readonly room: number;
}

/** A source address and what holds for it. */
export interface Candidate {
  readonly source: string;
  readonly judgement: Judgement;
}

/** Of the rules that led here, one after another. */
interface Gates {
  gate: (() => number) | null;
  readonly next: WeakMap<Counter, Gates>;
}

class Locating extends Blocker {
  wait(): number {
    return Number.POSITIVE_INFINITY;
  }
}

/** Mail exchangers are asked for again after this; DNS keeps its own, more exact times. */
const KNOWN_FOR_MS = 10 * 60_000;
const LOOK_AGAIN_MS = 1000;
const unknown: Remote = { hosts: [], ips: [] };

export class Admission {
  readonly #options: AdmissionOptions;
  readonly locating: Blocker = new Locating();
  /** The same for all attempts of the same rules. */
  readonly #gates: Gates = { gate: null, next: new WeakMap() };
  /** Lines so far: each begins with another source, for most have one message and are gone. */
  #lines = 0;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** No rule, and nobody who wants to know where mail goes: nobody needs to ask. */
  get isOpen(): boolean {
    return this.#options.rulebook.isEmpty && !this.#options.doorkeeper.isAsked("pickup");
  }

  /** Null: the line waits, and `wake` is called when it may ask again. */
  admit(line: Line, options: { isFirstTry: boolean; wake: () => void }): Ticket | null {
    const { rulebook, clock } = this.#options;
    line.state ??= new LineState(options.wake, this.#lines++);
    const { state } = line;
    const candidates = this.#candidates(line, state);
    if (candidates === null) {
      rulebook.waiting.park(state, [this.locating]);
      return null;
    }
    const now = clock.monotonic();
    const free = candidates.filter(({ judgement }) => obstacleOf(judgement, state, now) === null);
    const chosen = choose(free, { isFirstTry: options.isFirstTry, turn: state.turn++ });
    if (chosen !== null) {
      const { counters } = chosen.judgement;
      const room = Math.min(Number.POSITIVE_INFINITY, ...counters.map((counter) => counter.room(now)));
      return { source: chosen.source, counters, room };
    }
    const obstacles = candidates.map(({ judgement }) => obstacleOf(judgement, state, now));
    rulebook.waiting.park(state, [...new Set(obstacles.filter((obstacle) => obstacle !== null))]);
    return null;
  }

  started(ticket: Ticket, recipients: number): void {
    const now = this.#options.clock.monotonic();
    for (const counter of ticket.counters) counter.start(now, recipients);
  }

  ended(ticket: Ticket): void {
    for (const counter of ticket.counters) counter.end();
    for (const counter of ticket.counters) this.#options.rulebook.waiting.look(counter);
  }

  /** What a courier asks before it opens a connection for the attempt; null when nothing spaces connections. */
  connectGate({ counters }: Ticket): (() => number) | null {
    const spaced = counters.filter(({ limits }) => limits.connectIntervalMs > 0);
    if (spaced.length === 0) return null;
    let found = this.#gates;
    for (const counter of spaced) {
      const next: Gates = found.next.get(counter) ?? { gate: null, next: new WeakMap() };
      found.next.set(counter, next);
      found = next;
    }
    found.gate ??= this.#gateOf(spaced);
    return found.gate;
  }

  #gateOf(spaced: readonly Counter[]): () => number {
    return () => {
      const now = this.#options.clock.monotonic();
      const wait = Math.max(...spaced.map((counter) => counter.connectWait(now)));
      if (wait === 0) for (const counter of spaced) counter.connected(now);
      // Rules change while it waits, and whose turn it is in a cluster.
      return Math.min(wait, LOOK_AGAIN_MS);
    };
  }

  /** A rule keeps the line from starting anything; looking for its hosts is no rule. */
  isHeld({ state }: Line): boolean {
    return state?.isParked === true && !state.waitsFor.includes(this.locating);
  }

  /** The line's turn is over, whether it started something or not. */
  turnEnded(line: Line): void {
    if (line.state !== null) this.#options.rulebook.waiting.turnEnded(line.state);
  }

  /** The line has no entries any more and waits for nothing. */
  forget(line: Line): void {
    if (line.state !== null) this.#options.rulebook.waiting.forget(line.state);
  }

  /** Sources with what holds for each; null while the hosts are being looked for. */
  candidates(line: Line): readonly Candidate[] | null {
    return this.#candidates(line, line.state ?? new LineState(() => {}));
  }

  #candidates(line: Line, state: LineState): readonly Candidate[] | null {
    const { rulebook } = this.#options;
    const sources = this.#sources(line);
    const remote = this.#needsRemote(sources) ? this.#remote(line, state) : unknown;
    if (remote === null) return null;
    if (state.version === rulebook.version && state.judged !== null) return state.judged;
    const usable = sourcesToward(sources, remote);
    let judged: readonly Candidate[];
    // Judging may make the rulebook forget counters, also those that it has just given.
    do {
      state.version = rulebook.version;
      judged = usable.map((source) => ({
        source,
        judgement: rulebook.judge(this.#facts(line, remote, source)),
      }));
    } while (state.version !== rulebook.version);
    state.judged = judged;
    return judged;
  }

  #sources({ transportId, localIps }: Line): readonly string[] {
    if (localIps !== null) return localIps;
    const sources = this.#options.sourcesFor(transportId);
    return sources.length > 0 && this.#options.rulebook.mentions("localip") ? sources : [""];
  }

  #needsRemote(sources: readonly string[]): boolean {
    const { rulebook, doorkeeper } = this.#options;
    if (rulebook.mentions("grouping", "remoteip", "remotemx") || doorkeeper.isAsked("pickup")) return true;
    return sources[0] !== "" && sources.some(isIPv4) && !sources.every(isIPv4);
  }

  /** What is known of an attempt of the line from a source. */
  factsOf(line: Line, source: string): Facts {
    return this.#facts(line, line.state?.remote ?? unknown, source);
  }

  /** Which policies hold for an attempt of the line from a source, as far as they are known now. */
  rulesOf(line: Line, source: string): AttemptRules {
    const judged = line.state?.judged?.find((candidate) => candidate.source === source);
    const counters = judged?.judgement.counters ?? [];
    const { grouping } = this.factsOf(line, source);
    const tags = counters.flatMap(({ limits }) => (limits.tag === null ? [] : [limits.tag]));
    const policies = counters.map(({ policy: { id, counted }, limits: { tag, properties } }) => ({
      id,
      fields: counted.map(({ field }) => field),
      tag,
      properties,
    }));
    return { grouping, tags: [...new Set(tags)], policies };
  }

  #facts(line: Line, remote: Remote, source: string): Facts {
    return {
      tenantid: line.tenantId,
      jobid: line.jobId,
      transportid: line.transportId,
      localip: source,
      grouping: line.grouping === "" ? this.#options.rulebook.grouping(remote, line.domain) : line.grouping,
      remoteip: remote.ips[0] ?? "",
      remotemx: remote.hosts[0] ?? "",
      recipientdomain: line.domain,
    };
  }

  /** What is known, however old, and null when nothing is yet. */
  #remote(line: Line, state: LineState): Remote | null {
    const now = this.#options.clock.monotonic();
    if (!state.isLocating && now >= state.locateAt) void this.#locate(line, state);
    return state.remote;
  }

  async #locate(line: Line, state: LineState): Promise<void> {
    state.isLocating = true;
    state.remote = await this.#options.locator.locate(line).then((remote) => remote ?? unknown);
    state.isLocating = false;
    state.locateAt = this.#options.clock.monotonic() + KNOWN_FOR_MS;
    state.judged = null;
    this.#options.located(line);
    if (state.waitsFor.includes(this.locating)) this.#options.rulebook.waiting.release(state);
  }
}

/** What keeps a source from being used now, or null. */
export function obstacleOf(judgement: Judgement, state: LineState | null, now: number): Blocker | null {
  const { suspension, counters } = judgement;
  // One that has ended holds nobody, also before its own timer has taken it away: it would wake the line at once, again
  // and again.
  if (suspension !== null && suspension.wait(now) > 0) return suspension;
  const full = counters.find((counter) => counter.wait(now) > 0);
  return full ?? counters.find((counter) => state !== null && counter.hasQueueBefore(state)) ?? null;
}

/** Addresses of the families that the host has; all of them when it is not known which it has. */
function sourcesToward(sources: readonly string[], remote: Remote): readonly string[] {
  if (sources[0] === "" || remote.ips.length === 0) return sources;
  const hasIpv4 = remote.ips.some(isIPv4);
  const hasIpv6 = !remote.ips.every(isIPv4);
  const usable = sources.filter((source) => (isIPv4(source) ? hasIpv4 : hasIpv6));
  return usable.length === 0 ? sources : usable;
}

function choose(free: readonly Candidate[], by: { isFirstTry: boolean; turn: number }): Candidate | null {
  const liked = free.filter(({ judgement }) => isWarming(judgement) === by.isFirstTry);
  const from = liked.length > 0 ? liked : free;
  return from[by.turn % from.length] ?? null;
}

export function isWarming({ counters }: Judgement): boolean {
  return counters.some(({ policy }) => policy.type === "warmup");
}
