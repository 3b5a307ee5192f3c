/**
 * Queue and spool as a hand-over sees them: the Store it takes from and the Door it brings to (ports.ts). Messages
 * that were checked out are in nobody's hands and are kept here; `withheld` counts them, so that nobody takes the
 * engine for empty.
 */
import { Failure } from "#base/error.ts";
import { type FrameHead, maxBatchBytes } from "#contract/transfer-api.ts";

import type { Entry } from "../queue/entry.ts";
import { choosePortable } from "../queue/portable.ts";
import type { Queue } from "../queue/queue.ts";
import type { Spool, LiveMail } from "../spool/spool.ts";
import type { Bounds, Door, Parcel, Store } from "./ports.ts";

/** What messages may have together; the rest of a batch is for what is said of them. */
const MOST_BYTES = maxBatchBytes - 1024 * 1024;

/** A message in nobody's hands. */
interface Away {
  readonly message: LiveMail;
  /** When it was checked out; settling changes the message itself, before it is durable. */
  readonly recipients: number;
}

export class MailStore implements Store, Door {
  readonly #queue: Queue;
  readonly #spool: Spool;
  readonly #away = new Map<string, Away>();
  readonly #arrived = new Map<string, LiveMail>();

  constructor(options: { readonly queue: Queue; readonly spool: Spool }) {
    this.#queue = options.queue;
    this.#spool = options.spool;
  }

  /** Recipients of messages in nobody's hands. */
  get withheld(): number {
    let count = 0;
    for (const { recipients } of this.#away.values()) count += recipients;
    return count;
  }

  /** Also at start: a message that a peer may have is not queued. */
  withhold(message: LiveMail): void {
    const recipients = message.recipients.filter((recipient) => recipient !== null).length;
    this.#away.set(message.id, { message, recipients });
  }

  checkOut(bounds: Bounds): readonly Parcel[] {
    const parcels: Parcel[] = [];
    let bytes = 0;
    for (const id of this.#candidates(bounds)) {
      if (parcels.length >= bounds.messages || bytes >= bounds.bytes) break;
      const size = this.#spool.find(id)?.sizeBytes ?? 0;
      if (bytes + size > MOST_BYTES || bounds.except?.has(id) === true) continue;
      const message = this.#queue.withdraw(id);
      if (message === null) continue;
      this.withhold(message);
      parcels.push({ head: headOf(message), sizeBytes: message.sizeBytes });
      bytes += message.sizeBytes;
    }
    return parcels;
  }

  #candidates({ messages, bytes, recipients, except }: Bounds): Iterable<string> {
    const queue = this.#queue;
    if (recipients === undefined) return queue.messageIds();
    const find = (id: string): readonly Entry[] => (except?.has(id) === true ? [] : queue.find(id));
    return choosePortable(queue.lines, find, { messages, bytes, recipients });
  }

  async content(id: string): Promise<Buffer> {
    const content = await this.#spool.read(id);
    if (content.kind === "memory") return content.bytes;
    const pieces: Buffer[] = [];
    for await (const piece of content.chunks()) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  giveBack(ids: readonly string[]): void {
    for (const id of ids) {
      const away = this.#away.get(id);
      if (away === undefined) continue;
      this.#away.delete(id);
      this.#queue.add(away.message);
    }
  }

  async settle(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      this.#away.get(id)?.message.envelope.recipients.forEach((_, index) => {
        this.#spool.settle(id, index);
      });
    }
    await this.#spool.flush();
    // Only now: as long as a crash could bring them back, they count as being here.
    for (const id of ids) this.#away.delete(id);
  }

  async store(head: FrameHead, content: Buffer): Promise<void> {
    if (this.#spool.isFenced) throw new Failure("engine-fenced", "this engine is fenced and takes no mail");
    const { id, receivedAt, envelope, origin, states } = head;
    const message = await this.#spool.commit({
      id,
      receivedAt,
      envelope,
      origin,
      states,
      dueAt: receivedAt,
      // The bytes are part of a whole batch; a copy lets the batch go.
      content: Buffer.from(content),
    });
    this.#arrived.set(id, message);
  }

  has(id: string): boolean {
    return this.#spool.find(id) !== undefined;
  }

  get isBroken(): boolean {
    return this.#spool.isBroken;
  }

  enqueue(ids: readonly string[]): void {
    for (const id of ids) {
      const message = this.#arrived.get(id);
      this.#arrived.delete(id);
      if (message !== undefined) this.#queue.add(message);
    }
  }
}

function headOf({ id, receivedAt, envelope, origin, recipients }: LiveMail): FrameHead {
  const { sender, smtpUtf8, eightBit, transportId, jobId, tenantId, quotas, dsn, requireTls, tlsOptional } =
    envelope;
  const { holdUntil, deliverBy, priority, marks } = envelope;
  return {
    id,
    receivedAt,
    envelope: {
      sender,
      recipients: [...envelope.recipients],
      smtpUtf8,
      eightBit,
      transportId,
      ...(jobId === undefined ? {} : { jobId }),
      ...(tenantId === undefined ? {} : { tenantId }),
      ...(quotas === undefined ? {} : { quotas: [...quotas] }),
      // The schema's arrays are the same but for their being writable.
      ...(dsn === undefined ? {} : { dsn: dsn as NonNullable<FrameHead["envelope"]["dsn"]> }),
      ...(requireTls === true ? { requireTls } : {}),
      ...(tlsOptional === true ? { tlsOptional } : {}),
      ...(holdUntil === undefined ? {} : { holdUntil }),
      ...(deliverBy === undefined ? {} : { deliverBy }),
      ...(priority === undefined ? {} : { priority }),
      ...(marks === undefined ? {} : { marks }),
    },
    origin: { ...origin },
    states: recipients.map((recipient) => (recipient === null ? null : { ...recipient.state })),
  };
}
