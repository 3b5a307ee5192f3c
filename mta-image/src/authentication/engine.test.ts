import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createTransport } from "nodemailer";

import { systemClock } from "#base/clock.ts";
import { parseEngineConfig } from "#contract/config.ts";

import { DnsServer, type DnsTable } from "../../testing/dns-server.ts";
import { FakeResolver } from "../../testing/fake-resolver.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { keyZone, makeSigningKey, someMail } from "../../testing/signed-mail.ts";
import { until } from "../../testing/until.ts";
import { queryOf } from "./query.ts";
import { signDkim } from "./sign.ts";
import { verify } from "./verify.ts";

const key = makeSigningKey("ed25519", { selector: "s1" });
const [[keyName, { txt = [] }] = ["", {}]] = Object.entries(keyZone(key)) as [
  string,
  { txt?: readonly string[] },
][];

const zones: DnsTable = {
  "example.org": { txt: ["v=spf1 -all"] },
  "_dmarc.example.org": { txt: ["v=DMARC1; p=reject"] },
  [keyName]: { txt },
};

async function start(
  t: TestContext,
  options: { authentication: object; appServer?: object; listeners?: readonly object[] },
): Promise<{ engine: Engine; sink: MailSink; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), "auth-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "key.pem"), key.pem);
  const dns = await DnsServer.start(zones);
  t.after(() => dns.stop());
  const sink = await MailSink.start();
  t.after(() => sink.stop());
  const text = JSON.stringify(options.authentication).replaceAll("$FOLDER", folder);
  const engine = await startEngine({
    server: `127.0.0.1:${sink.port}`,
    ...(options.appServer === undefined ? {} : { appServer: options.appServer as Record<string, unknown> }),
    ...(options.listeners === undefined
      ? {}
      : { startup: { servers: [{ id: "smtp", listeners: options.listeners }] } }),
    app: { authentication: JSON.parse(text), resolver: { servers: [dns.address] } },
  });
  t.after(() => engine.stop());
  return { engine, sink, folder };
}

function send(engine: Engine, raw: Buffer | string, to = "bob@example.net"): Promise<unknown> {
  const transport = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
  return transport.sendMail({ envelope: { from: "ann@example.org", to }, raw });
}

async function first(sink: MailSink): Promise<string> {
  const received = await until(
    () => sink.received,
    (list) => list.length === 1,
  );
  return String(received[0]?.content);
}

const keys = [{ id: "k", domain: "example.org", selector: "s1", file: "$FOLDER/key.pem" }];

test("mail of a client that may relay leaves signed, and the signature verifies", async (t) => {
  const { engine, sink } = await start(t, {
    authentication: { keys, sign: [{ domains: ["example.org"], keys: ["k"] }] },
  });
  const large = `${someMail.toString()}${"A line of a large letter.\r\n".repeat(20_000)}`;
  await send(engine, large);
  const content = await first(sink);
  assert.match(content, /^DKIM-Signature: v=1;/);
  const query = queryOf(new FakeResolver(keyZone(key)));
  const { dkim } = await verify(Buffer.from(content), null, { query, clock: systemClock, authority: "x" });
  assert.deepEqual(
    dkim.map(({ result }) => result),
    ["pass"],
  );
});

test("mail of a domain without a key leaves as it came", async (t) => {
  const { engine, sink } = await start(t, {
    authentication: { keys, sign: [{ domains: ["other.example"], keys: ["k"] }] },
  });
  await send(engine, someMail);
  assert.match(await first(sink), /^Received:/);
});

const foreign = { relaynetworks: [], relaydomains: ["example.net"] };

test("mail from outside gets our results, and loses those that claim to be ours", async (t) => {
  const { engine, sink } = await start(t, { authentication: { verify: {} }, appServer: foreign });
  const { fields } = await signDkim(someMail, [{ key }], { at: systemClock.now() });
  const forged =
    "Authentication-Results: engine.example.test; dmarc=pass\r\nAuthentication-Results: other.example; spf=pass\r\n";
  await send(engine, forged + fields + someMail.toString());
  const content = await first(sink);
  assert.match(content, /^Authentication-Results: engine\.example\.test;\r\n\tdkim=pass/);
  assert.match(content, /dmarc=pass/);
  assert.equal(content.match(/^Authentication-Results: engine/gm)?.length, 1);
  assert.match(content, /^Authentication-Results: other\.example; spf=pass\r\n/m);
  const metrics = await (await fetch(`${engine.monitorUrl}/metrics`)).text();
  assert.match(metrics, /mta_authentication_results_total\{method="dkim",result="pass"\} 1/);
});

test("with enforce, mail that fails DMARC is refused where the domain asks for it", async (t) => {
  const { engine, sink } = await start(t, {
    authentication: { verify: { enforce: true } },
    appServer: foreign,
  });
  await assert.rejects(send(engine, someMail), /550 5\.7\.1 DMARC: example\.org asks/);
  assert.equal(sink.received.length, 0);
});

/** Signs our own mail, and would refuse the same from anybody else. */
const strict = { keys, sign: [{ domains: ["example.org"], keys: ["k"] }], verify: { enforce: true } };

test("a client that only a stage lets relay is one of ours: its mail is signed and not refused", async (t) => {
  const { engine, sink } = await start(t, { authentication: strict, appServer: foreign });
  const staged = { id: "smtp", transport: "default", relaynetworks: ["127.0.0.0/8"] };
  const app = JSON.stringify({
    servers: [staged],
    transportgroups: [{ id: "g", transports: [{ id: "default" }] }],
  });
  const put = await engine.admin("PUT", "/v1/stage", { id: "s", app, conditions: { seconds: 60 } });
  assert.equal(put.status, 200, JSON.stringify(put.json));
  await send(engine, someMail);
  assert.match(await first(sink), /^DKIM-Signature: v=1;/);
});

test("a client of a UNIX socket, which may relay, is one of ours", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "auth-socket-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "smtp.sock");
  const listeners = [{ address: path }];
  const { sink } = await start(t, { authentication: strict, appServer: foreign, listeners });
  const connection = connect(path);
  await once(connection, "connect");
  await createTransport({ connection, ignoreTLS: true }).sendMail({
    envelope: { from: "ann@example.org", to: "bob@example.net" },
    raw: someMail,
  });
  assert.match(await first(sink), /^DKIM-Signature: v=1;/);
});

test("a key that cannot be used keeps the engine from starting, and the message names it", async (t) => {
  const broken = [{ ...keys[0], file: "/nowhere/key.pem" }];
  await assert.rejects(start(t, { authentication: { keys: broken } }), /authentication\.keys "k": ENOENT/);
});

test("names that stand for nothing are reported with their places", () => {
  const parsed = parseEngineConfig({
    startup: "servers: [{ id: smtp, listeners: [{ port: 25 }] }]",
    app: `servers: [{ id: smtp, transport: out }]
transportgroups: [{ id: g, transports: [{ id: out }] }]
authentication:
  verify: { servers: [other], seal: k }
  sign: [{ domains: [example.org], keys: [none] }]`,
  });
  assert.deepEqual(parsed.ok ? [] : parsed.problems.map(({ path }) => path), [
    "authentication.verify.servers[0]",
    "authentication.verify.seal",
    "authentication.sign[0].keys[0]",
  ]);
});
