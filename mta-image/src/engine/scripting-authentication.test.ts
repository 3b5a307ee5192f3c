/** Scripts between verifying and signing: what they see of mail from outside, and that our signature stands behind their edits. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { systemClock } from "#base/clock.ts";

import { Lines } from "../../testing/dialogue.ts";
import { DnsServer } from "../../testing/dns-server.ts";
import { FakeResolver } from "../../testing/fake-resolver.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { keyZone, makeSigningKey } from "../../testing/signed-mail.ts";
import { until } from "../../testing/until.ts";
import { queryOf } from "../authentication/query.ts";
import { verify } from "../authentication/verify.ts";

const key = makeSigningKey("ed25519", { selector: "s1" });
const editing = `$m = $arguments["mail"]; $m->setHeader("Subject", "edited"); $m->addHeader("X-Script", "was here");
  $x = isset($m->getHeader("Authentication-Results"));
  foreach ($transaction["recipients"] as $r) $m->queue($transaction["senderaddress"], $r["address"], $r["transportid"]);
  Accept(["reason" => "seen " . string($x)]);`;

async function start(
  t: TestContext,
  options: { authentication: object; server?: object },
): Promise<{ engine: Engine; sink: MailSink }> {
  const folder = mkdtempSync(join(tmpdir(), "signing-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "key.pem"), key.pem);
  const dns = await DnsServer.start({});
  t.after(() => dns.stop());
  const sink = await MailSink.start();
  t.after(() => sink.stop());
  const engine = await startEngine({
    server: `127.0.0.1:${sink.port}`,
    appServer: { phases: { eod: { hook: "edit" } }, ...options.server },
    app: {
      authentication: JSON.parse(JSON.stringify(options.authentication).replaceAll("$FOLDER", folder)),
      resolver: { servers: [dns.address] },
      scripting: { hooks: { eod: [{ id: "edit", data: editing }] } },
    },
  });
  t.after(() => engine.stop());
  return { engine, sink };
}

async function send({ smtpPort }: Engine): Promise<string> {
  const client = await Lines.to(smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  await client.ask("MAIL FROM:<ann@example.org>");
  await client.ask("RCPT TO:<bob@example.net>");
  await client.ask("DATA");
  const reply = await client.ask(
    "From: ann@example.org\r\nSubject: first\r\nDate: Wed, 25 Nov 2026 20:00:00 +0000\r\n\r\nhello\r\n.",
  );
  client.socket.destroy();
  return reply;
}

test("our own mail is signed as a script has left it", async (t) => {
  const keys = [{ id: "k", domain: "example.org", selector: "s1", file: "$FOLDER/key.pem" }];
  const { engine, sink } = await start(t, {
    authentication: { keys, sign: [{ domains: ["example.org"], keys: ["k"] }] },
  });
  assert.equal(await send(engine), "250 2.0.0 seen false");
  const [received] = await until(
    () => sink.received,
    (list) => list.length === 1,
  );
  const content = received?.content ?? Buffer.alloc(0);
  assert.match(content.toString(), /^Subject: edited\r$/m);
  const query = queryOf(new FakeResolver(keyZone(key)));
  const { dkim } = await verify(content, null, { query, clock: systemClock, authority: "x" });
  assert.deepEqual(
    dkim.map(({ result }) => result),
    ["pass"],
  );
});

test("mail from outside is verified before a script sees it, once", async (t) => {
  const { engine, sink } = await start(t, {
    authentication: { verify: {} },
    server: { relaynetworks: [], relaydomains: ["example.net"] },
  });
  assert.equal(await send(engine), "250 2.0.0 seen true");
  const [received] = await until(
    () => sink.received,
    (list) => list.length === 1,
  );
  const content = received?.content.toString() ?? "";
  assert.equal(content.match(/^Authentication-Results:/gm)?.length, 1);
  assert.match(content, /^X-Script: was here\r$/m);
});
