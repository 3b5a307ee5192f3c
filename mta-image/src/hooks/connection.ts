/**
 * A connection as scripts see it ($connection): what is known of it from its beginning, what was found out about its client, and
 * what its conversation brought. The array is made when a script names it, and anew when something has come to it. Pure.
 */
import type { HslArray } from "../script/value.ts";
import type { Branch } from "./texts.ts";
import { type ConnectionFacts, connectionTree } from "./trees.ts";

export class Connection {
  #facts: ConnectionFacts;
  /** In this order. */
  #learnt: Branch = {};
  /** Null when it is to be made. */
  #tree: HslArray | null = null;

  constructor(facts: ConnectionFacts) {
    this.#facts = facts;
  }

  get facts(): ConnectionFacts {
    return this.#facts;
  }

  /** It was found out, or a script wants it so. */
  know(facts: Partial<ConnectionFacts>): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#tree = null;
  }

  /** The conversation brought it. */
  learn(what: Branch): void {
    this.#learnt = { ...this.#learnt, ...what };
    this.#tree = null;
  }

  /** The conversation begins anew. */
  forget(): void {
    this.#learnt = {};
    this.#tree = null;
  }

  get tree(): HslArray {
    this.#tree ??= connectionTree(this.#facts, this.#learnt);
    return this.#tree;
  }
}
