/**
 * The connection of one session through its changes of socket: to one that is read in turns when it stays, to one of Node's when
 * it needs it, to TLS. The only writer to it. Never throws; what breaks the socket is kept for whoever asks, and closes it.
 */
import type { SecureContext } from "node:tls";

import type { Clock } from "#base/clock.ts";

import { adopt, asNodeSocket } from "../net/adopt.ts";
import type { ByteSocket } from "../net/byte-socket.ts";
import { readOn } from "../net/read-on.ts";
import type { Secured } from "../smtp/secured.ts";
import { closeBehindQuit, closeSoftly } from "./farewell.ts";
import { Flow } from "./flow.ts";
import { upgradeToTls } from "./tls-upgrade.ts";

export interface ConnectionOwner {
  received(chunk: Buffer): void;
  /** The client closed its side. */
  ended(): void;
  closed(): void;
}

export class Connection {
  readonly flow: Flow;
  /** What broke it first. */
  error: NodeJS.ErrnoException | null = null;
  readonly #owner: ConnectionOwner;
  #socket: ByteSocket;

  constructor(socket: ByteSocket, owner: ConnectionOwner) {
    this.#owner = owner;
    this.#socket = socket;
    this.flow = new Flow(socket);
  }

  /** From now on the owner is told what comes. */
  open(): void {
    this.#attach(this.#socket);
  }

  get socket(): ByteSocket {
    return this.#socket;
  }

  get isDestroyed(): boolean {
    return this.#socket.destroyed;
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Looks for what has come already. */
  look(): void {
    this.#socket.look?.();
  }

  /** It is likely to stay: it is moved to those that are read in turns, if it can be. */
  settle(): void {
    const socket = adopt(this.#socket);
    if (socket !== this.#socket) this.#moveTo(socket);
  }

  /** What was written leaves before TLS takes the connection over; nothing that comes in the clear is told any more. */
  startTls(options: {
    readonly context: SecureContext;
    readonly asksForCertificate: boolean;
    readonly clock: Clock;
    readonly onSecure: (secured: Secured) => void;
    readonly onFailure: () => void;
  }): void {
    const plain = asNodeSocket(this.#socket);
    if (plain !== this.#socket) this.#attach(plain);
    plain.uncork();
    this.#moveTo(upgradeToTls({ plain, ...options }));
  }

  /** The last reply still arrives. `isAgreed`: the client has said QUIT, and nothing more is to come from it. */
  close(clock: Clock, { isAgreed }: { readonly isAgreed: boolean }): void {
    const close = isAgreed ? closeBehindQuit : closeSoftly;
    close(this.#socket, clock);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #moveTo(socket: ByteSocket): void {
    this.#socket = socket;
    this.#attach(socket);
    this.flow.moveTo(socket);
  }

  /** Listeners stay for the socket's whole life: a reset may come at any moment, even after close. */
  #attach(socket: ByteSocket): void {
    socket.on("data", (chunk: Buffer) => {
      readOn(socket);
      this.#owner.received(chunk);
    });
    socket.on("error", (error) => {
      this.error ??= error;
      socket.destroy();
    });
    socket.on("end", () => this.#owner.ended());
    socket.on("close", () => {
      if (socket === this.#socket) this.#owner.closed();
    });
  }
}
