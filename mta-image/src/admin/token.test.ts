/** The door of the admin API: the token opens it, and nothing else that anybody may show. */
import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { after, before, test } from "node:test";

import fc from "fast-check";

import { wrongSecrets } from "../../testing/wrong-secrets.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";

const agent = new Agent({ keepAlive: true, maxSockets: 4 });
let engine: Engine;
let sink: MailSink;
before(async () => {
  sink = await MailSink.start();
  engine = await startEngine({ server: `127.0.0.1:${sink.port}` });
});
after(async () => {
  agent.destroy();
  await engine.stop();
  await sink.stop();
});

/** Whoever says too much may be cut off, and takes no other's connection along. */
const agentFor = (headers: object): Agent | false =>
  JSON.stringify(headers).length > 10_000 ? false : agent;

function ask(authorization: string | null): Promise<number> {
  const headers = authorization === null ? {} : { authorization };
  return new Promise((resolve, reject) => {
    request(`${engine.adminUrl}/v1/status`, { agent: agentFor(headers), headers })
      .once("response", (response) => resolve(response.resume().statusCode ?? 0))
      .once("error", (error: NodeJS.ErrnoException) =>
        error.code === "ECONNRESET" ? resolve(431) : reject(error),
      )
      .end();
  });
}

test("nothing but the token opens the door: not with a bit turned, not a part, not in other letters", async () => {
  for (const secret of wrongSecrets(engine.token)) assert.equal(await ask(`Bearer ${secret}`), 401, secret);
  assert.equal(await ask(`Bearer ${engine.token}`), 200);
});

test("the token counts behind its own scheme alone", async () => {
  const { token } = engine;
  const basic = Buffer.from(`x:${token}`).toString("base64");
  const shown = [
    token,
    `Basic ${basic}`,
    `bearer ${token}`,
    `Bearer${token}`,
    `Token ${token}`,
    `Bearer`,
    `Bearer `,
  ];
  for (const each of [...shown, `Bearer null`, `Bearer undefined`, `Negotiate Bearer ${token}`, null])
    assert.equal(await ask(each), 401, String(each));
  assert.equal(await ask(`Bearer ${"x".repeat(20_000)}`), 431);
  assert.equal(await ask(`Bearer ${token}`), 200);
});

test("any text is no token", async () => {
  const character = fc.integer({ min: 0x20, max: 0xff }).filter((code) => code !== 0x7f);
  const text = fc.string({ unit: character.map((code) => String.fromCharCode(code)), maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(text, async (value) => {
      assert.equal(await ask(`Bearer ${value}`), 401);
      assert.equal(await ask(value), 401);
    }),
    { numRuns: 200 },
  );
  assert.equal(await ask(`Bearer ${engine.token}`), 200);
});
