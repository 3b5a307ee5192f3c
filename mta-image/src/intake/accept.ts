/**
 * Implements the one door (intake.ts): trace field in front, loop check, room of the quotas, spool, queue. What has come
 * so far is held by held-content.ts.
 *
 * Failures of the spool become replies by refusals.ts.
 */
import type { Clock } from "#base/clock.ts";
import { makeId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";

import { type Envelope, type Origin, needsUtf8 } from "../message/envelope.ts";
import { WayFields, makeReceived } from "../message/received.ts";
import { Utf8Need } from "../message/utf8-need.ts";
import type { Reservation } from "../queue/quotas.ts";
import { type Draft, type EntryState, type LiveMail, type Spool, SpoolFailure } from "../spool/spool.ts";
import { HeldContent, type HeldContentOptions } from "./held-content.ts";
import type { Intake, IntakeResult, Reception, Refused } from "./intake.ts";
import { noRoomIn, refusalFor, refusals } from "./refusals.ts";

export interface IntakeSettings {
  readonly hostname: string;
  /** Received fields that a message may carry (RFC 5321 6.3). */
  readonly maxHops: number;
}

export interface IntakeOptions extends Partial<HeldContentOptions> {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once the message is durable. */
  readonly enqueue: (message: LiveMail) => void;
  /** Asked before mail of others is stored; absent: there is always room. */
  readonly reserve?: (envelope: Envelope) => Reservation;
  readonly settings: () => IntakeSettings;
}

export function makeIntake(options: IntakeOptions): Intake {
  const shared: Shared = { ...options, figures: options.figures ?? { bytesInFlight: 0 } };
  return { begin: (envelope, origin) => new Incoming(shared, envelope, origin) };
}

type Shared = IntakeOptions & HeldContentOptions;

class Incoming implements Reception {
  readonly id: string;
  readonly #shared: Shared;
  readonly #envelope: Envelope;
  readonly #origin: Origin;
  readonly #receivedAt: number;
  readonly #way = new WayFields();
  /** Null where SMTPUTF8 was not asked for, or where addresses need it. */
  readonly #utf8Need: Utf8Need | null;
  readonly #content: HeldContent;

  constructor(shared: Shared, envelope: Envelope, origin: Origin) {
    const { hostname } = shared.settings();
    this.#shared = shared;
    this.#envelope = envelope;
    this.#origin = origin;
    this.#utf8Need = origin.kind === "smtp" && asksWithoutAddress(envelope) ? new Utf8Need() : null;
    this.#receivedAt = shared.clock.now();
    this.id = makeId(this.#receivedAt);
    this.#content = new HeldContent(this.id, shared, (error) => this.#explain(error));
    if (origin.kind !== "smtp") return;
    void this.#content.putInFront(makeReceived({ id: this.id, hostname, origin, at: this.#receivedAt }));
  }

  write(chunk: Buffer): Promise<void> | null {
    if (this.#origin.kind === "smtp" && this.#content.isOpen) this.#look(chunk);
    return this.#content.write(chunk);
  }

  async commit(fields = "", isPlain = false): Promise<IntakeResult> {
    const content = this.#content;
    if (this.#way.received > this.#shared.settings().maxHops) content.refuse(refusals.loop);
    const writing = content.written();
    if (writing !== null) await writing;
    if (content.refusal !== null) {
      content.drop();
      return content.refusal;
    }
    const room = this.#origin.kind === "smtp" ? this.#shared.reserve?.(this.#envelope) : undefined;
    if (room?.kind === "full") {
      content.drop();
      return noRoomIn(room.id);
    }
    try {
      if (fields !== "") await content.putInFront(Buffer.from(fields));
      const message = await this.#shared.spool.commit(this.#draft(isPlain && fields === ""));
      content.release();
      room?.release();
      this.#shared.enqueue(message);
      return { kind: "accepted", id: this.id };
    } catch (error) {
      room?.release();
      content.drop();
      return this.#explain(error);
    }
  }

  abort(): void {
    this.#content.drop();
  }

  #draft(isPlain: boolean): Draft {
    return {
      id: this.id,
      receivedAt: this.#receivedAt,
      envelope: this.#read(this.#envelope),
      origin: this.#origin,
      dueAt: this.#envelope.holdUntil ?? this.#receivedAt,
      content: this.#content.body ?? this.#content.pieces(),
      isPlain,
      ...(this.#envelope.marks?.hold === true ? { states: this.#onHold() } : {}),
    };
  }

  #look(chunk: Buffer): void {
    this.#way.push(chunk);
    this.#utf8Need?.push(chunk);
  }

  /** What the content says goes with the envelope, unless the client said otherwise (RFC 8689 4.1). */
  #read(envelope: Envelope): Envelope {
    const isTlsOptional = this.#way.isTlsOptional && envelope.requireTls !== true;
    const isPlainText = this.#utf8Need?.isThere === false;
    if (!isTlsOptional && !isPlainText) return envelope;
    return {
      ...envelope,
      ...(isTlsOptional ? { tlsOptional: true } : {}),
      ...(isPlainText ? { smtpUtf8: false } : {}),
    };
  }

  #onHold(): EntryState[] {
    const dueAt = this.#receivedAt;
    const state: EntryState = { status: "hold", attempts: 0, dueAt, lastReply: "", delayNotices: 0 };
    return this.#envelope.recipients.map(() => state);
  }

  #explain(error: unknown): Refused {
    const code = error instanceof SpoolFailure ? error.code : "spool-broken";
    this.#shared.log.error({ message: this.id, code, error }, "message-not-stored");
    return refusalFor(error);
  }
}

/** SMTPUTF8 was asked for, and if it is needed then by the content. */
function asksWithoutAddress({ smtpUtf8, sender, recipients }: Envelope): boolean {
  return smtpUtf8 && ![sender, ...recipients].some(needsUtf8);
}
