/** What the admin API may ask of the engine, over its rooms. Thin: nothing is decided here. */
import type {
  ConfigPush,
  DrainRequest,
  EngineStatus,
  QueueChange,
  QueuePage,
  QueueQuery,
  QueueSelector,
} from "#contract/admin-api.ts";

import type { Administration, ConfigAnswer } from "./admin/admin-server.ts";
import type { LiveConfig } from "./config/live-config.ts";
import type { Queue } from "./queue/queue.ts";
import { queryQueue, selectEntries } from "./queue/query.ts";
import type { SessionCounters } from "./session/counters.ts";
import type { Spamhaus } from "./spamhaus/spamhaus.ts";
import type { Spool } from "./spool/spool.ts";
import type { Transfer } from "./transfer/transfer.ts";
import { version } from "./version.ts";

/** The engine as far as it can be administered; `state` is changed from here and by whoever stops the engine. */
export interface Administered {
  state: EngineStatus["state"];
  readonly startedAt: string;
  readonly isReady: boolean;
  readonly sessions: number;
  readonly options: { readonly config: LiveConfig };
  readonly queue: Queue;
  readonly spool: Spool;
  readonly courier: { readonly connections: number };
  readonly sessionCounters: SessionCounters;
  readonly transfer: Transfer;
  readonly spamhaus: Pick<Spamhaus, "state">;
  readonly plugins: { states(): EngineStatus["plugins"] };
}

export class EngineAdministration implements Administration {
  readonly #mta: Administered;

  constructor(mta: Administered) {
    this.#mta = mta;
  }

  status(): EngineStatus {
    const { queue, spool, sessionCounters, courier } = this.#mta;
    return {
      version,
      startedAt: this.#mta.startedAt,
      revision: this.#mta.options.config.revision,
      state: this.#mta.state,
      ready: this.#mta.isReady,
      queue: this.#queueFigures(),
      spoolClosed: spool.figures().closedBecause,
      sessions: this.#mta.sessions,
      deliveries: courier.connections,
      totals: { accepted: sessionCounters.acceptedMessages, ...queue.counters },
      plugins: this.#mta.plugins.states(),
      handover: this.#mta.transfer.figures,
      spamhaus: this.#mta.spamhaus.state,
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
    await this.#mta.transfer.order(peers, { give: mode === "Drain" });
    if (this.#mta.state !== "Stopping") this.#mta.state = drainStates[mode];
    return this.status();
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
    const figures = this.#mta.queue.figures();
    return { ...figures, total: figures.total + this.#mta.transfer.withheld };
  }
}

const drainStates = { Serve: "Serving", Cordon: "Cordoned", Drain: "Draining" } as const;
