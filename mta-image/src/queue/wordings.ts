/**
 * One copy of each of the latest replies: a host that is down gives a million recipients the same words, and each would
 * be a text of its own in memory. Bounded; a reply that comes up rarely simply stays its own. Never fails.
 */
const MAX_WORDINGS = 4096;

export class Wordings {
  readonly #shared = new Map<string, string>();

  /** An equal text, of which there is one. */
  share(text: string): string {
    const known = this.#shared.get(text);
    if (known !== undefined) return known;
    // Seldom, and then all at once: what is said often is back soon.
    if (this.#shared.size >= MAX_WORDINGS) this.#shared.clear();
    this.#shared.set(text, text);
    return text;
  }
}
