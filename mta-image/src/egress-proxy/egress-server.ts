/**
 * The proxy on the machine that has the addresses: mail transfer agents without one (pods, most often) connect to it, say in
 * a PROXY header from which address they want to reach whom, and get that connection. Who is not a client hears nothing; who
 * asks for what the rules forbid is told why. `start` rejects with a Failure of code `listen-failed`.
 */
import type { Socket } from "node:net";

import { type Clock, sleep } from "#base/clock.ts";
import type { Log } from "#base/log.ts";

import { type Listener, listen } from "../net/listener.ts";
import { isInNetworks, normalizeIp } from "../net/networks.ts";
import { awaitProxyHeader } from "../net/proxied-socket.ts";
import type { ProxyHeader } from "../net/proxy-header.ts";
import type { EgressOptions } from "./options.ts";
import { relay, turnAway } from "./relay.ts";
import { refusalOf } from "./rules.ts";

export interface EgressServerOptions extends EgressOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
}

const BACKLOG = 1024;

export class EgressServer {
  readonly #options: EgressServerOptions;
  readonly #clients = new Set<Socket>();
  #listeners: readonly Listener[] = [];

  private constructor(options: EgressServerOptions) {
    this.#options = options;
  }

  static async start(options: EgressServerOptions): Promise<EgressServer> {
    const proxy = new EgressServer(options);
    const opened: Listener[] = [];
    try {
      for (const { ip, port } of options.listeners)
        opened.push(
          await listen({ kind: "tcp", host: ip, port, backlog: BACKLOG }, (socket) => proxy.#accept(socket)),
        );
    } catch (error) {
      for (const listener of opened) await listener.close();
      throw error;
    }
    proxy.#listeners = opened;
    return proxy;
  }

  /** Of its listeners, in order. */
  get ports(): readonly number[] {
    return this.#listeners.map(({ port }) => port);
  }

  get connections(): number {
    return this.#clients.size;
  }

  /** Lets nobody in; who is there may finish within `deadlineMs`. */
  async stop(deadlineMs: number): Promise<void> {
    const { clock } = this.#options;
    for (const listener of this.#listeners) await listener.close();
    const end = clock.monotonic() + deadlineMs;
    while (this.#clients.size > 0 && clock.monotonic() < end) await sleep(clock, 20);
    for (const socket of this.#clients) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { rules, connections, clock, log } = this.#options;
    const client = normalizeIp(socket.remoteAddress ?? "");
    socket.on("error", () => {});
    if (!isInNetworks(rules.clients, client) || this.#clients.size >= connections) {
      log.warn({ client, connections: this.#clients.size }, "egress-dropped");
      socket.destroy();
      return;
    }
    this.#clients.add(socket);
    socket.once("close", () => this.#clients.delete(socket));
    awaitProxyHeader(socket, {
      clock,
      onReady: (header) => this.#lead(socket, client, header),
      onGone: () => {},
    });
  }

  #lead(socket: Socket, client: string, { source, target }: ProxyHeader): void {
    const { rules, name, log, clock } = this.#options;
    if (source === null || target === null) {
      // A look whether the proxy is there.
      socket.destroy();
      return;
    }
    const way = { source, target };
    const facts = { client, source: source.ip, target: `${target.ip} ${target.port}` };
    const refusal = refusalOf(way, rules);
    if (refusal !== null) {
      log.warn({ ...facts, reason: refusal }, "egress-refused");
      turnAway(socket, name, refusal);
      return;
    }
    const startedAt = clock.monotonic();
    relay(socket, way, name, ({ trouble, bytesOut, bytesIn }) => {
      const milliseconds = Math.round(clock.monotonic() - startedAt);
      if (trouble === null) log.info({ ...facts, milliseconds, bytesOut, bytesIn }, "egress-connection");
      else log.warn({ ...facts, milliseconds, reason: trouble }, "egress-failed");
    });
  }
}
