/**
 * Lines that may not start for now, each with what it waits for. A blocker wakes those who wait for it in order of
 * arrival, one at a time: the next is woken when the turn of the one before has ended. So a freed place goes to who
 * has waited for longest, and nobody looks at a line that can do nothing.
 *
 * The promise: as long as a blocker has room and somebody waits for it, somebody whom it woke is on the way, or a
 * timer is set for when it has room. Whoever makes room must say so with `look`. Never fails.
 */
import type { Clock, Timer } from "#base/clock.ts";

/** One line's side of waiting. */
export class Gate {
  /** Empty while the line may take its turn. */
  waitsFor: readonly Blocker[] = [];
  wokenBy: Blocker | null = null;
  /** Called when the line may try again. */
  readonly wake: () => void;

  constructor(wake: () => void) {
    this.wake = wake;
  }

  get isParked(): boolean {
    return this.waitsFor.length > 0;
  }
}

export abstract class Blocker {
  readonly parked = new Set<Gate>();
  woken: Gate | null = null;
  alarm: { readonly at: number; readonly timer: Timer } | null = null;

  /** Milliseconds until one may go; 0: now; Infinity: when `look` is called. */
  abstract wait(now: number): number;

  get isWaitedFor(): boolean {
    return this.parked.size > 0 || this.woken !== null;
  }

  /** Others are before this gate. */
  hasQueueBefore(gate: Gate): boolean {
    return this.parked.size > 0 && gate.wokenBy !== this;
  }
}

export class WaitingRoom {
  readonly #clock: Clock;
  readonly #occupied = new Set<Blocker>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Lets a line wait until one of the blockers wakes it. */
  park(gate: Gate, blockers: readonly Blocker[]): void {
    gate.waitsFor = blockers;
    for (const blocker of blockers) {
      blocker.parked.add(gate);
      this.#occupied.add(blocker);
      this.look(blocker);
    }
  }

  /** Wakes the first who waits for the blocker, if it has room. */
  look(blocker: Blocker): void {
    const [first] = blocker.parked;
    if (first === undefined || blocker.woken !== null) return;
    const wait = blocker.wait(this.#clock.monotonic());
    if (wait > 0) return this.#setAlarm(blocker, wait);
    this.#leave(first);
    blocker.woken = first;
    first.wokenBy = blocker;
    first.wake();
  }

  /** The line has had its turn, whatever came of it: the next may have its own. */
  turnEnded(gate: Gate): void {
    const blocker = gate.wokenBy;
    if (blocker === null) return;
    gate.wokenBy = null;
    blocker.woken = null;
    this.look(blocker);
  }

  /** The blocker is no more. */
  dissolve(blocker: Blocker): void {
    blocker.alarm?.timer.cancel();
    blocker.alarm = null;
    for (const gate of [...blocker.parked]) {
      this.#leave(gate);
      gate.wake();
    }
  }

  /** Rules have changed in ways that may free anybody who waits for such blockers. */
  wakeAll(such: (blocker: Blocker) => boolean = () => true): void {
    for (const blocker of [...this.#occupied].filter(such)) this.dissolve(blocker);
  }

  /** Lets one line go, whatever it waits for. */
  release(gate: Gate): void {
    this.#leave(gate);
    gate.wake();
  }

  /** The line is no more. */
  forget(gate: Gate): void {
    this.#leave(gate);
  }

  /** Forgets all alarms. */
  close(): void {
    for (const blocker of this.#occupied) blocker.alarm?.timer.cancel();
  }

  #leave(gate: Gate): void {
    for (const blocker of gate.waitsFor) {
      blocker.parked.delete(gate);
      if (blocker.parked.size === 0) this.#occupied.delete(blocker);
    }
    gate.waitsFor = [];
  }

  #setAlarm(blocker: Blocker, wait: number): void {
    if (wait === Number.POSITIVE_INFINITY) return;
    const at = this.#clock.monotonic() + wait;
    // One that rings too early only looks too early.
    if (blocker.alarm !== null && blocker.alarm.at <= at) return;
    blocker.alarm?.timer.cancel();
    const timer = this.#clock.after(wait, () => {
      blocker.alarm = null;
      this.look(blocker);
    });
    blocker.alarm = { at, timer };
  }
}
