/**
 * A TCP line that can go dead as when a machine loses power or a firewall forgets: connections stay open and nothing comes
 * through any more. New connections work, unless `isDead` stays set.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

export class BlackHole {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Near sides whose TLS hello offers HTTP/2. */
  readonly #offering = new Map<Socket, Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<BlackHole> {
    const server = createServer();
    const hole = new BlackHole(server);
    server.on("connection", (near) => {
      const far = connect(target.port, target.host);
      near.once("data", (hello: Buffer) => {
        if (hello.includes("\u0002h2")) hole.#offering.set(near, far);
      });
      near.pipe(far);
      far.pipe(near);
      near.on("close", () => hole.#offering.delete(near));
      for (const socket of [near, far]) {
        hole.#sockets.add(socket);
        socket.on("error", () => undefined).on("close", () => hole.#sockets.delete(socket));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return hole;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Whoever is connected now hears nothing more. */
  swallow(): void {
    this.#mute(this.#sockets);
  }

  /** Only those who offered HTTP/2: the operator does so for its watches alone. */
  swallowHttp2(): void {
    this.#mute([...this.#offering].flat());
  }

  #mute(sockets: Iterable<Socket>): void {
    for (const socket of sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
