/**
 * Implements the one door (intake.ts). Small mail stays in memory until its record is durable; mail beyond
 * the inline limit goes to a body file while it arrives. Bytes of all mail on its way are bounded: beyond the
 * bound a message is refused with 451 and nothing else suffers.
 *
 * Failures of the spool become replies here and nowhere else.
 */
import type { Clock } from "#base/clock.ts";
import { makeId } from "#base/ids.ts";
import type { Log } from "#base/log.ts";

import type { Envelope, Origin } from "../message/envelope.ts";
import { ReceivedCounter, makeReceived } from "../message/received.ts";
import {
  type BodyWriter,
  type EntryState,
  type Spool,
  SpoolFailure,
  type SpooledMessage,
} from "../spool/spool.ts";
import type { Intake, IntakeResult, Reception } from "./intake.ts";

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
  readonly enqueue: (message: SpooledMessage) => void;
  readonly settings: () => IntakeSettings;
  /** Larger mail gets a file of its own. */
  readonly inlineBytes?: number;
  /** Bound on the bytes of mail on its way that are in memory. */
  readonly maxBytesInFlight?: number;
  /** Where the bytes in memory are counted; one value for intakes that share a bound. */
  readonly figures?: IntakeFigures;
}

export interface IntakeFigures {
  /** Bytes of mail on its way that are in memory. */
  bytesInFlight: number;
}

/** Pieces below this are copied together, into blocks of TAIL_BYTES. */
const SMALL_BYTES = 512;
const TAIL_BYTES = 4096;

type Refusal = Extract<IntakeResult, { kind: "refused" }>;

const refusals = {
  loop: refusal(554, "5.4.6", "Too many hops, this message is in a loop"),
  busy: refusal(451, "4.3.1", "Too much mail on its way, try again"),
  full: refusal(452, "4.3.1", "Insufficient system storage"),
  broken: refusal(451, "4.3.0", "The mail could not be stored"),
  closed: refusal(421, "4.3.2", "Shutting down"),
} as const;

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
  readonly #hops = new ReceivedCounter();
  #chunks: Buffer[];
  #bytes = 0;
  /** Where small pieces are gathered: the memory behind the last chunk, if it is one of those. */
  #tail: Buffer | null = null;
  #body: BodyWriter | null = null;
  /** The write to the body file under way; pieces follow one another. */
  #writing: Promise<void> | null = null;
  #refusal: Refusal | null = null;
  #isOver = false;

  constructor(shared: Shared, envelope: Envelope, origin: Origin) {
    const { hostname } = shared.settings();
    this.#shared = shared;
    this.#envelope = envelope;
    this.#origin = origin;
    this.#receivedAt = shared.clock.now();
    this.id = makeId(this.#receivedAt);
    this.#chunks = [];
    if (origin.kind === "smtp")
      this.#hold(makeReceived({ id: this.id, hostname, origin, at: this.#receivedAt }));
  }

  write(chunk: Buffer): Promise<void> | null {
    if (this.#refusal !== null || this.#isOver) return null;
    if (this.#origin.kind === "smtp") this.#hops.push(chunk);
    this.#hold(chunk);
    if (this.#shared.figures.bytesInFlight > this.#shared.maxBytesInFlight) {
      this.#refuse(refusals.busy);
      this.#drop();
      return null;
    }
    return this.#bytes > this.#shared.inlineBytes ? this.#spill() : null;
  }

  async commit(fields = ""): Promise<IntakeResult> {
    if (this.#hops.count > this.#shared.settings().maxHops) this.#refuse(refusals.loop);
    await this.#writing;
    if (this.#refusal !== null) {
      this.abort();
      return this.#refusal;
    }
    try {
      const message = await this.#store(fields);
      this.#release();
      this.#shared.enqueue(message);
      return { kind: "accepted", id: this.id };
    } catch (error) {
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

  async #store(fields: string): Promise<SpooledMessage> {
    if (fields !== "") await this.#putInFront(Buffer.from(fields));
    const content =
      this.#body ?? (this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks));
    return this.#shared.spool.commit({
      id: this.id,
      receivedAt: this.#receivedAt,
      envelope: this.#envelope,
      origin: this.#origin,
      dueAt: this.#envelope.holdUntil ?? this.#receivedAt,
      content,
      ...(this.#envelope.marks?.hold === true ? { states: this.#onHold() } : {}),
    });
  }

  #onHold(): EntryState[] {
    const dueAt = this.#receivedAt;
    const state: EntryState = { status: "hold", attempts: 0, dueAt, lastReply: "", delayNotices: 0 };
    return this.#envelope.recipients.map(() => state);
  }

  async #putInFront(head: Buffer): Promise<void> {
    if (this.#body !== null) return this.#body.prepend(head);
    this.#chunks.unshift(head);
    this.#shared.figures.bytesInFlight += head.length;
  }

  #hold(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#shared.figures.bytesInFlight += chunk.length;
    // Bytes that drip in would cost far more in buffers than they hold: small ones are gathered.
    if (chunk.length < SMALL_BYTES) this.#gather(chunk);
    else this.#chunks.push(chunk);
  }

  #gather(chunk: Buffer): void {
    const last = this.#chunks.at(-1);
    if (
      last === undefined ||
      this.#tail === null ||
      last.buffer !== this.#tail.buffer ||
      this.#tailRoom() < chunk.length
    ) {
      this.#tail = Buffer.allocUnsafeSlow(TAIL_BYTES);
      chunk.copy(this.#tail);
      this.#chunks.push(this.#tail.subarray(0, chunk.length));
      return;
    }
    chunk.copy(this.#tail, last.length);
    this.#chunks[this.#chunks.length - 1] = this.#tail.subarray(0, last.length + chunk.length);
  }

  #tailRoom(): number {
    return TAIL_BYTES - (this.#chunks.at(-1)?.length ?? 0);
  }

  #release(): void {
    this.#isOver = true;
    this.#drop();
  }

  #drop(): void {
    for (const chunk of this.#chunks) this.#shared.figures.bytesInFlight -= chunk.length;
    this.#chunks = [];
  }

  /** Moves what is held to the body file; one write at a time, the caller waits for it. */
  #spill(): Promise<void> {
    this.#writing = Promise.resolve(this.#writing).then(async () => {
      const held = this.#chunks;
      this.#chunks = [];
      try {
        this.#body ??= await this.#shared.spool.createBody(this.id);
        for (const chunk of held) await this.#body.write(chunk);
      } catch (error) {
        this.#refuse(this.#explain(error));
      }
      for (const chunk of held) this.#shared.figures.bytesInFlight -= chunk.length;
    });
    return this.#writing;
  }

  #refuse(refusal: Refusal): void {
    this.#refusal ??= refusal;
  }

  #explain(error: unknown): Refusal {
    const code = error instanceof SpoolFailure ? error.code : "spool-broken";
    this.#shared.log.error({ message: this.id, code, error }, "message-not-stored");
    return { "spool-full": refusals.full, "spool-broken": refusals.broken, "spool-closed": refusals.closed }[
      code
    ];
  }
}

function refusal(code: number, enhanced: string, text: string): Refusal {
  return { kind: "refused", reply: { code, enhanced, text } };
}
