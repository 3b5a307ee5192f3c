/**
 * What a mail server of the world outside does wrong at the end of a message, chosen by a number (pure): the same seed
 * and as many messages give the same faults. `FarSide` is asked once for each message and answers a fault or null; it
 * counts what it chose.
 */
import { seededRandom } from "#base/random.ts";

export type FarFault =
  /** 451: it was not taken. */
  | "put-off"
  /** The line breaks before the reply; it was not taken. */
  | "cut"
  /** It was taken, and the line breaks before the reply: the sender cannot know, and has to bring it again (RFC 5321 4.5.3.2.6). */
  | "lose-reply"
  /** The reply comes late. */
  | "late";

const MENU: readonly FarFault[] = ["put-off", "cut", "lose-reply", "late"];
export const LATE_MS = 1500;

export class FarSide {
  /** Of how many messages something goes wrong with, from 0 to 1. */
  chance: number;
  readonly #random: () => number;
  readonly #counts = new Map<FarFault, number>();

  constructor(seed: number, chance: number) {
    this.#random = seededRandom(seed);
    this.chance = chance;
  }

  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  next(): FarFault | null {
    if (this.#random() >= this.chance) return null;
    const fault = MENU[Math.floor(this.#random() * MENU.length)] as FarFault;
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + 1);
    return fault;
  }
}
