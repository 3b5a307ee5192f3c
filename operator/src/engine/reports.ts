/**
 * What each pod's engine said last, and how old that is. Pods are asked every few seconds while something is going on in
 * their cluster and rarely when it has settled; whoever reads gets what is recent, or nothing: a report that is older than
 * its bound is unknown, never zero. When an answer says something new, or a pod that answered no longer does, `onNews`
 * is called with the cluster's key.
 *
 * When an operator starts it knows nobody: of all engines only so many are asked at once, so that their answers do not fill its
 * memory and a TLS handshake of each does not keep the lease from being renewed.
 *
 * Pods are told apart by uid: a new pod with an old name or address starts unknown. Nothing in here rejects.
 */
import type { Clock, Timer } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { Random } from "#base/random.ts";
import { Turnstile } from "#base/turnstile.ts";
import type { EngineStatus } from "#contract/admin-api.ts";
import { type Key, keyText } from "#operator/cache/key.ts";
import type { IsNodeAddress } from "#operator/slots/client-addresses.ts";

import type { EngineAddress, Engines } from "./engines.ts";
import { newsOf } from "./news.ts";

export interface Target {
  readonly uid: string;
  readonly pod: string;
  readonly address: EngineAddress;
}

export interface ReportsOptions {
  readonly engines: Engines;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onNews: (cluster: Key) => void;
  /** Clients that appear with addresses of nodes are news. Absent: addresses of nodes are unknown. */
  readonly isNodeAddress?: IsNodeAddress;
  readonly paces?: Readonly<Record<Pace, number>>;
  readonly unknownAfterMs?: number;
  /** Engines that are asked at the same time. */
  readonly atOnce?: number;
}

/** "scaling": nothing is going on, and a burst has to be noticed, by the operator or by whoever asks it (KEDA). */
export type Pace = "lively" | "scaling" | "settled";

const PACES: Readonly<Record<Pace, number>> = { lively: 2000, scaling: 5000, settled: 15_000 };
/** Two answers in a row may be missed. */
const UNKNOWN_AFTER_MS = 40_000;
/** A silent engine holds its place for five seconds, so there must be places for a node full of them. */
const AT_ONCE = 64;

interface Entry {
  readonly cluster: Key;
  target: Target;
  status: EngineStatus | null;
  /** By the monotonic clock; when the question was asked, not when the answer came. */
  at: number;
  /** What the last pass could know, as text to compare. */
  news: string;
  asking: Promise<void> | null;
  timer: Timer | null;
}

export class EngineReports {
  readonly #options: ReportsOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #clusters = new Map<string, { uids: Set<string>; pace: Pace }>();
  readonly #asking: Turnstile;
  #closed = false;

  constructor(options: ReportsOptions) {
    this.#options = options;
    this.#asking = new Turnstile(options.atOnce ?? AT_ONCE);
  }

  /**
   * Whom to ask in this cluster; others of it are forgotten. Resolves when each that was never asked has answered or
   * failed, so the first pass after a start does not take everybody for unknown.
   */
  async follow(cluster: Key, targets: readonly Target[]): Promise<void> {
    const id = keyText(cluster);
    const known = this.#clusters.get(id) ?? { uids: new Set<string>(), pace: "lively" as Pace };
    const uids = new Set(targets.map((target) => target.uid));
    for (const uid of known.uids) if (!uids.has(uid)) this.#drop(uid);
    this.#clusters.set(id, { uids, pace: known.pace });
    await Promise.all(targets.map((target) => this.#include(cluster, target)));
  }

  setPace(cluster: Key, pace: Pace): void {
    const known = this.#clusters.get(keyText(cluster));
    if (known === undefined || known.pace === pace) return;
    known.pace = pace;
    for (const uid of known.uids) this.#plan(uid);
  }

  forget(cluster: Key): void {
    for (const uid of this.#clusters.get(keyText(cluster))?.uids ?? []) this.#drop(uid);
    this.#clusters.delete(keyText(cluster));
  }

  /** Recent answers by pod uid; who is not in here is unknown. */
  recent(cluster: Key): ReadonlyMap<string, EngineStatus> {
    const found = new Map<string, EngineStatus>();
    for (const uid of this.#clusters.get(keyText(cluster))?.uids ?? []) {
      const entry = this.#entries.get(uid);
      if (entry?.status != null && this.#isFresh(entry)) found.set(uid, entry.status);
    }
    return found;
  }

  /** An answer that came by another way (a push, a drain): as good as one that was asked for here. */
  note(uid: string, status: EngineStatus): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    entry.status = status;
    entry.at = this.#options.clock.monotonic();
    entry.news = this.#newsOf(status);
  }

  /** Asks one pod now. Null when it does not answer. */
  async askNow(uid: string): Promise<EngineStatus | null> {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return null;
    const startedAt = this.#options.clock.monotonic();
    await entry.asking;
    await this.#ask(entry);
    return entry.at >= startedAt ? entry.status : null;
  }

  close(): void {
    this.#closed = true;
    for (const entry of this.#entries.values()) entry.timer?.cancel();
    this.#entries.clear();
    this.#clusters.clear();
  }

  async #include(cluster: Key, target: Target): Promise<void> {
    const known = this.#entries.get(target.uid);
    if (known !== undefined) {
      known.target = target;
      return;
    }
    const entry: Entry = {
      cluster,
      target,
      status: null,
      at: 0,
      news: newsOf(null),
      asking: null,
      timer: null,
    };
    this.#entries.set(target.uid, entry);
    await this.#ask(entry);
    entry.news = this.#newsOf(entry.status); // The pass that asked sees it.
    this.#plan(target.uid);
  }

  async #ask(entry: Entry): Promise<void> {
    entry.asking ??= this.#asking.pass(() => this.#question(entry)).finally(() => (entry.asking = null));
    await entry.asking;
  }

  async #question(entry: Entry): Promise<void> {
    // While it waited for its turn its pod may have gone.
    if (this.#closed || this.#entries.get(entry.target.uid) !== entry) return;
    const startedAt = this.#options.clock.monotonic();
    try {
      entry.status = await this.#options.engines.status(entry.target.address);
      entry.at = startedAt;
    } catch (error) {
      this.#options.log.debug({ pod: entry.target.pod, reason: describe(error) }, "engine-silent");
    }
  }

  #plan(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined || this.#closed) return;
    entry.timer?.cancel();
    const pace = this.#clusters.get(keyText(entry.cluster))?.pace ?? "settled";
    const paces = this.#options.paces ?? PACES;
    const delayMs = paces[pace] * (0.9 + this.#options.random() * 0.2);
    entry.timer = this.#options.clock.after(delayMs, () => void this.#turn(uid, entry));
  }

  async #turn(uid: string, entry: Entry): Promise<void> {
    await this.#ask(entry);
    if (this.#closed || this.#entries.get(uid) !== entry) return;
    const news = this.#newsOf(this.#isFresh(entry) ? entry.status : null);
    if (news !== entry.news) {
      entry.news = news;
      this.#options.onNews(entry.cluster);
    }
    this.#plan(uid);
  }

  #newsOf(status: EngineStatus | null): string {
    return newsOf(status, this.#options.isNodeAddress);
  }

  #isFresh(entry: Entry): boolean {
    const age = this.#options.clock.monotonic() - entry.at;
    return entry.status !== null && age <= (this.#options.unknownAfterMs ?? UNKNOWN_AFTER_MS);
  }

  #drop(uid: string): void {
    this.#entries.get(uid)?.timer?.cancel();
    this.#entries.delete(uid);
  }
}
