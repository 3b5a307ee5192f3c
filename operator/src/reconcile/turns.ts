/**
 * Whose turn it is among clusters that a new version of the operator makes anew: so many at once, the others wait in the order
 * in which they asked. Those that were half way when this operator started go on, whatever the number is. Kept in
 * memory: an operator that starts asks all of them again.
 */
import { type Key, keyText } from "#operator/cache/key.ts";

export class Turns {
  /** 0: no bound. */
  readonly #most: number;
  readonly #onFree: (cluster: Key) => void;
  readonly #active = new Map<string, Key>();
  readonly #waiting = new Map<string, Key>();

  constructor(most: number, onFree: (cluster: Key) => void) {
    this.#most = most;
    this.#onFree = onFree;
  }

  /** "mail/out", of those that have theirs. */
  get holders(): readonly string[] {
    return [...this.#active.keys()].sort();
  }

  /** False: it waits, and `onFree` is called when it should ask again. */
  take(cluster: Key, { isUnderWay }: { readonly isUnderWay: boolean }): boolean {
    const id = keyText(cluster);
    if (this.#active.has(id)) return true;
    if (!isUnderWay && !this.#hasRoom) {
      this.#waiting.set(id, cluster);
      return false;
    }
    this.#waiting.delete(id);
    this.#active.set(id, cluster);
    return true;
  }

  /** It needs none, or none any more. */
  leave(cluster: Key): void {
    const id = keyText(cluster);
    this.#waiting.delete(id);
    this.#active.delete(id);
    const free = this.#most === 0 ? this.#waiting.size : Math.max(0, this.#most - this.#active.size);
    for (const next of [...this.#waiting.values()].slice(0, free)) this.#onFree(next);
  }

  get #hasRoom(): boolean {
    return this.#most === 0 || this.#active.size < this.#most;
  }
}
