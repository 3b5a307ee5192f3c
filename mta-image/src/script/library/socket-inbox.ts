/**
 * What has come from the other side and was not asked for yet. Reads from a stream only while somebody waits, so the
 * kernel slows down a sender that is faster than the script. One may wait at a time.
 */
import type { Socket as Datagrams } from "node:dgram";
import type { Duplex } from "node:stream";

type Taker = (bytes: Buffer | null, error: Error | null) => void;

export interface Wanted {
  /** Bytes, at most. */
  readonly length: number;
  /** They stay. */
  readonly isPeek: boolean;
  /** No fewer, unless it is over. */
  readonly isAll: boolean;
  /** Waits until there is something. */
  readonly isPatient: boolean;
}

const EMPTY = Buffer.alloc(0);

/** Datagrams beyond it are dropped, as a full kernel buffer does. */
const MAX_DATAGRAMS = 64;

export class Inbox {
  readonly #stream: Duplex | null;
  readonly #datagrams: Buffer[] = [];
  #waiting: (Wanted & { readonly taker: Taker }) | null = null;
  #parts: Buffer[] = [];
  /** Bytes in the parts. */
  #held = 0;
  #isEnded = false;
  #error: Error | null = null;

  constructor(stream: Duplex | null) {
    this.#stream = stream;
    stream?.on("readable", () => this.#serve());
    stream?.on("end", () => this.#end());
    stream?.on("close", () => this.#end());
    stream?.on("error", (error) => {
      this.#error = error;
      this.#serve();
    });
  }

  static ofDatagrams(socket: Datagrams): Inbox {
    const inbox = new Inbox(null);
    socket.on("message", (bytes) => {
      if (inbox.#datagrams.length < MAX_DATAGRAMS) inbox.#datagrams.push(bytes);
      inbox.#serve();
    });
    socket.on("error", (error) => {
      inbox.#error = error;
      inbox.#serve();
    });
    return inbox;
  }

  /** Null bytes mean the end, or an error of code EAGAIN that there is nothing yet. */
  take(wanted: Wanted, taker: Taker): void {
    this.#waiting = { ...wanted, taker };
    this.#serve();
  }

  /** Nobody waits any more. */
  forget(): void {
    this.#waiting = null;
  }

  close(): void {
    this.#end();
  }

  #end(): void {
    this.#isEnded = true;
    this.#serve();
  }

  #serve(): void {
    const waiting = this.#waiting;
    if (waiting === null) return;
    this.#fill(waiting);
    const { length, isAll, isPatient, taker } = waiting;
    const isOver = this.#error !== null || this.#isEnded;
    if (this.#held > 0 && (!isAll || isOver || this.#held >= length)) {
      this.#waiting = null;
      taker(this.#cut(waiting), null);
    } else if (isOver) {
      this.#waiting = null;
      taker(null, this.#error);
    } else if (!isPatient) {
      this.#waiting = null;
      taker(null, Object.assign(new Error("nothing has come yet"), { code: "EAGAIN" }));
    }
  }

  /** One more read where nothing is held; as many as it takes for a taker who wants all. */
  #fill({ length, isAll }: Wanted): void {
    const wanted = isAll && this.#stream !== null ? length : 1;
    while (this.#held < wanted) {
      const next = this.#stream === null ? this.#datagrams.shift() : (this.#stream.read() as Buffer | null);
      if (next === null || next === undefined) return;
      this.#parts.push(next);
      this.#held += next.length;
    }
  }

  #cut({ length, isPeek }: Wanted): Buffer {
    const all = this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts);
    // What is left of a datagram is lost, as with recv(2).
    const rest = isPeek ? all : this.#stream === null ? EMPTY : all.subarray(length);
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#held = rest.length;
    return all.subarray(0, length);
  }
}
