/**
 * Warming up source addresses: a new address gets so many recipients a day, more from day to day, evenly over the
 * day. A client of policies: each address that is not warm yet has one, of type `warmup`, which admission prefers for
 * first tries; what is over the budget takes the transport's other addresses or waits. Days are days of UTC.
 *
 * `planWarmUp` decides (pure); `WarmUp` looks once a minute and orders what has changed. Never fails.
 */
import type { Clock, Timer } from "#base/clock.ts";
import type { PolicyConfig } from "#contract/policy-config.ts";
import type { WarmUpView } from "#contract/warm-up-api.ts";

import type { DynamicRules } from "./dynamic-rules.ts";
import type { Limits } from "./policy.ts";
import type { Rate } from "./rate.ts";
import type { PolicyOrder } from "./rulebook.ts";
import { dateOf } from "./source-count.ts";

export type WarmUpConfig = NonNullable<PolicyConfig["warmup"]>;

const DAY_MS = 86_400_000;
const SLICE_MS = 300_000;
/** Windows that a day can touch: one that began on the day before and those that begin in it. */
const SLICES = DAY_MS / SLICE_MS + 1;
const LOOK_EVERY_MS = 60_000;

/** Policies of the addresses that are warming up at this instant. */
export function planWarmUp(config: WarmUpConfig, now: number): PolicyOrder[] {
  return config.ips.flatMap(({ ip, class: name, added }) => {
    const schedule = config.schedules.find((one) => one.class === name);
    const budget = schedule === undefined ? null : budgetOn(schedule, dayOf(added, now));
    if (schedule === undefined || budget === null) return [];
    return [
      {
        id: `warmup ${ip}`,
        type: "warmup" as const,
        origin: "config",
        fields: ["localip" as const, ...schedule.fields],
        match: { localip: ip },
        limits: { ...unlimited, rate: spread(budget) },
        ttlMs: 0,
      },
    ];
  });
}

/** The plan, and where each address is in it, for people. */
export function showWarmUp(
  config: WarmUpConfig | null,
  now: number,
): Pick<WarmUpView, "today" | "schedules" | "addresses"> {
  const { schedules = [], ips = [] } = config ?? {};
  return {
    today: dateOf(now),
    schedules: schedules.map((one) => ({ class: one.class, rows: rowsOf(one), days: lastDay(one) })),
    addresses: ips.map(({ ip, class: name, added }) => {
      const schedule = schedules.find((one) => one.class === name);
      const day = dayOf(added, now);
      const budget = schedule === undefined ? null : budgetOn(schedule, day);
      return { ip, class: name, added, day, budget };
    }),
  };
}

type Schedule = WarmUpConfig["schedules"][number];

function rowsOf({ schedule }: Schedule): Schedule["schedule"] {
  return schedule.toSorted((a, b) => a.day - b.day);
}

function lastDay(schedule: Schedule): number {
  return schedule.days ?? rowsOf(schedule).at(-1)?.day ?? 0;
}

/** Recipients on a day of the schedule, or null when the address is warm. */
export function budgetOn(schedule: Schedule, day: number): number | null {
  const rows = rowsOf(schedule);
  if (day > lastDay(schedule)) return null;
  return (rows.findLast((row) => row.day <= day) ?? rows[0])?.messages ?? null;
}

/** A rate that uses a day's budget evenly and is never over it, whenever it starts. */
export function spread(budget: number): Rate {
  const algorithm = "fixedwindow";
  if (budget < SLICES) return { tokens: 1, intervalMs: Math.ceil(DAY_MS / budget), algorithm };
  return { tokens: Math.floor(budget / SLICES), intervalMs: SLICE_MS, algorithm };
}

/** 1 on the day when the address was added; the same before. */
function dayOf(added: string, now: number): number {
  return Math.max(1, Math.floor((now - Date.parse(added)) / DAY_MS) + 1);
}

const unlimited: Limits = {
  concurrency: Number.POSITIVE_INFINITY,
  rate: null,
  connectIntervalMs: 0,
  properties: {},
  tag: "warmup",
  stop: false,
  cluster: true,
};

export class WarmUp {
  readonly #rules: DynamicRules;
  readonly #clock: Clock;
  #config: WarmUpConfig | null = null;
  /** Orders in force, by id, in short form. */
  #ordered = new Map<string, string>();
  #timer: Timer | null = null;

  constructor(rules: DynamicRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  configure(config: WarmUpConfig | null): void {
    this.#config = config;
    this.#look();
  }

  show(): Pick<WarmUpView, "today" | "schedules" | "addresses"> {
    return showWarmUp(this.#config, this.#clock.now());
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #look(): void {
    this.close();
    const plan = this.#config === null ? [] : planWarmUp(this.#config, this.#clock.now());
    const wanted = new Map(plan.map((order) => [order.id, order]));
    for (const id of this.#ordered.keys()) if (!wanted.has(id)) this.#rules.deletePolicy(id);
    for (const [id, order] of wanted) {
      if (this.#ordered.get(id) !== JSON.stringify(order)) this.#rules.addPolicy(order);
    }
    this.#ordered = new Map(plan.map((order) => [order.id, JSON.stringify(order)]));
    if (this.#config !== null) this.#timer = this.#clock.after(LOOK_EVERY_MS, () => this.#look());
  }
}
