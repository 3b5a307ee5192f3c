import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";

import type { DrainOrder, EngineStatus } from "#contract/admin-api.ts";

import { type TestCertificate, makeCertificate } from "../../testing/certificates.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const SERVER_NAME = "out-pods.mail.svc";
const folder = mkdtempSync(join(tmpdir(), "engines-"));
let certificate: TestCertificate;
let sink: MailSink;

before(async () => {
  certificate = makeCertificate(folder, SERVER_NAME);
  sink = await MailSink.start();
});
after(async () => {
  await sink.stop();
  rmSync(folder, { recursive: true, force: true });
});

const running: Engine[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((engine) => engine.stop()));
});

/** An engine whose admin API speaks TLS; `server` is where its mail goes. */
async function securedEngine(name: string, server: string): Promise<Engine> {
  const home = join(folder, name);
  const tls = { cert: certificate.cert, key: certificate.key, clientca: certificate.ca };
  const admin = { listener: { port: 0, address: "127.0.0.1" }, tokenfile: join(home, "token"), tls };
  const engine = await startEngine({ folder: home, server, startup: { admin } });
  running.push(engine);
  return engine;
}

function send(to: Engine, recipient: string, text: string): Promise<unknown> {
  const transport = createTransport({ host: "127.0.0.1", port: to.smtpPort, ignoreTLS: true });
  return transport.sendMail({ from: "a@example.org", to: recipient, text }).finally(() => transport.close());
}

/** Orders go past the network here: HTTPS with a private authority is not fetch's to speak. */
const order = (of: Engine, mode: DrainOrder["mode"], peers: readonly Engine[]): Promise<EngineStatus> =>
  of.mta.administration.drain({
    mode,
    peers: peers.map((peer) => ({
      name: peer.folder,
      url: `https://127.0.0.1:${peer.mta.ports.get("admin")}`,
      servername: SERVER_NAME,
    })),
  });
const status = (of: Engine): EngineStatus => of.mta.administration.status();

describe("two engines", () => {
  test("hand nothing to one that is fenced, and lose nothing by having tried", async () => {
    const giver = await securedEngine("giver-to-fenced", "127.0.0.1:1");
    const taker = await securedEngine("fenced-taker", `127.0.0.1:${sink.port}`);
    await send(giver, "fence@example.net", "small");
    await until(
      () => status(giver).queue.deferred,
      (count) => count === 1,
    );
    await order(taker, "Fence", []);
    await order(giver, "Drain", [taker]);
    await until(
      () => status(giver).handover?.waitsFor ?? "",
      (words) => words.includes("this engine is fenced"),
    );
    assert.deepEqual([status(giver).queue.total, status(taker).queue.total], [1, 0]);
    await order(taker, "Serve", []);
    await until(
      () => [status(giver).queue.total, status(taker).queue.total],
      ([left, taken]) => left === 0 && taken === 1,
    );
  });

  test("hand a queue over with its retries, and the taker delivers each message once", async () => {
    const giver = await securedEngine("giver", "127.0.0.1:1");
    const taker = await securedEngine("taker", `127.0.0.1:${sink.port}`);
    const recipients = Array.from({ length: 40 }, (_, i) => `r${i}@example.net`);
    const large = "x".repeat(70).concat("\n").repeat(9000);
    for (const [i, recipient] of recipients.entries())
      await send(giver, recipient, i === 7 ? large : "small");
    await until(
      () => status(giver).queue.deferred,
      (count) => count === 40,
    );
    assert.equal((await order(giver, "Drain", [taker])).state, "Draining");
    await until(
      () => status(giver).queue.total,
      (count) => count === 0,
    );
    assert.deepEqual(status(giver).handover, { given: 40, unanswered: 0, waitsFor: null });
    await until(
      () => status(taker).queue.total,
      (count) => count === 40,
    );
    const { entries } = taker.mta.administration.queue({ limit: 100 });
    assert.ok(entries.every(({ attempts, lastReply }) => attempts === 1 && lastReply !== ""));
    taker.mta.administration.changeQueue("retry", { recipientDomain: "example.net" });
    await until(
      () => sink.received.length,
      (count) => count === 40,
    );
    assert.deepEqual(sink.received.map((mail) => mail.recipients[0]).sort(), recipients.sort());
    assert.ok(sink.received.some(({ content }) => content.length > 600_000));
  });

  test("survive a taker that is not there: the giver says so, serves again and loses nothing", async () => {
    const giver = await securedEngine("alone", "127.0.0.1:1");
    const taker = await securedEngine("gone", "127.0.0.1:1");
    await taker.stop();
    await send(giver, "r@example.net", "small");
    await until(
      () => status(giver).queue.deferred,
      (count) => count === 1,
    );
    await order(giver, "Drain", [taker]);
    await until(
      () => status(giver).handover?.waitsFor ?? "",
      (text) => text.includes("ECONNREFUSED"),
    );
    assert.equal(status(giver).queue.total, 1);
    const back = await securedEngine("gone", "127.0.0.1:1");
    await order(giver, "Serve", [back]);
    await until(
      () => giver.mta.queue.figures().total,
      (count) => count === 1,
    );
    assert.equal(status(giver).handover?.unanswered, 0);
  });
});
