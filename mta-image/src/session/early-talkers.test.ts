/** Whoever speaks before the greeting is turned away, however many come at once. */
import assert from "node:assert/strict";
import { writeSync } from "node:fs";
import { type Socket, connect } from "node:net";
import { before, test } from "node:test";

import { buildSockets } from "../../testing/batched-sockets.ts";
import { Lines } from "../../testing/dialogue.ts";
import { withReceiver } from "../../testing/receiver.ts";
import { descriptorOf } from "../net/adopt.ts";

before(buildSockets);

/** The system may still be connecting, which nobody here waits for in turns of the loop: the server would look in them. */
function sendNow(socket: Socket, text: string): void {
  for (let tries = 0; ; tries++) {
    try {
      writeSync(descriptorOf(socket), text);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || tries === 5000) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/** More than are read in one turn; fewer than may wait to be accepted. */
const CLIENTS = 120;

test("of many that speak first none is greeted, also when there are more than one turn reads", () =>
  withReceiver({}, async ({ port, counters }) => {
    const clients = Array.from({ length: CLIENTS }, () => new Lines(connect({ port, host: "127.0.0.1" })));
    // Node asks the system to connect in its next tick; then all that is sent is there before the server looks.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    for (const { socket } of clients) sendNow(socket, "EHLO client.example.org\r\n");
    const replies = await Promise.all(clients.map((client) => client.reply()));
    assert.deepEqual(new Set(replies), new Set(["554 5.5.1 The server speaks first"]));
    assert.equal(counters.connections, CLIENTS);
    for (const { socket } of clients) socket.destroy();
  }));
