/**
 * All lanes and the places for their connections. A lane holds one destination under one value of transport
 * settings; a fixed server is one destination whatever the recipients' domains are. When all places are taken, a
 * lane that wants one waits in turn, idle connections of others are closed for it, and busy lanes give a place up
 * once they hold more than their share or have sent a fair number of messages. Nothing in here rejects.
 */
import { type Clock, sleep } from "#base/clock.ts";

import type { AttemptWait } from "../queue/courier.ts";
import type { Content } from "../spool/spool.ts";
import type { Tracer } from "../trace/tracer.ts";
import type { Connection } from "./connection.ts";
import { Deadlines } from "./deadlines.ts";
import type { HostFinder } from "./hosts.ts";
import type { Job } from "./job.ts";
import { Lane, type LanePool } from "./lane.ts";
import type { OpenStage } from "./lane-wait.ts";
import { type Opened, openConnection } from "./open.ts";
import { planRoute } from "./route.ts";
import { SourceTurns } from "./source-turns.ts";
import type { TlsTools } from "./tls-tools.ts";
import { type TransportSettings, withOptionalTls, withRequiredTls } from "./transport.ts";

/** Plain numbers that only grow; metrics read them. */
export interface DeliveryCounters {
  connectionsOpened: number;
  connectionsFailed: number;
  /** Handshakes that failed, after which the host was tried in the clear. */
  tlsFallbacks: number;
}

export interface PoolOptions {
  readonly clock: Clock;
  readonly finder: HostFinder;
  readonly counters: DeliveryCounters;
  readonly tls: TlsTools;
  readonly traces: Tracer;
  readonly read: (id: string) => Promise<Content>;
  /** Looked up whenever a place is wanted, so a reload counts at once. */
  readonly maxConnections: () => number;
}

/** Messages after which a connection goes when another destination waits for its place. */
const FAIR_TRANSACTIONS = 20;
const LOOK_EVERY_MS = 20;

export class Pool implements LanePool {
  readonly deadlines: Deadlines;
  readonly #options: PoolOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes with settings from before a reload that still have work. */
  readonly #retired = new Set<Lane>();
  readonly #waiting = new Set<Lane>();
  /** Whose turn it is to take a place. */
  #next: Lane | null = null;
  /** Settings with one source address that the queue chose. */
  readonly #bySource = new WeakMap<TransportSettings, Map<string, TransportSettings>>();
  readonly #turns: SourceTurns;
  #places = 0;
  #isClosed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.deadlines = new Deadlines(options.clock);
    this.#turns = new SourceTurns(options.finder.random);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get connections(): number {
    return this.#places;
  }

  add(job: Job, usual: TransportSettings): void {
    const { wish, destination, terms } = job.attempt;
    const domain = wish?.domain ?? destination.domain;
    const transportId = wish?.transportId ?? destination.transportId;
    const wished = wish === undefined ? transportId : `${transportId} ${wish.key}`;
    // An address that a script names outweighs the one that the queue has chosen.
    const source = wish === undefined || wish.sources.length === 0 ? (terms?.source ?? "") : "";
    const { settings, suffix } = tlsFor(job, usual);
    const place = settings.server === null ? `${wished} ${domain}` : wished;
    const key = `${place}${suffix}`;
    const target = { domain, transportId };
    if (source !== "") {
      this.#lane(`${key} from ${source}`, target, this.#fromSource(settings, source)).add(job);
      return;
    }
    const chosen = this.#turns.next(settings);
    const name = chosen === settings ? key : `${key} in turn from ${chosen.sourceIps.join(" ")}`;
    this.#lane(name, target, chosen).add(job);
  }

  /** Lets what is under way end until the deadline, then cuts it. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    const end = this.#options.clock.monotonic() + deadlineMs;
    for (const lane of this.#all()) lane.shut({ now: lane.connections === 0 });
    while (this.#all().length > 0 && this.#options.clock.monotonic() < end) {
      await sleep(this.#options.clock, LOOK_EVERY_MS);
      // Without a connection nothing more can be sent: no new one is opened any more.
      for (const lane of this.#all()) if (lane.connections === 0) lane.shut({ now: true });
    }
    for (const lane of this.#all()) lane.shut({ now: true });
  }

  takePlace(lane: Lane): boolean {
    if (this.#isClosed) return false;
    const isFree = this.#places < this.#options.maxConnections();
    // Lanes that wait come first, each with one place, or a busy lane would take back what it gave up.
    if (isFree && (this.#waiting.size === 0 || this.#next === lane)) {
      this.#places++;
      this.#waiting.delete(lane);
      this.#next = null;
      return true;
    }
    this.#waiting.add(lane);
    if (isFree) this.#planTurns();
    else for (const other of this.#all()) if (other !== lane && other.evictIdle()) break;
    return false;
  }

  later(waitMs: number, callback: () => void): void {
    this.#options.clock.after(waitMs, callback);
  }

  returnPlace(): void {
    this.#places--;
    if (this.#waiting.size > 0) this.#planTurns();
  }

  shouldMakeRoom(lane: Lane, connection: Connection): boolean {
    if (this.#waiting.size === 0 || (this.#waiting.size === 1 && this.#waiting.has(lane))) return false;
    if (lane.waiting === 0) return true;
    // One that has sent nothing stays: with fewer places than lanes, all would give way and none would send.
    if (connection.transactions === 0) return false;
    const share = Math.max(1, this.#options.maxConnections() / (this.#lanes.size + this.#retired.size));
    return lane.connections > share || connection.transactions >= FAIR_TRANSACTIONS;
  }

  read(id: string): Promise<Content> {
    return this.#options.read(id);
  }

  /** What a recipient waits for that no connection has; null: it is not here, or one has it. */
  waitOf(messageId: string, recipient: number): AttemptWait | null {
    for (const lane of this.#all()) {
      const places = { used: this.#places, most: this.#options.maxConnections() };
      const wait = lane.waitOf(messageId, recipient, this.#waiting.has(lane) ? places : null);
      if (wait !== null) return wait;
    }
    return null;
  }

  open(lane: Lane, onStage: (stage: OpenStage) => void): Promise<Opened> {
    const { finder, counters, tls, traces } = this.#options;
    return openConnection({
      route: planRoute(lane.settings, lane.domain),
      settings: lane.settings,
      finder,
      hostname: finder.hostname,
      deadlines: this.deadlines,
      tls,
      traces,
      transportId: lane.transportId,
      onStage,
      isCancelled: () => this.#isClosed || lane.waiting === 0,
      onTlsFallback: () => {
        counters.tlsFallbacks++;
      },
    });
  }

  onOpened(): void {
    this.#options.counters.connectionsOpened++;
  }

  onOpenFailed(): void {
    this.#options.counters.connectionsFailed++;
  }

  onEmpty(lane: Lane): void {
    this.#waiting.delete(lane);
    this.#retired.delete(lane);
    if (this.#lanes.get(lane.key) === lane) this.#lanes.delete(lane.key);
  }

  /** Not at once: the lane that gave a place back is in the middle of its own bookkeeping. */
  #planTurns(): void {
    queueMicrotask(() => {
      for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
        if (this.#places >= this.#options.maxConnections()) return;
        this.#waiting.delete(next);
        this.#next = next;
        next.wake();
        this.#next = null;
      }
    });
  }

  #lane(
    key: string,
    target: { readonly domain: string; readonly transportId: string },
    settings: TransportSettings,
  ): Lane {
    const known = this.#lanes.get(key);
    if (known?.settings === settings) return known;
    if (known !== undefined) {
      this.#retired.add(known);
      known.retire();
    }
    const lane = new Lane(key, { ...target, settings, pool: this });
    this.#lanes.set(key, lane);
    return lane;
  }

  /** The same object each time, since a lane is known by its settings. */
  #fromSource(settings: TransportSettings, source: string): TransportSettings {
    const known = this.#bySource.get(settings) ?? new Map<string, TransportSettings>();
    this.#bySource.set(settings, known);
    const derived = known.get(source) ?? { ...settings, sourceIps: [source] };
    known.set(source, derived);
    return derived;
  }

  #all(): Lane[] {
    return [...this.#lanes.values(), ...this.#retired];
  }
}

/** Mail that asks for other TLS than usual goes over connections of its own. */
function tlsFor(job: Job, usual: TransportSettings): { settings: TransportSettings; suffix: string } {
  if (job.requiresTls) return { settings: withRequiredTls(usual), suffix: " in TLS" };
  const settings = job.isTlsOptional ? withOptionalTls(usual) : usual;
  return { settings, suffix: settings === usual ? "" : " in any way" };
}
