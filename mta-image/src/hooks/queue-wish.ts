/** The options of Queue() around a delivery as plain values, or what is wrong with them. Pure. */
import type { Value, HslArray } from "../script/value.ts";

export interface QueueWish {
  /** Null: as the schedule says. */
  readonly delayMs: number | null;
  readonly isHeld: boolean;
  /** How many tries are counted from now on. */
  readonly counted: "more" | "same" | "none";
  /** Null: as before. */
  readonly transportId: string | null;
}

export const plainQueue: QueueWish = { delayMs: null, isHeld: false, counted: "more", transportId: null };

/** Of a script that failed before an attempt: it is asked again soon, and its own trouble uses up none of the schedule. */
export const queueOfFailed: QueueWish = { ...plainQueue, delayMs: 300_000, counted: "same" };

export function queueWish(
  options: HslArray | null,
  hasTransport: (id: string) => boolean,
): QueueWish | string {
  const transportId = options?.get("transportid") ?? null;
  if (transportId !== null && (typeof transportId !== "string" || !hasTransport(transportId)))
    return "transportid is no transport";
  const isSet = (name: string): boolean => options?.get(name) === true;
  const isSame = options?.get("increment_retry") === false;
  const counted = isSet("reset_retry") ? "none" : isSame ? "same" : "more";
  return { delayMs: delayOf(options?.get("delay") ?? null), isHeld: isSet("hold"), counted, transportId };
}

/** A year: nobody waits longer for mail. */
export const LONGEST_SECONDS = 31_536_000;

function delayOf(delay: Value): number | null {
  if (typeof delay !== "number" || !(delay >= 0)) return null;
  return Math.min(delay, LONGEST_SECONDS) * 1000;
}
