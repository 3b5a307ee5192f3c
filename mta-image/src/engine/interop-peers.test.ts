/** The engine between servers that others wrote, both ways: what it sends them arrives whole, and what they send it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";

import { freePort } from "../../../e2e/peers/free-port.ts";
import { type ForeignServer, hasPeer, startForeignServer } from "../../testing/foreign-server.ts";
import { makeCertificate } from "../../testing/certificates.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink, type Received } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

for (const name of ["exim", "opensmtpd", "haraka"] as const) {
  const skip = hasPeer(name) ? false : `${name} is not there, or this is not root (make setup)`;
  describe(`with ${name}`, { skip }, () => {
    const folder = mkdtempSync(join(tmpdir(), "peers-"));
    let toPeer: Engine;
    let fromPeer: Engine;
    let peer: ForeignServer;
    let sink: MailSink;

    before(async () => {
      const certificate = makeCertificate(folder, "localhost");
      const own = { pki: { private: [{ id: "own", cert: certificate.cert, key: certificate.key }] } };
      const tls = { tls: { certs: [{ cert: "own" }] } };
      sink = await MailSink.start();
      fromPeer = await startEngine({ server: `127.0.0.1:${sink.port}`, startup: own, appServer: tls });
      peer = await startForeignServer(name, {
        port: await freePort(),
        relayPort: fromPeer.smtpPort,
        certificate: certificate.pem,
      });
      toPeer = await startEngine({ server: `127.0.0.1:${peer.port}`, group: tlsOf(name) });
    });
    after(async () => {
      await Promise.all([toPeer?.stop(), fromPeer?.stop(), peer?.stop(), sink?.stop()]);
      rmSync(folder, { recursive: true, force: true });
    });

    const arrived = async (text: string): Promise<string> => {
      const found = await until(
        async () => (await peer.messages()).filter((message) => message.includes(text)),
        (messages) => messages.length > 0,
      );
      assert.equal(found.length, 1);
      return found[0]?.replaceAll("\r\n", "\n") ?? "";
    };

    test("what the engine sends arrives whole", async () => {
      const lines = ["first", ".", "..", ".dots", "", "grüße", "last", ""];
      await send(toPeer, { to: "bob@example.net", subject: "to-peer", body: lines.join("\r\n") });
      const message = await arrived("Subject: to-peer");
      assert.ok(
        Buffer.from(message, "latin1").toString().trimEnd().endsWith(lines.join("\n").trimEnd()),
        message,
      );
    });

    test("large mail arrives whole", async () => {
      const line = `${"0123456789".repeat(7)}\r\n`;
      await send(toPeer, { to: "bob@example.net", subject: "large-mail", body: line.repeat(10_000) });
      const message = await arrived("Subject: large-mail");
      assert.equal(message.split(line.trimEnd()).length - 1, 10_000);
    });

    test("a refused recipient fails, and the others get the mail", async () => {
      const to = ["nobody@example.net", "cyd@example.net"];
      await send(toPeer, { to: to.join(), subject: "to-two", body: "x\r\n" });
      await arrived("Subject: to-two");
      const { json } = await until(
        () => toPeer.admin("GET", "/v1/status"),
        (answer) => (answer.json as { totals: { failed: number } }).totals.failed === 1,
      );
      assert.equal((json as { totals: { failed: number } }).totals.failed, 1);
    });

    test("what it sends the engine is passed on whole", async () => {
      const body = "first\r\n.\r\n..dots\r\n\r\nlast\r\n";
      const mail = { from: "ann@example.org", to: "dan@example.com", subject: "from-peer", body };
      await send({ smtpPort: peer.port }, mail);
      const mine = ({ recipients }: Received): boolean => recipients.includes("dan@example.com");
      const received = await until(
        () => sink.received.filter(mine),
        (list) => list.length === 1,
      );
      const content = String(received[0]?.content);
      assert.ok(content.endsWith(`\r\n\r\n${body}`), content);
      assert.match(content, new RegExp(`from ${name}\\.example\\.test|from \\S+ \\(\\[127`));
      assert.match(content, /by engine\.example\.test[^;]*with ESMTPS id/);
    });
  });
}

/** OpenSMTPD 6.8 of Debian 12 offers TLS and breaks the handshake itself ("EVP lib"): mail goes on in the clear. */
function tlsOf(name: string): Record<string, unknown> {
  return { session: { chunking: true, tls: { mode: name === "opensmtpd" ? "optional" : "require" } } };
}

async function send(
  server: Pick<Engine, "smtpPort">,
  mail: { from?: string; to: string; subject: string; body: string },
): Promise<void> {
  const transport = createTransport({ host: "127.0.0.1", port: server.smtpPort, ignoreTLS: true });
  const from = mail.from ?? "ann@example.org";
  const raw = `From: ${from}\r\nTo: ${mail.to}\r\nSubject: ${mail.subject}\r\n\r\n${mail.body}`;
  await transport.sendMail({ envelope: { from, to: mail.to.split(",") }, raw });
  transport.close();
}
