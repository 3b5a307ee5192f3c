/**
 * A clock around another whose wall does not follow each jump: one that is taken back within a minute is never seen, since
 * what was stamped or given up meanwhile could not be taken back. A jump that stays is followed after that minute; small
 * corrections at once. Times go on meanwhile at the pace of the monotonic clock. What was read first is believed.
 *
 *   const clock = calmClock(systemClock);
 *
 * Never fails.
 */
import type { Clock } from "./clock.ts";

/** What a time service corrects in one step, and what may pass between the reading of two clocks. */
const CORRECTION_MS = 1000;
/** A jump that stays for so long is meant. */
const BELIEVED_AFTER_MS = 60_000;

export function calmClock(clock: Clock): Clock {
  /** How far the wall is before the monotonic clock. */
  let lead = clock.now() - clock.monotonic();
  /** Monotonic, since when the wall says something else; null: it does not. */
  let doubtedAt: number | null = null;
  return {
    now() {
      const monotonic = clock.monotonic();
      const wall = clock.now();
      if (Math.abs(wall - monotonic - lead) > CORRECTION_MS) {
        doubtedAt ??= monotonic;
        if (monotonic - doubtedAt < BELIEVED_AFTER_MS) return Math.floor(lead + monotonic);
      }
      lead = wall - monotonic;
      doubtedAt = null;
      return wall;
    },
    monotonic: () => clock.monotonic(),
    after: (delayMs, callback) => clock.after(delayMs, callback),
  };
}
