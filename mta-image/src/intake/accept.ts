/**
 * Implements the one door (intake.ts). Small mail stays in memory until its record is durable; mail beyond
 * the inline limit goes to a body file while it arrives. Bytes of all mail on its way are bounded: beyond the
 * bound a message is refused with 451 and nothing else suffers.
 *
 * Failures of the spool become replies by refusals.ts.
 */
import type { Clock } from "#base/clock.ts";
import { makeId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";

import type { Envelope, Origin } from "../message/envelope.ts";
import { WayFields, makeReceived } from "../message/received.ts";
import { type BodyWriter, type EntryState, type Spool, SpoolFailure, type LiveMail } from "../spool/spool.ts";
import { HeldPieces, type IntakeFigures } from "./held-pieces.ts";
import type { Intake, IntakeResult, Reception, Refused } from "./intake.ts";
import type { Reservation } from "../queue/quotas.ts";
import { noRoomIn, refusalFor, refusals } from "./refusals.ts";

export interface IntakeSettings {
  readonly hostname: string;
  /** Received fields that a message may carry (RFC 5321 6.3). */
  readonly maxHops: number;
}

export interface IntakeOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly log: Log;
  /** Called once the message is durable. */
  readonly enqueue: (message: LiveMail) => void;
  /** Asked before mail of others is stored; absent: there is always room. */
  readonly reserve?: (envelope: Envelope) => Reservation;
  readonly settings: () => IntakeSettings;
  /** Larger mail gets a file of its own. */
  readonly inlineBytes?: number;
  /** Bound on the bytes of mail on its way that are in memory. */
  readonly maxBytesInFlight?: number;
  /** Where the bytes in memory are counted; one value for intakes that share a bound. */
  readonly figures?: IntakeFigures;
}

export function makeIntake(options: IntakeOptions): Intake {
  const shared: Shared = {
    ...options,
    inlineBytes: options.inlineBytes ?? 256 * 1024,
    maxBytesInFlight: options.maxBytesInFlight ?? 256 * 1024 * 1024,
    figures: options.figures ?? { bytesInFlight: 0 },
  };
  return { begin: (envelope, origin) => new Incoming(shared, envelope, origin) };
}

interface Shared extends IntakeOptions {
  readonly inlineBytes: number;
  readonly maxBytesInFlight: number;
  readonly figures: IntakeFigures;
}

class Incoming implements Reception {
  readonly id: string;
  readonly #shared: Shared;
  readonly #envelope: Envelope;
  readonly #origin: Origin;
  readonly #receivedAt: number;
  readonly #way = new WayFields();
  readonly #pieces: HeldPieces;
  #bytes = 0;
  #body: BodyWriter | null = null;
  /** The write to the body file under way; pieces follow one another. */
  #writing: Promise<void> | null = null;
  #refusal: Refused | null = null;
  #isOver = false;

  constructor(shared: Shared, envelope: Envelope, origin: Origin) {
    const { hostname } = shared.settings();
    this.#shared = shared;
    this.#envelope = envelope;
    this.#origin = origin;
    this.#receivedAt = shared.clock.now();
    this.id = makeId(this.#receivedAt);
    this.#pieces = new HeldPieces(shared.figures);
    if (origin.kind !== "smtp") return;
    const received = makeReceived({ id: this.id, hostname, origin, at: this.#receivedAt });
    this.#bytes += received.length;
    this.#pieces.putInFront(received);
  }

  write(chunk: Buffer): Promise<void> | null {
    if (this.#refusal !== null || this.#isOver) return null;
    if (this.#origin.kind === "smtp") this.#way.push(chunk);
    this.#hold(chunk);
    if (this.#shared.figures.bytesInFlight > this.#shared.maxBytesInFlight) {
      this.#refuse(refusals.busy);
      this.#pieces.drop();
      return null;
    }
    return this.#bytes > this.#shared.inlineBytes ? this.#spill() : null;
  }

  async commit(fields = "", isPlain = false): Promise<IntakeResult> {
    if (this.#way.received > this.#shared.settings().maxHops) this.#refuse(refusals.loop);
    await this.#writing;
    if (this.#refusal !== null) {
      this.abort();
      return this.#refusal;
    }
    const room = this.#origin.kind === "smtp" ? this.#shared.reserve?.(this.#envelope) : undefined;
    if (room?.kind === "full") {
      this.abort();
      return noRoomIn(room.id);
    }
    try {
      const message = await this.#store(fields, isPlain && fields === "");
      this.#release();
      room?.release();
      this.#shared.enqueue(message);
      return { kind: "accepted", id: this.id };
    } catch (error) {
      room?.release();
      this.abort();
      return this.#explain(error);
    }
  }

  abort(): void {
    if (this.#isOver) return;
    this.#release();
    // The file may be on its way into being: it is given up behind the last write.
    void Promise.resolve(this.#writing)
      .then(() => this.#body?.abort())
      .catch((error: unknown) => this.#shared.log.warn({ message: this.id, error }, "body-left-behind"));
  }

  async #store(fields: string, isPlain: boolean): Promise<LiveMail> {
    if (fields !== "") await this.#putInFront(Buffer.from(fields));
    const content = this.#body ?? this.#pieces.all();
    return this.#shared.spool.commit({
      id: this.id,
      receivedAt: this.#receivedAt,
      envelope: this.#read(this.#envelope),
      origin: this.#origin,
      dueAt: this.#envelope.holdUntil ?? this.#receivedAt,
      content,
      isPlain,
      ...(this.#envelope.marks?.hold === true ? { states: this.#onHold() } : {}),
    });
  }

  /** What the header says goes with the envelope, unless the client said otherwise (RFC 8689 4.1). */
  #read(envelope: Envelope): Envelope {
    return this.#way.isTlsOptional && envelope.requireTls !== true
      ? { ...envelope, tlsOptional: true }
      : envelope;
  }

  #onHold(): EntryState[] {
    const dueAt = this.#receivedAt;
    const state: EntryState = { status: "hold", attempts: 0, dueAt, lastReply: "", delayNotices: 0 };
    return this.#envelope.recipients.map(() => state);
  }

  async #putInFront(head: Buffer): Promise<void> {
    if (this.#body !== null) return this.#body.prepend(head);
    this.#pieces.putInFront(head);
  }

  #hold(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#pieces.push(chunk);
  }

  #release(): void {
    this.#isOver = true;
    this.#pieces.drop();
  }

  /** Moves what is held to the body file; one write at a time, the caller waits for it. */
  #spill(): Promise<void> {
    this.#writing = Promise.resolve(this.#writing).then(async () => {
      try {
        await this.#pieces.moveTo(async (piece) => {
          this.#body ??= await this.#shared.spool.createBody(this.id);
          await this.#body.write(piece);
        });
      } catch (error) {
        this.#refuse(this.#explain(error));
      }
    });
    return this.#writing;
  }

  #refuse(refusal: Refused): void {
    this.#refusal ??= refusal;
  }

  #explain(error: unknown): Refused {
    const code = error instanceof SpoolFailure ? error.code : "spool-broken";
    this.#shared.log.error({ message: this.id, code, error }, "message-not-stored");
    return refusalFor(error);
  }
}
