/**
 * Looks at the cluster every few seconds and remembers an hour of figures for the charts. A restart forgets them, which
 * costs nobody anything: Prometheus is where figures are kept. Nothing here rejects.
 */
import type { Clock, Timer } from "#base/clock.ts";
import type { EngineStatus } from "#contract/admin-api.ts";
import type { SeriesPoint } from "#web/shared/web-api.ts";

import { type Fleet, type FleetAnswer, statusCall } from "./fleet.ts";
import { sum } from "./merge.ts";

const EVERY_MS = 5_000;
const KEPT = 720;

type Totals = Pick<EngineStatus["totals"], "accepted" | "delivered" | "deferred" | "failed">;

interface Look {
  readonly at: number;
  /** By engine and its start: counters of another life do not go on. */
  readonly totals: ReadonlyMap<string, Totals>;
}

export class Watch {
  readonly #fleet: Pick<Fleet, "ask">;
  readonly #clock: Clock;
  #points: SeriesPoint[] = [];
  #before: Look | null = null;
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(fleet: Pick<Fleet, "ask">, clock: Clock) {
    this.#fleet = fleet;
    this.#clock = clock;
  }

  async start(): Promise<void> {
    await this.#look();
    if (!this.#isClosed) this.#timer = this.#clock.after(EVERY_MS, () => void this.start());
  }

  stop(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  points(): readonly SeriesPoint[] {
    return this.#points;
  }

  async #look(): Promise<void> {
    const answer = await this.#fleet.ask(statusCall);
    const look = lookOf(answer, this.#clock.now());
    this.#points = [...this.#points.slice(1 - KEPT), pointOf(answer, this.#before, look)];
    this.#before = look;
  }
}

function lookOf({ answers }: FleetAnswer<EngineStatus>, at: number): Look {
  return {
    at,
    totals: new Map(answers.map(({ engine, value }) => [`${engine} ${value.startedAt}`, value.totals])),
  };
}

/** Pure. */
export function pointOf(answer: FleetAnswer<EngineStatus>, before: Look | null, now: Look): SeriesPoint {
  const queues = answer.answers.map(({ value }) => value.queue);
  const rate = (read: (totals: Totals) => number): number | null => rateOf(before, now, read);
  return {
    at: now.at,
    engines: queues.length,
    silent: answer.failures.length,
    active: sum(queues, ({ active }) => active),
    deferred: sum(queues, ({ deferred }) => deferred),
    hold: sum(queues, ({ hold }) => hold),
    oldestDueSeconds: Math.max(0, ...queues.map(({ oldestDueSeconds }) => oldestDueSeconds)),
    accepted: rate(({ accepted }) => accepted),
    delivered: rate(({ delivered }) => delivered),
    deferrals: rate(({ deferred }) => deferred),
    failed: rate(({ failed }) => failed),
  };
}

/** Over the engines that answered both times. */
function rateOf(before: Look | null, now: Look, read: (totals: Totals) => number): number | null {
  if (before === null) return null;
  const seconds = (now.at - before.at) / 1000;
  if (seconds <= 0) return null;
  let grown = 0;
  let seen = 0;
  for (const [engine, totals] of now.totals) {
    const earlier = before.totals.get(engine);
    if (earlier === undefined) continue;
    grown += Math.max(0, read(totals) - read(earlier));
    seen++;
  }
  return seen === 0 ? null : grown / seconds;
}
