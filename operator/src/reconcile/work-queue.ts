/**
 * Which key is looked at next. A key is in here once, however often it is added; while its pass runs, further adds
 * are remembered as one and it comes again afterwards, so a key never has two passes at a time. Keys are served in
 * the order in which they were first added: one that fails or is added for ever stands behind the others each time.
 *
 * A failed key comes back after a pause that doubles (with jitter) until a pass succeeds. What happened during a failing
 * pass does not cut its pause short; an add after it does, so a user who mends a spec does not wait.
 */
import type { Clock, Timer } from "#base/clock.ts";
import type { Random } from "#base/random.ts";
import { type Key, keyText } from "#operator/cache/key.ts";
import { type BackOff, delayAfter } from "#operator/kube/back-off.ts";

const BACK_OFF: BackOff = { firstMs: 200, longestMs: 300_000 };

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly backOff?: BackOff;
}

interface Waiting {
  readonly timer: Timer;
  readonly at: number;
}

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #ready = new Map<string, Key>();
  readonly #running = new Set<string>();
  readonly #dirty = new Map<string, Key>();
  readonly #waiting = new Map<string, Waiting>();
  readonly #failures = new Map<string, number>();
  readonly #takers: ((key: Key | null) => void)[] = [];
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that could be taken at once. */
  get depth(): number {
    return this.#ready.size;
  }

  /** Nothing to take, nothing running; keys may still wait for their time. */
  get isIdle(): boolean {
    return this.#ready.size === 0 && this.#running.size === 0;
  }

  add(key: Key): void {
    const id = keyText(key);
    if (this.#closed) return;
    this.#cancel(id);
    if (this.#running.has(id)) this.#dirty.set(id, key);
    else if (!this.#ready.has(id)) this.#ready.set(id, key);
    this.#serve();
  }

  /** Of several wishes for one key the earliest counts. */
  addAfter(key: Key, delayMs: number): void {
    const id = keyText(key);
    const at = this.#options.clock.monotonic() + delayMs;
    const waiting = this.#waiting.get(id);
    if (this.#closed || this.#ready.has(id) || (waiting !== undefined && waiting.at <= at)) return;
    this.#cancel(id);
    const timer = this.#options.clock.after(delayMs, () => {
      this.#waiting.delete(id);
      this.add(key);
    });
    this.#waiting.set(id, { timer, at });
  }

  /** The next key, or null when the queue is closed. The caller says `done` or `failed` afterwards. */
  take(): Promise<Key | null> {
    return new Promise((resolve) => {
      this.#takers.push(resolve);
      this.#serve();
    });
  }

  done(key: Key): void {
    this.#failures.delete(keyText(key));
    this.#release(key);
  }

  /** Returns after how many milliseconds the key comes again; `leastMs` is what a server asked for. */
  failed(key: Key, leastMs = 0): number {
    const id = keyText(key);
    const failures = (this.#failures.get(id) ?? 0) + 1;
    this.#failures.set(id, failures);
    const pause = delayAfter(failures, this.#options.backOff ?? BACK_OFF, this.#options.random);
    // What happened meanwhile does not cut the pause short: a pass that fails at once would spin.
    this.#dirty.delete(id);
    this.#release(key);
    const delayMs = Math.max(pause, leastMs);
    this.addAfter(key, delayMs);
    return delayMs;
  }

  /** Nothing is taken any more; waiting takers get null. */
  close(): void {
    this.#closed = true;
    for (const id of [...this.#waiting.keys()]) this.#cancel(id);
    this.#ready.clear();
    this.#serve();
  }

  #release(key: Key): void {
    const id = keyText(key);
    this.#running.delete(id);
    const again = this.#dirty.get(id);
    this.#dirty.delete(id);
    if (again !== undefined) this.add(again);
  }

  #cancel(id: string): void {
    this.#waiting.get(id)?.timer.cancel();
    this.#waiting.delete(id);
  }

  #serve(): void {
    while (this.#takers.length > 0) {
      const next = this.#ready.entries().next();
      if (next.done === true && !this.#closed) return;
      const taker = this.#takers.shift();
      if (next.done === true) {
        taker?.(null);
        continue;
      }
      const [id, key] = next.value;
      this.#ready.delete(id);
      this.#running.add(id);
      taker?.(key);
    }
  }
}
