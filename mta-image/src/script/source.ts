/**
 * Source texts and places in them. Every file of a program gets a range of one numbering, so that a place anywhere
 * is one number; `place` turns it back into file, line and column. Text is bytes; columns count characters of UTF-8.
 */
import type { Place } from "./error.ts";

export class Source {
  readonly name: string;
  readonly text: string;
  /** The number of the first byte. */
  readonly base: number;
  #lineStarts: number[] | null = null;

  constructor(name: string, text: string, base: number) {
    this.name = name;
    this.text = text;
    this.base = base;
  }

  place(at: number): Place {
    const starts = this.#starts();
    const offset = Math.min(Math.max(at - this.base, 0), this.text.length);
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    const before = this.text.slice(starts[low], offset).replace(/[\x80-\xbf]/g, "");
    return { file: this.name, line: low + 1, column: before.length + 1 };
  }

  #starts(): number[] {
    if (this.#lineStarts === null) {
      this.#lineStarts = [0];
      for (let at = this.text.indexOf("\n"); at >= 0; at = this.text.indexOf("\n", at + 1))
        this.#lineStarts.push(at + 1);
    }
    return this.#lineStarts;
  }
}

export class Sources {
  readonly #all: Source[] = [];
  #next = 1;

  get count(): number {
    return this.#all.length;
  }

  add(name: string, text: string): Source {
    const source = new Source(name, text, this.#next);
    this.#all.push(source);
    this.#next += text.length + 1;
    return source;
  }

  place(at: number): Place {
    const source = this.#all.findLast(({ base }) => base <= at);
    return source === undefined ? { file: "", line: 1, column: 1 } : source.place(at);
  }
}
