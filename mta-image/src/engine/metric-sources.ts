/** Where the figures of a running engine are read from (pure): rooms that everybody knows, and what is handed in beside. */
import type { MetricSources } from "../admin/metrics.ts";
import type { SmtpCourier } from "../delivery/smtp-courier.ts";
import type { Queue } from "../queue/queue.ts";
import type { SessionCounters } from "../session/counters.ts";
import type { Spamhaus } from "../spamhaus/spamhaus.ts";
import type { DiskSpool } from "../spool/disk-spool.ts";
import type { Transfer } from "../transfer/transfer.ts";

/** The engine as far as it is counted. */
export interface Counted {
  readonly sessionCounters: SessionCounters;
  readonly sessions: number;
  readonly isReady: boolean;
  readonly queue: Queue;
  readonly spool: DiskSpool;
  readonly courier: SmtpCourier;
  readonly spamhaus: Spamhaus;
  readonly transfer: Pick<Transfer, "figures">;
  readonly plugins: { states(): ReturnType<MetricSources["plugins"]> };
}

type Handed = Pick<
  MetricSources,
  "bounces" | "hooks" | "authentication" | "events" | "certificates" | "spoolFloorBytes"
>;

export function metricSources(engine: Counted, handed: Handed): MetricSources {
  const { queue, spool, courier } = engine;
  return {
    ...handed,
    session: engine.sessionCounters,
    sessions: () => engine.sessions,
    outcomes: queue.counters,
    running: () => queue.running,
    queue: () => queue.figures(),
    quotas: () => queue.quotas.list(),
    reactions: queue.reactions,
    spool: () => spool.figures(),
    isReady: () => engine.isReady,
    delivery: courier.counters,
    connections: () => courier.connections,
    spamhaus: engine.spamhaus.counters,
    handover: () => engine.transfer.figures,
    plugins: () => engine.plugins.states(),
  };
}
