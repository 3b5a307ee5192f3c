/** Exclusive addresses in whole engines: mail leaves from the one that an engine was started with, and from no other. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import type { EngineStatus } from "#contract/admin-api.ts";
import type { Explanations } from "#contract/rules-api.ts";

import { queuedIn, sendTo } from "../../testing/engine-mail.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const addresses = [
  { id: "a", address: "127.0.0.11", hostname: "a.example.test", exclusive: true },
  { id: "b", address: "127.0.0.12", hostname: "b.example.test", exclusive: true },
];

let sink: MailSink;
before(async () => {
  sink = await MailSink.start();
});
after(() => sink.stop());

function start(identity?: string): Promise<Engine> {
  const server = `127.0.0.1:${sink.port}`;
  const connection = { server, sourceip: { ipv4: ["a", "b"] } };
  return startEngine({
    server,
    group: { connection },
    app: { addresses },
    ...(identity === undefined ? {} : { identity }),
  });
}

test("mail leaves from the identity of the engine, and says its name", async () => {
  const engine = await start("127.0.0.12");
  sink.received.length = 0;
  for (let i = 0; i < 6; i++) await sendTo(engine, `u${i}@example.org`);
  await sink.taken(6);
  assert.deepEqual([...new Set(sink.received.map(({ helo }) => helo))], ["b.example.test"]);
  await engine.stop();
});

test("an engine that holds none keeps the mail and says why", async () => {
  const engine = await start();
  sink.received.length = 0;
  await sendTo(engine, "u0@example.org");
  await until(
    async () => ((await engine.admin("GET", "/v1/status")).json as EngineStatus).queue.blocked,
    (blocked) => blocked === 1,
  );
  const [entry] = await queuedIn(engine);
  const { json } = await engine.admin("GET", `/v1/queue/${entry?.messageId}/explain`);
  const [explained] = (json as Explanations).entries;
  assert.deepEqual(
    explained?.obstacles.map(({ tag, source }) => `${tag} ${source}`),
    ["identity 127.0.0.11", "identity 127.0.0.12"],
  );
  assert.deepEqual(sink.received, []);
  await engine.stop();
});
