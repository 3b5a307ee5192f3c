/**
 * A recipient that was taken, as scripts see it in the list of $transaction: it is the items of its array, each made when one
 * looks, and arrays once. Pure.
 */
import type { Key } from "../script/key.ts";
import { HslArray, type Unmade, type Value, share } from "../script/value.ts";
import type { RcptParameters } from "../smtp/parameters.ts";
import { addressArray, arrayOf, bytesOf } from "./texts.ts";
import { rcptTree } from "./trees.ts";

const words = ["recipient", "address", "params", "transportid"] as const;

export class TakenRecipient implements Unmade {
  readonly transportId: string;
  readonly #address: string;
  readonly #parameters: RcptParameters;
  #array: HslArray | null = null;
  #parts: HslArray | null = null;
  #params: HslArray | null = null;

  constructor(address: string, parameters: RcptParameters, transportId: string) {
    this.#address = address;
    this.#parameters = parameters;
    this.transportId = transportId;
  }

  get array(): HslArray {
    this.#array ??= HslArray.record(this);
    return this.#array;
  }

  get(key: string): Value {
    switch (key) {
      case "recipient":
        return bytesOf(this.#address).toLowerCase();
      case "address":
        this.#parts ??= share(addressArray(this.#address));
        return this.#parts;
      case "params":
        this.#params ??= share(arrayOf(rcptTree(this.#parameters)));
        return this.#params;
      case "transportid":
        return this.transportId;
      default:
        return null;
    }
  }

  map(): Map<Key, Value> {
    return new Map(words.map((word) => [word, this.get(word)]));
  }
}
