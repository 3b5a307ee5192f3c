/**
 * Policies and suspensions that come and go while the engine runs: what administrators, scripts and plugins order,
 * made into rules. An order with a known id replaces the one before. False when there are too many, or none with that
 * id. They live as long as the process.
 */
import type { Clock } from "#base/clock.ts";
import type { QueueMatch } from "#contract/queue-fields.ts";

import { type Lists, compileMatch } from "./matching.ts";
import { type Limits, compilePolicy } from "./policy.ts";
import type { PolicyOrder, Rulebook } from "./rulebook.ts";

export interface SuspensionOrder {
  readonly id: string;
  readonly origin: string;
  readonly match: QueueMatch;
  readonly tag: string | null;
  readonly properties: Readonly<Record<string, string | number | boolean>>;
  readonly ttlMs: number;
}

export class DynamicRules {
  readonly #rulebook: Rulebook;
  readonly #clock: Clock;
  readonly #lists: Lists;

  constructor(rulebook: Rulebook, clock: Clock) {
    this.#rulebook = rulebook;
    this.#clock = clock;
    this.#lists = (field, name) => rulebook.lists.find(field, name);
  }

  /** The part of the cluster's limits that this engine has. */
  get share(): number {
    return this.#rulebook.factor;
  }

  addPolicy(order: PolicyOrder): boolean {
    const { id, type, fields, match, limits } = order;
    const policy = compilePolicy(
      { id, type, fields, conditions: [{ if: match, limits }], fallback: null },
      this.#lists,
    );
    const matcher = compileMatch(match, this.#lists);
    return this.#rulebook.addPolicy({ policy, matcher, order, endsAt: this.#end(order.ttlMs) });
  }

  /** Changes what is given; counts so far are kept. Without a new ttl the end stays. */
  updatePolicy(id: string, change: { readonly limits: Partial<Limits>; readonly ttlMs?: number }): boolean {
    const known = this.#rulebook.findPolicy(id);
    if (known === undefined) return false;
    const left = known.endsAt - this.#clock.monotonic();
    const ttlMs = change.ttlMs ?? (left === Number.POSITIVE_INFINITY ? 0 : Math.max(1, left));
    return this.addPolicy({ ...known.order, limits: { ...known.order.limits, ...change.limits }, ttlMs });
  }

  hasPolicy(id: string): boolean {
    return this.#rulebook.findPolicy(id) !== undefined;
  }

  hasSuspension(id: string): boolean {
    return this.#rulebook.hasSuspension(id);
  }

  deletePolicy(id: string): boolean {
    return this.#rulebook.deletePolicy(id);
  }

  suspend(order: SuspensionOrder): boolean {
    const { id, origin, match, tag, properties, ttlMs } = order;
    const matcher = compileMatch(match, this.#lists);
    return this.#rulebook.suspend({ id, origin, match, matcher, tag, properties, endsAt: this.#end(ttlMs) });
  }

  unsuspend(id: string): boolean {
    return this.#rulebook.unsuspend(id);
  }

  #end(ttlMs: number): number {
    return ttlMs === 0 ? Number.POSITIVE_INFINITY : this.#clock.monotonic() + ttlMs;
  }
}
