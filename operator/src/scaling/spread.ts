/**
 * Which engines hand a part of their due mail to which peers while all of them go on serving (pure). Pods that are alike
 * (one version, one revision, all as the spec says or none of them) and fit to take mail are compared; who lies far above the mean gives down to it, and who lies
 * below takes up to it. So a share moves once: what was spread lies within the threshold and stays. Only mail counts that
 * any engine could try as well (`portable` of its figures); an engine that does not tell takes no part.
 */
import type { SlotDecision } from "#operator/slots/decide.ts";
import { type Fence, isFenced } from "#operator/slots/fence.ts";
import { isOnLeavingNode, isServing, type ObservedPod, type ObservedSlot } from "#operator/slots/observed.ts";
import { unansweredOf } from "#operator/slots/orders.ts";
import { isTight } from "#operator/slots/spool-space.ts";

export interface SpreadInput {
  readonly slots: readonly ObservedSlot[];
  /** Those that are not on their way out. */
  readonly staying: ReadonlySet<number>;
  readonly fence: Fence;
  /** Those that try a revision out, or did badly with one. */
  readonly doubted: ReadonlySet<number>;
  /** As for decideSlots: what a pod that is as the spec says has. */
  readonly hashOf: (slot: number) => string;
}

/** A pod, and recipients. */
export interface Part {
  readonly slot: number;
  readonly pod: ObservedPod & { readonly ip: string };
  readonly recipients: number;
}

export interface SpreadOrder {
  readonly slot: number;
  readonly pod: Part["pod"];
  /** The sum over all takers. */
  readonly recipients: number;
  readonly to: readonly Part[];
}

/** Below this a hand-over costs more than it brings. */
export const LEAST_GAP = 100;
/** Above the mean by so much of it. */
const GAP_FACTOR = 0.5;
/** What one pass moves from one engine: it takes a second or two, and then all are looked at again. */
const MOST_AT_ONCE = 5000;
/** Less is not worth a batch. */
const LEAST_PART = 10;

/** Slots whose pods are not on their way out. */
export function stayingOf({
  staying,
  waiting,
}: Pick<SlotDecision, "staying" | "waiting">): ReadonlySet<number> {
  const leaving = new Set(waiting.map(({ slot }) => slot));
  return new Set(staying.filter((slot) => !leaving.has(slot)));
}

export function decideSpread(input: SpreadInput): readonly SpreadOrder[] {
  const parts = input.slots.flatMap((slot) => partOf(slot, input));
  const alike = Map.groupBy(parts, ({ slot, pod: { engine, hash } }) =>
    JSON.stringify([engine?.version, engine?.revision, hash === input.hashOf(slot)]),
  );
  return [...alike.values()].flatMap(spreadAmong);
}

/** What is told to people: "slot 0: 750 to 1, 2, 3". */
export function describeSpread(orders: readonly SpreadOrder[]): string {
  return orders
    .map(
      ({ slot, recipients, to }) =>
        `slot ${slot}: ${recipients} to ${to.map((part) => part.slot).join(", ")}`,
    )
    .join("; ");
}

function spreadAmong(parts: readonly Part[]): SpreadOrder[] {
  const mean = parts.reduce((sum, { recipients }) => sum + recipients, 0) / parts.length;
  const limit = mean + Math.max(LEAST_GAP, mean * GAP_FACTOR);
  const rooms = parts.map((part) => ({ ...part, recipients: Math.floor(mean) - part.recipients }));
  const givers = parts
    .filter(({ recipients }) => recipients >= limit)
    .sort((a, b) => b.recipients - a.recipients);
  return givers.flatMap(({ slot, pod, recipients }) => {
    const to = take(rooms, Math.min(recipients - Math.ceil(mean), MOST_AT_ONCE));
    const sum = to.reduce((total, part) => total + part.recipients, 0);
    return sum === 0 ? [] : [{ slot, pod, recipients: sum, to }];
  });
}

/** To each as large a part as its room is of all rooms. What was taken is no room any more. */
function take(rooms: Part[], excess: number): Part[] {
  const all = rooms.reduce((sum, { recipients }) => sum + Math.max(0, recipients), 0);
  const taken: Part[] = [];
  let left = excess;
  for (const [i, room] of rooms.entries()) {
    const recipients = Math.min(left, room.recipients, Math.ceil((excess * room.recipients) / all));
    if (recipients < LEAST_PART) continue;
    taken.push({ ...room, recipients });
    rooms[i] = { ...room, recipients: room.recipients - recipients };
    left -= recipients;
  }
  return taken;
}

/** Empty unless it may give and take. */
function partOf(observed: ObservedSlot, { staying, fence, doubted }: SpreadInput): Part[] {
  const { slot, pod, claim } = observed;
  if (pod === null || pod.engine === null || pod.ip === null || claim?.isTerminating === true) return [];
  if (!staying.has(slot) || isFenced(fence, slot) || doubted.has(slot)) return [];
  const { engine, ip } = pod;
  const { portable } = engine.queue;
  const isFit =
    isServing(pod) && !isOnLeavingNode(observed) && engine.spoolClosed === null && !isTight(engine);
  const isBusy = unansweredOf(engine) > 0 || (engine.handover?.spreading ?? 0) > 0;
  const canSpread = portable !== undefined && engine.handover?.spreading !== undefined;
  return isFit && canSpread && !isBusy ? [{ slot, pod: { ...pod, ip }, recipients: portable }] : [];
}
