import assert from "node:assert/strict";
import { test } from "node:test";

import { startEngine } from "../../testing/harness.ts";
import { makeLogLines } from "../../testing/log-lines.ts";

test("the log says which listener of which server is open, by its id where it has one", async () => {
  const { log, lines } = makeLogLines();
  const listeners = [
    { id: "inside", address: "127.0.0.1", port: 0 },
    { address: "127.0.0.1", port: 0 },
  ];
  const engine = await startEngine({
    server: "127.0.0.1:25",
    startup: {
      servers: [
        { id: "smtp", listeners },
        { id: "web", type: "http", listeners },
      ],
    },
    app: {
      servers: [
        { id: "smtp", transport: "default" },
        { id: "web", transport: "default" },
      ],
    },
    log,
  });
  await engine.stop();
  const opened = lines.filter(({ msg }) => msg === "listening");
  assert.deepEqual(
    opened.map(({ server, listener, address }) => [server, listener, address]),
    [
      ["smtp", "inside", "127.0.0.1"],
      ["smtp", undefined, "127.0.0.1"],
      ["web", "inside", "127.0.0.1"],
      ["web", undefined, "127.0.0.1"],
    ],
  );
  assert.equal(new Set(opened.map(({ port }) => port)).size, 4);
});
