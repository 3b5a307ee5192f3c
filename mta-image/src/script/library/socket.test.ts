import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { systemClock } from "#base/clock.ts";

import type { RunContext } from "../context.ts";
import { ScriptSocket } from "./socket.ts";

test("a path is reached without a descriptor for an address, which nobody would close", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "script-socket-"));
  const server = createServer((socket) => socket.end());
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const path = join(folder, "s");
  server.listen(path);
  await once(server, "listening");
  let asked = 0;
  const nonlocal = { bound: () => -++asked };
  const context = { signal: new AbortController().signal, clock: systemClock } as unknown as RunContext;
  const socket = new ScriptSocket("AF_UNIX", "SOCK_STREAM", context);
  assert.equal(socket.bind("192.0.2.77", 0, nonlocal), true);
  assert.equal(await socket.connect(path, 0), true);
  assert.equal(asked, 0);
  socket.close();
});
