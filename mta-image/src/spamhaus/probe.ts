/**
 * Tries a key and its lists out on the test points, which every key that may ask a list gets listed. Used before a
 * key is taken into use, and by an engine on itself so that trouble shows before mail comes. Never rejects.
 */
import type { Clock } from "#base/clock.ts";
import type { SpamhausList } from "#contract/spamhaus-config.ts";

import { type AskAddress, withDeadline } from "./lookup.ts";
import { type Finding, failure, judge } from "./judge.ts";
import { queryName } from "./names.ts";
import { zones } from "./zones.ts";

export interface ProbeSettings {
  /** Null while there is none. */
  readonly key: string | null;
  readonly zone: string;
  readonly timeoutMs: number;
  readonly ask: AskAddress;
}

export interface Probed {
  readonly list: SpamhausList;
  readonly finding: Finding;
}

export function probe(
  clock: Clock,
  lists: Iterable<SpamhausList>,
  settings: ProbeSettings,
): Promise<Probed[]> {
  return Promise.all(
    [...lists].map(async (list) => ({ list, finding: await probeOne(clock, list, settings) })),
  );
}

async function probeOne(
  clock: Clock,
  list: SpamhausList,
  { key, zone, timeoutMs, ask }: ProbeSettings,
): Promise<Finding> {
  if (key === null) return failure("no-key");
  const { label, testPoint } = zones[list];
  const name = queryName({ label: testPoint, key, list: label, zone });
  if (name === null) return failure("bad-zone");
  return judge(list, await withDeadline(clock, ask(name), timeoutMs));
}

export function outcomeOf(finding: Finding): string {
  return finding.kind === "error" ? finding.reason : finding.kind;
}
