/** Weighted source addresses in a whole engine: from the keys of the file to the names that the far side hears. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { sendTo } from "../../testing/engine-mail.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";

test("mail leaves from each address as often as its weight says, with the address's own name", async (t) => {
  const sink = await MailSink.start();
  t.after(() => sink.stop());
  const server = `127.0.0.1:${sink.port}`;
  const engine = await startEngine({
    server,
    group: { connection: { server, sourceip: { ipv4: ["often", "seldom"] } } },
    app: {
      addresses: [
        { id: "often", address: "127.0.0.11", hostname: "often.example.test", weight: 3 },
        { id: "seldom", address: "127.0.0.12", hostname: "seldom.example.test" },
      ],
    },
  });
  t.after(() => engine.stop());
  for (let i = 0; i < 8; i++) await sendTo(engine, `u${i}@example.org`);
  await sink.taken(8);
  const names = sink.received.map(({ helo }) => helo);
  const seldom = names.filter((name) => name === "seldom.example.test").length;
  const often = names.filter((name) => name === "often.example.test").length;
  assert.deepEqual([often, seldom], [6, 2]);
});
