/**
 * A listening socket whose connections are read in turns from their first byte (socket-batch.ts). It takes over one that
 * Node has opened, so that names, ports and what can go wrong with them are as ever; Node never sees its connections.
 */
import { constants } from "node:os";

import { BatchedSocket } from "./batched-socket.ts";
import { wishes } from "./socket-addon.ts";
import type { SocketBatch, TurnListener } from "./socket-batch.ts";

/** So many are taken in a turn, so that those that are there are read too. */
const MOST_A_TURN = 64;

export class BatchedListener implements TurnListener {
  readonly #batch: SocketBatch;
  readonly #onSocket: (socket: BatchedSocket) => void;
  #slot = -1;

  private constructor(batch: SocketBatch, onSocket: (socket: BatchedSocket) => void) {
    this.#batch = batch;
    this.#onSocket = onSocket;
  }

  /** Null when the system refuses one more. The descriptor stays the caller's. */
  static open(
    batch: SocketBatch,
    descriptor: number,
    onSocket: (socket: BatchedSocket) => void,
  ): BatchedListener | null {
    const slot = batch.addon.listen(descriptor);
    if (slot < 0) return null;
    const listener = new BatchedListener(batch, onSocket);
    listener.#slot = slot;
    batch.hear(slot, listener);
    if (batch.addon.wish(slot, wishes.read) === 0) return listener;
    listener.close();
    return null;
  }

  close(): void {
    if (this.#slot < 0) return;
    this.#batch.forget(this.#slot);
    this.#batch.addon.close(this.#slot);
    this.#slot = -1;
  }

  onReady(): void {
    for (let left = MOST_A_TURN; left > 0 && this.#slot >= 0; left--) {
      const taken = this.#batch.addon.accept(this.#slot);
      if (taken === -constants.errno.EAGAIN) return;
      // One that is gone already, or for which there is no room, is no reason not to take the next.
      if (typeof taken === "number") continue;
      const [slot, remoteAddress, remotePort, localAddress, localPort] = taken;
      const socket = BatchedSocket.at(this.#batch, slot, {
        remoteAddress,
        remotePort,
        localAddress,
        localPort,
      });
      if (socket !== null) this.#onSocket(socket);
    }
  }

  onBytes(): void {}
  onEnd(): void {}
  onBroken(): void {}
  onTurnEnd(): void {}
}
