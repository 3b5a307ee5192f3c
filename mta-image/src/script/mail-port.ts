/** How scripts have mail queued (ports.ts): addresses, options and the answer. Pure. */
import type { Pieces } from "./mail/pieces.ts";

/** An envelope address with its parameters (RFC 5321), keys in upper case. */
export interface EnvelopeAddress {
  readonly address: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The same as text, of an address that the engine itself has shown: it was held to the grammar before. */
  readonly known?: string;
}

/** Of nearly all addresses: always this one. */
export const noParameters: EnvelopeAddress["parameters"] = Object.freeze({});

export interface QueueWish {
  readonly sender: EnvelopeAddress;
  readonly recipient: EnvelopeAddress;
  readonly transportId: string;
  readonly options: QueueOptions;
}

export interface QueueOptions {
  readonly jobId: string | null;
  /** Names to count it under while it is queued. */
  readonly quotas: readonly string[];
  readonly delaySeconds: number;
  readonly hold: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  /** What is said of notices (RFC 3461), decoded and empty where nothing is; absent: what the client said. */
  readonly dsn?: Readonly<Record<"ret" | "envid" | "notify" | "orcpt", string>>;
}

/** Of a call that names none: always this one. */
export const usualQueue: QueueOptions = Object.freeze({
  jobId: null,
  quotas: [],
  delaySeconds: 0,
  hold: false,
  metadata: {},
});

export type Queued = { readonly transaction: string; readonly queue: string } | { readonly error: string };

export interface MailPort {
  /** Durable when the promise is fulfilled; an answer without a promise is given where nothing has to be waited for. */
  queue(
    message: Pieces,
    wish: QueueWish,
    /** What the room that runs the script handed to it. */
    subject: unknown,
  ): Queued | Promise<Queued>;
}
