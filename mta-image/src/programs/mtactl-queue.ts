/**
 * The commands of mtactl about queued mail: words and flags of the command line to a call of the admin API, and its
 * answer to lines for people (pure). What mail an order means is said by ids, by --domain or by --where FIELD=VALUE,
 * each any number of times; the engine checks names and values.
 */
import { QueuePage } from "#contract/admin-api.ts";
import { Deliveries, OrderResult, QueueFilter, queueActions } from "#contract/insight-api.ts";

import type { Call } from "./mtactl-rules.ts";

export const queueUsage = `  mtactl queue list [--domain D] [--status active|deferred|hold] [--limit N] [--after ID]
  mtactl queue retry|hold|release|bounce|delete (ID ... | --domain D | --where FIELD=VALUE ...) [--dry-run]
  mtactl queue move (ID ... | --domain D | --where FIELD=VALUE ...) --to FACT=VALUE ... [--dry-run]
                          FIELD: ${Object.keys(QueueFilter.shape).join(" ")}
                          FACT: transportId jobId tenantId grouping
  mtactl bounces          what was no delivery since start, by class of the reply
`;

export interface QueueFlags {
  readonly domain?: string | undefined;
  readonly status?: string | undefined;
  readonly limit?: string | undefined;
  readonly after?: string | undefined;
  readonly where: readonly string[];
  readonly to: readonly string[];
  readonly "dry-run": boolean;
}

/** Null for what is no such command. */
export function queueCall([first, second, ...ids]: readonly string[], flags: QueueFlags): Call | null {
  if (first === "bounces") return { method: "GET", path: "/v1/deliveries", show: showClasses };
  if (first !== "queue" || second === undefined) return null;
  if (second === "list") return { method: "GET", path: `/v1/queue?${listQuery(flags)}`, show: showQueue };
  if (!queueActions.some((action) => action === second)) return null;
  const where = pairs(flags.where);
  const to = pairs(flags.to);
  // Nothing named would mean everything.
  const isNamed = ids.length > 0 || flags.domain !== undefined || flags.where.length > 0;
  if (!isNamed || where === null || to === null) return null;
  const filter = {
    ...withNumbers(where),
    ...(ids.length > 0 ? { ids } : {}),
    ...(flags.domain === undefined ? {} : { recipientDomain: flags.domain }),
  };
  const body = { action: second, filter, ...(second === "move" ? { to } : {}), dryRun: flags["dry-run"] };
  return { method: "POST", path: "/v1/queue/change", body, show: flags["dry-run"] ? showCount : showChange };
}

function listQuery(flags: QueueFlags): URLSearchParams {
  const query = new URLSearchParams();
  if (flags.domain !== undefined) query.set("recipientDomain", flags.domain);
  for (const name of ["status", "limit", "after"] as const) {
    const value = flags[name];
    if (value !== undefined) query.set(name, value);
  }
  return query;
}

/** Null when one of them is no NAME=VALUE. */
function pairs(words: readonly string[]): Record<string, string> | null {
  if (words.some((word) => word.indexOf("=") < 1)) return null;
  return Object.fromEntries(
    words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]),
  );
}

const numbers = new Set(["minAttempts", "minAgeSeconds", "maxAgeSeconds"]);

function withNumbers(where: Record<string, string>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(where).map(([name, value]) => {
      if (name === "ids") return [name, value.split(",")];
      return [name, numbers.has(name) ? Number(value) : value];
    }),
  );
}

function showQueue(answer: unknown): string {
  const page = QueuePage.parse(answer);
  const lines = page.entries.map(
    (entry) =>
      `${entry.id}  ${entry.status.padEnd(8)}  ${String(entry.attempts).padStart(3)}  ${entry.dueAt}  ${entry.recipient}  ${entry.lastReply}\n`,
  );
  return lines.join("") + (page.next === null ? "" : `more: --after ${page.next}\n`);
}

function showClasses(answer: unknown): string {
  return (Deliveries.parse(answer).classes ?? [])
    .map(({ class: name, outcome, count }) => `${String(count).padStart(9)}  ${outcome.padEnd(8)}  ${name}\n`)
    .join("");
}

function showCount(answer: unknown): string {
  return `${OrderResult.parse(answer).matched} would be asked\n`;
}

function showChange(answer: unknown): string {
  const { matched, changed } = OrderResult.parse(answer);
  return `${changed} changed${changed === matched ? "" : ` of ${matched}`}\n`;
}
