/**
 * $transaction as it was at one moment: each item is made when a script looks at it, and arrays once. What comes to the
 * transaction later is not in it, for scripts may keep it. Pure.
 */
import type { Key } from "../script/key.ts";
import { HslArray, type Unmade, type Value, share } from "../script/value.ts";
import type { MailParameters } from "../smtp/parameters.ts";
import type { TakenRecipient } from "./taken-recipient.ts";
import { addressArray, arrayOf, bytesOf } from "./texts.ts";
import { mailTree } from "./trees.ts";

export interface Sender {
  readonly address: string;
  readonly parameters: MailParameters;
}

export interface TransactionFacts {
  readonly id: string;
  /** Wall-clock ms. */
  readonly begunAt: number;
  /** Null before it was taken. */
  readonly sender: Sender | null;
  /** Others may be put behind them meanwhile: only the first `count` are meant. */
  readonly recipients: readonly TakenRecipient[];
  readonly count: number;
}

const words = ["id", "ts", "sender", "senderaddress", "senderparams", "recipients"] as const;
const wordsWithoutSender = ["id", "ts", "recipients"] as const;

export class TransactionFields implements Unmade {
  readonly #facts: TransactionFacts;
  #senderParts: HslArray | null = null;
  #senderParams: HslArray | null = null;
  #recipients: HslArray | null = null;

  constructor(facts: TransactionFacts) {
    this.#facts = facts;
  }

  get(key: string): Value {
    const { id, begunAt, sender } = this.#facts;
    switch (key) {
      case "id":
        return id;
      case "ts":
        return begunAt / 1000;
      case "recipients":
        this.#recipients ??= share(this.#list());
        return this.#recipients;
      default:
        return sender === null ? null : this.#ofSender(sender, key);
    }
  }

  map(): Map<Key, Value> {
    const shown = this.#facts.sender === null ? wordsWithoutSender : words;
    return new Map(shown.map((word) => [word, this.get(word)]));
  }

  #ofSender({ address, parameters }: Sender, key: string): Value {
    switch (key) {
      case "sender":
        return bytesOf(address).toLowerCase();
      case "senderaddress":
        this.#senderParts ??= share(addressArray(address));
        return this.#senderParts;
      case "senderparams":
        this.#senderParams ??= share(arrayOf(mailTree(parameters)));
        return this.#senderParams;
      default:
        return null;
    }
  }

  #list(): HslArray {
    const { recipients, count } = this.#facts;
    return HslArray.of(recipients.slice(0, count).map((taken) => taken.array));
  }
}
