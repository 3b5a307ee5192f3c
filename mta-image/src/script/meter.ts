/**
 * Counts what the running script uses. Scripts take turns on one thread, so there is one meter, and the machine puts
 * the budget of a run into it whenever that run goes on. Compiled code counts `left` down by itself and calls
 * `refill` below zero; bulk operations call `charge`. Both throw a BudgetError when the run has used its share.
 */
import type { Clock } from "#base/clock.ts";

import { BudgetError } from "./error.ts";
import { type Limits, QUANTUM } from "./limits.ts";

/** What one run has used so far; lives as long as the run. */
export interface Budget {
  readonly limits: Limits;
  readonly clock: Clock;
  /** When it was first entered and last left; in between nobody need ask the clock. */
  startedMs: number;
  leftMs: number;
  steps: number;
  bytes: number;
  cpuMs: number;
}

export function makeBudget(limits: Limits, clock: Clock): Budget {
  return { limits, clock, startedMs: Number.NaN, leftMs: Number.NaN, steps: 0, bytes: 0, cpuMs: 0 };
}

/** Far beyond any budget, and still a small integer. */
const MOST = 500_000_000;

class Meter {
  left = 0;
  /** Allocated and not yet told to the budget: what is made often only adds to this. */
  bytes = 0;
  /**
   * Behind a Proxy, which V8 never copies into its caller: a loop with the whole of this in it is twice as slow, for what
   * happens once in some thousand rounds.
   */
  readonly refill: () => void = new Proxy(() => this.#refill(), {});
  #budget: Budget | null = null;
  #since = 0;
  /** Counted down in `left` without having been steps. */
  #early = 0;

  /** The budget that was there before is put back by `leave`: a data import may run while a script does. */
  enter(budget: Budget): Budget | null {
    const before = this.#budget;
    if (before !== null) this.#save(before);
    this.#load(budget);
    return before;
  }

  leave(before: Budget | null): void {
    if (this.#budget !== null) this.#save(this.#budget);
    if (before === null) this.#budget = null;
    else this.#load(before);
  }

  #refill(): void {
    const budget = this.#budget;
    if (budget === null) {
      this.left = QUANTUM;
      return;
    }
    this.#save(budget);
    this.#load(budget);
    if (budget.steps > budget.limits.steps) throw new BudgetError("the script took too many steps");
    if (budget.bytes > budget.limits.bytes) tooMuchMemory();
    if (budget.cpuMs > budget.limits.cpuMs) throw new BudgetError("the script computed for too long");
  }

  /** Whole numbers only: compiled code counts `left` down, which is fast while V8 knows it for a small integer. */
  charge(steps: number): void {
    this.left -= Math.min(steps, MOST) | 0;
    if (this.left < 0) this.refill();
  }

  /** The clock is looked at earlier by so many steps, which are none: for what may take its time later, where nothing counts it. */
  hurry(steps: number): void {
    const early = Math.min(steps, MOST) | 0;
    this.#early += early;
    this.left -= early;
    if (this.left < 0) this.refill();
  }

  allocate(bytes: number): void {
    // Rounded up: what is made in small parts takes its time, too.
    this.left -= Math.min(Math.ceil(bytes / 64), MOST) | 0;
    const budget = this.#budget;
    if (budget !== null) {
      budget.bytes += bytes;
      if (budget.bytes > budget.limits.bytes) tooMuchMemory();
    }
    if (this.left < 0) this.refill();
  }

  #load(budget: Budget): void {
    this.#budget = budget;
    this.left = QUANTUM;
    this.bytes = 0;
    this.#early = 0;
    this.#since = budget.clock.monotonic();
    if (Number.isNaN(budget.startedMs)) budget.startedMs = this.#since;
  }

  #save(budget: Budget): void {
    budget.steps += QUANTUM - this.left - this.#early;
    budget.bytes += this.bytes;
    budget.leftMs = budget.clock.monotonic();
    budget.cpuMs += budget.leftMs - this.#since;
  }
}

function tooMuchMemory(): never {
  throw new BudgetError("the script used too much memory");
}

export const meter = new Meter();
