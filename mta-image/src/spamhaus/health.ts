/**
 * How lookups have done in the last minute, as one word. What Spamhaus itself says (refused, too many, wrong resolver)
 * is trouble at once; silence is, when most questions got no answer. Without questions the last word stays: trouble
 * that nobody asks about is not over.
 */
import type { Clock } from "#base/clock.ts";

import type { Finding } from "./judge.ts";
import type { ErrorReason } from "./zones.ts";

const HALF_MS = 30_000;

/** Reasons that are no answer of Spamhaus': single ones happen on any network. */
const SILENCE: ReadonlySet<ErrorReason> = new Set(["timeout", "server-failure", "paused", "busy"]);

/** "well" and error reasons, with how often. */
type Tally = Map<ErrorReason | "well", number>;

export class Health {
  readonly #clock: Clock;
  #now: Tally = new Map();
  #before: Tally = new Map();
  #since = 0;
  #trouble: ErrorReason | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#since = clock.monotonic();
  }

  note(finding: Finding): void {
    this.#turn();
    const word = finding.kind === "error" ? finding.reason : "well";
    this.#now.set(word, (this.#now.get(word) ?? 0) + 1);
  }

  /** Another key, other servers: what was before tells nothing. */
  forget(): void {
    this.#now = new Map();
    this.#before = new Map();
    this.#trouble = null;
  }

  get trouble(): ErrorReason | null {
    this.#turn();
    const tally = new Map(this.#before);
    for (const [word, count] of this.#now) tally.set(word, (tally.get(word) ?? 0) + count);
    if (tally.size > 0) this.#trouble = troubleOf(tally);
    return this.#trouble;
  }

  #turn(): void {
    const age = this.#clock.monotonic() - this.#since;
    if (age < HALF_MS) return;
    // The word that the older half leaves behind.
    if (this.#now.size + this.#before.size > 0)
      this.#trouble = troubleOf(this.#now.size > 0 ? this.#now : this.#before);
    this.#before = age < 2 * HALF_MS ? this.#now : new Map();
    this.#now = new Map();
    this.#since = this.#clock.monotonic();
  }
}

/** The most frequent error that counts; null: lookups do well. */
function troubleOf(tally: ReadonlyMap<ErrorReason | "well", number>): ErrorReason | null {
  const errors = [...tally].filter((entry): entry is [ErrorReason, number] => entry[0] !== "well");
  const loud = errors.filter(([reason]) => !SILENCE.has(reason));
  const silent = errors.filter(([reason]) => SILENCE.has(reason));
  const sum = (entries: readonly (readonly [unknown, number])[]): number =>
    entries.reduce((total, [, count]) => total + count, 0);
  const counted = loud.length > 0 ? loud : 2 * sum(silent) > sum([...tally]) ? silent : [];
  return counted.toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}
