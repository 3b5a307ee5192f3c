/**
 * Handing over as the engine sees it: the ledger opened, both sides made, and the orders of the admin API obeyed.
 * Opening throws the ledger's Failure. An order whose peers cannot be connected rejects with a Failure and
 * changes nothing.
 */
import type { Clock } from "#base/clock.ts";
import { Failure } from "#base/error.ts";
import type { Log } from "#base/log.ts";
import type { Peer as PeerAddress } from "#contract/peer.ts";

import type { Queue } from "../queue/queue.ts";
import type { Spool, LiveMail } from "../spool/spool.ts";
import { Giver, type GiverFigures } from "./giver.ts";
import { connectPeer } from "./http-peer.ts";
import { Ledger } from "./ledger.ts";
import { MailStore } from "./mail-store.ts";
import type { PeerKeys } from "./peer-keys.ts";
import { Receiver } from "./receiver.ts";

export interface TransferOptions {
  readonly ledgerPath: string;
  readonly queue: Queue;
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  /** False: the engine is leaving, and no peer may bring it mail. */
  readonly isOpen: () => boolean;
  /** Null where the admin API has no certificates: nothing can then be handed over. */
  readonly keys: PeerKeys | null;
}

export class Transfer {
  readonly receiver: Receiver;
  readonly #options: TransferOptions;
  readonly #ledger: Ledger;
  readonly #store: MailStore;
  readonly #giver: Giver;
  #connected: readonly { close(): void }[] = [];

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#ledger = new Ledger(options.ledgerPath);
    this.#store = new MailStore(options);
    const { clock, isOpen } = options;
    this.receiver = new Receiver({ ledger: this.#ledger, door: this.#store, clock, isOpen });
    this.receiver.recover();
    this.#giver = new Giver({ ...options, ledger: this.#ledger, store: this.#store });
  }

  get figures(): GiverFigures {
    return this.#giver.figures;
  }

  /** Recipients that are neither in the queue nor settled, and messages that peers are bringing. */
  get withheld(): number {
    return this.#store.withheld + this.receiver.arriving;
  }

  /** Messages found at start: those that a peer may have are kept back, all others are queued. */
  async queueAll(messages: AsyncIterable<LiveMail>): Promise<void> {
    const { withheld } = this.#giver;
    const here = new Set<string>();
    for await (const message of messages) {
      if (withheld.has(message.id)) {
        here.add(message.id);
        this.#store.withhold(message);
      } else if (message.sources.length === 0) {
        // What a plugin has brought since the spool was opened is queued already.
        this.#options.queue.add(message);
      }
    }
    this.#giver.forgetSettled(here);
  }

  /**
   * all: hand the queue to these peers. none: only ask those that owe an answer. A map: hand over due mail, to each peer
   * (by name) so many recipients.
   */
  async order(
    peers: readonly PeerAddress[],
    give: "all" | "none" | ReadonlyMap<string, number>,
  ): Promise<void> {
    const { keys } = this.#options;
    if (keys === null && peers.length > 0) {
      throw new Failure("peer-keys-missing", "admin.tls with clientca is needed to hand mail over", {
        transient: false,
      });
    }
    const before = this.#connected;
    const connected = await Promise.all(
      keys === null ? [] : peers.map((address) => connectPeer(address, keys)),
    );
    this.#connected = connected;
    if (give === "all") this.#giver.give(connected);
    else if (give === "none") this.#giver.keep(connected);
    else this.#giver.spread(connected, give);
    // A call under way on an old connection fails and is asked about again.
    for (const peer of before) peer.close();
  }

  async close(): Promise<void> {
    await this.#giver.close();
    for (const peer of this.#connected) peer.close();
    this.#ledger.close();
  }
}
