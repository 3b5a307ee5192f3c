import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";

import type { EngineStatus } from "#contract/admin-api.ts";

import { freePort } from "../../../e2e/peers/free-port.ts";
import { type Postfix, startPostfix } from "../../../e2e/peers/postfix.ts";
import { sendWithSmtpSource } from "../../../e2e/peers/smtp-source.ts";
import { makeCertificate } from "../../testing/certificates.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { until } from "../../testing/until.ts";

/** Postfix switches users, so it needs root besides being there. */
const skip =
  existsSync("/usr/sbin/postfix") && process.getuid?.() === 0
    ? false
    : "needs root and Debian's package postfix (apt-get install postfix)";

/**
 * client (Postfix) -> engine -> sink (Postfix), TLS on both ways, and notices back into the sink, where the
 * sender's mailbox is.
 */
describe("between two Postfix", { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), "interop-"));
  let sink: Postfix;
  let client: Postfix;
  let engine: Engine;

  before(async () => {
    const certificate = makeCertificate(folder, "engine.example.test");
    const keys = [`smtpd_tls_cert_file = ${certificate.cert}`, `smtpd_tls_key_file = ${certificate.key}`];
    sink = await startPostfix({
      address: "127.0.0.1",
      port: await freePort(),
      domains: ["example.net", "example.org"],
      settings: [
        ...keys,
        "smtpd_tls_security_level = may",
        "smtpd_tls_received_header = yes",
        "message_size_limit = 5000000",
        "smtpd_recipient_limit = 20",
        "smtpd_recipient_restrictions = check_recipient_access inline:{{nobody@example.net=550 5.1.1 nobody}}, permit_mynetworks, reject",
      ],
    });
    engine = await startEngine({
      server: `127.0.0.1:${sink.port}`,
      startup: { pki: { private: [{ id: "own", cert: certificate.cert, key: certificate.key }] } },
      appServer: { tls: { certs: [{ cert: "own" }] } },
    });
    client = await startPostfix({
      address: "127.0.0.1",
      port: await freePort(),
      domains: ["nowhere.example.test"],
      relayHost: `[127.0.0.1]:${engine.smtpPort}`,
      settings: ["smtp_tls_security_level = encrypt"],
    });
  });
  after(async () => {
    await Promise.all([client?.stop(), engine?.stop(), sink?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** The one message in the sink that holds the text. */
  const arrived = async (text: string): Promise<string> => {
    const found = await until(
      async () => (await sink.messages()).filter((message) => message.includes(text)),
      (messages) => messages.length > 0,
    );
    assert.equal(found.length, 1);
    return found[0] ?? "";
  };

  test("mail passes whole, over TLS both times", async () => {
    const body = "first line\n.\n..\n.dots\n\nlast line\n";
    await client.submit("ann@example.org", "bob@example.net", `Subject: whole-mail\n\n${body}`);
    const message = await arrived("Subject: whole-mail");
    assert.ok(message.endsWith(`\n\n${body}`), message);
    assert.match(message, /\(using TLSv1\.\d with cipher [\s\S]*?by postfix\.example\.test/);
    assert.match(message, /by engine\.example\.test[^;]*with ESMTPS id/);
    assert.match(message, /^Return-Path: <ann@example\.org>/m);
  });

  test("large mail passes whole", async () => {
    const line = `${"0123456789".repeat(7)}\n`;
    await client.submit(
      "ann@example.org",
      "bob@example.net",
      `Subject: large-mail\n\n${line.repeat(30_000)}`,
    );
    assert.equal((await arrived("Subject: large-mail")).split(line).length - 1, 30_000);
  });

  test("eight-bit and internationalised mail passes", async () => {
    await client.submit("ann@example.org", "bjørn@example.net", "Subject: grüße-ümlaut\n\nschöne Grüße\n");
    const text = Buffer.from("Subject: grüße-ümlaut").toString("latin1");
    assert.ok((await arrived(text)).includes(Buffer.from("schöne Grüße").toString("latin1")));
  });

  test("a message for more recipients than Postfix takes at once reaches all, each once", async () => {
    const to = Array.from({ length: 50 }, (_, i) => `many-${i}@example.net`);
    const transport = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
    await transport.sendMail({ from: "ann@example.org", to, subject: "many-recipients", text: "x" });
    transport.close();
    const copies = await until(
      async () => (await sink.messages()).filter((message) => message.includes("Subject: many-recipients")),
      (messages) => messages.length >= to.length,
    );
    const delivered = copies.map((message) => /^Delivered-To: (\S+)$/m.exec(message)?.[1]);
    assert.deepEqual(delivered.sort(), to.sort());
  });

  test("a refusal comes back to the sender as a notice in the thread", async () => {
    const message = "Subject: to-nobody\nMessage-ID: <to-nobody@example.org>\n\nx\n";
    await client.submit("ann@example.org", "nobody@example.net", message);
    const notice = await arrived("In-Reply-To: <to-nobody@example.org>");
    assert.match(notice, /^Return-Path: <>$/m);
    assert.match(notice, /^Delivered-To: ann@example\.org$/m);
    assert.match(notice, /^Content-Type: multipart\/report; report-type=delivery-status;/m);
    assert.match(
      notice,
      /^Final-Recipient: rfc822; ?nobody@example\.net\n(?:.+\n)*?Action: failed\nStatus: 5\.1\.1$/m,
    );
  });

  test("many clients at once lose nothing", async () => {
    const before = (await status(engine)).totals.delivered;
    await sendWithSmtpSource({
      address: "127.0.0.1",
      port: engine.smtpPort,
      messages: 300,
      connections: 20,
      sizeBytes: 2000,
      sender: "ann@example.org",
      recipient: "-load@example.net",
      numbered: true,
    });
    await until(
      () => status(engine),
      ({ queue, totals }) => queue.total === 0 && totals.delivered - before === 300,
    );
    const copies = await until(
      async () => (await sink.messages()).filter((message) => message.includes("-load@example.net>")),
      (messages) => messages.length >= 300,
    );
    assert.equal(copies.length, 300);
  });
});

async function status(engine: Engine): Promise<EngineStatus> {
  return (await engine.admin("GET", "/v1/status")).json as EngineStatus;
}
