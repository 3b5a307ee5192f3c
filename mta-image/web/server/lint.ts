/**
 * Looks at proposals, one at a time, each in a thread that may take so much time and memory and no more: what people type is
 * not to keep the pages from anybody, nor to end the server. Rejects with a Refusal.
 */
import { Worker } from "node:worker_threads";

import type { Clock } from "#base/clock.ts";
import type { ConfigVerdict } from "#web/shared/web-api.ts";

import type { Proposal } from "./judge-proposal.ts";
import { Refusal } from "./route.ts";

const TIME_MS = 10_000;
/** The pod has 256 MiB. */
const MEMORY = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16, stackSizeMb: 4 } as const;
const MOST_WAITING = 4;

/** Beside this file in a checkout, beside the bundle in an image. */
const program = new URL(
  import.meta.url.endsWith(".ts") ? "./lint-worker.ts" : "./mailfleet-web-lint.mjs",
  import.meta.url,
);

export class Lint {
  readonly #clock: Clock;
  readonly #timeMs: number;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock, timeMs = TIME_MS) {
    this.#clock = clock;
    this.#timeMs = timeMs;
  }

  async judge(proposal: Proposal): Promise<ConfigVerdict> {
    if (this.#waiting >= MOST_WAITING)
      throw new Refusal(429, "too-many", "other proposals are being looked at; try again in a moment");
    this.#waiting++;
    const verdict = this.#last.then(() => this.#run(proposal));
    this.#last = verdict.catch(() => {});
    try {
      return await verdict;
    } finally {
      this.#waiting--;
    }
  }

  async #run(proposal: Proposal): Promise<ConfigVerdict> {
    const worker = new Worker(program, {
      workerData: proposal,
      resourceLimits: MEMORY,
      stdout: true,
      stderr: true,
    });
    const outcome = new Promise<ConfigVerdict>((resolve, reject) => {
      const give = (reason: string): void =>
        reject(new Refusal(422, "cannot-be-judged", `this cannot be looked at here: ${reason}`));
      worker.once("message", resolve);
      worker.once("error", (error: NodeJS.ErrnoException) => give(reasonOf(error)));
      worker.once("exit", () => give("it ended early"));
    });
    const timer = this.#clock.after(this.#timeMs, () => worker.emit("error", new Error("it takes too long")));
    try {
      return await outcome;
    } finally {
      timer.cancel();
      await worker.terminate();
    }
  }
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ERR_WORKER_OUT_OF_MEMORY") return "it needs too much memory";
  if (error instanceof RangeError) return "it is nested too deeply";
  return error.message;
}
