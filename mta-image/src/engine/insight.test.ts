import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";

import {
  Deliveries,
  MessageView,
  Metrics,
  OrderResult,
  QueueGroups,
  SearchPage,
} from "#contract/insight-api.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

describe("what administrators are shown of a running engine", () => {
  let sink: MailSink;
  let engine: Engine;
  before(async () => {
    sink = await MailSink.start();
    sink.answerRcpt = (address) =>
      address.endsWith("@later.test") ? { code: 451, text: "4.7.1 <b>not</b> now" } : "accept";
    engine = await startEngine({ server: `127.0.0.1:${sink.port}` });
    const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    for (const to of ["a@later.test", "b@later.test", "c@now.test"]) {
      await client.sendMail({ from: `boss@corp.test`, to, subject: `für ${to}`, text: "hi" });
    }
    client.close();
    await until(
      () => search({}),
      ({ entries }) => entries.length === 2 && entries.every(({ status }) => status === "deferred"),
    );
  });
  after(async () => {
    await engine.stop();
    await sink.stop();
  });

  async function search(filter: object, limit = 100): Promise<SearchPage> {
    const { json } = await engine.admin("POST", "/v1/queue/search", { filter, limit });
    return SearchPage.parse(json);
  }

  async function order(action: string, filter: object, dryRun = false): Promise<OrderResult> {
    const { json } = await engine.admin("POST", "/v1/queue/change", { action, filter, dryRun });
    return OrderResult.parse(json);
  }

  test("a search goes by any fact, counts what is on other pages and refuses what it does not know", async () => {
    assert.equal((await search({ text: "A@LATER" })).entries[0]?.recipient, "a@later.test");
    assert.equal((await search({ reply: "not</b>" })).matched, 2);
    assert.equal((await search({ senderDomain: "corp.test", recipient: "b@" })).matched, 1);
    assert.equal((await search({ minAgeSeconds: 3600 })).matched, 0);
    assert.equal((await search({ minAttempts: 1, status: "deferred" })).matched, 2);
    const page = await search({}, 1);
    assert.deepEqual([page.entries.length, page.matched, page.next], [1, 2, page.entries[0]?.id]);
    assert.equal((await engine.admin("POST", "/v1/queue/search", { filter: { subject: "x" } })).status, 400);
  });

  test("the queue falls into groups by a fact or by spans of time", async () => {
    const groups = async (by: string): Promise<unknown> => {
      const { json } = await engine.admin("POST", "/v1/queue/groups", { by });
      return QueueGroups.parse(json).groups;
    };
    assert.deepEqual(await groups("recipientDomain"), [{ key: "later.test", count: 2 }]);
    assert.deepEqual(await groups("age"), [{ key: "0..1m", count: 2 }]);
    assert.deepEqual(await groups("attempts"), [{ key: "1", count: 2 }]);
  });

  test("a message shows its header fields and its attempts", async () => {
    const [entry] = (await search({ recipient: "a@later" })).entries;
    const { status, json } = await engine.admin("GET", `/v1/messages/${entry?.messageId}`);
    assert.equal(status, 200);
    const { headers, attempts, origin } = MessageView.parse(json);
    assert.equal(origin.remoteIp, "127.0.0.1");
    assert.match(headers?.find(({ name }) => name === "Subject")?.value ?? "", /^=\?UTF-8\?Q\?f=C3=BCr_a/);
    assert.deepEqual(
      attempts.map(({ outcome, reply }) => [outcome, reply.slice(0, 9)]),
      [["deferred", "451 4.7.1"]],
    );
    assert.equal((await engine.admin("GET", "/v1/messages/..%2fstatus")).status, 404);
  });

  test("deliveries are counted by destination and code", async () => {
    const { destinations, classes } = Deliveries.parse((await engine.admin("GET", "/v1/deliveries")).json);
    const counts = Object.fromEntries(
      destinations.map(({ domain, delivered, deferred, codes }) => [
        domain,
        [delivered, deferred, codes[0]?.code],
      ]),
    );
    assert.deepEqual(counts, {
      "later.test": [0, 2, "451 4.7.1"],
      "now.test": [1, 0, counts["now.test"]?.[2]],
    });
    assert.deepEqual(classes, [{ class: "policy", outcome: "deferred", count: 2 }]);
    const metrics = await (await fetch(`${engine.monitorUrl}/metrics`)).text();
    assert.match(metrics, /^mta_delivery_bounces_total\{class="policy",outcome="deferred"\} 2$/m);
  });

  test("mail is moved to another transport by the same query, counted first, and an unknown one is named", async () => {
    const move = (to: object, dryRun = false): ReturnType<Engine["admin"]> =>
      engine.admin("POST", "/v1/queue/change", { action: "move", filter: { text: "a@later" }, to, dryRun });
    const transportOf = async (): Promise<string | undefined> =>
      (await search({ text: "a@later" })).entries[0]?.transportId;
    const before = await transportOf();
    assert.deepEqual((await move({ transportId: before ?? "" }, true)).json, { matched: 1, changed: 0 });
    assert.deepEqual((await move({ transportId: before ?? "", jobId: "moved" })).json, {
      matched: 1,
      changed: 1,
    });
    assert.equal((await search({ jobId: "moved" })).matched, 1);
    assert.deepEqual(await move({ transportId: "nowhere" }), {
      status: 409,
      json: { code: "transport-unknown", message: 'there is no transport "nowhere"' },
    });
    assert.equal((await move({})).status, 400);
    assert.equal(
      (await engine.admin("POST", "/v1/queue/change", { action: "hold", filter: {}, to: { jobId: "x" } }))
        .status,
      400,
    );
  });

  test("an order is counted first, then done; deleting tells nobody", async () => {
    assert.deepEqual(await order("hold", { recipient: "a@" }, true), { matched: 1, changed: 0 });
    assert.deepEqual(await order("hold", { recipient: "a@" }), { matched: 1, changed: 1 });
    assert.equal((await search({ status: "hold" })).matched, 1);
    assert.deepEqual(await order("delete", {}), { matched: 2, changed: 2 });
    const { queue } = (await engine.admin("GET", "/v1/status")).json as {
      queue: { total: number; hold: number };
    };
    assert.deepEqual([queue.total, queue.hold], [0, 0]);
  });

  test("mail is given up by a query, counted first, and its sender hears of it", async () => {
    const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    await client.sendMail({ from: "boss@corp.test", to: "d@later.test", subject: "given up", text: "hi" });
    client.close();
    const filter = { recipientDomain: "later.test", senderDomain: "corp.test", minAttempts: 1 };
    await until(
      () => search(filter),
      ({ matched }) => matched === 1,
    );
    assert.deepEqual(await order("bounce", filter, true), { matched: 1, changed: 0 });
    assert.deepEqual(await order("bounce", filter), { matched: 1, changed: 1 });
    const notices = (): string[] =>
      sink.received.flatMap(({ sender, content }) => (sender === "" ? [content.toString()] : []));
    await until(notices, ({ length }) => length === 1);
    assert.match(notices()[0] ?? "", /^Final-Recipient: rfc822; d@later\.test\r\nAction: failed\r$/m);
    assert.equal((await search({ recipientDomain: "later.test" })).matched, 0);
  });

  test("configuration and metrics come as they are in force", async () => {
    const { json } = await engine.admin("GET", "/v1/config");
    const { revision, files } = json as { revision: string; files: Record<string, string> };
    assert.ok(revision !== "" && files["smtpd-app.yaml"]?.includes("transportgroups"));
    const { metrics } = Metrics.parse((await engine.admin("GET", "/v1/metrics")).json);
    assert.ok(metrics.some(({ name }) => name === "mta_spamhaus_hits_total"));
  });
});
