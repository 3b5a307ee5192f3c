import assert from "node:assert/strict";
import { test } from "node:test";
import type { FastifyInstance } from "fastify";

import { listenHttp } from "./http-server.ts";

test("the kernel is told how many connections may wait, where somebody says so", async () => {
  const told: unknown[] = [];
  const server = {
    listen: async (options: unknown) => void told.push(options),
    server: { address: () => ({ port: 8080 }) },
  } as unknown as FastifyInstance;
  const place = { host: "127.0.0.1", port: 0 };
  assert.equal(await listenHttp(server, { ...place, backlog: 7 }), 8080);
  await listenHttp(server, place);
  assert.deepEqual(told, [{ ...place, backlog: 7 }, place]);
});
