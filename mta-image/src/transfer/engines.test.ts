import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test, type TestContext } from "node:test";
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

/** The port of one that takes connections and never greets: what is tried there goes on being tried. */
async function deafServer(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on("error", () => {})));
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return (server.address() as AddressInfo).port;
}

function send(to: Engine, recipient: string, text: string): Promise<unknown> {
  const transport = createTransport({ host: "127.0.0.1", port: to.smtpPort, ignoreTLS: true });
  return transport.sendMail({ from: "a@example.org", to: recipient, text }).finally(() => transport.close());
}

const peerOf = (peer: Engine) => ({
  name: peer.folder,
  url: `https://127.0.0.1:${peer.mta.ports.get("admin")}`,
  servername: SERVER_NAME,
});

/** Orders go past the network here: HTTPS with a private authority is not fetch's to speak. */
const order = (of: Engine, mode: DrainOrder["mode"], peers: readonly Engine[]): Promise<EngineStatus> =>
  of.mta.administration.drain({
    mode,
    peers: peers.map(peerOf),
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
    assert.deepEqual(status(giver).handover, {
      given: 40,
      unanswered: 0,
      waitsFor: null,
      spreading: 0,
      spread: 0,
    });
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

  test("share a backlog while both serve, and give nothing when they are leaving", async (t) => {
    const giver = await securedEngine("burdened", `127.0.0.1:${await deafServer(t)}`);
    const taker = await securedEngine("idle", `127.0.0.1:${sink.port}`);
    const known = new Set(sink.received.map(({ recipients: [recipient = ""] }) => recipient));
    // A window of 40 is under way, the others wait in line.
    for (let i = 0; i < 80; i++) await send(giver, `s${i}@example.net`, "small");
    await until(
      () => status(giver).queue.portable ?? 0,
      (count) => count === 40,
    );
    const peer = { ...peerOf(taker), recipients: 25 };
    const told = await giver.mta.administration.spread({ peers: [peer] });
    assert.deepEqual([told.state, told.handover?.spreading], ["Serving", 25]);
    await until(
      () => sink.received.filter(({ recipients: [recipient = ""] }) => !known.has(recipient)).length,
      (count) => count === 25,
    );
    await until(
      () => status(giver).handover?.spreading,
      (left) => left === 0,
    );
    const { handover, queue, state } = status(giver);
    assert.deepEqual([state, queue.total, queue.portable], ["Serving", 55, 15]);
    assert.deepEqual(handover, { given: 25, unanswered: 0, waitsFor: null, spreading: 0, spread: 25 });
    const text = await (await fetch(`${giver.monitorUrl}/metrics`)).text();
    assert.match(text, /^mta_handover_recipients_spread_total 25$/m);
    await order(giver, "Cordon", []);
    await assert.rejects(giver.mta.administration.spread({ peers: [peer] }), { code: "engine-leaving" });
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
