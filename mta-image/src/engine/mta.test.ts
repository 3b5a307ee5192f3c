import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { createTransport } from "nodemailer";

import type { EngineStatus } from "#contract/admin-api.ts";

import { makeCertificate } from "../../testing/certificates.ts";
import { queuedIn } from "../../testing/engine-mail.ts";
import { type Engine, type EngineOptions, appConfig, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const folder = mkdtempSync(join(tmpdir(), "mta-test-"));
after(() => rmSync(folder, { recursive: true, force: true }));

let sink: MailSink;
before(async () => {
  sink = await MailSink.start();
});
after(() => sink.stop());
beforeEach(() => {
  sink.received.length = 0;
  sink.answer = () => "accept";
  sink.answerRcpt = () => "accept";
});

const engines: Engine[] = [];
after(() => Promise.all(engines.map((engine) => engine.stop())));

async function engine(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const started = await startEngine({ server: `127.0.0.1:${sink.port}`, ...options });
  engines.push(started);
  return started;
}

async function send(to: Engine, mail: { from?: string; to?: string; tls?: boolean } = {}): Promise<void> {
  const transport = createTransport({
    host: "127.0.0.1",
    port: to.smtpPort,
    ...(mail.tls === true ? { requireTLS: true, tls: { rejectUnauthorized: false } } : { ignoreTLS: true }),
  });
  await transport.sendMail({
    from: mail.from ?? "a@example.org",
    to: mail.to ?? "b@example.net",
    messageId: "<original@example.org>",
    text: "hello\n.\n..dots\n",
  });
  transport.close();
}

/** Told to try its mail now, it does not: what is due stays, and counts as nothing that more engines would change. */
async function assertFenced(of: Engine): Promise<void> {
  const retried = await of.admin("POST", "/v1/queue/retry", { recipientDomain: "example.net" });
  assert.deepEqual(retried.json, { changed: 1 });
  const { queue, state, ready } = await status(of);
  assert.deepEqual([state, ready, queue.total, queue.blocked], ["Fenced", false, 1, 1]);
  assert.equal(sink.received.length, 0);
  const [entry] = await queuedIn(of);
  const { json } = await of.admin("GET", `/v1/queue/${entry?.messageId}/explain`);
  assert.match(JSON.stringify(json), /the engine is fenced/);
}

async function status(of: Engine): Promise<EngineStatus> {
  return (await of.admin("GET", "/v1/status")).json as EngineStatus;
}

describe("the engine", () => {
  test("delivers what it took, byte for byte, with one trace field in front", async () => {
    const mta = await engine();
    await send(mta);
    await sink.taken(1);
    const text = sink.received[0]?.content.toString() ?? "";
    assert.match(text, /^Received: from \[?\S+ \(\[127\.0\.0\.1\]\)\r\n\tby engine\.example\.test/);
    assert.match(text, /\r\n\r\nhello\r\n\.\r\n\.\.dots\r\n/);
    await until(
      () => status(mta),
      ({ queue, totals }) => queue.total === 0 && totals.delivered === 1,
    );
  });

  test("keeps what is put off, and tries again when told", async () => {
    const mta = await engine();
    sink.answer = () => ({ code: 451, text: "4.7.1 later" });
    await send(mta);
    const { queue } = await until(
      () => status(mta),
      ({ queue }) => queue.deferred === 1,
    );
    assert.equal(queue.total, 1);
    const { json } = await mta.admin("GET", "/v1/queue?status=deferred");
    const [entry] = (json as { entries: { lastReply: string; attempts: number }[] }).entries;
    assert.match(entry?.lastReply ?? "", /^451 4\.7\.1 later/);
    sink.answer = () => "accept";
    const retried = await mta.admin("POST", "/v1/queue/retry", { recipientDomain: "example.net" });
    assert.deepEqual(retried.json, { changed: 1 });
    await sink.taken(1);
  });

  test("tells the sender of a failure, in the thread of the message", async () => {
    const mta = await engine();
    sink.answerRcpt = (address) =>
      address === "b@example.net" ? { code: 550, text: "5.1.1 no such user" } : "accept";
    await send(mta);
    await sink.taken(1);
    const [notice] = sink.received;
    assert.equal(notice?.sender, "");
    assert.deepEqual(notice?.recipients, ["a@example.org"]);
    const text = notice?.content.toString() ?? "";
    assert.match(text, /\r\nIn-Reply-To: <original@example\.org>\r\n/);
    assert.match(text, /\r\nAuto-Submitted: auto-replied\r\n/);
    assert.match(text, /Final-Recipient: rfc822; b@example\.net\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/);
  });

  test("tries again what may have arrived, and counts it apart", async () => {
    const mta = await engine();
    let cuts = 0;
    sink.answer = () => (cuts++ === 0 ? "cut" : "accept");
    await send(mta);
    await until(
      () => status(mta),
      ({ totals }) => totals.unclear === 1,
    );
    await mta.admin("POST", "/v1/queue/retry", { recipientDomain: "example.net" });
    await until(
      () => status(mta),
      ({ totals, queue }) => totals.delivered === 1 && queue.total === 0,
    );
  });

  test("finds its queue again after a stop", async () => {
    const home = join(folder, "restart");
    const first = await startEngine({ folder: home, server: "127.0.0.1:1" });
    await send(first);
    await until(
      () => status(first),
      ({ queue }) => queue.deferred === 1,
    );
    await first.stop();
    const second = await engine({ folder: home });
    await second.admin("POST", "/v1/queue/retry", { recipientDomain: "example.net" });
    await sink.taken(1);
  });

  test("refuses to share its spool", async () => {
    const home = join(folder, "shared");
    await engine({ folder: home });
    await assert.rejects(startEngine({ folder: home, server: "127.0.0.1:1" }), { code: "spool-locked" });
  });

  test("speaks TLS both ways when it has a certificate and the other side offers it", async () => {
    const certificate = makeCertificate(folder, "engine.example.test");
    const secureSink = await MailSink.start({ tls: certificate.pem });
    const mta = await engine({
      server: `127.0.0.1:${secureSink.port}`,
      startup: { pki: { private: [{ id: "own", cert: certificate.cert, key: certificate.key }] } },
      appServer: { tls: { certs: [{ cert: "own" }] } },
    });
    await send(mta, { tls: true });
    await secureSink.taken(1);
    assert.equal(secureSink.received[0]?.isSecure, true);
    assert.match(secureSink.received[0]?.content.toString() ?? "", /with ESMTPS id/);
    await secureSink.stop();
  });
});

describe("configuration in force", () => {
  test("changes by a push, and one that is broken changes nothing and says why", async () => {
    const other = await MailSink.start();
    const mta = await engine();
    const push = (revision: string, app: unknown): ReturnType<Engine["admin"]> =>
      mta.admin("PUT", "/v1/config", { revision, files: { "smtpd-app.yaml": JSON.stringify(app) } });
    const refused = await push("bad", { ...appConfig({ server: "x" }), colour: "blue" });
    assert.equal(refused.status, 422);
    const { problems } = refused.json as { problems: unknown };
    assert.deepEqual(problems, [
      { file: "smtpd-app.yaml", path: "colour", reason: "unknown key; check its spelling and place" },
    ]);
    const taken = await push("good", appConfig({ server: `127.0.0.1:${other.port}` }));
    assert.deepEqual(taken.json, { revision: "good" });
    await send(mta);
    await other.taken(1);
    assert.equal((await status(mta)).revision, "good");
    await other.stop();
  });

  test("is read again from the files on reload", async () => {
    const home = join(folder, "reload");
    const mta = await engine({ folder: home });
    writeFileSync(join(home, "smtpd-app.yaml"), "servers: [");
    const refused = await mta.admin("POST", "/v1/config/reload", {});
    assert.equal(refused.status, 422);
    await send(mta);
    await sink.taken(1);
  });
});

describe("orders", () => {
  test("need the token", async () => {
    const mta = await engine();
    const answer = await fetch(`${mta.adminUrl}/v1/status`, { headers: { authorization: "Bearer wrong" } });
    assert.equal(answer.status, 401);
  });

  test("to cordon turn new mail away with 421, go on delivering, and can be taken back", async () => {
    const mta = await engine();
    const ready = async (): Promise<number> => (await fetch(`${mta.monitorUrl}/ready`)).status;
    assert.equal(await ready(), 200);
    assert.equal(
      ((await mta.admin("POST", "/v1/drain", { mode: "Cordon" })).json as EngineStatus).state,
      "Cordoned",
    );
    assert.equal(await ready(), 503);
    assert.match(await greeting(mta.smtpPort), /^421 4\.3\.2 /);
    await mta.admin("POST", "/v1/drain", { mode: "Serve" });
    assert.match(await greeting(mta.smtpPort), /^220 /);
  });

  test("to fence leave the mail alone, also in the next process, until they are taken back", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fenced-"));
    const first = await startEngine({ server: `127.0.0.1:${sink.port}`, folder });
    sink.answer = () => ({ code: 451, text: "4.7.1 later" });
    await send(first);
    await until(
      () => status(first),
      ({ queue }) => queue.deferred === 1,
    );
    sink.answer = () => "accept";
    const answer = await first.admin("POST", "/v1/drain", { mode: "Fence" });
    assert.equal((answer.json as EngineStatus).state, "Fenced");
    assert.match(await greeting(first.smtpPort), /^421 4\.3\.2 /);
    await assertFenced(first);
    await first.stop();
    const second = await startEngine({ server: `127.0.0.1:${sink.port}`, folder });
    engines.push(second);
    await assertFenced(second);
    assert.equal((await fetch(`${second.monitorUrl}/ready`)).status, 503);
    await second.admin("POST", "/v1/drain", { mode: "Serve" });
    await until(
      () => status(second),
      ({ queue, totals }) => queue.total === 0 && totals.delivered === 1,
    );
    assert.match(await greeting(second.smtpPort), /^220 /);
    await second.stop();
    const third = await engine({ folder });
    assert.equal((await status(third)).state, "Serving");
  });

  test("to drain without keys for peers are refused and change nothing", async () => {
    const mta = await engine();
    const peers = [{ name: "b", url: "https://127.0.0.1:1", servername: "b" }];
    const answer = await mta.admin("POST", "/v1/drain", { mode: "Drain", peers });
    assert.equal(answer.status, 409);
    assert.equal((await status(mta)).state, "Serving");
  });
});

describe("a stop", () => {
  test("that begins while an order is being obeyed is not taken back by it", async () => {
    const { mta } = await engine();
    const { administration, spool } = mta;
    await administration.drain({ mode: "Fence", peers: [] });
    const unmark = spool.unmarkFenced.bind(spool);
    spool.unmarkFenced = async () => {
      await unmark();
      mta.state = "Stopping";
    };
    assert.equal((await administration.drain({ mode: "Serve", peers: [] })).state, "Stopping");
  });

  test("answers an idle session with 421 and lets go of the port", async () => {
    const mta = await startEngine({ server: `127.0.0.1:${sink.port}` });
    const socket = connect(mta.smtpPort, "127.0.0.1");
    const said: string[] = [];
    socket.setEncoding("latin1").on("data", (text: string) => said.push(text));
    await until(
      () => said.join(""),
      (text) => text.startsWith("220 "),
    );
    await mta.stop();
    await until(
      () => said.join(""),
      (text) => /\r\n421 4\.3\.2 Shutting down\r\n$/.test(text),
    );
    await assert.rejects(greeting(mta.smtpPort), /ECONNREFUSED/);
  });
});

function greeting(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.setEncoding("latin1").once("error", reject);
    socket.once("data", (text: string) => {
      socket.destroy();
      resolve(text);
    });
  });
}
