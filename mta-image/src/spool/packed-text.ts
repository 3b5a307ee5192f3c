/**
 * Numbers and texts one behind another in one string, each as long as it must be: a number is one character for every
 * seven bits, a text has its length in front. Characters stay below 256 unless a text has others, so that V8 keeps one
 * byte for each. Pure; a string that was not packed here gives nonsense.
 */

/** Whole numbers from 0 on. */
export function packNumber(number: number): string {
  let text = "";
  let rest = number;
  for (; rest > 127; rest = Math.floor(rest / 128)) text += String.fromCharCode((rest % 128) + 128);
  return text + String.fromCharCode(rest);
}

export function packText(text: string): string {
  return packNumber(text.length) + text;
}

/** Reads in the order of packing. */
export class PackedReader {
  readonly #packed: string;
  #at = 0;

  constructor(packed: string) {
    this.#packed = packed;
  }

  number(): number {
    let number = 0;
    for (let scale = 1; ; scale *= 128) {
      const digit = this.#packed.charCodeAt(this.#at++);
      if (!(digit > 127)) return number + digit * scale;
      number += (digit - 128) * scale;
    }
  }

  text(): string {
    const length = this.number();
    this.#at += length;
    return this.#packed.slice(this.#at - length, this.#at);
  }

  skipText(): void {
    const length = this.number();
    this.#at += length;
  }

  /** All that has not been read. */
  rest(): string {
    return this.#packed.slice(this.#at);
  }
}
