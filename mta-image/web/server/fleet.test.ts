import assert from "node:assert/strict";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";

import type { ClusterMessage, ClusterOrderResult, ClusterPage, Overview } from "#web/shared/web-api.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";
import { type WebRig, type WebVisitor, startRig } from "../testing/rig.ts";

/** An HTTP server that answers everything in one way; null never answers. */
async function strange(answer: string | null): Promise<{ url: string; server: Server }> {
  const server = createServer((_request, response) => {
    if (answer !== null) response.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe("a cluster of which not every engine is well", () => {
  let sink: MailSink;
  const engines: Engine[] = [];
  const others: Server[] = [];
  let rig: WebRig;
  let operator: WebVisitor;
  /** Over one that takes calls and does not answer, in a rig of its own: only there somebody waits for the end of a time. */
  let muteRig: WebRig;
  before(async () => {
    sink = await MailSink.start();
    sink.answerRcpt = () => ({ code: 451, text: "later" });
    for (let i = 0; i < 2; i++) engines.push(await startEngine({ server: `127.0.0.1:${sink.port}` }));
    const [mute, rubbish, wrong] = [
      await strange(null),
      await strange("<html>"),
      await strange('{"version":1}'),
    ];
    others.push(mute.server, rubbish.server, wrong.server);
    rig = await startRig({
      engines: {
        hosts: [
          ...engines.map(({ adminUrl }, i) => ({ name: `mta-${i}`, url: adminUrl })),
          { name: "rubbish", url: rubbish.url },
          { name: "wrong", url: wrong.url },
          { name: "gone", url: "http://127.0.0.1:1" },
        ],
      },
      token: engines[0]?.token ?? "",
    });
    operator = await rig.as("operator");
    muteRig = await startRig({ engines: { hosts: [{ name: "mute", url: mute.url }], timeout: "1s" } });
    for (const [i, engine] of engines.entries()) await send(engine, 3 + i);
    await until(
      () => search(10),
      ({ entries }) => entries.length === 7 && entries.every(({ status }) => status === "deferred"),
    );
  });
  after(async () => {
    await Promise.all([rig.stop(), muteRig.stop(), ...engines.map((engine) => engine.stop())]);
    await sink.stop();
    for (const server of others) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function send({ smtpPort }: Engine, count: number): Promise<void> {
    const client = createTransport({ host: "127.0.0.1", port: smtpPort, ignoreTLS: true });
    for (let i = 0; i < count; i++)
      await client.sendMail({ from: "a@from.test", to: `u${i}@to.test`, subject: "s", text: "t" });
    client.close();
  }

  async function search(limit: number, after?: string): Promise<ClusterPage> {
    const body = { limit, ...(after === undefined ? {} : { after }) };
    return (await operator.call<ClusterPage>("POST", "/api/queue/search", body)).json;
  }

  test("shows each engine, and of the others what is wrong with them", async () => {
    const { engines, failures } = (await operator.call<Overview>("GET", "/api/overview")).json;
    assert.deepEqual(
      engines.map(({ name }) => name),
      ["mta-0", "mta-1"],
    );
    const reasons = Object.fromEntries(failures.map(({ engine, reason }) => [engine, reason]));
    assert.match(reasons["rubbish"] ?? "", /no JSON/);
    assert.match(reasons["wrong"] ?? "", /another shape/);
    assert.match(reasons["gone"] ?? "", /ECONNREFUSED/);
  });

  test("pages through the queues of all engines once, with the count of all", async () => {
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page: ClusterPage = await search(3, after);
      assert.equal(page.matched, 7);
      assert.equal(page.failures.length, 3);
      seen.push(...page.entries.map(({ id }) => id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    assert.equal(new Set(seen).size, 7);
    assert.deepEqual(seen, [...seen].sort());
  });

  test("an order says what came of it on each engine, and where nobody knows", async () => {
    const order = { action: "hold", filter: { recipient: "u0@" } };
    const count = await operator.call<ClusterOrderResult>("POST", "/api/queue/change", {
      ...order,
      dryRun: true,
    });
    assert.deepEqual([count.json.matched, count.json.changed], [2, 0]);
    const { json } = await operator.call<ClusterOrderResult>("POST", "/api/queue/change", order);
    assert.deepEqual(json.engines, [
      { engine: "mta-0", matched: 1, changed: 1 },
      { engine: "mta-1", matched: 1, changed: 1 },
    ]);
    assert.equal(json.failures.length, 3);
  });

  test("a message shows header and attempts, one that is not there says so", async () => {
    const [entry] = (await search(1)).entries;
    const path = `/api/engines/${entry?.engine}/messages/${entry?.messageId}`;
    const { message, explanations } = (await operator.call<ClusterMessage>("GET", path)).json;
    assert.ok(message.headers?.some(({ name, value }) => name === "Subject" && value === "s"));
    assert.equal(message.attempts[0]?.outcome, "deferred");
    assert.equal(explanations.entries.length, 1);
    const none = await operator.call<{ message: string }>("GET", "/api/engines/mta-0/messages/nothing");
    assert.deepEqual([none.status, none.json.message], [404, "there is no such message"]);
    assert.equal((await operator.call("GET", "/api/engines/nowhere/messages/x")).status, 404);
  });

  test("one that does not answer is waited for as long as is configured, and named", async () => {
    const visitor = await muteRig.as("operator");
    const { failures } = (await visitor.call<Overview>("GET", "/api/overview")).json;
    assert.match(failures[0]?.reason ?? "", /no answer within 1 s/);
    assert.equal((await visitor.call("GET", "/api/engines/mute/messages/x")).status, 502);
  });

  test("a broken filter is refused with a sentence before any engine is asked", async () => {
    const { status, json } = await operator.call<{ message: string }>("POST", "/api/queue/search", {
      filter: { minAttempts: "many" },
    });
    assert.equal(status, 400);
    assert.match(json.message, /filter\.minAttempts/);
  });
});
