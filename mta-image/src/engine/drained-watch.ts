/**
 * While an engine takes no mail: looks each second whether anything is left, and once nothing is, says so on the volume
 * (spool/volume-mark.ts). Nothing in here rejects.
 */
import type { Clock, Timer } from "#base/clock.ts";

const LOOK_EVERY_MS = 1000;

export interface DrainedWatchOptions {
  readonly clock: Clock;
  /** Nothing is queued, on its way or unclear, and nobody is connected. */
  readonly isEmpty: () => boolean;
  readonly mark: () => Promise<void>;
}

export class DrainedWatch {
  readonly #options: DrainedWatchOptions;
  #timer: Timer | null = null;

  constructor(options: DrainedWatchOptions) {
    this.#options = options;
  }

  start(): void {
    this.stop();
    this.#timer = this.#options.clock.after(LOOK_EVERY_MS, () => void this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  async #look(): Promise<void> {
    const timer = this.#timer;
    if (this.#options.isEmpty()) await this.#options.mark();
    if (this.#timer === timer && timer !== null) this.start();
  }
}
