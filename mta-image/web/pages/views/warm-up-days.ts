/** Day by day what an address may send and has sent (pure). */
import type { ClusterWarmUp } from "#web/shared/web-api.ts";

type Address = ClusterWarmUp["addresses"][number];

const DAY_MS = 86_400_000;
/** What a chart can show. */
const SHOWN = 90;

export interface Days {
  /** Midnights, UTC, in ms. */
  readonly at: readonly number[];
  /** Which of them today is; -1: none. */
  readonly today: number;
  /** Null: it is warm by then, or was not there yet. */
  readonly planned: readonly (number | null)[];
  /** Null: of the future, or from before anybody counted. */
  readonly tried: readonly (number | null)[];
  readonly delivered: readonly (number | null)[];
}

/** From its first day to its last, or the part of it around today. */
export function daysOf(data: ClusterWarmUp, address: Address): Days {
  const { schedules, counts, today, since } = data;
  const schedule = schedules.find((each) => each.class === address.class);
  const last = schedule?.days ?? 0;
  const first = Math.max(1, Math.min(address.day - SHOWN / 2, last - SHOWN));
  const until = Math.max(Math.min(last, first + SHOWN), Math.min(address.day, first + SHOWN));
  const start = Date.parse(address.added);
  const days = Array.from({ length: Math.max(1, until - first + 1) }, (_, at) => first + at);
  const dates = days.map((day) => new Date(start + (day - 1) * DAY_MS).toISOString().slice(0, 10));
  const sent = new Map(counts.filter(({ ip }) => ip === address.ip).map((count) => [count.date, count]));
  const known = (date: string, read: "tried" | "delivered"): number | null =>
    date > today || date < since.slice(0, 10) ? null : (sent.get(date)?.[read] ?? 0);
  return {
    at: dates.map((date) => Date.parse(date)),
    today: dates.indexOf(today),
    planned: days.map((day) => plannedOn(schedule, day)),
    tried: dates.map((date) => known(date, "tried")),
    delivered: dates.map((date) => known(date, "delivered")),
  };
}

function plannedOn(schedule: ClusterWarmUp["schedules"][number] | undefined, day: number): number | null {
  if (schedule === undefined || day > schedule.days) return null;
  return (schedule.rows.findLast((row) => row.day <= day) ?? schedule.rows[0])?.messages ?? null;
}

export function sentToday(
  { counts, today }: ClusterWarmUp,
  ip: string,
): { tried: number; delivered: number } {
  return counts.find((count) => count.ip === ip && count.date === today) ?? { tried: 0, delivered: 0 };
}
