/**
 * One listening socket, TCP or UNIX. Hands each connection over at once; knows nothing of what is said on it.
 * A port that cannot be had rejects with a Failure of code `listen-failed` that names address and reason.
 */
import { lstat, unlink } from "node:fs/promises";
import { type AddressInfo, type Server, type Socket, createServer } from "node:net";

import { Failure, describe } from "#base/error.ts";

import { descriptorOf } from "./adopt.ts";
import { BatchedListener } from "./batched-listener.ts";
import type { ByteSocket } from "./byte-socket.ts";
import { type SocketBatch, batchOfProcess } from "./socket-batch.ts";

export type ListenAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly backlog: number }
  | { readonly kind: "unix"; readonly path: string; readonly backlog: number };

export interface Listener {
  /** The port in use, also when 0 was asked for; 0 for a UNIX socket. */
  readonly port: number;
  /** Stops accepting. Resolves when the listening socket is closed; connections live on. */
  close(): Promise<void>;
}

export async function listen(address: ListenAddress, onSocket: (socket: Socket) => void): Promise<Listener> {
  return listenerOf(await open(address, onSocket));
}

/** The same, with connections that are read in turns from their first byte, where that can be (TCP, and there is a batch). */
export async function listenInTurns(
  address: ListenAddress,
  onSocket: (socket: ByteSocket) => void,
  batch: SocketBatch | null = batchOfProcess(),
): Promise<Listener> {
  const server = await open(address, onSocket);
  const isInTurns = batch !== null && address.kind === "tcp";
  const taken = isInTurns ? BatchedListener.open(batch, descriptorOf(server), onSocket) : null;
  if (taken === null) return listenerOf(server);
  const { port } = listenerOf(server);
  // Node closes its own descriptor; the socket goes on listening by the other.
  server.close();
  return { port, close: async () => taken.close() };
}

async function open(address: ListenAddress, onSocket: (socket: Socket) => void): Promise<Server> {
  // allowHalfOpen: a client may close its side and still wait for our last reply.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, onSocket);
  if (address.kind === "unix") await clear(address);
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: unknown): void => reject(failureOf(address, cause));
    server.once("error", fail);
    server.listen(
      address.kind === "unix"
        ? { path: address.path, backlog: address.backlog }
        : { host: address.host, port: address.port, backlog: address.backlog },
      () => {
        server.off("error", fail);
        resolve();
      },
    );
  });
  // Accept errors (EMFILE) leave the server listening; the connection that met one is gone anyway.
  server.on("error", () => {});
  return server;
}

/** Takes away the socket that a process which was killed has left there. Whatever else stands there is somebody's. */
async function clear(address: ListenAddress & { readonly kind: "unix" }): Promise<void> {
  try {
    if (!(await lstat(address.path)).isSocket())
      throw new Error("what stands there is no socket: move it away, or listen on another path");
    await unlink(address.path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw failureOf(address, error);
  }
}

function failureOf(address: ListenAddress, cause: unknown): Failure {
  return new Failure("listen-failed", `cannot listen on ${nameOf(address)}: ${describe(cause)}`, { cause });
}

function listenerOf(server: Server): Listener {
  const bound = server.address();
  return {
    port: isTcp(bound) ? bound.port : 0,
    close: () => new Promise((resolve) => stop(server, resolve)),
  };
}

/** `close` calls back only when the last connection is gone; the port is free as soon as it was called. */
function stop(server: ReturnType<typeof createServer>, done: () => void): void {
  server.close();
  done();
}

function isTcp(bound: AddressInfo | string | null): bound is AddressInfo {
  return typeof bound === "object" && bound !== null;
}

function nameOf(address: ListenAddress): string {
  return address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
}
