/**
 * One mail transaction, from MAIL on, as scripts see it ($transaction): their array is made when one names it, and anew when
 * something has come to it. Pure.
 */
import { makeId } from "#base/ids.ts";

import { HslArray } from "../script/value.ts";
import type { MailParameters, RcptParameters } from "../smtp/parameters.ts";
import { TakenRecipient } from "./taken-recipient.ts";
import type { Branch } from "./texts.ts";
import { type Sender, type TransactionFacts, TransactionFields } from "./transaction-fields.ts";

export class Transaction {
  readonly id: string;
  readonly #begunAt: number;
  /** More arguments of the script at the end of data; null for a message that was spoken. */
  told: Branch | null = null;
  #sender: Sender | null = null;
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
    this.#recipients.push(new TakenRecipient(address, parameters, transportId));
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
    this.#tree ??= HslArray.record(new TransactionFields(this.#facts));
    return this.#tree;
  }

  get #facts(): TransactionFacts {
    const recipients = this.#recipients;
    return {
      id: this.id,
      begunAt: this.#begunAt,
      sender: this.#sender,
      recipients,
      count: recipients.length,
    };
  }
}
