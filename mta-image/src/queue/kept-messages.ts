/**
 * The entries of every message that is not settled. The spool has each message and follows its entries: so they are
 * found there, and a million of them cost nothing here.
 */
import type { LiveMail, Spool, StateSource } from "../spool/spool.ts";
import { Entry } from "./entry.ts";

export class KeptMessages {
  readonly #spool: Pick<Spool, "find" | "messages">;

  constructor(spool: Pick<Spool, "find" | "messages">) {
    this.#spool = spool;
  }

  /** Of messages that have entries. */
  *ids(): Iterable<string> {
    for (const message of this.#spool.messages()) if (entriesOf(message).length > 0) yield message.id;
  }

  /** Those that are not settled. */
  *entries(): Iterable<Entry> {
    for (const message of this.#spool.messages()) yield* entriesOf(message);
  }

  find(id: string): Entry[] {
    const message = this.#spool.find(id);
    return message === undefined ? [] : entriesOf(message);
  }
}

/** None of one that is in nobody's hands. */
function entriesOf(message: LiveMail): Entry[] {
  return message.sources.filter(isHere);
}

function isHere(source: StateSource): source is Entry {
  return source instanceof Entry && source.phase !== "gone";
}
