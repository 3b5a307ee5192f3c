/** A whole engine hands its ports to scripts: keys of the configuration, the web, its own resolver. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { makeCertificate } from "../../testing/certificates.ts";
import { Lines } from "../../testing/dialogue.ts";
import { startEngine } from "../../testing/harness.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";

test("a script of the engine asks the web and DNS, and signs with a key of the configuration", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "engine-ports-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const { cert, key } = makeCertificate(folder, "mx.example");
  const web = createServer((_, response) => response.end("from the web"));
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  t.after(() => web.close());
  const script = `
    $page = http("http://127.0.0.1:${(web.address() as AddressInfo).port}/");
    $address = dns_query("localhost")["result"][0];
    $signed = cms_sign("text", "own");
    Reject("$page, $address, " . $signed["result"] . ", " . cms_type($signed["data"]));`;
  const engine = await startEngine({
    server: "127.0.0.1:1",
    startup: { pki: { private: [{ id: "own", cert, key }] } },
    appServer: { phases: { mailfrom: { hook: "ask" } } },
    app: { scripting: { hooks: { mailfrom: [{ id: "ask", data: script }] } } },
  });
  t.after(() => engine.stop());
  const client = await Lines.to(engine.smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  const said = await client.ask("MAIL FROM:<a@example.org>");
  assert.equal(said, "554 5.7.1 from the web, 127.0.0.1, true, pkcs7-signedData");
  client.socket.destroy();
});

test("a script of the engine asks a server by its transport, from an address by its name", async (t) => {
  const host = await ScriptedHost.start();
  t.after(() => host.stop());
  const server = `127.0.0.1:${host.port}`;
  const script = `
    $named = smtp_lookup_rcpt(["host" => "${server}", "sourceipid" => "second"], "", "a@example.net");
    $unknown = smtp_lookup_rcpt(["host" => "${server}", "sourceipid" => "third"], "", "b@example.net");
    $transport = smtp_lookup_rcpt("default", "", "c@example.net");
    Reject("$named $unknown $transport");`;
  const engine = await startEngine({
    server,
    appServer: { phases: { mailfrom: { hook: "ask" } } },
    app: {
      addresses: [{ id: "second", address: "127.0.0.2" }],
      scripting: { hooks: { mailfrom: [{ id: "ask", data: script }] } },
    },
  });
  t.after(() => engine.stop());
  const peers: string[] = [];
  host.answer = ({ line }) => {
    if (line.startsWith("RCPT")) peers.push(`${host.lastPeer} ${line}`);
    return undefined;
  };
  const client = await Lines.to(engine.smtpPort);
  await client.reply();
  await client.ask("EHLO client.example.org");
  assert.equal(await client.ask("MAIL FROM:<a@example.org>"), "554 5.7.1 1 -1 1");
  assert.deepEqual(peers, ["127.0.0.2 RCPT TO:<a@example.net>", "127.0.0.1 RCPT TO:<c@example.net>"]);
  client.socket.destroy();
});
