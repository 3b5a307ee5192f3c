import assert from "node:assert/strict";
import { once } from "node:events";
import { type Socket, connect, createServer } from "node:net";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { systemClock } from "#base/clock.ts";

import { makeProxyHeader } from "./proxy-header-writer.ts";
import { awaitProxyHeader } from "./proxied-socket.ts";

test("what comes behind the header waits, all of it, until somebody reads", async (t) => {
  const ready = Promise.withResolvers<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) =>
    awaitProxyHeader(socket, {
      clock: systemClock,
      onReady: () => ready.resolve(socket),
      onGone: () => ready.reject(new Error("it is gone")),
    }),
  );
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connect((server.address() as { port: number }).port, "127.0.0.1").resume();
  client.write(makeProxyHeader({ ip: "192.0.2.1", port: 1 }, { ip: "192.0.2.2", port: 25 }));
  const content = Buffer.alloc(1_000_000, "mail");
  client.end(content);
  const socket = await ready.promise;
  await wait(50);
  assert.ok((await buffer(socket)).equals(content));
});
