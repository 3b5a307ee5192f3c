/**
 * All that goes on with one destination under one set of transport settings: jobs that wait and the connections
 * that serve them. A job waits, has its content read when a connection is there to send it, and is taken by
 * whichever connection is free first. Connections are opened as jobs need them, up to the limit of the settings
 * and the places that the pool has.
 *
 * When no connection could be opened and none is left, all jobs that wait get the outcome of the try. While
 * others still work, a failed opening only costs the extra connection, and no new one is tried for a while.
 */
import { describe } from "#base/error.ts";

import type { AttemptWait, Outcome } from "../queue/courier.ts";
import type { Reached } from "../smtp/reached.ts";
import type { Content } from "../spool/spool.ts";
import { ConnectRules } from "./connect-rules.ts";
import { Connection, type JobSource } from "./connection.ts";
import type { Deadlines } from "./deadlines.ts";
import { type Job, outcomeOfReadError } from "./job.ts";
import { JobQueue } from "./job-queue.ts";
import { type LaneSituation, type OpenStage, waitIn } from "./lane-wait.ts";
import type { Opened } from "./open.ts";
import { outcomeOfTrouble } from "./outcome.ts";
import type { TransportSettings } from "./transport.ts";

/** What a lane needs of the pool. */
export interface LanePool {
  readonly deadlines: Deadlines;
  readonly isClosed: boolean;
  /** True when the lane may open a connection now; else the lane is told with `wake` when it may ask again. */
  takePlace(lane: Lane): boolean;
  returnPlace(): void;
  later(waitMs: number, callback: () => void): void;
  /** Other lanes wait for a place that this one should make. */
  shouldMakeRoom(lane: Lane, connection: Connection): boolean;
  read(id: string): Promise<Content>;
  /** `onStage` hears how far it has come. */
  open(lane: Lane, onStage: (stage: OpenStage) => void): Promise<Opened>;
  onOpened(): void;
  onOpenFailed(): void;
  /** Nothing waits and nothing is open: the lane may be forgotten. */
  onEmpty(lane: Lane): void;
}

interface Opening {
  stage: OpenStage;
}

/** After a failed opening beside working connections. */
const OPEN_AGAIN_MS = 10_000;

export class Lane implements JobSource {
  readonly key: string;
  readonly domain: string;
  readonly transportId: string;
  readonly settings: TransportSettings;
  readonly #pool: LanePool;
  /** Content not read yet. */
  readonly #waiting = new JobQueue();
  /** Content read, in order of being taken. */
  readonly #ready = new JobQueue();
  readonly #connections = new Set<Connection>();
  readonly #idle: Connection[] = [];
  /** Connections that are being opened. */
  readonly #openings = new Set<Opening>();
  /** Content being read. */
  readonly #loading = new Set<Job>();
  #openAgainAt = 0;
  readonly #connectRules = new ConnectRules();
  /** How often somebody was told when to ask the rules again. */
  #wakening = 0;
  #isRetired = false;

  constructor(
    key: string,
    options: { domain: string; transportId: string; settings: TransportSettings; pool: LanePool },
  ) {
    this.key = key;
    this.domain = options.domain;
    this.transportId = options.transportId;
    this.settings = options.settings;
    this.#pool = options.pool;
  }

  get connections(): number {
    return this.#connections.size;
  }

  get idle(): number {
    return this.#idle.length;
  }

  get waiting(): number {
    return this.#waiting.size + this.#ready.size + this.#loading.size;
  }

  add(job: Job): void {
    this.#waiting.push(job);
    this.#connectRules.add(job);
    this.wake();
  }

  /** Looks again at what could be done: reads content, hands out jobs, opens connections. */
  wake(): void {
    this.#load();
    this.#dispatch();
    this.#open();
    // What they were kept for went without them.
    if (this.#isDone && this.#idle.length > 0) this.shut({ now: false });
    if (this.waiting === 0 && this.#openings.size === 0 && this.#connections.size === 0)
      this.#pool.onEmpty(this);
  }

  /** Closes the connection that has been idle longest and has nothing in sight. False when there is none. */
  evictIdle(): boolean {
    const oldest = this.waiting === 0 ? this.#idle[0] : undefined;
    oldest?.leave();
    return oldest !== undefined;
  }

  /** Takes no new jobs: a connection goes as soon as nothing waits for it. Those that wait still leave under these settings. */
  retire(): void {
    this.#isRetired = true;
    if (this.#isDone) this.shut({ now: false });
  }

  /** Closes idle connections, and at `now` also busy ones; jobs that wait get the outcome of a shutdown. */
  shut(options: { now: boolean }): void {
    // Each leaves the list; whoever is woken by that may close others.
    for (let idle = this.#idle[0]; idle !== undefined; idle = this.#idle[0]) idle.leave();
    if (!options.now) return;
    for (const connection of [...this.#connections]) connection.cut("shutdown");
    this.#settleWaiting(outcomeOfTrouble("shutdown", ""));
    this.wake();
  }

  /** What a recipient waits for that waits here; null: it does not. `places`: those of the pool, where this lane wants one. */
  waitOf(messageId: string, recipient: number, places: LaneSituation["places"]): AttemptWait | null {
    let before = 0;
    for (const job of this.#jobs()) {
      if (job.isFor(messageId, recipient)) {
        return waitIn({
          ...{ server: this.settings.server, domain: this.domain, transportId: this.transportId },
          ...{ open: this.#connections.size, most: this.settings.maxConnections, places, before },
          stages: [...this.#openings].map(({ stage }) => stage),
          isSpaced: this.#connectRules.areClosed,
        });
      }
      before++;
    }
    return null;
  }

  next(connection: Connection): Job | null {
    if (this.#pool.shouldMakeRoom(this, connection)) return null;
    const job = this.#ready.shift();
    if (job !== null && this.#waiting.size > 0) this.#load();
    return job;
  }

  giveBack(job: Job): void {
    if (this.#isOver) {
      job.settleAll(outcomeOfTrouble("shutdown", ""));
      return;
    }
    this.#ready.unshift(job);
  }

  onIdle(connection: Connection): void {
    // Content is read when there is a connection for it: what waits for that keeps its connection.
    if (this.#isDone) this.shut({ now: false });
    const isWanted = !this.#isDone && !this.#pool.shouldMakeRoom(this, connection);
    if (this.#pool.isClosed || !isWanted) return connection.leave();
    this.#idle.push(connection);
    connection.idleFor(this.settings.idleMs);
  }

  onGone(connection: Connection): void {
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (!this.#connections.delete(connection)) return;
    this.#connectRules.lost();
    this.#pool.returnPlace();
    this.wake();
  }

  /** Nothing is left for it, and nothing more will come. */
  get #isDone(): boolean {
    return this.#isRetired && this.waiting === 0;
  }

  /** Nothing can be sent any more: no connection is left and no new one will be opened. */
  get #isOver(): boolean {
    return this.#pool.isClosed && this.#connections.size === 0;
  }

  /** How many messages are worth holding in memory: one on the way and one behind it for each connection. */
  get #window(): number {
    return this.settings.maxConnections * 2;
  }

  #load(): void {
    if (this.#connections.size === 0) return;
    while (this.#waiting.size > 0 && this.#ready.size + this.#loading.size < this.#window) {
      const job = this.#waiting.shift() as Job;
      this.#loading.add(job);
      this.#pool.read(job.message.id).then(
        (content) => this.#onLoaded(job, content),
        (error: unknown) => this.#onUnreadable(job, error),
      );
    }
  }

  #onLoaded(job: Job, content: Content): void {
    this.#loading.delete(job);
    job.content = content;
    if (this.#isOver) {
      job.settleAll(outcomeOfTrouble("shutdown", ""));
      return this.wake();
    }
    this.#ready.push(job);
    if (this.#idle.length > 0) this.#dispatch();
    else if (this.#connections.size === 0) this.wake();
  }

  #onUnreadable(job: Job, error: unknown): void {
    this.#loading.delete(job);
    job.settleAll(outcomeOfReadError(error));
    this.wake();
  }

  #dispatch(): void {
    while (this.#ready.size > 0) {
      const connection = this.#idle.pop();
      if (connection === undefined) return;
      connection.work();
    }
  }

  #open(): void {
    while (this.#needsConnection() && this.#pool.takePlace(this)) {
      if (!this.#mayConnect()) return this.#pool.returnPlace();
      void this.#openOne();
    }
  }

  async #openOne(): Promise<void> {
    const opening: Opening = { stage: { kind: "begun" } };
    this.#openings.add(opening);
    const onStage = (stage: OpenStage): void => {
      opening.stage = stage;
    };
    const opened = await this.#pool.open(this, onStage).catch((error: unknown): Opened => {
      return { kind: "failed", outcome: outcomeOfTrouble("internal", "", describe(error)) };
    });
    this.#openings.delete(opening);
    this.#onOpened(opened);
  }

  /** False: the lane is woken when it may. */
  #mayConnect(): boolean {
    const wait = this.#connectRules.ask(this.#jobs());
    if (wait > 0 && wait < Number.POSITIVE_INFINITY) {
      const wakening = ++this.#wakening;
      // Only the last one counts: each asks again, and were all to do so there would be more of them with every connection.
      this.#pool.later(wait, () => {
        if (wakening !== this.#wakening) return;
        this.#connectRules.askAnew();
        this.wake();
      });
    }
    return wait === 0;
  }

  *#jobs(): Iterable<Job> {
    yield* this.#ready;
    yield* this.#loading;
    yield* this.#waiting;
  }

  #needsConnection(): boolean {
    if (this.#connectRules.areClosed) return false;
    const open = this.#connections.size + this.#openings.size;
    if (open >= this.settings.maxConnections || this.waiting <= this.#idle.length + this.#openings.size)
      return false;
    // Tries that go on beside a failed one are waited for: else one would always be under way, and jobs that
    // wait would never hear of the failure while the host is asked again and again.
    return open === 0 || this.#pool.deadlines.now >= this.#openAgainAt;
  }

  #onOpened(opened: Opened): void {
    if (opened.kind !== "open") this.#connectRules.lost();
    if (opened.kind === "failed") return this.#onOpenFailed(opened.outcome, opened.reached ?? null);
    if (opened.kind === "cancelled") {
      this.#pool.returnPlace();
      return this.wake();
    }
    const { wire, host, capabilities, reached } = opened;
    const { timeouts, maxTransactions, isLmtp, mayChunk } = this.settings;
    const connection = new Connection(wire, {
      host,
      capabilities,
      timeouts,
      maxTransactions,
      isLmtp,
      mayChunk,
      source: this,
      reached,
    });
    if (connection.isGone || this.#pool.isClosed) {
      const { trouble, detail } = connection.ended ?? { trouble: "lost", detail: "" };
      connection.cut("shutdown");
      this.#connectRules.lost();
      if (!this.#pool.isClosed) return this.#onOpenFailed(outcomeOfTrouble(trouble, host, detail), reached);
      this.#pool.returnPlace();
      return this.wake();
    }
    this.#connections.add(connection);
    this.#pool.onOpened();
    connection.work();
    this.wake();
  }

  #onOpenFailed(outcome: Outcome, reached: Reached | null): void {
    this.#pool.returnPlace();
    this.#pool.onOpenFailed();
    this.#openAgainAt = this.#pool.deadlines.in(OPEN_AGAIN_MS);
    if (this.#connections.size === 0 && this.#openings.size === 0) this.#settleWaiting(outcome, reached);
    this.wake();
  }

  #settleWaiting(outcome: Outcome, reached: Reached | null = null): void {
    for (const queue of [this.#ready, this.#waiting]) {
      for (let job = queue.shift(); job !== null; job = queue.shift()) {
        job.goesOver(reached, 0);
        job.settleAll(outcome);
      }
    }
  }
}
