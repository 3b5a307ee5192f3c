/** Connections that are moved from Node and given back to it at any moment, and those that stay where they are. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { type Server, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { TLSSocket } from "node:tls";

import { type Random, seededRandom } from "#base/random.ts";

import { buildSockets } from "../../testing/batched-sockets.ts";
import { adopt } from "./adopt.ts";
import { BatchedSocket } from "./batched-socket.ts";
import type { ByteSocket } from "./byte-socket.ts";
import { readOn } from "./read-on.ts";

const path = join(tmpdir(), `adopt-${process.pid}.sock`);
const [tcp, unix] = [createServer({ allowHalfOpen: true, noDelay: true }), createServer()];
before(async () => {
  buildSockets();
  await Promise.all([once(tcp.listen(0, "127.0.0.1"), "listening"), once(unix.listen(path), "listening")]);
});
after(() => {
  tcp.close();
  unix.close();
  rmSync(path, { force: true });
});

async function pair(server: Server = tcp): Promise<{ client: Socket; socket: Socket }> {
  const address = server.address();
  const place = typeof address === "object" && address !== null ? { port: address.port } : { path };
  const client = connect({ host: "127.0.0.1", ...place, allowHalfOpen: true }).on("error", () => {});
  const [socket] = (await once(server, "connection")) as [Socket];
  socket.on("error", () => {});
  return { client, socket };
}

/** Sends back what it hears, and is moved and given back behind some of it: at once, and in each queue that Node has. */
class Wanderer {
  moves = 0;
  #socket: ByteSocket;
  #hasEnded = false;
  readonly #random: Random;

  constructor(socket: Socket, random: Random) {
    this.#socket = socket;
    this.#random = random;
    this.#attach(socket);
  }

  #attach(socket: ByteSocket): void {
    socket.on("data", (chunk) => {
      readOn(socket);
      socket.write(chunk);
      const move = (): void => this.#move();
      const ways = [move, () => process.nextTick(move), () => queueMicrotask(move), () => setImmediate(move)];
      ways[Math.floor(this.#random() * 6)]?.();
    });
    socket.on("end", () => {
      this.#hasEnded = true;
      socket.end();
    });
  }

  #move(): void {
    const before = this.#socket;
    if (this.#hasEnded) return;
    this.#socket = before instanceof BatchedSocket ? before.giveBack() : adopt(before);
    if (this.#socket === before) return;
    this.moves++;
    this.#attach(this.#socket);
  }
}

test("no byte is lost, doubled or out of its place, however often a connection is moved and given back", async () => {
  const random = seededRandom(18);
  let moves = 0;
  for (let i = 0; i < 40; i++) {
    const { client, socket } = await pair();
    const wanderer = new Wanderer(socket, random);
    const got: Buffer[] = [];
    client.on("data", (chunk: Buffer) => got.push(chunk));
    const sent: Buffer[] = [];
    for (let left = 30; left > 0; left--) {
      const bytes = [1, 20, 511, 512, 5000, 70_000, 200_000][Math.floor(random() * 7)] ?? 1;
      sent.push(Buffer.alloc(bytes, `${i} ${left} mail `));
      client.write(sent.at(-1) as Buffer);
      if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, random() * 3));
    }
    client.end();
    await once(client, "end");
    assert.ok(Buffer.concat(got).equals(Buffer.concat(sent)), `connection ${i}`);
    moves += wanderer.moves;
    client.destroy();
  }
  assert.ok(moves > 40, `${moves} moves`);
});

test("what is not idle stays Node's, with all that it holds", async () => {
  const busy: Readonly<Record<string, (socket: Socket) => void>> = {
    paused: (socket) => void socket.pause(),
    "holds what it has read": (socket) => socket.unshift(Buffer.from("x")),
    "keeps back what was written": (socket) => {
      socket.cork();
      socket.write("x");
    },
    "has more to send than the system takes": (socket) => void socket.write(Buffer.alloc(9_000_000)),
    "closes its side": (socket) => void socket.end(),
    gone: (socket) => void socket.destroy(),
  };
  for (const [name, act] of Object.entries(busy)) {
    const { client, socket } = await pair();
    client.pause();
    act(socket);
    assert.equal(adopt(socket), socket, name);
    for (const each of [client, socket]) each.destroy();
  }
});

test("UNIX sockets and TLS stay Node's, and so does what was moved before", async () => {
  const local = await pair(unix);
  assert.equal(adopt(local.socket), local.socket);
  const plain = await pair();
  const secure = new TLSSocket(plain.socket);
  assert.equal(adopt(secure), secure);
  const usual = await pair();
  const moved = adopt(usual.socket);
  assert.ok(moved instanceof BatchedSocket);
  assert.equal(usual.socket.destroyed, true);
  assert.equal(adopt(moved), moved);
  for (const each of [local, plain, usual]) each.client.destroy();
  for (const each of [local.socket, secure, plain.socket, moved]) each.destroy();
});
