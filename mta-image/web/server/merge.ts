/** Makes one answer of what several engines said (pure). */
import type { Deliveries, QueueGroups, SearchPage } from "#contract/insight-api.ts";
import type { WarmUpView } from "#contract/warm-up-api.ts";
import type {
  ClusterDeliveries,
  ClusterEntry,
  ClusterGroups,
  ClusterPage,
  ClusterWarmUp,
  Failures,
} from "#web/shared/web-api.ts";

import type { FleetAnswer, Said } from "./fleet.ts";

/** How many entries each of so many engines is asked for: a few more than its part of the page. */
export function shareOfPage(limit: number, engines: number): number {
  return Math.min(limit, Math.max(20, Math.ceil((2 * limit) / Math.max(1, engines))));
}

/**
 * Ids sort by time of arrival on every engine, so pages of the cluster follow them like pages of one engine. What lies
 * beyond the last entry of an engine that has more is left for the next page: that engine may have something before it.
 */
export function mergePages({ answers, failures }: FleetAnswer<SearchPage>, limit: number): ClusterPage {
  const ends = answers.flatMap(({ value }) => value.next ?? []);
  const isCertain = (id: string): boolean => ends.every((end) => compareIds(id, end) <= 0);
  const all = answers.flatMap(({ engine, value }) =>
    value.entries.map((entry): ClusterEntry => ({ ...entry, engine })),
  );
  const certain = all.filter(({ id }) => isCertain(id)).sort((a, b) => compareIds(a.id, b.id));
  const entries = certain.slice(0, limit);
  const hasMore = certain.length > limit || ends.length > 0;
  const matched = sum(answers, ({ value }) => value.matched);
  return { entries, next: hasMore ? (entries.at(-1)?.id ?? null) : null, matched, failures };
}

/** "<message>/<index>": the index counts as a number. */
function compareIds(a: string, b: string): number {
  const [messageA = "", indexA = ""] = a.split("/");
  const [messageB = "", indexB = ""] = b.split("/");
  if (messageA !== messageB) return messageA < messageB ? -1 : 1;
  return Number(indexA) - Number(indexB);
}

export function mergeGroups({ answers, failures }: FleetAnswer<QueueGroups>, limit: number): ClusterGroups {
  const counts = new Map<string, number>();
  for (const { value } of answers) {
    for (const { key, count } of value.groups) counts.set(key, (counts.get(key) ?? 0) + count);
  }
  const groups = [...counts].map(([key, count]) => ({ key, count })).sort((a, b) => b.count - a.count);
  const shown = groups.slice(0, limit);
  const matched = sum(answers, ({ value }) => value.matched);
  return { groups: shown, others: matched - sum(shown, ({ count }) => count), matched, failures };
}

const SHOWN_ATTEMPTS = 500;

export function mergeDeliveries({ answers, failures }: FleetAnswer<Deliveries>): ClusterDeliveries {
  const attempts = answers
    .flatMap(({ engine, value }) => value.attempts.map((attempt) => ({ ...attempt, engine })))
    .sort((a, b) => (a.at < b.at ? 1 : -1))
    .slice(0, SHOWN_ATTEMPTS);
  const since = answers.map(({ value }) => value.since).sort()[0] ?? "";
  const classes = mergeClasses(answers);
  return { since, attempts, destinations: mergeDestinations(answers), classes, failures };
}

function mergeClasses(answers: readonly Said<Deliveries>[]): ClusterDeliveries["classes"] {
  const sums = new Map<string, ClusterDeliveries["classes"][number]>();
  for (const each of answers.flatMap(({ value }) => value.classes ?? [])) {
    const key = `${each.class} ${each.outcome}`;
    sums.set(key, { ...each, count: each.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()].sort((a, b) => b.count - a.count);
}

type Destination = Deliveries["destinations"][number];

function mergeDestinations(answers: readonly Said<Deliveries>[]): Destination[] {
  const byDomain = new Map<string, Destination>();
  for (const destination of answers.flatMap(({ value }) => value.destinations)) {
    const known = byDomain.get(destination.domain);
    byDomain.set(destination.domain, known === undefined ? destination : addUp(known, destination));
  }
  return [...byDomain.values()].sort((a, b) => total(b) - total(a));
}

function addUp(a: Destination, b: Destination): Destination {
  const codes = new Map(a.codes.map(({ code, count }) => [code, count]));
  for (const { code, count } of b.codes) codes.set(code, (codes.get(code) ?? 0) + count);
  return {
    domain: a.domain,
    delivered: a.delivered + b.delivered,
    deferred: a.deferred + b.deferred,
    failed: a.failed + b.failed,
    unclear: a.unclear + b.unclear,
    codes: [...codes].map(([code, count]) => ({ code, count })).sort((x, y) => y.count - x.count),
    lastReply: b.lastReply === "" ? a.lastReply : b.lastReply,
  };
}

function total({ delivered, deferred, failed, unclear }: Destination): number {
  return delivered + deferred + failed + unclear;
}

/**
 * The plan that most engines have (of each there are as many budgets as the configuration says, shared among them), and what
 * they have sent together. It is complete since the youngest engine began to count.
 */
export function mergeWarmUp({ answers, failures }: FleetAnswer<WarmUpView>): ClusterWarmUp {
  const plans = new Map<string, Said<WarmUpView>[]>();
  for (const said of answers) {
    const { schedules, addresses } = said.value;
    const text = JSON.stringify([
      schedules,
      addresses.map(({ ip, class: name, added }) => [ip, name, added]),
    ]);
    plans.set(text, [...(plans.get(text) ?? []), said]);
  }
  const [most = [], ...others] = [...plans.values()].sort((a, b) => b.length - a.length);
  const plan = most[0]?.value;
  return {
    since:
      answers
        .map(({ value }) => value.since)
        .sort()
        .at(-1) ?? "",
    today: plan?.today ?? "",
    schedules: plan?.schedules ?? [],
    addresses: plan?.addresses ?? [],
    counts: addCounts(answers.flatMap(({ value }) => value.counts)),
    differing: others.flat().map(({ engine }) => engine),
    failures,
  };
}

function addCounts(counts: WarmUpView["counts"]): WarmUpView["counts"] {
  const sums = new Map<string, WarmUpView["counts"][number]>();
  for (const count of counts) {
    const key = `${count.date} ${count.ip}`;
    const { tried = 0, delivered = 0 } = sums.get(key) ?? {};
    sums.set(key, { ...count, tried: tried + count.tried, delivered: delivered + count.delivered });
  }
  return [...sums.values()].sort((a, b) => (a.date < b.date ? -1 : a.date > b.date ? 1 : 0));
}

interface Rule {
  readonly id: string;
  readonly endsAt: string | null;
}

/** The same rule on several engines is one line; its end may differ by the moment at which each heard of it. */
export function mergeRules<T extends Rule>(
  answers: readonly Said<readonly T[]>[],
): { readonly rule: T; readonly engines: string[]; readonly isSame: boolean }[] {
  const byId = new Map<string, { rule: T; engines: string[]; isSame: boolean }>();
  for (const { engine, value } of answers) {
    for (const rule of value) {
      const known = byId.get(rule.id);
      if (known === undefined) byId.set(rule.id, { rule, engines: [engine], isSame: true });
      else {
        known.engines.push(engine);
        known.isSame &&= textOf(known.rule) === textOf(rule);
      }
    }
  }
  return [...byId.values()].sort((a, b) => (a.rule.id < b.rule.id ? -1 : 1));
}

function textOf(rule: Rule): string {
  return JSON.stringify({ ...rule, endsAt: rule.endsAt === null });
}

export function sum<T>(items: readonly T[], read: (item: T) => number): number {
  return items.reduce((total, item) => total + read(item), 0);
}

export function failuresText(failures: Failures): string {
  return failures.map(({ engine, reason }) => `${engine}: ${reason}`).join("; ");
}
