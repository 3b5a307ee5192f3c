/** Which retry schedule mail takes: the first condition that matches its facts, else that of its transport (pure). */
import type { AppConfig } from "#contract/config.ts";
import type { QueueField } from "#contract/queue-fields.ts";

import { type Facts, type Lists, type Matcher, compileMatch } from "../queue/matching.ts";
import type { RetrySchedule } from "../queue/retry.ts";

type Retry = AppConfig["queues"]["retries"][number]["retry"];

export interface RetryRules {
  /** Facts that are known only where somebody asks for them, as far as some rule does. */
  readonly watched: readonly QueueField[];
  /** Null: as the transport says. */
  find(facts: () => Facts): RetrySchedule | null;
}

const unasked = new Set<QueueField>(["grouping", "remotemx", "remoteip", "localip"]);

export function makeRetryRules({ queues }: AppConfig, lists: Lists): RetryRules {
  const rules = queues.retries.map(({ if: match, retry }): [Matcher, RetrySchedule] => [
    compileMatch(match, lists),
    makeSchedule(retry),
  ]);
  return {
    watched: rules.flatMap(([{ fields }]) => fields.filter((field) => unasked.has(field))),
    find(facts) {
      if (rules.length === 0) return null;
      const known = facts();
      return rules.find(([matcher]) => matcher.matches(known))?.[1] ?? null;
    },
  };
}

export function makeSchedule({ count, intervals }: Retry): RetrySchedule {
  return { count, intervals: intervals.map(({ interval, notify }) => ({ delayMs: interval, notify })) };
}
