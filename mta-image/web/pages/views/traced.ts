/** What a trace has told so far, as rows (pure). Only the latest are kept, so that a page may stay open. */
import type { TraceLine } from "#contract/trace-api.ts";
import type { ClusterTraceItem, Failures } from "#web/shared/web-api.ts";

export interface TraceRow extends TraceLine {
  readonly key: number;
  readonly engine: string;
}

export interface Traced {
  readonly rows: readonly TraceRow[];
  /** Older ones that were let go. */
  readonly dropped: number;
  readonly failures: Failures;
  readonly ends: readonly { readonly engine: string; readonly reason: string }[];
}

export const nothingTraced: Traced = { rows: [], dropped: 0, failures: [], ends: [] };
export const MAX_TRACE_ROWS = 5000;

export function withItems(before: Traced, items: readonly ClusterTraceItem[]): Traced {
  let key = before.dropped + before.rows.length;
  const rows: TraceRow[] = [...before.rows];
  const failures = [...before.failures];
  const ends = [...before.ends];
  for (const { engine, item, failure } of items) {
    if (failure !== undefined) failures.push({ engine, reason: failure });
    else if (item?.kind === "end") ends.push({ engine, reason: item.reason });
    else if (item !== undefined && item.kind !== "alive") rows.push({ ...item, engine, key: key++ });
  }
  const surplus = Math.max(0, rows.length - MAX_TRACE_ROWS);
  return { rows: rows.slice(surplus), dropped: before.dropped + surplus, failures, ends };
}
