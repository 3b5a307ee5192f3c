/** What postdelivery hears of an attempt, in a whole engine: real files, real sockets, real TLS. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { makeCertificate } from "../../testing/certificates.ts";
import { queuedIn, sendTo } from "../../testing/engine-mail.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const folder = mkdtempSync(join(tmpdir(), "attempt-"));
const certificate = makeCertificate(folder, "mx.example.net");
let plain: MailSink;
let secure: MailSink;
before(async () => {
  plain = await MailSink.start();
  secure = await MailSink.start({ tls: certificate.pem });
});
after(async () => {
  await Promise.all([plain.stop(), secure.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

interface Told {
  readonly [name: string]: unknown;
}

/** What the script made of its arguments, as the reason it puts the recipient off with. */
async function told(
  t: { after: (end: () => Promise<void>) => void },
  script: string,
  engine: { readonly server: string } & Readonly<Record<string, unknown>>,
): Promise<Told> {
  const { server, predelivery, group, app } = engine;
  const hooks = {
    postdelivery: `Queue(["delay" => 3600, "reason" => json_encode(${script})]);`,
    ...(predelivery === undefined ? {} : { predelivery }),
  };
  const mta = await startEngine({
    server,
    group: { retry: { count: 3, intervals: [{ interval: "1h" }] }, ...(group as object | undefined) },
    app: { scripting: { hooks }, ...(app as object | undefined) },
  });
  t.after(() => mta.stop());
  if (engine["policy"] !== undefined)
    assert.equal((await mta.admin("PUT", "/v1/policies/mine", engine["policy"])).status, 200);
  await sendTo(mta, "ann@example.net");
  const [entry] = await until(
    () => queuedIn(mta),
    ([first]) => first?.attempts === 1,
  );
  return JSON.parse(entry?.lastReply ?? "") as Told;
}

const connection = `$arguments["attempt"]["connection"]`;

test("scripts hear where an attempt went, and which reply to what it got", async (t) => {
  plain.answerRcpt = () => ({ code: 451, text: "4.7.1 later" });
  const server = `127.0.0.1:${plain.port}`;
  const found = await told(
    t,
    `["c" => ${connection} , "r" => $arguments["attempt"]["result"], "d" => $arguments["dsn"]]`,
    { server },
  );
  const { id, transactions, localip, helo, remoteip, remoteport, remotemx, remotegreet, tls } = found[
    "c"
  ] as Told;
  assert.match(String(id), /^\S{8,}$/);
  assert.deepEqual(
    [transactions, localip, remoteip, remoteport, remotemx],
    [1, "127.0.0.1", "127.0.0.1", plain.port, "127.0.0.1"],
  );
  assert.equal(helo, "engine.example.test");
  assert.match(String((remotegreet as string[])[0]), /ESMTP/);
  assert.deepEqual(tls, { started: false, tlsrpt: "starttls-not-supported" });
  assert.deepEqual(found["r"], { code: 451, enhanced: [4, 7, 1], reason: ["later"], state: "RCPT" });
  assert.deepEqual(found["d"], {
    action: "delayed",
    status: [4, 7, 1],
    diagnostictype: "smtp",
    diagnosticcode: "451 4.7.1 later",
  });
});

test("scripts hear of TLS, its certificate and what is wrong with that", async (t) => {
  secure.answer = () => ({ code: 451, text: "4.7.1 later" });
  const tls = `${connection}["tls"]`;
  const found = await told(
    t,
    `["started" => ${tls}["started"], "protocol" => ${tls}["protocol"], "keysize" => ${tls}["keysize"],
      "subject" => X509(${tls}["peercert"]["x509"])->subject()[0][1], "error" => ${tls}["peercert"]["error"],
      "chain" => is_array(${tls}["peercert"]["chain"]), "state" => $arguments["attempt"]["result"]["state"]]`,
    { server: `127.0.0.1:${secure.port}` },
  );
  assert.deepEqual(found, {
    started: true,
    protocol: "TLSv1.3",
    keysize: 256,
    subject: "mx.example.net",
    error: 21,
    chain: true,
    state: "EOD",
  });
});

test("scripts hear how TLS failed where it had to be good", async (t) => {
  const found = await told(
    t,
    `["error" => $arguments["attempt"]["error"]["type"], "rpt" => ${connection}["tls"]["tlsrpt"], "mx" => ${connection}["remotemx"]]`,
    { server: `127.0.0.1:${secure.port}`, predelivery: `Try(["tls" => "require_verify"]);` },
  );
  assert.deepEqual(found, { error: "tls", rpt: "certificate-not-trusted", mx: "127.0.0.1" });
});

test("scripts hear that nobody listens", async (t) => {
  const closed = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
  const found = await told(
    t,
    `["error" => $arguments["attempt"]["error"], "ip" => ${connection}["remoteip"], "n" => ${connection}["transactions"], "d" => $arguments["dsn"]["diagnostictype"]]`,
    { server: `127.0.0.1:${closed}` },
  );
  assert.deepEqual(found, {
    error: {
      temporary: true,
      message: `Connection refused: ECONNREFUSED (127.0.0.1:${closed})`,
      type: "network",
    },
    ip: "127.0.0.1",
    n: 0,
    d: "x-error",
  });
});

test("scripts hear the name of the address that mail left from", async (t) => {
  plain.answerRcpt = () => ({ code: 451, text: "4.7.1 later" });
  const found = await told(t, `["id" => ${connection}["localipid"], "ip" => ${connection}["localip"]]`, {
    server: `127.0.0.1:${plain.port}`,
    predelivery: `Try(["sourceip" => "second"]);`,
    app: { addresses: [{ id: "second", address: "127.0.0.2" }] },
  });
  assert.deepEqual(found, { id: "second", ip: "127.0.0.2" });
});

for (const [what, options, cause] of [
  ["an address that nobody knows", `"sourceip" => "nowhere"`, { type: "config", dns: "none" }],
  ["no address of the host's family", `"sourceip" => "::1"`, { type: "dns", dns: "ipfamily" }],
] as const) {
  test(`scripts hear what was wrong with ${what}`, async (t) => {
    const found = await told(
      t,
      `["type" => $arguments["attempt"]["error"]["type"], "dns" => $arguments["attempt"]["error"]["dns"] ?? "none"]`,
      { server: `127.0.0.1:${plain.port}`, predelivery: `Try([${options}]);` },
    );
    assert.deepEqual(found, cause);
  });
}

test("scripts hear which rules of the queue held", async (t) => {
  plain.answerRcpt = () => ({ code: 451, text: "4.7.1 later" });
  const rules = `["grouping" => $arguments["grouping"], "policy" => $arguments["policy"]]`;
  const server = `127.0.0.1:${plain.port}`;
  assert.deepEqual(await told(t, rules, { server }), {
    grouping: "example.net",
    policy: { tags: [], policies: [] },
  });
  const policy = {
    fields: ["recipientdomain"],
    if: { recipientdomain: "example.net" },
    tag: "slow",
    properties: { "backoff-rate": "1/60", "backoff-ttl": 3600 },
    ttl: 60,
  };
  // One that bounds nothing, too: it is there for its properties.
  for (const limits of [{ concurrency: 7 }, {}])
    assert.deepEqual(await told(t, rules, { server, policy: { ...policy, ...limits } }), {
      grouping: "example.net",
      policy: {
        tags: ["slow"],
        policies: [
          { id: "mine", fields: ["recipientdomain"], tags: ["slow"], properties: policy.properties },
        ],
      },
    });
});
