/**
 * The latest transactions that were sampled, for who asks later why a message waits. A ring: the oldest goes when one
 * comes that would be too many, so memory is bounded by its size times that of a part. Lost with a restart.
 */
import type { SessionTraceView } from "#contract/trace-api.ts";

import type { Part } from "./part.ts";
import type { SessionTrace } from "./session-trace.ts";

interface Sample {
  readonly trace: SessionTrace;
  readonly part: Part;
}

export class Samples {
  #samples: Sample[] = [];
  #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  resize(most: number): void {
    this.#most = most;
    this.#samples = most === 0 ? [] : this.#samples.slice(-most);
  }

  keep(trace: SessionTrace, part: Part): void {
    this.#samples.push({ trace, part });
    if (this.#samples.length > this.#most) this.#samples.shift();
  }

  /** What is still there of a message, the oldest first. */
  of(messageId: string): SessionTraceView[] {
    return this.#samples
      .filter(({ part }) => part.messageId === messageId)
      .map(({ trace, part }) => ({
        session: trace.about.id,
        direction: trace.about.direction,
        lines: [...trace.opening.lines, ...part.lines],
        omitted: trace.opening.omitted + part.omitted,
      }));
  }
}
