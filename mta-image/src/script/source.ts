/**
 * Source texts and places in them. Every file of a program gets a range of one numbering, so that a place anywhere
 * is one number; `place` turns it back into file, line and column. Text is bytes; columns count characters of UTF-8.
 */
import type { Diagnostic, Place } from "./error.ts";

export class Source {
  readonly name: string;
  readonly text: string;
  /** The number of the first byte. */
  readonly base: number;
  /** Where the statement stands that includes or imports it; 0 for the script itself. */
  readonly broughtAt: number;
  #lineStarts: number[] | null = null;

  constructor(name: string, text: string, base: number, broughtAt = 0) {
    this.name = name;
    this.text = text;
    this.base = base;
    this.broughtAt = broughtAt;
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

  add(name: string, text: string, broughtAt = 0): Source {
    const source = new Source(name, text, this.#next, broughtAt);
    this.#all.push(source);
    this.#next += text.length + 1;
    return source;
  }

  place(at: number): Place {
    return this.#of(at)?.place(at) ?? { file: "", line: 1, column: 1 };
  }

  diagnostic(at: number, message: string): Diagnostic {
    const path: Place[] = [];
    for (let by = this.#of(at)?.broughtAt ?? 0; by > 0; by = this.#of(by)?.broughtAt ?? 0)
      path.push(this.place(by));
    return { ...this.place(at), message, path };
  }

  #of(at: number): Source | undefined {
    return this.#all.findLast(({ base }) => base <= at);
  }
}
