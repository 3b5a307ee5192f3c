import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { before, test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { PairMaker, openBatch } from "../../testing/batched-sockets.ts";
import { Lines } from "../../testing/dialogue.ts";
import { Receiver } from "../../testing/receiver.ts";
import type { SocketBatch } from "../net/socket-batch.ts";
import { closeBehindQuit } from "./farewell.ts";

/** Opened here, so that the receivers of this file have sockets of Node. */
let batch: SocketBatch;
before(() => {
  batch = openBatch();
});

/** A client that keeps its own side open whatever the server does. */
async function stubborn(receiver: Receiver): Promise<Lines> {
  const socket = connect({ port: receiver.port, host: "127.0.0.1", allowHalfOpen: true });
  await once(socket, "connect");
  const client = new Lines(socket);
  await client.reply();
  await client.ask("EHLO client.example.org");
  return client;
}

test("after QUIT nobody waits for the client's own end", async () => {
  const receiver = await Receiver.start();
  const client = await stubborn(receiver);
  assert.equal(await client.ask("QUIT"), "221 2.0.0 Bye");
  assert.equal(await client.reply(), "<closed>");
  // The receiver's time stands still, so no deadline has closed the connection: who writes learns that nobody is there.
  let isReset = false;
  client.socket.on("error", () => (isReset = true));
  await receiver.until(() => {
    if (!isReset) client.socket.write("NOOP\r\n");
    return isReset;
  }, "what is written is refused");
  await receiver.close();
});

test("QUIT at the end of a group is answered behind all others", async () => {
  const receiver = await Receiver.start();
  const client = await receiver.greeted();
  client.socket.write("NOOP\r\nVRFY ann\r\nRSET\r\nQUIT\r\n");
  const codes: string[] = [];
  for (let reply = await client.reply(); reply !== "<closed>"; reply = await client.reply())
    codes.push(reply.slice(0, 3));
  assert.deepEqual(codes, ["250", "252", "250", "221"]);
  await receiver.close();
});

test("what stands behind QUIT in the same packet takes nothing from its reply", async () => {
  const receiver = await Receiver.start();
  const client = await receiver.greeted();
  client.socket.write("QUIT\r\nNOOP\r\n");
  assert.equal(await client.reply(), "221 2.0.0 Bye");
  assert.equal(await client.reply(), "<closed>");
  await receiver.close();
});

test("one that is read in turns and does not fetch what was said before QUIT is waited for", async () => {
  const pairs = await PairMaker.start(batch);
  try {
    const { client, served } = await pairs.pair();
    const said = Buffer.alloc(9_000_000, "250 2.1.5 Ok\r\n");
    client.pause();
    served.on("data", () => {
      served.write(said);
      closeBehindQuit(served, new ManualClock());
    });
    client.write("QUIT\r\n");
    let bytes = 0;
    for await (const chunk of client) bytes += (chunk as Buffer).length;
    assert.equal(bytes, said.length);
    client.end();
    await once(served, "close");
  } finally {
    await pairs.stop();
  }
});
