import assert from "node:assert/strict";
import { test } from "node:test";

import { listen } from "../net/listener.ts";
import { Receiver } from "../../testing/receiver.ts";

test("connections over the limit get 421 while those within it go on", async () => {
  const receiver = await Receiver.start({ connections: 2 });
  const first = await receiver.greeted();
  const second = await receiver.greeted();
  const third = await receiver.connect();
  assert.equal(await third.reply(), "421 4.7.0 Too many connections");
  assert.equal(await third.reply(), "<closed>");
  assert.equal(await first.ask("NOOP"), "250 2.0.0 Ok");
  second.socket.destroy();
  await receiver.until(() => receiver.server.sessions === 1, "a place is free again");
  const fourth = await receiver.connect();
  assert.match(await fourth.reply(), /^220 /);
  first.socket.destroy();
  fourth.socket.destroy();
  await receiver.untilIdle();
  await receiver.close();
});

test("one address has its own limit", async () => {
  const receiver = await Receiver.start({ perIp: 1 });
  const first = await receiver.greeted();
  const second = await receiver.connect();
  assert.equal(await second.reply(), "421 4.7.0 Too many connections");
  first.socket.destroy();
  await receiver.untilIdle();
  await receiver.close();
});

test("a cordoned server turns new connections away and refuses new mail on old ones", async () => {
  const receiver = await Receiver.start();
  const old = await receiver.greeted();
  receiver.isAccepting = false;
  const late = await receiver.connect();
  assert.match(await late.reply(), /^421 4\.3\.2 Not taking mail now/);
  assert.match(await old.ask("MAIL FROM:<news@example.org>"), /^421 4\.3\.2 Not taking mail now/);
  await receiver.untilIdle();
  await receiver.close();
});

test("closing says 421 to the idle at once and to the busy after their message", async () => {
  const receiver = await Receiver.start();
  const idle = await receiver.greeted();
  const busy = await receiver.inData();
  const closing = receiver.server.close(10_000);
  assert.equal(await idle.reply(), "421 4.3.2 Shutting down");
  assert.match(await busy.ask("Subject: x\r\n\r\nlast\r\n."), /^250 /);
  assert.equal(await busy.reply(), "421 4.3.2 Shutting down");
  await receiver.untilIdle();
  receiver.clock.advance(20);
  await closing;
  assert.equal(receiver.accepted.length, 1);
  await receiver.spool.close();
});

test("closing cuts those who are not done at the deadline", async () => {
  const receiver = await Receiver.start();
  const stuck = await receiver.inData();
  const closing = receiver.server.close(100);
  for (let i = 0; i < 6; i++) {
    receiver.clock.advance(20);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closing;
  assert.equal(await stuck.reply(), "<closed>");
  await receiver.untilIdle();
  await receiver.spool.close();
});

test("a port that is taken is named in the failure", async () => {
  const receiver = await Receiver.start();

  await assert.rejects(
    listen({ kind: "tcp", host: "127.0.0.1", port: receiver.port, backlog: 1 }, () => {}),
    { code: "listen-failed", message: new RegExp(`127\\.0\\.0\\.1:${receiver.port}`) },
  );
  await receiver.close();
});
