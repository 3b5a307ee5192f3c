/**
 * Sockets that are read in turns, for tests: over the real addon, which is built first when it is not current, and real
 * connections on loopback. One batch a process.
 */
import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";
import { join } from "node:path";

import { descriptorOf } from "#mta/net/adopt.ts";
import { BatchedSocket } from "#mta/net/batched-socket.ts";
import { loadSocketAddon } from "#mta/net/socket-addon.ts";
import { SocketBatch } from "#mta/net/socket-batch.ts";

import { makeNative, nativeOut } from "./native-build.ts";

export function buildSockets(): void {
  makeNative("sockets");
}

export function openBatch(): SocketBatch {
  buildSockets();
  const addon = loadSocketAddon(join(nativeOut, "sockets.node"));
  if (addon === null) throw new Error("the addon was built and cannot be loaded");
  return new SocketBatch(addon);
}

export interface Pair {
  readonly client: Socket;
  readonly served: BatchedSocket;
}

export class PairMaker {
  readonly #batch: SocketBatch;
  readonly #made: Pair[] = [];
  readonly #server = createServer({ pauseOnConnect: true, allowHalfOpen: true });

  private constructor(batch: SocketBatch) {
    this.#batch = batch;
  }

  static async start(batch: SocketBatch): Promise<PairMaker> {
    const maker = new PairMaker(batch);
    maker.#server.listen(0, "127.0.0.1");
    await once(maker.#server, "listening");
    return maker;
  }

  async pair(): Promise<Pair> {
    const { port } = this.#server.address() as { port: number };
    const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    client.on("error", () => {});
    const [accepted] = (await once(this.#server, "connection")) as [Socket];
    if (client.connecting) await once(client, "connect");
    const served = BatchedSocket.open(this.#batch, descriptorOf(accepted), accepted);
    accepted.destroy();
    if (served === null) throw new Error("the system refuses one more socket");
    const pair = { client, served };
    this.#made.push(pair);
    return pair;
  }

  async stop(): Promise<void> {
    for (const { client, served } of this.#made) {
      client.destroy();
      served.destroy();
    }
    this.#server.close();
    await once(this.#server, "close");
  }
}
