/** What the admin API may ask of the engine, over its rooms. Thin: nothing is decided here. */
import {
  type ConfigPush,
  type DrainRequest,
  type EngineStatus,
  type QueueChange,
  type QueuePage,
  type QueueQuery,
  type QueueSelector,
  type SpreadRequest,
  stateUnder,
} from "#contract/admin-api.ts";

import type { Clock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";

import type { Administration, ConfigAnswer } from "../admin/admin-server.ts";
import type { LiveConfig } from "../config/live-config.ts";
import { countPortable } from "../queue/portable.ts";
import type { Queue } from "../queue/queue.ts";
import { queryQueue, selectEntries } from "../queue/query.ts";
import type { SessionCounters } from "../session/counters.ts";
import type { RecentClients } from "../session/recent-clients.ts";
import type { Spamhaus } from "../spamhaus/spamhaus.ts";
import { BusyShare } from "./busy-share.ts";
import { DrainedWatch } from "./drained-watch.ts";
import type { RuleAdministration } from "./rule-administration.ts";
import type { DiskSpool } from "../spool/disk-spool.ts";
import type { Sharing } from "../suppression/sharing.ts";
import type { Transfer } from "../transfer/transfer.ts";
import { version } from "../version.ts";

/** The engine as far as it can be administered; `state` is changed from here and by whoever stops the engine. */
export interface Administered {
  state: EngineStatus["state"];
  readonly startedAt: string;
  readonly isReady: boolean;
  readonly sessions: number;
  readonly options: { readonly config: LiveConfig; readonly clock: Clock };
  readonly queue: Queue;
  readonly spool: DiskSpool;
  readonly courier: { readonly connections: number };
  readonly sessionCounters: SessionCounters;
  readonly recentClients: RecentClients;
  readonly transfer: Transfer;
  readonly mail: { readonly sharing: Pick<Sharing, "state"> };
  readonly scriptErrors: number;
  readonly spamhaus: Pick<Spamhaus, "state">;
  readonly rules: Pick<RuleAdministration, "shares">;
  readonly plugins: { states(): EngineStatus["plugins"] };
}

export class EngineAdministration implements Administration {
  readonly #mta: Administered;
  readonly #busy = new BusyShare(() => performance.now());
  #drained: DrainedWatch | null = null;

  constructor(mta: Administered) {
    this.#mta = mta;
  }

  status(): EngineStatus {
    const { queue, spool, sessionCounters, courier } = this.#mta;
    const drained = spool.isMarkedDrained;
    return {
      version,
      startedAt: this.#mta.startedAt,
      revision: this.#mta.options.config.revision,
      state: this.#mta.state,
      ready: this.#mta.isReady,
      queue: this.#queueFigures(),
      spoolClosed: spool.figures().closedBecause,
      spool: {
        freeBytes: spool.figures().bytesFree,
        floorBytes: this.#mta.options.config.current.startup.spool.minfree.bytes,
      },
      ...(drained === null ? {} : { drained }),
      busy: this.#busy.share,
      sessions: this.#mta.sessions,
      deliveries: courier.connections,
      clients: this.#mta.recentClients.figures,
      totals: {
        accepted: sessionCounters.acceptedMessages,
        refused: sessionCounters.refusedMessages + sessionCounters.refusedRecipients,
        refusedForRoom: sessionCounters.refusedForRoom,
        ...queue.counters,
        scriptErrors: this.#mta.scriptErrors,
        attempts: queue.ended.attempts,
        attemptSeconds: Math.round(queue.ended.ms) / 1000,
      },
      overQuota: queue.quotas.refused,
      plugins: this.#mta.plugins.states(),
      share: this.#mta.rules.shares(),
      handover: this.#mta.transfer.figures,
      spamhaus: this.#mta.spamhaus.state,
      suppression: this.#mta.mail.sharing.state,
    };
  }

  pushConfig(push: ConfigPush): Promise<ConfigAnswer> {
    return this.#mta.options.config.push(push);
  }

  reloadConfig(): Promise<ConfigAnswer> {
    return this.#mta.options.config.reload();
  }

  /** A process that is stopping stays so. */
  async drain({ mode, peers }: DrainRequest): Promise<EngineStatus> {
    const { spool, queue, transfer, options } = this.#mta;
    await transfer.order(peers, mode === "Drain" ? "all" : "none");
    if (this.#isStopping) return this.status();
    this.#drained ??= this.#watchDrained();
    if (mode === "Cordon" || mode === "Drain") this.#drained.start();
    else this.#drained.stop();
    if (mode === "Serve") await spool.unmarkDrained();
    if (mode === "Fence") {
      this.startFenced();
      await spool.markFenced(`Fenced on ${new Date(options.clock.now()).toISOString()}.\n`);
      return this.status();
    }
    await spool.unmarkFenced();
    if (this.#isStopping) return this.status();
    this.#mta.state = stateUnder[mode];
    queue.isPaused = false;
    return this.status();
  }

  /** Also after each wait: it may have begun meanwhile. */
  get #isStopping(): boolean {
    return this.#mta.state === "Stopping";
  }

  async spread({ peers }: SpreadRequest): Promise<EngineStatus> {
    if (this.#mta.state !== "Serving")
      throw new Failure("engine-leaving", "only an engine that serves spreads its mail");
    await this.#mta.transfer.order(peers, new Map(peers.map(({ name, recipients }) => [name, recipients])));
    return this.status();
  }

  /** As the engine before it was told to be. */
  startFenced(): void {
    this.#mta.queue.isPaused = true;
    this.#mta.state = "Fenced";
  }

  #watchDrained(): DrainedWatch {
    const { spool, options } = this.#mta;
    return new DrainedWatch({
      clock: options.clock,
      isEmpty: () => isEmpty(this.status()),
      mark: () => spool.markDrained(`Nothing was left on ${new Date(options.clock.now()).toISOString()}.\n`),
    });
  }

  queue(query: QueueQuery): QueuePage {
    return queryQueue(this.#mta.queue, query);
  }

  changeQueue(action: "retry" | "hold" | "release" | "bounce", selector: QueueSelector): QueueChange {
    const { queue } = this.#mta;
    const changes = { retry: queue.retryNow, hold: queue.hold, release: queue.release, bounce: queue.bounce };
    const changed = selectEntries(queue, selector).filter((entry) => changes[action].call(queue, entry));
    return { changed: changed.length };
  }

  /** Mail that is being handed over is still here until the peer has said that it has it. */
  #queueFigures(): EngineStatus["queue"] {
    const { queue, transfer } = this.#mta;
    const figures = queue.figures();
    const total = figures.total + transfer.withheld;
    return { ...figures, total, portable: countPortable(queue.lines) };
  }
}

function isEmpty({ state, queue, sessions, deliveries, handover }: EngineStatus): boolean {
  const isTurnedAway = state === "Cordoned" || state === "Draining";
  const owed = handover?.unanswered ?? 0;
  return isTurnedAway && queue.total + sessions + deliveries + owed === 0;
}
