/**
 * Rules by an exact value that they ask for, so that a look finds the few that may match among many thousand. What
 * is found is in order of arrival and still has to be matched. Never fails.
 */
import type { QueueField } from "#contract/queue-fields.ts";

import type { Facts, Matcher } from "./matching.ts";

interface Rule {
  readonly matcher: Matcher;
}

export class RuleIndex<R extends Rule> {
  readonly #order = new Map<R, number>();
  readonly #exact = new Map<QueueField, Map<string, Set<R>>>();
  readonly #others = new Set<R>();
  #arrivals = 0;

  get size(): number {
    return this.#order.size;
  }

  /** One that replaces another takes its place in the order. */
  add(rule: R, replaced?: R): void {
    const order = replaced === undefined ? undefined : this.#order.get(replaced);
    if (replaced !== undefined) this.delete(replaced);
    this.#order.set(rule, order ?? this.#arrivals++);
    this.#shelf(rule).add(rule);
  }

  delete(rule: R): void {
    this.#order.delete(rule);
    const shelf = this.#shelf(rule);
    shelf.delete(rule);
    const { exact } = rule.matcher;
    if (exact !== null && shelf.size === 0) this.#exact.get(exact.field)?.delete(exact.value);
  }

  clear(): void {
    for (const holder of [this.#order, this.#exact, this.#others]) holder.clear();
  }

  find(facts: Facts): R[] {
    const found = [...this.#others];
    for (const [field, shelves] of this.#exact) found.push(...(shelves.get(facts[field]) ?? []));
    return found.sort((a, b) => (this.#order.get(a) ?? 0) - (this.#order.get(b) ?? 0));
  }

  #shelf({ matcher: { exact } }: R): Set<R> {
    if (exact === null) return this.#others;
    const shelves = this.#exact.get(exact.field) ?? new Map<string, Set<R>>();
    this.#exact.set(exact.field, shelves);
    const shelf = shelves.get(exact.value) ?? new Set<R>();
    shelves.set(exact.value, shelf);
    return shelf;
  }
}
