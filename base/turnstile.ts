/**
 * Lets so many run at once and the others wait in the order in which they came. What runs must end: nothing in here gives
 * up, and nobody is turned away; who bounds the crowd looks at `waiting` first. A rejection of one is its own.
 */
export class Turnstile {
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  /** How many wait for a place; none while a place is free. */
  get waiting(): number {
    return this.#waiting.length;
  }

  async pass<T>(run: () => Promise<T>): Promise<T> {
    if (this.#running < this.#atOnce) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await run();
    } finally {
      // The place goes to the next one as it is, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
