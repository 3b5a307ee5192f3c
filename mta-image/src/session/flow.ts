/**
 * When a session reads from its client. Each of its parts may close the tap for its own reason (mail waits for
 * its file, a client does not read our replies, too much came in during a commit) and opens it again; bytes
 * flow while no reason is left. This is the back-pressure that bounds the memory of one connection. Never fails.
 */
import type { ByteSocket } from "../net/byte-socket.ts";

export type StopReason = "disk" | "replies" | "commit";

/** Replies that a client has not fetched yet, before we stop reading from it. */
const MAX_UNREAD_REPLY_BYTES = 65_536;

export class Flow {
  readonly #reasons = new Set<StopReason>();
  #socket: ByteSocket;

  constructor(socket: ByteSocket) {
    this.#socket = socket;
  }

  get isOpen(): boolean {
    return this.#reasons.size === 0;
  }

  /** Mail waits for our own disk: the client's pace is not to blame. */
  get waitsForDisk(): boolean {
    return this.#reasons.has("disk");
  }

  /** Another socket took over the connection. */
  moveTo(socket: ByteSocket): void {
    this.#socket = socket;
    if (this.#reasons.size > 0) socket.pause();
  }

  stop(reason: StopReason): void {
    this.#reasons.add(reason);
    this.#socket.pause();
  }

  go(reason: StopReason): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0) this.#socket.resume();
  }

  /** Stops reading from a client that does not fetch its replies, until it did. */
  watchReplies(): void {
    if (this.#socket.writableLength <= MAX_UNREAD_REPLY_BYTES || this.#reasons.has("replies")) return;
    this.stop("replies");
    this.#socket.once("drain", () => this.go("replies"));
  }
}
