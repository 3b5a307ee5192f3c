/**
 * The sessions of one listening socket: accepts within the limits, sweeps for slow clients, ends in order.
 * Refusing a connection costs one 421 and nothing else. `close` lets every session finish its message until
 * the deadline, then cuts; nobody is dropped without a 421 before that.
 */
import { type Clock, type Timer, sleep } from "#base/clock.ts";

import { type Listener, type ListenAddress, listenInTurns } from "../net/listener.ts";
import { asNodeSocket } from "../net/adopt.ts";
import type { ByteSocket } from "../net/byte-socket.ts";
import { awaitProxyHeader } from "../net/proxied-socket.ts";
import { replies } from "../smtp/reply.ts";
import { isInNetworks } from "../net/networks.ts";
import { ConnectionsByIp } from "./connections-by-ip.ts";
import type { SessionNeighbours, SessionSettings } from "./options.ts";
import { closeSoftly } from "./farewell.ts";
import { type Peer, namedBy, peerOf } from "./peer.ts";
import { Session } from "./session.ts";

export interface SmtpServerOptions {
  readonly address: ListenAddress;
  readonly near: SessionNeighbours;
  /** Looked up for each connection, so a reload reaches the next one; without a client, as for most. */
  settings(ip?: string): SessionSettings;
  limits(): { readonly connections: number; readonly perIp: number };
}

const SWEEP_MS = 1000;

export class SmtpServer {
  readonly #options: SmtpServerOptions;
  readonly #clock: Clock;
  readonly #sessions = new Set<Session>();
  readonly #perIp = new ConnectionsByIp();
  /** Connections of proxies that have not said whose they are. */
  #unnamed = 0;
  #listener: Listener | null = null;
  #sweep: Timer | null = null;
  #isClosing = false;

  constructor(options: SmtpServerOptions) {
    this.#options = options;
    this.#clock = options.near.clock;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  get serverId(): string {
    return this.#options.settings().serverId;
  }

  sessionsFrom(ip: string): number {
    return this.#perIp.from(ip);
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** Rejects with a Failure that names the address when it cannot be had. */
  async start(): Promise<void> {
    this.#listener = await listenInTurns(this.#options.address, (socket) => this.#accept(socket));
    this.#planSweep();
  }

  /** Stops listening, answers what still arrives with 421, waits for messages under way until the deadline. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosing = true;
    for (const session of this.#sessions) session.leave();
    const end = this.#clock.monotonic() + deadlineMs;
    while (this.#sessions.size > 0 && this.#clock.monotonic() < end) await sleep(this.#clock, 20);
    await this.#listener?.close();
    this.#sweep?.cancel();
    for (const session of this.#sessions) session.destroy();
  }

  #accept(socket: ByteSocket): void {
    const { near } = this.#options;
    near.counters.connections++;
    const { proxyNetworks } = this.#options.settings();
    const peer = peerOf(socket, this.#options.address.kind);
    if (peer === null) return this.#drop(socket);
    if (proxyNetworks === null || peer.isLocal) return this.#admit(socket, peer);
    if (!isInNetworks(proxyNetworks, peer.ip) || this.#isFull) return this.#drop(socket);
    this.#unnamed++;
    const plain = asNodeSocket(socket);
    awaitProxyHeader(plain, {
      clock: this.#clock,
      onReady: ({ source }) => {
        this.#unnamed--;
        this.#admit(plain, source === null ? peer : namedBy(peer, source));
      },
      onGone: () => this.#unnamed--,
    });
  }

  get #isFull(): boolean {
    return this.#sessions.size + this.#unnamed >= this.#options.limits().connections;
  }

  /** Whoever is not a proxy of ours hears nothing. */
  #drop(socket: ByteSocket): void {
    this.#options.near.counters.refusedConnections++;
    socket.on("error", () => {});
    socket.destroy();
  }

  #admit(socket: ByteSocket, peer: Peer): void {
    const { near } = this.#options;
    const limits = this.#options.limits();
    const { ip } = peer;
    if (this.#isClosing || !near.accepting()) return this.#turnAway(socket, replies.notTakingMail.bytes);
    if (this.#isFull || this.#perIp.from(ip) >= limits.perIp) {
      return this.#turnAway(socket, replies.tooManyConnections.bytes);
    }
    this.#perIp.opened(ip);
    const session: Session = new Session(socket, {
      peer,
      settings: this.#options.settings(ip),
      near,
      onClose: () => this.#forget(session, ip),
    });
    this.#sessions.add(session);
  }

  #forget(session: Session, ip: string): void {
    if (!this.#sessions.delete(session)) return;
    const { id, remoteIp } = session;
    this.#options.near.sessionEnded?.({ id, remoteIp, serverId: this.serverId });
    this.#perIp.closed(ip);
  }

  #turnAway(socket: ByteSocket, reply: Buffer): void {
    this.#options.near.counters.refusedConnections++;
    socket.on("error", () => socket.destroy());
    socket.write(reply);
    closeSoftly(socket, this.#clock);
  }

  #planSweep(): void {
    this.#sweep = this.#clock.after(SWEEP_MS, () => {
      const now = this.#clock.monotonic();
      for (const session of this.#sessions) session.sweep(now);
      this.#planSweep();
    });
  }
}
