/**
 * A courier with a knob for every outcome and delay. By default it delivers at once. `hold()` keeps attempts
 * until `release()`, so that a test decides the order of things; `attempts` lists all that was tried.
 */
import type { Attempt, Courier, Outcome, OutcomeKind } from "#mta/queue/courier.ts";

export function outcome(kind: OutcomeKind, reply = REPLIES[kind], status = STATUSES[kind]): Outcome {
  return { kind, reply, status, remoteMta: "mx.example.net" };
}

const REPLIES: Record<OutcomeKind, string> = {
  delivered: "250 2.0.0 Ok",
  deferred: "451 4.7.1 Try again later",
  failed: "550 5.1.1 No such user",
  unclear: "connection closed before the reply",
};

const STATUSES: Record<OutcomeKind, string> = {
  delivered: "2.0.0",
  deferred: "4.7.1",
  failed: "5.1.1",
  unclear: "4.4.2",
};

export class FakeCourier implements Courier {
  attemptsPerDestination = 20;
  /** Every attempt in order of start. */
  readonly attempts: Attempt[] = [];
  /** What becomes of a recipient, by address; a test replaces it. */
  answer: (address: string, attempt: Attempt) => Outcome = () => outcome("delivered");
  /** Attempts under way, and the most there ever were by destination key. */
  running = 0;
  readonly mostRunning = new Map<string, number>();
  readonly #runningAt = new Map<string, number>();
  #isHolding = false;
  #held: (() => void)[] = [];

  /** What becomes of a recipient that was refused at a door; a test sets it. */
  refused: NonNullable<Courier["refused"]> = async () => null;

  /** What an attempt waits for; a test sets it. */
  waitOf: NonNullable<Courier["waitOf"]> = () => null;

  async deliver(attempt: Attempt): Promise<readonly Outcome[]> {
    this.attempts.push(attempt);
    this.#count(attempt.destination.key, 1);
    if (this.#isHolding) await new Promise<void>((resolve) => this.#held.push(resolve));
    this.#count(attempt.destination.key, -1);
    return attempt.recipients.map((index) =>
      this.answer(attempt.message.envelope.recipients[index] ?? "", attempt),
    );
  }

  /** From now on attempts do not end. */
  hold(): void {
    this.#isHolding = true;
  }

  /** Ends the attempts that are held, all or the `count` oldest, and keeps holding new ones when asked. */
  release(options: { count?: number; thenHold?: boolean } = {}): void {
    this.#isHolding = options.thenHold ?? false;
    for (const end of this.#held.splice(0, options.count ?? this.#held.length)) end();
  }

  /** Every try as "message/recipient index", in order. */
  tried(): string[] {
    return this.attempts.flatMap((attempt) => attempt.recipients.map((i) => `${attempt.message.id}/${i}`));
  }

  async close(): Promise<void> {
    this.release();
  }

  #count(key: string, change: 1 | -1): void {
    const now = (this.#runningAt.get(key) ?? 0) + change;
    this.running += change;
    this.#runningAt.set(key, now);
    this.mostRunning.set(key, Math.max(now, this.mostRunning.get(key) ?? 0));
  }
}
