/**
 * The addon that reads many sockets in one turn (native/sockets), as TypeScript sees it; only socket-batch.ts does. Null where it
 * was not built, does not fit this Node, or was opened in another thread of this process: sockets then stay Node's own.
 */
import { constants } from "node:os";
import { fileURLToPath } from "node:url";

/** What a socket waits for, to be added up. */
export const wishes = { read: 1, write: 2 } as const;

/** What a turn says of a socket in place of a number of bytes; below 0 and not this: minus an errno, and it is broken. */
export const found = { end: 0, ready: -1_000_000 } as const;

/** Bytes that a turn must have room for. */
export const LEAST_ROOM = 262_144;
/** Numbers of a turn: slot, what, offset for each thing found. */
export const FOUND_NUMBERS = 3 * 2 * 64;

/** Its own slot, and the addresses and ports of its two ends. */
export type Accepted = readonly [
  slot: number,
  remoteAddress: string,
  remotePort: number,
  localAddress: string,
  localPort: number,
];

/** Numbers below 0 are minus an errno. A slot that is not in use throws. */
export interface SocketAddon {
  /** Once a process. `onTurn` gets how many things were found; `arena` and `found` hold until the next turn. */
  open(arena: Buffer, found: Int32Array, onTurn: (count: number) => void): void;
  /** A slot for the same connection, with a descriptor of its own; nothing is wished yet. */
  adopt(descriptor: number): number;
  /** The same for a socket that listens; its connections go without delay. */
  listen(descriptor: number): number;
  /** A connection that waits there; EAGAIN for none. One for which there is no room is closed. */
  accept(slot: number): Accepted | number;
  wish(slot: number, wishes: number): number;
  /** What has come for this one, told as in a turn: how many things were found. Between turns only. */
  look(slot: number): number;
  /** How many bytes the system took. */
  send(slot: number, bytes: Buffer): number;
  sendAll(slot: number, pieces: readonly Buffer[]): number;
  /** No more will be sent. */
  end(slot: number): void;
  close(slot: number): void;
  /** The descriptor, which is the caller's from now on. */
  release(slot: number): number;
}

export function loadSocketAddon(path: string = placeOfAddon()): SocketAddon | null {
  const module = { exports: {} };
  try {
    process.dlopen(module, path, constants.dlopen.RTLD_NOW);
  } catch {
    return null;
  }
  const addon = module.exports as Partial<SocketAddon>;
  // One that was built from older sources.
  return addon.look === undefined ? null : (addon as SocketAddon);
}

/** In the checkout where make puts it, in an image beside the bundle (tools/bundle-plugins.ts). */
function placeOfAddon(): string {
  return fileURLToPath(new URL("../../../build/native/sockets.node", import.meta.url));
}
