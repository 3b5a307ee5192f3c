/**
 * A connection that is read in turns with all others of its kind (socket-batch.ts). To its owner it is as a socket of Node
 * with `allowHalfOpen`: bytes, `end`, `drain`, `error`, `close`, the last of them once and always behind `destroy`. Who
 * reads in a turn has its replies sent at the turn's end; all else is sent at once. What the system does not take waits here, and
 * the owner sees in `writableLength` how much that is. A paused one holds at most what one turn had read before.
 */
import { EventEmitter } from "node:events";
import { Socket } from "node:net";

import type { ByteSocket } from "./byte-socket.ts";
import { wishes } from "./socket-addon.ts";
import type { SocketBatch, TurnListener } from "./socket-batch.ts";
import { systemError } from "./system-error.ts";

/** As Node: whoever writes more is told to wait. */
const HIGH_WATER_BYTES = 65_536;

/** As Node's socket knew them. */
export type Ends = Pick<ByteSocket, "remoteAddress" | "remotePort" | "localAddress" | "localPort">;

export class BatchedSocket extends EventEmitter implements TurnListener {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  destroyed = false;
  readonly #batch: SocketBatch;
  #slot = -1;
  #corks = 0;
  #pieces: Buffer[] = [];
  #pieceBytes = 0;
  /** The system took less than it was given. */
  #isBlocked = false;
  #waitsForTurnEnd = false;
  #isDrainOwed = false;
  #isPaused = false;
  #held: Buffer[] = [];
  #isTelling = false;
  /** The other side has closed its own; told when nothing is held. */
  #hasEnded = false;
  #toldEnd = false;
  #isEnding = false;
  #isShut = false;

  private constructor(batch: SocketBatch, ends: Ends) {
    super();
    this.#batch = batch;
    this.remoteAddress = ends.remoteAddress;
    this.remotePort = ends.remotePort;
    this.localAddress = ends.localAddress;
    this.localPort = ends.localPort;
  }

  /** Null when the system refuses one more. The descriptor stays the caller's. */
  static open(batch: SocketBatch, descriptor: number, ends: Ends): BatchedSocket | null {
    const slot = batch.addon.adopt(descriptor);
    return slot < 0 ? null : BatchedSocket.at(batch, slot, ends);
  }

  /** For a slot that nobody hears yet. Null when the system refuses to watch it; then it is closed. */
  static at(batch: SocketBatch, slot: number, ends: Ends): BatchedSocket | null {
    const socket = new BatchedSocket(batch, ends);
    batch.hear(slot, socket);
    socket.#slot = slot;
    if (batch.addon.wish(slot, wishes.read) === 0) return socket;
    socket.destroy();
    return null;
  }

  get writableLength(): number {
    return this.#isBlocked ? this.#pieceBytes : 0;
  }

  write(data: Buffer | string, encoding: BufferEncoding = "utf8"): boolean {
    if (this.destroyed || this.#isEnding) return false;
    const bytes = typeof data === "string" ? Buffer.from(data, encoding) : data;
    if (bytes.length > 0) this.#pieces.push(bytes);
    this.#pieceBytes += bytes.length;
    this.#sendSoon();
    if (this.#pieceBytes < HIGH_WATER_BYTES) return true;
    this.#isDrainOwed = true;
    return false;
  }

  cork(): void {
    this.#corks++;
  }

  uncork(): void {
    if (this.#corks > 0) this.#corks--;
    this.#sendSoon();
  }

  /** Sends what waits for the end of the turn; then `writableLength` says what of it has not left. */
  flush(): void {
    if (this.#corks === 0) this.#handAll();
  }

  pause(): void {
    this.#isPaused = true;
    this.#wish();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#wish();
    this.#tellSoon();
  }

  /** Tells what has come by now, if its turn has not yet. */
  look(): void {
    if (!this.destroyed && !this.#isPaused) this.#batch.look(this.#slot);
  }

  /** It asks by itself. */
  read(_bytes: number): void {}

  end(text?: string): void {
    if (this.destroyed || this.#isEnding) return;
    this.#corks = 0;
    if (text !== undefined) this.write(text);
    this.#isEnding = true;
    this.#send();
  }

  /** What waits for the end of the turn is sent before, as Node would have done. */
  destroy(error?: Error): void {
    if (this.destroyed) return;
    if (error === undefined) this.#handAll();
    if (this.destroyed) return;
    this.#leave();
    this.#batch.addon.close(this.#slot);
    process.nextTick(() => {
      if (error !== undefined) this.emit("error", error);
      this.emit("close");
    });
  }

  /** The connection as one of Node's, which TLS needs: with what was not read and not sent. This one is silent from now on. */
  giveBack(): Socket {
    this.#corks = 0;
    this.#handAll();
    if (this.destroyed) return new Socket().destroy();
    const [pieces, held] = [this.#pieces, this.#held];
    this.#leave();
    const socket = new Socket({ fd: this.#batch.addon.release(this.#slot), allowHalfOpen: true });
    for (const piece of pieces) socket.write(piece);
    if (held.length > 0) socket.unshift(Buffer.concat(held));
    return socket;
  }

  onBytes(bytes: Buffer): void {
    if (this.#isPaused || this.#held.length > 0) this.#held.push(bytes);
    else this.emit("data", bytes);
  }

  onEnd(): void {
    this.#hasEnded = true;
    if (!this.#isPaused) this.#tellEnd();
  }

  onReady(): void {
    this.#send();
  }

  onBroken(errno: number): void {
    this.#fail(errno, "read");
  }

  onTurnEnd(): void {
    this.#waitsForTurnEnd = false;
    if (!this.#isBlocked) this.#send();
  }

  #sendSoon(): void {
    if (this.#corks > 0 || this.#isBlocked || this.#waitsForTurnEnd || this.#pieceBytes === 0) return;
    if (this.#batch.waitForTurnEnd(this)) this.#waitsForTurnEnd = true;
    else this.#send();
  }

  #send(): void {
    if (this.destroyed || this.#corks > 0) return;
    while (this.#pieceBytes > 0) if (!this.#hand()) return;
    if (this.#isBlocked) {
      this.#isBlocked = false;
      this.#wish();
    }
    if (this.#isDrainOwed) {
      this.#isDrainOwed = false;
      process.nextTick(() => {
        if (!this.destroyed) this.emit("drain");
      });
    }
    if (this.#isEnding && !this.#isShut) this.#shut();
  }

  /** Where it is blocked already, the system says when. */
  #handAll(): void {
    while (!this.#isBlocked && this.#pieceBytes > 0) this.#hand();
  }

  /** Gives the system what it takes at once; false when the rest has to wait. */
  #hand(): boolean {
    const pieces = this.#pieces;
    const { addon } = this.#batch;
    const taken =
      pieces.length === 1 ? addon.send(this.#slot, pieces[0] as Buffer) : addon.sendAll(this.#slot, pieces);
    if (taken < 0) {
      this.#fail(-taken, "write");
      return false;
    }
    const wanted = pieces.length <= MOST_PIECES ? this.#pieceBytes : lengthOf(pieces.slice(0, MOST_PIECES));
    this.#pieceBytes -= taken;
    if (this.#pieceBytes === 0) this.#pieces = [];
    else dropFrom(pieces, taken);
    if (taken >= wanted) return true;
    this.#isBlocked = true;
    this.#wish();
    return false;
  }

  #shut(): void {
    this.#isShut = true;
    this.#batch.addon.end(this.#slot);
    if (this.#toldEnd) this.destroy();
  }

  #tellSoon(): void {
    if (this.#isTelling || (this.#held.length === 0 && !this.#hasEnded)) return;
    this.#isTelling = true;
    process.nextTick(() => {
      this.#isTelling = false;
      this.#tellHeld();
    });
  }

  #tellHeld(): void {
    while (this.#held.length > 0 && !this.#isPaused && !this.destroyed)
      this.emit("data", this.#held.shift() as Buffer);
    if (this.#hasEnded && !this.#isPaused) this.#tellEnd();
  }

  #tellEnd(): void {
    if (this.#toldEnd || this.destroyed || this.#held.length > 0) return;
    this.#toldEnd = true;
    this.emit("end");
    if (this.#isShut) this.destroy();
  }

  #wish(): void {
    if (this.destroyed) return;
    const read = this.#isPaused || this.#hasEnded ? 0 : wishes.read;
    const refused = this.#batch.addon.wish(this.#slot, read + (this.#isBlocked ? wishes.write : 0));
    if (refused < 0) this.#fail(-refused, "read");
  }

  #fail(errno: number, call: "read" | "write"): void {
    this.destroy(systemError(-errno, call));
  }

  #leave(): void {
    this.destroyed = true;
    this.#batch.forget(this.#slot);
    this.#pieces = [];
    this.#held = [];
    this.#pieceBytes = 0;
  }
}

/** So many go with one call (native/sockets/door.cc). */
const MOST_PIECES = 64;

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** Takes so many bytes from the front. */
function dropFrom(pieces: Buffer[], bytes: number): void {
  let left = bytes;
  let whole = 0;
  while (whole < pieces.length && left >= (pieces[whole] as Buffer).length)
    left -= (pieces[whole++] as Buffer).length;
  pieces.splice(0, whole);
  if (left > 0) pieces[0] = (pieces[0] as Buffer).subarray(left);
}
