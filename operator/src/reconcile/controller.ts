/**
 * Runs passes: takes keys from the queue, a few at once, each with a deadline. What a pass throws is logged, counted
 * and tried again later; it never ends the program. When `stop` is called no pass starts, running ones are aborted
 * and waited for.
 */
import { type Clock, sleep } from "#base/clock.ts";
import { describe } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import { isKubeFailure } from "#operator/kube/errors.ts";

import type { Key, Reconciler, Result } from "./result.ts";
import type { WorkQueue } from "./work-queue.ts";

/** Longer than any chain of calls should take; a pass that hangs must not hold its key. */
const DEADLINE_MS = 120_000;

export type Outcome = "done" | "again" | "failed";

export interface ControllerOptions {
  /** For logs and metrics: "mailcluster". */
  readonly name: string;
  readonly queue: WorkQueue;
  readonly reconcile: Reconciler;
  readonly workers: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly deadlineMs?: number;
  readonly onPass?: (pass: { controller: string; outcome: Outcome; seconds: number }) => void;
}

export class Controller {
  readonly #options: ControllerOptions;
  readonly #stop = new AbortController();
  #workers: Promise<unknown> = Promise.resolve();

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  start(): void {
    const workers = Array.from({ length: this.#options.workers }, () => this.#work());
    this.#workers = Promise.all(workers);
  }

  async stop(reason: string): Promise<void> {
    this.#stop.abort(new Error(reason));
    this.#options.queue.close();
    await this.#workers;
  }

  async #work(): Promise<void> {
    for (;;) {
      const key = await this.#options.queue.take();
      if (key === null) return;
      await this.#pass(key);
    }
  }

  async #pass(key: Key): Promise<void> {
    const { name, queue, clock, log, onPass } = this.#options;
    const startedAt = clock.monotonic();
    const finish = (outcome: Outcome): number => {
      const seconds = (clock.monotonic() - startedAt) / 1000;
      onPass?.({ controller: name, outcome, seconds });
      return Math.round(seconds * 1000);
    };
    try {
      const result = await this.#run(key);
      queue.done(key);
      if (result.kind === "again") queue.addAfter(key, result.afterMs);
      log.debug({ controller: name, ...key, ...result, ms: finish(result.kind) }, "pass");
    } catch (error) {
      const asked = isKubeFailure(error) ? (error.retryAfterMs ?? 0) : 0;
      const retryMs = queue.failed(key, asked);
      log.warn(
        { controller: name, ...key, reason: describe(error), ...bugOf(error), retryMs, ms: finish("failed") },
        "pass-failed",
      );
    }
  }

  async #run(key: Key): Promise<Result> {
    const { clock, reconcile } = this.#options;
    const deadlineMs = this.#options.deadlineMs ?? DEADLINE_MS;
    const late = new AbortController();
    const timer = clock.after(deadlineMs, () =>
      late.abort(new Error(`the pass took longer than ${deadlineMs} ms`)),
    );
    const signal = AbortSignal.any([this.#stop.signal, late.signal]);
    try {
      // A pass that ignores its signal is left behind; its writes are fenced.
      return await Promise.race([reconcile(key, signal), refusal(signal, clock)]);
    } finally {
      timer.cancel();
    }
  }
}

/** Rejects a little after `signal`, so that a pass that heeds it can end by itself. */
async function refusal(signal: AbortSignal, clock: Clock): Promise<never> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await sleep(clock, 1000);
  throw signal.reason;
}

/** The stack is only worth a line when the mistake is ours. */
function bugOf(error: unknown): { stack?: string } {
  const isOurs = error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return isOurs && error.stack !== undefined ? { stack: error.stack } : {};
}
