/** What a queue shows of itself, from its counts (pure). */
import type { DueFigures } from "./dispatcher.ts";
import type { QueueFigures } from "./queue-options.ts";

export interface QueueCounts {
  /** Recipients that are not settled, and those of them that are held and that wait for their time. */
  readonly total: number;
  readonly held: number;
  readonly deferred: number;
  /** When the first of those that wait is due, wall-clock ms; null: nobody waits. */
  readonly nextAt: number | null;
  readonly due: DueFigures;
}

export function figuresOf({ total, held, deferred, nextAt, due }: QueueCounts, now: number): QueueFigures {
  const secondsSince = (at: number | null): number => (at === null ? 0 : Math.max(0, (now - at) / 1000));
  return {
    total,
    active: total - deferred - held,
    deferred,
    hold: held,
    oldestDueSeconds: secondsSince(due.oldestAt),
    blocked: due.blocked,
    oldestFreeSeconds: secondsSince(due.oldestFreeAt),
    nextDueAt: nextAt === null ? null : new Date(nextAt).toISOString(),
  };
}
