/**
 * What servers that others wrote make of the extensions that the engine speaks, and it of theirs: logins, addresses
 * beyond ASCII and requests for notices with Exim, both ways; a PROXY header, and such requests, with Postfix.
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createTransport } from "nodemailer";

import { freePort } from "../../../e2e/peers/free-port.ts";
import { type Postfix, startPostfix } from "../../../e2e/peers/postfix.ts";
import { makeCertificate } from "../../testing/certificates.ts";
import { type ForeignServer, hasPeer, startForeignServer } from "../../testing/foreign-server.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { loginLine } from "../../testing/logins.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

interface Mail {
  readonly to: string;
  readonly subject: string;
  readonly text?: string;
  /** Asks for a notice of success, by this name. */
  readonly envelopeId?: string;
}

async function send(port: number, { to, subject, envelopeId, text = "text\r\n" }: Mail): Promise<void> {
  const transport = createTransport({ host: "127.0.0.1", port, ignoreTLS: true });
  const raw = `From: ann@example.org\r\nTo: ${to}\r\nSubject: ${subject}\r\n\r\n${text}`;
  const from = "ann@example.org";
  const dsn = { id: envelopeId, return: "headers", notify: ["success", "failure"], recipient: from };
  await transport.sendMail({ envelope: { from, to }, raw, ...(envelopeId === undefined ? {} : { dsn }) });
  transport.close();
}

/** The one of these texts that holds both, as it is or will be. */
async function found(
  texts: () => readonly string[] | Promise<readonly string[]>,
  ...parts: string[]
): Promise<string> {
  const matching = await until(
    async () => (await texts()).filter((text) => parts.every((part) => text.includes(part))),
    (list) => list.length > 0,
  );
  assert.equal(matching.length, 1);
  return matching[0] ?? "";
}

/** How Exim's log marks a message that came or went by BDAT. */
const CHUNKED = / K /;

/** What Exim wrote down of the message: when it took it (`<=`), or when it passed it on (`=>`). */
async function lineOf({ log }: ForeignServer, mark: "<=" | "=>", subject: string): Promise<string> {
  const taken = (line: string): boolean => line.includes(" <= ") && line.includes(`T="${subject}"`);
  return found(async () => {
    const lines = (await log()).split("\n");
    const [, , id = ""] = lines.find(taken)?.split(" ") ?? [];
    return lines.filter((line) => id !== "" && line.includes(` ${id} ${mark} `));
  });
}

describe("with exim", { skip: hasPeer("exim") ? false : "needs exim, and root (make setup)" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "extensions-"));
  const login = { username: "exim", password: "secret" };
  let toPeer: Engine;
  let fromPeer: Engine;
  let peer: ForeignServer;
  let sink: MailSink;

  before(async () => {
    const { cert, key, pem } = makeCertificate(folder, "localhost");
    writeFileSync(join(folder, "logins"), loginLine(login.username, login.password));
    sink = await MailSink.start();
    fromPeer = await startEngine({
      server: `127.0.0.1:${sink.port}`,
      startup: { pki: { private: [{ id: "own", cert, key }] } },
      appServer: {
        tls: { certs: [{ cert: "own" }] },
        auth: { file: join(folder, "logins"), required: true },
      },
    });
    peer = await startForeignServer("exim", {
      port: await freePort(),
      relayPort: fromPeer.smtpPort,
      certificate: pem,
      login,
    });
    toPeer = await startEngine({ server: `127.0.0.1:${peer.port}`, group: { session: { chunking: true } } });
  });
  after(async () => {
    await Promise.all([toPeer?.stop(), fromPeer?.stop(), peer?.stop(), sink?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const relayed = (): string[] => sink.received.map(({ content }) => String(content));

  test("it signs on to the engine within TLS, which takes nothing from it otherwise", async () => {
    await send(peer.port, { to: "dan@example.com", subject: "signed-on" });
    assert.match(await found(relayed, "Subject: signed-on"), /by engine\.example\.test[^;]*with ESMTPSA id/);
  });

  test("an address beyond ASCII arrives as it is, both ways", async () => {
    await send(toPeer.smtpPort, { to: "jörg@example.net", subject: "to-joerg" });
    const arrived = await found(() => peer.messages(), "Subject: to-joerg");
    assert.ok(Buffer.from(arrived, "latin1").toString().includes("To: jörg@example.net"));
    await send(peer.port, { to: "jörg@example.com", subject: "from-exim" });
    await found(relayed, "Subject: from-exim");
    const { recipients } = sink.received.find(({ content }) => content.includes("Subject: from-exim")) ?? {};
    assert.deepEqual(recipients, ["jörg@example.com"]);
  });

  test("mail goes in chunks (BDAT), both ways; what is too large for that, by DATA", async () => {
    await send(toPeer.smtpPort, { to: "bob@example.net", subject: "in-chunks" });
    await send(toPeer.smtpPort, { to: "bob@example.net", subject: "by-data", text: "x\r\n".repeat(100_000) });
    await send(peer.port, { to: "fay@example.com", subject: "chunks-from-exim" });
    assert.match(await lineOf(peer, "<=", "in-chunks"), CHUNKED);
    assert.doesNotMatch(await lineOf(peer, "<=", "by-data"), CHUNKED);
    // Its own client sent it by DATA.
    assert.doesNotMatch(await lineOf(peer, "<=", "chunks-from-exim"), CHUNKED);
    assert.match(await lineOf(peer, "=>", "chunks-from-exim"), CHUNKED);
    assert.match(await found(relayed, "Subject: chunks-from-exim"), /\r\n\r\ntext\r\n$/);
  });

  test("it hears what notices the sender wants, and its own comes back through the engine", async () => {
    await send(toPeer.smtpPort, { to: "bob@example.net", subject: "tell-me", envelopeId: "QQ-to-exim" });
    const notice = await found(relayed, "Original-Envelope-ID: QQ-to-exim");
    assert.match(notice, /^Action: delivered\r$/m);
  });

  test("the engine hears the same from it, and tells the sender where the mail went on without", async () => {
    await send(peer.port, { to: "eve@example.com", subject: "tell-me-too", envelopeId: "QQ-from-exim" });
    const notice = await found(relayed, "Original-Envelope-Id: QQ-from-exim", "Action: relayed");
    assert.match(notice, /^Final-Recipient: rfc822; ?eve@example\.com\r$/m);
  });
});

/** It switches users, so it needs root besides being there. */
const hasPostfix = existsSync("/usr/sbin/postfix") && process.getuid?.() === 0;
describe("with Postfix", { skip: hasPostfix ? false : "needs root and Debian's package postfix" }, () => {
  let postfix: Postfix;
  let engine: Engine;

  before(async () => {
    postfix = await startPostfix({
      address: "127.0.0.1",
      port: await freePort(),
      domains: ["example.net", "example.org"],
      settings: ["smtpd_upstream_proxy_protocol = haproxy"],
    });
    const server = `127.0.0.1:${postfix.port}`;
    engine = await startEngine({
      server,
      group: {
        connection: { server, sourceip: { ipv4: ["far"] } },
      },
      app: { addresses: [{ id: "far", address: "192.0.2.7", proxy: { protocol: "proxy", server } }] },
    });
  });
  after(() => Promise.all([postfix?.stop(), engine?.stop()]));

  test("it reads the engine's PROXY header, and takes the address in it for the client's", async () => {
    await send(engine.smtpPort, { to: "bob@example.net", subject: "by-proxy" });
    const message = await found(() => postfix.messages(), "Subject: by-proxy");
    assert.match(message, /from engine\.example\.test \(\S* ?\[192\.0\.2\.7\]\)/);
  });

  test("it hears what notices the sender wants, and gives them", async () => {
    await send(engine.smtpPort, { to: "bob@example.net", subject: "tell-me", envelopeId: "QQ-to-postfix" });
    const notice = await found(() => postfix.messages(), "Original-Envelope-Id: QQ-to-postfix");
    assert.match(notice, /^Action: delivered$/m);
  });
});
