/** An order that mail with some facts is not to be tried for now, until its end or until it is taken back. */
import type { QueueMatch } from "#contract/queue-fields.ts";

import type { Matcher } from "./matching.ts";
import { Blocker } from "./waiting-room.ts";

export interface SuspensionFacts {
  readonly id: string;
  readonly matcher: Matcher;
  /** As it was given, for whoever lists it. */
  readonly match: QueueMatch;
  readonly tag: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  /** Who gave it: "config", "api" or a plugin. */
  readonly origin: string;
  /** Monotonic milliseconds; Infinity: no end. */
  readonly endsAt: number;
}

export class Suspension extends Blocker {
  readonly facts: SuspensionFacts;

  constructor(facts: SuspensionFacts) {
    super();
    this.facts = facts;
  }

  get matcher(): Matcher {
    return this.facts.matcher;
  }

  wait(now: number): number {
    return Math.max(0, this.facts.endsAt - now);
  }
}
