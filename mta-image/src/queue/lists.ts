/**
 * Named lists that conditions refer to as @name. Changes are collected and count from the next `reload` on, so that
 * a plugin may exchange many items at once. Bounded; what is over the bound is dropped and told by `false`.
 */
import type { QueueField } from "#contract/queue-fields.ts";

const MOST_LISTS = 1000;
const MOST_ITEMS = 1_000_000;

export class NamedLists {
  readonly #live = new Map<string, ReadonlySet<string>>();
  readonly #next = new Map<string, Set<string>>();
  #items = 0;

  find(field: QueueField, name: string): ReadonlySet<string> | undefined {
    return this.#live.get(keyOf(field, name));
  }

  add(field: QueueField, name: string): boolean {
    const key = keyOf(field, name);
    if (!this.#next.has(key)) {
      if (this.#next.size >= MOST_LISTS) return false;
      this.#next.set(key, new Set());
    }
    return true;
  }

  addItem(field: QueueField, name: string, item: string): boolean {
    if (this.#items >= MOST_ITEMS || !this.add(field, name)) return false;
    const list = this.#next.get(keyOf(field, name)) as Set<string>;
    if (!list.has(item)) this.#items++;
    list.add(item);
    return true;
  }

  deleteItem(field: QueueField, name: string, item: string): void {
    if (this.#next.get(keyOf(field, name))?.delete(item) === true) this.#items--;
  }

  /** Null means all. */
  reload(field: QueueField | null, name: string | null): void {
    for (const [key, items] of this.#next) {
      const [itsField, itsName] = key.split(" ");
      if ((field ?? itsField) === itsField && (name ?? itsName) === itsName) {
        this.#live.set(key, new Set(items));
      }
    }
  }
}

function keyOf(field: QueueField, name: string): string {
  return `${field} ${name}`;
}
