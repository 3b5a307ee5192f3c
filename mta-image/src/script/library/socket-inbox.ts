/**
 * What has come from the other side and was not asked for yet. Reads from a stream only while somebody waits, so the
 * kernel slows down a sender that is faster than the script. One may wait at a time.
 */
import type { Socket as Datagrams } from "node:dgram";
import type { Duplex } from "node:stream";

type Taker = (bytes: Buffer | null, error: Error | null) => void;

/** Datagrams beyond it are dropped, as a full kernel buffer does. */
const MAX_DATAGRAMS = 64;

export class Inbox {
  readonly #stream: Duplex | null;
  readonly #datagrams: Buffer[] = [];
  #waiting: { readonly length: number; readonly isPeek: boolean; readonly taker: Taker } | null = null;
  #rest: Buffer = Buffer.alloc(0);
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

  /** Null bytes mean the end. */
  take(length: number, isPeek: boolean, taker: Taker): void {
    this.#waiting = { length, isPeek, taker };
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
    if (this.#rest.length === 0)
      this.#rest = this.#datagrams.shift() ?? (this.#stream?.read() as Buffer | null) ?? this.#rest;
    const { length, isPeek, taker } = waiting;
    if (this.#rest.length > 0) {
      this.#waiting = null;
      const bytes = this.#rest.subarray(0, length);
      // What is left of a datagram is lost, as with recv(2).
      if (!isPeek) this.#rest = this.#stream === null ? Buffer.alloc(0) : this.#rest.subarray(length);
      taker(bytes, null);
    } else if (this.#error !== null || this.#isEnded) {
      this.#waiting = null;
      taker(null, this.#error);
    }
  }
}
