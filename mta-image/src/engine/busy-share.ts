/**
 * How busy the event loop of this process was lately, whoever asks and however often: a figure over the last whole window
 * of a few seconds, or over the time since start while there is none.
 */
import { type EventLoopUtilization, performance } from "node:perf_hooks";

const WINDOW_MS = 5000;

export class BusyShare {
  readonly #now: () => number;
  readonly #read: (from?: EventLoopUtilization) => EventLoopUtilization;
  #from: { readonly at: number; readonly figures: EventLoopUtilization };
  #share: number | null = null;

  /** `read` answers the figures since start or since others. */
  constructor(
    now: () => number,
    read: (from?: EventLoopUtilization) => EventLoopUtilization = (from) =>
      performance.eventLoopUtilization(from),
  ) {
    this.#now = now;
    this.#read = read;
    this.#from = { at: now(), figures: read() };
  }

  /** 0 to 1. */
  get share(): number {
    const at = this.#now();
    const { utilization } = this.#read(this.#from.figures);
    if (at - this.#from.at >= WINDOW_MS) {
      this.#share = bounded(utilization);
      this.#from = { at, figures: this.#read() };
    }
    return this.#share ?? bounded(utilization);
  }
}

function bounded(share: number): number {
  return Number.isFinite(share) ? Math.round(Math.min(Math.max(share, 0), 1) * 1000) / 1000 : 0;
}
