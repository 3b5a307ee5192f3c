/**
 * What a session or a connection holds to be traced by: `now` is the trace to record to, or null nearly always. A reader
 * who comes later is noticed at the next thing that is said.
 */
import type { TraceAbout } from "./filter.ts";
import type { SessionTrace } from "./session-trace.ts";
import type { Tracer } from "./tracer.ts";

export class Traced {
  readonly #tracer: Tracer;
  readonly #about: TraceAbout;
  #epoch: number;
  #trace: SessionTrace | null;

  constructor(tracer: Tracer, about: TraceAbout) {
    this.#tracer = tracer;
    this.#about = about;
    this.#epoch = tracer.epoch;
    this.#trace = tracer.open(about);
  }

  get now(): SessionTrace | null {
    if (this.#trace?.isIdle === true) this.#trace = null;
    if (this.#epoch !== this.#tracer.epoch) {
      this.#epoch = this.#tracer.epoch;
      this.#trace ??= this.#tracer.follow(this.#about);
    }
    return this.#trace;
  }

  /** The session has ended. */
  close(reason: string): void {
    this.now?.close(reason);
    this.#trace = null;
  }
}
