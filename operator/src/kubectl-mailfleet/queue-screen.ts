/** Queues pod by pod, and the entries that come first (pure). */
import type { EngineStatus, QueuePage } from "#contract/admin-api.ts";

import { clean, table } from "./table.ts";

export interface PodQueue {
  readonly pod: string;
  /** Null: it does not answer, for this reason. */
  readonly status: EngineStatus | null;
  readonly page: QueuePage | null;
  readonly reason: string;
}

export function queueScreen(pods: readonly PodQueue[]): string {
  const head = ["POD", "STATE", "TOTAL", "ACTIVE", "BLOCKED", "DEFERRED", "HOLD", "OLDEST DUE"];
  const rows = pods.map(({ pod, status, reason }) => {
    if (status === null) return [pod, `unknown: ${clean(reason)}`];
    const { total, active, blocked, deferred, hold, oldestDueSeconds } = status.queue;
    const figures = [total, active, blocked ?? "?", deferred, hold].map(String);
    return [pod, status.state, ...figures, `${Math.round(oldestDueSeconds)} s`];
  });
  const entries = pods.flatMap(({ pod, page }) =>
    (page?.entries ?? []).map((entry) => [
      pod,
      entry.id,
      entry.status,
      String(entry.attempts),
      entry.dueAt,
      clean(entry.recipient),
      clean(entry.lastReply).slice(0, 100),
    ]),
  );
  const list = entries.length === 0 ? "" : `\n${table([ENTRY_HEAD, ...entries], "")}\n`;
  return `${table([head, ...rows], "")}\n${list}`;
}

const ENTRY_HEAD = ["POD", "ID", "STATUS", "TRIES", "DUE", "RECIPIENT", "LAST REPLY"] as const;
