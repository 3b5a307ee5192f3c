/**
 * Writes that the API server refuses for good, as far as is remembered: what, since when, and in which words. Nothing in
 * here fails.
 */
import type { Refused } from "#operator/status/judged.ts";

const TRY_AGAIN_MS = 60_000;

interface Known extends Refused {
  readonly generation: number;
  /** By the monotonic clock. */
  readonly at: number;
}

export class Refusals {
  readonly #known = new Map<string, Known>();

  get all(): readonly Refused[] {
    return [...this.#known.values()];
  }

  isHeld(id: string, generation: number, now: number): boolean {
    const known = this.#known.get(id);
    return known !== undefined && known.generation === generation && now - known.at < TRY_AGAIN_MS;
  }

  note(id: string, refused: Known): void {
    this.#known.set(id, refused);
  }

  clear(id: string): void {
    this.#known.delete(id);
  }

  /** What is not tried any more is not refused any more. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
  }
}
