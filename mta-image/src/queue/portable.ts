/**
 * Which due mail another engine of the cluster could try as well (pure): it stands in line here and is in nobody's hands. Not
 * what waits for its next attempt or is on hold, not what a suspension or a limit that was learned here holds back (the
 * remote side means the cluster), and not what is bound to source addresses, which another engine may not have. Mail
 * that a limit of the files holds back is portable: every engine has its own part of it.
 */
import { Counter } from "./counter.ts";
import type { DestinationQueue } from "./destination-queue.ts";
import type { Entry } from "./entry.ts";
import type { PolicyType } from "./policy.ts";
import { Suspension } from "./suspension.ts";
import type { Blocker } from "./waiting-room.ts";

type Line = Pick<DestinationQueue<Entry>, "ready" | "localIps" | "state" | "due">;

/** At most so much leaves at once. */
export interface PortableBounds {
  readonly messages: number;
  readonly recipients: number;
  readonly bytes: number;
}

const OF_ALL_ENGINES: ReadonlySet<PolicyType> = new Set(["config", "warmup"]);

/** Recipients that could be tried elsewhere. */
export function countPortable(lines: Iterable<Line>): number {
  let count = 0;
  for (const line of lines) if (isPortable(line)) count += line.ready;
  return count;
}

/**
 * Messages that may leave, of each line as large a part as the bounds are of the whole, so that no destination loses its
 * turns here; of each the earliest in line. A message is given whole, or not at all.
 */
export function choosePortable(
  lines: Iterable<Line>,
  find: (messageId: string) => readonly Entry[],
  bounds: PortableBounds,
): readonly string[] {
  const open = [...lines].filter(isPortable);
  const part = Math.min(1, bounds.recipients / Math.max(1, countPortable(open)));
  const chosen = new Set<string>();
  let { recipients, bytes } = bounds;
  for (const line of open) {
    let left = Math.min(recipients, Math.ceil(line.ready * part));
    for (const { message } of line.due()) {
      if (left <= 0 || chosen.size >= bounds.messages) break;
      const entries = chosen.has(message.id) ? [] : find(message.id);
      if (entries.length === 0 || entries.length > recipients || message.sizeBytes > bytes) continue;
      if (!entries.every(isFree)) continue;
      chosen.add(message.id);
      recipients -= entries.length;
      bytes -= message.sizeBytes;
      left -= entries.length;
    }
  }
  return [...chosen];
}

function isFree({ phase, verdict, destination }: Entry): boolean {
  return phase === "ready" && verdict === null && isPortable(destination);
}

function isPortable({ ready, localIps, state }: Pick<Line, "ready" | "localIps" | "state">): boolean {
  return ready > 0 && localIps === null && state?.waitsFor.some(isOurs) !== true;
}

/** Another engine does not know of it. */
function isOurs(blocker: Blocker): boolean {
  if (blocker instanceof Counter) return !OF_ALL_ENGINES.has(blocker.policy.type);
  return blocker instanceof Suspension;
}
