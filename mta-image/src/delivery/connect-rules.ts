/**
 * For which of the jobs that wait in a lane a connection may be opened now. Jobs to a fixed server share a lane whatever their
 * domain, tenant or job is, and rules that space connections may hold for some of them alone: a connection is opened
 * on account of one job and counted for its rule, so that no rule keeps others waiting, and none is passed by. A job
 * without a rule accounts for one connection, and for another when any was lost. A connection that is open serves all.
 */
import type { Job } from "./job.ts";

type Gate = () => number;

export class ConnectRules {
  /** Rules that let nobody connect when they were asked last; null: something has changed since. */
  #closed: ReadonlySet<Gate | null> | null = null;
  /** Jobs without a rule that a connection was opened for. */
  #served = new WeakSet<Job>();

  /** Nothing has changed since nobody might connect. */
  get areClosed(): boolean {
    return this.#closed !== null;
  }

  /** A job that waits from now on. */
  add(job: Job): void {
    if (this.#closed?.has(gateOf(job)) === false) this.#closed = null;
  }

  /** Time has passed. */
  askAnew(): void {
    this.#closed = null;
  }

  /** A connection is gone, or was not opened. */
  lost(): void {
    this.#closed = null;
    this.#served = new WeakSet();
  }

  /**
   * 0: a connection is to be opened now, and is counted. Else milliseconds until it is worth asking again; Infinity: all who
   * wait have theirs.
   */
  ask(jobs: Iterable<Job>): number {
    const closed = new Set<Gate>();
    let wait = Number.POSITIVE_INFINITY;
    for (const job of jobs) {
      const gate = gateOf(job);
      if (gate === null ? this.#served.has(job) : closed.has(gate)) continue;
      if (gate === null) this.#served.add(job);
      const ms = gate?.() ?? 0;
      if (ms === 0) return 0;
      if (gate !== null) closed.add(gate);
      wait = Math.min(wait, ms);
    }
    this.#closed = closed;
    return wait;
  }
}

function gateOf(job: Job): Gate | null {
  return job.attempt.terms?.connect ?? null;
}
