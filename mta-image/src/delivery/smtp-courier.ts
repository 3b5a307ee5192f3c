/**
 * The queue's courier: one attempt becomes one job of the destination's lane, and the outcomes come back when
 * the last recipient is settled. Never rejects; a transport that the configuration no longer has defers its mail
 * until it is back or the retries are used up.
 */
import type { Clock } from "#base/clock.ts";

import type { Attempt, AttemptWait, Courier, Outcome } from "../queue/courier.ts";
import type { Content } from "../spool/spool.ts";
import { Tracer } from "../trace/tracer.ts";
import { isSendableAddress } from "./command.ts";
import type { HostFinder } from "./hosts.ts";
import { Job, Tally } from "./job.ts";
import { outcomeOfTrouble } from "./outcome.ts";
import { type DeliveryCounters, Pool } from "./pool.ts";
import { type TlsTools, plainTls } from "./tls-tools.ts";
import type { TransportSettings } from "./transport.ts";
import { Wished } from "./wished.ts";

export interface SmtpCourierOptions {
  readonly clock: Clock;
  readonly finder: HostFinder;
  readonly read: (id: string) => Promise<Content>;
  /** Undefined for a transport that is not configured. The same object as long as nothing changed. */
  readonly transport: (transportId: string) => TransportSettings | undefined;
  /** Policies, sessions and reports of TLS; without, only the transport's mode counts. */
  readonly tls?: TlsTools;
  /** Who looks at connections; without, nobody. */
  readonly traces?: Tracer;
  /** Connections to one destination, and in all. */
  readonly limits: () => { readonly perDestination: number; readonly total: number };
}

/** One message on the wire and one behind it for each connection (RFC 2920). */
const PIPELINE_DEPTH = 2;

export class SmtpCourier implements Courier {
  readonly counters: DeliveryCounters = { connectionsOpened: 0, connectionsFailed: 0, tlsFallbacks: 0 };
  readonly #options: SmtpCourierOptions;
  readonly #pool: Pool;
  readonly #wished = new Wished();

  constructor(options: SmtpCourierOptions) {
    this.#options = options;
    this.#pool = new Pool({
      clock: options.clock,
      finder: options.finder,
      counters: this.counters,
      tls: options.tls ?? plainTls(options.clock),
      traces: options.traces ?? new Tracer({ clock: options.clock, random: options.finder.random }),
      read: options.read,
      maxConnections: () => options.limits().total,
    });
  }

  get attemptsPerDestination(): number {
    return this.#options.limits().perDestination * PIPELINE_DEPTH;
  }

  /** Open connections. */
  get connections(): number {
    return this.#pool.connections;
  }

  deliver(attempt: Attempt): Promise<readonly Outcome[]> {
    const { wish } = attempt;
    const transportId = wish?.transportId ?? attempt.destination.transportId;
    const usual = this.#options.transport(transportId);
    const settings = usual === undefined || wish === undefined ? usual : this.#wished.apply(usual, wish);
    return new Promise((resolve) => {
      const tally = new Tally(attempt.recipients.length, resolve);
      const job = new Job(attempt, [...attempt.recipients.keys()], tally);
      if (settings === undefined) {
        const detail = `no transport "${transportId}"`;
        job.settleAll(outcomeOfTrouble("bad-server", "", detail));
        return;
      }
      const sendable = this.#sendable(job);
      if (sendable !== null) this.#pool.add(sendable, settings);
    });
  }

  waitOf(messageId: string, recipient: number): AttemptWait | null {
    return this.#pool.waitOf(messageId, recipient);
  }

  close(deadlineMs: number): Promise<void> {
    return this.#pool.close(deadlineMs);
  }

  /** Settles recipients that no server could be told of; null when none is left. */
  #sendable(job: Job): Job | null {
    if (!isSendableAddress(job.message.envelope.sender)) {
      job.settleAll(outcomeOfTrouble("bad-sender", ""));
      return null;
    }
    const good = job.positions.filter((position) => isSendableAddress(job.address(position)));
    if (good.length === job.positions.length) return job;
    const bad = job.positions.filter((position) => !isSendableAddress(job.address(position)));
    job.part(bad).settleAll(outcomeOfTrouble("bad-recipient", ""));
    return good.length === 0 ? null : job.part(good);
  }
}
