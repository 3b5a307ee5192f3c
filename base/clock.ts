/**
 * The only source of time and timers. Everything that waits or compares times is handed a Clock, so tests
 * turn time by hand. `systemClock` is the real one; `testing/manual-clock.ts` is the other.
 * Nothing here fails: a callback that throws is the caller's bug and ends the process like any uncaught error.
 */

export interface Timer {
  /** Cancels the callback; harmless when it already ran. */
  cancel(): void;
}

export interface Clock {
  /** Wall-clock milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never go backwards, for measuring spans. */
  monotonic(): number;
  /** Calls once after `delayMs`. The timer does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
}

/** setTimeout overflows past 2^31-1 ms and would fire at once; a longer wait is cut and the caller looks again. */
const LONGEST_DELAY_MS = 0x7fffffff;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_DELAY_MS));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Resolves after `delayMs`, or at once when `signal` aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(delayMs, done);
    signal?.addEventListener("abort", done, { once: true });
  });
}
