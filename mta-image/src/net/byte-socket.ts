/** What sessions and outgoing connections use of a socket: one of Node's, in the clear or in TLS, or one that is read in turns. */
import type { EventEmitter } from "node:events";

export interface ByteSocket {
  readonly destroyed: boolean;
  /** Bytes that the system has not taken yet. */
  readonly writableLength: number;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;

  on(event: "data", listener: (chunk: Buffer) => void): EventEmitter;
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): EventEmitter;
  on(event: "end" | "close" | "drain", listener: () => void): EventEmitter;
  once(event: "close" | "drain", listener: () => void): EventEmitter;
  removeListener(event: "data", listener: (chunk: Buffer) => void): EventEmitter;

  /** False: wait for `drain`. */
  write(data: Buffer): boolean;
  write(text: string, encoding: "utf8"): boolean;
  cork(): void;
  uncork(): void;
  /** Sends what else would wait for others that are read in the same turn. A socket of Node has nothing of that kind. */
  flush?(): void;
  /** Tells at once what has come; it may be for a later turn. Of those of Node, each that is ready is told in one. */
  look?(): void;
  pause(): unknown;
  resume(): unknown;
  /** Closes our side behind what was written. */
  end(): unknown;
  end(text: string): unknown;
  destroy(): unknown;
  /** Asks for more (net/read-on.ts). */
  read(bytes: number): unknown;
}
