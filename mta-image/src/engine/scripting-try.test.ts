/** What Try() changes of the message for one attempt, in a whole engine: real files, real sockets. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";

import { makeCertificate } from "../../testing/certificates.ts";
import { queuedIn, sendTo } from "../../testing/engine-mail.ts";
import { type Engine, startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { until } from "../../testing/until.ts";

const login = { username: "joe", password: "secret" };
const folder = mkdtempSync(join(tmpdir(), "try-"));
const certificate = makeCertificate(folder, "engine.example.net");
let sink: MailSink;
let running: Engine | null = null;
before(async () => {
  sink = await MailSink.start({ login });
});
beforeEach(() => {
  sink.received.length = 0;
  sink.answerRcpt = () => "accept";
});
after(async () => {
  await running?.stop();
  await sink.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** On a spool of its own, unless one is given: what an earlier one has not settled when it stops would be tried here. */
async function engine(
  predelivery: string,
  postdelivery = "Default();",
  spool = mkdtempSync(join(folder, "spool-")),
): Promise<Engine> {
  await running?.stop();
  running = await startEngine({
    folder: spool,
    server: `127.0.0.1:${sink.port}`,
    startup: { pki: { private: [{ id: "mine", cert: certificate.cert, key: certificate.key }] } },
    group: { retry: { count: 3, intervals: [{ interval: "1h" }] } },
    app: { scripting: { hooks: { predelivery, postdelivery } } },
  });
  return running;
}

test("sender and recipient are said in this attempt and forgotten behind it, also over a restart", async () => {
  const told = `Queue(["delay" => 3600, "reason" => "%s %s %s" % [$message["sender"], $message["recipient"], $message["jobid"]]]);`;
  const spool = mkdtempSync(join(folder, "kept-"));
  const first = await engine(
    `Try(["sender" => "other@example.org", "recipient" => ["localpart" => "eve", "domain" => "example.net"], "jobid" => "j1"]);`,
    told,
    spool,
  );
  sink.answerRcpt = (address) =>
    address === "eve@example.net" ? { code: 451, text: "4.7.1 later" } : "accept";
  await sendTo(first, "ann@example.net");
  const [entry] = await until(
    () => queuedIn(first),
    ([one]) => one?.attempts === 1,
  );
  assert.equal(entry?.lastReply, "other@example.org eve@example.net j1");
  assert.deepEqual([entry?.sender, entry?.recipient], ["news@example.org", "ann@example.net"]);
  const again = await engine("Try();", "Default();", spool);
  await again.admin("POST", "/v1/queue/retry", { recipientDomain: "example.net" });
  await sink.taken(1);
  const [mail] = sink.received;
  assert.deepEqual([mail?.sender, mail?.recipients], ["news@example.org", ["ann@example.net"]]);
});

test("what is said behind the addresses is the script's, but for what follows from the message", async (t) => {
  const host = await ScriptedHost.start();
  t.after(() => host.stop());
  const sender = `["localpart" => "", "domain" => "", "params" => ["size" => 1, "ENVID" => "x1", "XNEW" => none]]`;
  const recipient = `["localpart" => "eve", "domain" => "example.net", "params" => ["NOTIFY" => "SUCCESS,DELAY"]]`;
  const running = await engine(
    `Try(["server" => "127.0.0.1:${host.port}", "sender" => ${sender}, "recipient" => ${recipient}]);`,
  );
  await sendTo(running, "ann@example.net");
  await until(
    () => Promise.resolve(host.lines),
    (lines) => lines.includes("DATA"),
  );
  assert.deepEqual(
    host.lines
      .filter((line) => /^(?:MAIL|RCPT)/.test(line))
      .map((line) => line.replace(/SIZE=\d{2,}/, "SIZE=n")),
    ["MAIL FROM:<> SIZE=n ENVID=x1 XNEW", "RCPT TO:<eve@example.net> NOTIFY=SUCCESS,DELAY"],
  );
});

test("the null sender may be said, and recipients that get one address stay mails of their own", async () => {
  await sendTo(
    await engine(`Try(["sender" => "", "recipient" => "eve@example.net"]);`),
    "a@example.net",
    "b@example.net",
  );
  await sink.taken(2);
  assert.deepEqual(
    sink.received.map(({ sender, recipients }) => [sender, recipients]),
    [
      ["", ["eve@example.net"]],
      ["", ["eve@example.net"]],
    ],
  );
});

test("a script signs on and says hello by a name of its own", async () => {
  const mta = await engine(
    `Try(["saslusername" => "joe", "saslpassword" => "secret", "helo" => "said.example", "timeout" => ["MAIL" => 5], "connect_timeout" => 5]);`,
  );
  await sendTo(mta, "ann@example.net");
  await sink.taken(1);
  assert.equal(sink.received[0]?.helo, "said.example");
});

test("a certificate of the configuration is shown to a host that asks, and one that is not there puts off", async (t) => {
  const shown: string[] = [];
  const asking = await MailSink.start({
    tls: { ...certificate.pem, requestCert: true, rejectUnauthorized: false },
    onCertificate: (name) => shown.push(name),
  });
  t.after(() => asking.stop());
  const mta = await engine(
    `Try(["server" => "127.0.0.1:${asking.port}", "tls" => "require", "tls_client_cert" => $message["recipientaddress"]["localpart"] == "ann" ? "pki:mine" : "pki:other"]);`,
  );
  await sendTo(mta, "bob@example.net", "ann@example.net");
  await asking.taken(1);
  const [left] = await until(
    () => queuedIn(mta),
    (list) => list.length === 1,
  );
  assert.deepEqual(
    [left?.recipient, left?.lastReply],
    ["bob@example.net", "Put off by a script that failed"],
  );
  assert.deepEqual(shown, ["engine.example.net"]);
});

test("an address that is none puts the recipient off", async () => {
  const mta = await engine(`Try(["recipient" => "a b"]);`);
  await sendTo(mta, "ann@example.net");
  await until(
    () => queuedIn(mta),
    ([one]) => one?.lastReply === "Put off by a script that failed",
  );
  assert.equal(sink.received.length, 0);
});
