/**
 * One mail transaction, from MAIL on, as scripts see it ($transaction): their array is made when one names it, and anew when
 * something has come to it. Pure.
 */
import { makeId } from "#base/ids.ts";

import { HslArray } from "../script/value.ts";
import type { MailParameters, RcptParameters } from "../smtp/parameters.ts";
import { addressTree, arrayOf, bytesOf } from "./texts.ts";
import { mailTree, takenTree } from "./trees.ts";

/** One that was taken; shown to scripts only where one asks. */
interface TakenRecipient {
  readonly address: string;
  readonly parameters: RcptParameters;
  readonly transportId: string;
  tree: HslArray | null;
}

export class Transaction {
  readonly id: string;
  readonly #begunAt: number;
  #sender: { readonly address: string; readonly parameters: MailParameters } | null = null;
  readonly #recipients: TakenRecipient[] = [];
  #tree: HslArray | null = null;

  /** `now` in wall-clock ms. */
  constructor(now: number) {
    this.id = makeId(now);
    this.#begunAt = now;
  }

  /** The sender was taken. */
  begin(address: string, parameters: MailParameters): void {
    this.#sender = { address, parameters };
    this.#tree = null;
  }

  take(address: string, parameters: RcptParameters, transportId: string): void {
    this.#recipients.push({ address, parameters, transportId, tree: null });
    this.#tree = null;
  }

  /** One for each recipient. */
  get transports(): readonly string[] {
    return this.#recipients.map(({ transportId }) => transportId);
  }

  /** Null without a recipient. */
  get firstTransport(): string | null {
    return this.#recipients[0]?.transportId ?? null;
  }

  get hasSeveralTransports(): boolean {
    const first = this.firstTransport;
    return this.#recipients.some(({ transportId }) => transportId !== first);
  }

  get tree(): HslArray {
    this.#tree ??= this.#makeTree();
    return this.#tree;
  }

  #makeTree(): HslArray {
    const { id } = this;
    const ts = this.#begunAt / 1000;
    const recipients = HslArray.of(this.#recipients.map((taken) => (taken.tree ??= takenTree(taken))));
    if (this.#sender === null) return arrayOf({ id, ts, recipients });
    const { address, parameters } = this.#sender;
    return arrayOf({
      id,
      ts,
      sender: bytesOf(address).toLowerCase(),
      senderaddress: addressTree(address),
      senderparams: () => mailTree(parameters),
      recipients,
    });
  }
}
