/**
 * An address of an envelope as scripts are shown it: its local part and its domain. Who gets the array back as it was finds the
 * address in it, whole, and need not put it together and look at it again; most of what queue() is given is such. Pure.
 */
import type { Key } from "./key.ts";
import type { EnvelopeAddress } from "./mail-port.ts";
import type { Unmade, Value } from "./value.ts";

export class AddressFields implements Unmade {
  readonly #text: string;
  readonly #read: (text: string) => EnvelopeAddress;
  #whole: EnvelopeAddress | null = null;

  /** The text is read when somebody looks, once. */
  constructor(text: string, read: (text: string) => EnvelopeAddress) {
    this.#text = text;
    this.#read = read;
  }

  get whole(): EnvelopeAddress {
    this.#whole ??= this.#read(this.#text);
    return this.#whole;
  }

  get(key: string): Value {
    if (key !== "localpart" && key !== "domain") return null;
    const { address } = this.whole;
    const at = address.lastIndexOf("@");
    if (key === "localpart") return at === -1 ? address : address.slice(0, at);
    return at === -1 ? "" : address.slice(at + 1);
  }

  map(): Map<Key, Value> {
    return new Map(["localpart", "domain"].map((key) => [key, this.get(key)]));
  }
}
