/**
 * Who looks at sessions now, and which of them are sampled. A session that opens asks once whether there is a reason to
 * record it; one that is open asks again when `epoch` says that a reader has come. Bounded: readers, sessions under
 * record, and what each keeps. Nothing in here fails.
 */
import type { Clock } from "#base/clock.ts";
import type { Random } from "#base/random.ts";
import type { SessionTraceView, TraceQuery } from "#contract/trace-api.ts";

import type { TraceAbout } from "./filter.ts";
import { Samples } from "./samples.ts";
import { SessionTrace } from "./session-trace.ts";
import { type TraceReader, type View, Watch } from "./watch.ts";

const MOST_WATCHES = 8;
const MOST_TRACES = 500;

export interface SampleSettings {
  /** Share of sessions, 0 to 1. */
  readonly ratio: number;
  /** Transactions that are kept. */
  readonly keep: number;
}

export class Tracer {
  /** Grows with each reader. */
  epoch = 0;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #watches = new Set<Watch>();
  readonly #traces = new Set<SessionTrace>();
  readonly #samples = new Samples(0);
  #ratio = 0;

  constructor(options: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  configure({ ratio, keep }: SampleSettings): void {
    this.#ratio = ratio;
    this.#samples.resize(ratio === 0 ? 0 : keep);
  }

  /** Shows sessions to the reader until the query's bounds are reached. Null: too many look already. */
  watch(query: TraceQuery, reader: TraceReader): Watch | null {
    if (this.#watches.size >= MOST_WATCHES) return null;
    const watch: Watch = new Watch(query, { reader, clock: this.#clock, onEnd: () => this.#forget(watch) });
    this.#watches.add(watch);
    this.epoch++;
    for (const trace of this.#traces) {
      const view = watch.view(trace.about);
      if (view !== null) trace.join(view);
    }
    return watch;
  }

  /** Null when nobody wants to know. */
  open(about: TraceAbout): SessionTrace | null {
    if (this.#watches.size === 0 && this.#ratio === 0) return null;
    return this.#record(about, this.#ratio > 0 && this.#random() < this.#ratio);
  }

  /** For a session that was open before a reader came. */
  follow(about: TraceAbout): SessionTrace | null {
    return this.#watches.size === 0 ? null : this.#record(about, false);
  }

  samplesOf(messageId: string): SessionTraceView[] {
    return this.#samples.of(messageId);
  }

  close(): void {
    for (const watch of this.#watches) watch.stop("shutdown");
  }

  #record(about: TraceAbout, isSampled: boolean): SessionTrace | null {
    const views = [...this.#watches].map((watch) => watch.view(about)).filter((view) => view !== null);
    if (views.length === 0 && !isSampled) return null;
    if (this.#traces.size >= MOST_TRACES) return missed(views);
    const trace = new SessionTrace({
      about,
      clock: this.#clock,
      views,
      isSampled,
      onSample: (those, part) => this.#samples.keep(those, part),
      onClose: (those) => this.#traces.delete(those),
    });
    this.#traces.add(trace);
    return trace;
  }

  #forget(watch: Watch): void {
    this.#watches.delete(watch);
    for (const trace of this.#traces) {
      trace.detach(watch);
      if (trace.isIdle) this.#traces.delete(trace);
    }
  }
}

function missed(views: readonly View[]): null {
  for (const { watch } of views) watch.missed++;
  return null;
}
