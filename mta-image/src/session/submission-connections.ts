/**
 * The connections of one listener of HTTP submission. Those beyond the server's limits are closed before anything is read from
 * them. Whether one speaks TLS is what the settings say when it comes, as for SMTP; when they say something else later,
 * `isOutdated` tells the caller to end it behind its next answer.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";

import type { Clock } from "#base/clock.ts";

import { ConnectionsByIp } from "./connections-by-ip.ts";
import { upgradeToTls } from "./tls-upgrade.ts";

export interface ConnectionRules {
  readonly limits: () => { readonly connections: number; readonly perIp: number } | undefined;
  /** Null: in the clear. */
  readonly tls: () => SecureContext | null;
  readonly clock: Clock;
}

export class SubmissionConnections {
  readonly #rules: ConnectionRules;
  readonly #open = new Set<Socket>();
  readonly #perIp = new ConnectionsByIp();

  /** To be made before the server listens; it must be one without TLS of its own. */
  constructor(server: Server, rules: ConnectionRules) {
    this.#rules = rules;
    // Node's own, which speaks HTTP on whatever stream it is given.
    const speakers = server.listeners("connection");
    const speak = (socket: Socket): void => {
      for (const speaker of speakers) speaker.call(server, socket);
    };
    server.removeAllListeners("connection");
    server.on("connection", (socket) => {
      if (this.#takes(socket)) this.#begin(socket, speak);
      else socket.destroy();
    });
  }

  /** It speaks TLS where the settings say no more that it does, or the other way round. */
  isOutdated(socket: Socket): boolean {
    const isSecure = (socket as Partial<TLSSocket>).encrypted === true;
    return isSecure !== (this.#rules.tls() !== null);
  }

  /** Whatever is under way on them, also handshakes. */
  destroyAll(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** One that is turned away hears nothing: to tell it, its request would have to be read. */
  #takes(socket: Socket): boolean {
    const ip = socket.remoteAddress ?? "";
    const most = this.#rules.limits();
    if (most === undefined || this.#open.size >= most.connections) return false;
    if (this.#perIp.from(ip) >= most.perIp) return false;
    this.#open.add(socket);
    this.#perIp.opened(ip);
    socket.once("close", () => {
      this.#open.delete(socket);
      this.#perIp.closed(ip);
    });
    return true;
  }

  #begin(plain: Socket, speak: (socket: Socket) => void): void {
    const { clock } = this.#rules;
    const context = this.#rules.tls();
    if (context === null) return speak(plain);
    // What breaks one closes it, and nobody is to be told.
    plain.on("error", () => {});
    const secure = upgradeToTls({
      ...{ plain, context, clock, asksForCertificate: false },
      onSecure: () => speak(secure),
      onFailure: () => {},
    });
    secure.on("error", () => {});
  }
}
