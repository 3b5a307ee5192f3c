import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { silentLog } from "#base/log.ts";
import { makeId } from "#base/ids.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeCourier, outcome } from "../../testing/fake-courier.ts";
import { makeEnvelope, makeMessage, someOrigin } from "../../testing/messages.ts";
import { makeReport } from "../dsn/report.ts";
import { noOriginal } from "../dsn/original.ts";
import type { Intake } from "../intake/intake.ts";
import { Feedback } from "./feedback.ts";
import type { Finding } from "./findings.ts";
import { isSealedFor, makeReturnPath, readReturnPath } from "./return-path.ts";

const key = "a key that is long enough";
const domain = "bounces.example.org";

async function rig(
  t: TestContext,
): Promise<{ feedback: Feedback; findings: Finding[]; passed: string[]; door: Intake }> {
  const folder = mkdtempSync(join(tmpdir(), "feedback-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const secretfile = join(folder, "key");
  writeFileSync(secretfile, `${key}\n`);
  const findings: Finding[] = [];
  const passed: string[] = [];
  const feedback = new Feedback({
    clock: new ManualClock(),
    log: silentLog,
    found: (one) => findings.push(one),
  });
  (await feedback.prepare({ domains: [domain], returnpath: { domain, secretfile } }))();
  const door = feedback.before({
    begin: (envelope) => {
      passed.push(...envelope.recipients);
      const accepted = { kind: "accepted", id: "x" } as const;
      return { id: "x", write: () => null, commit: async () => accepted, abort: () => {} };
    },
  });
  return { feedback, findings, passed, door };
}

async function send(door: Intake, to: string, text: string | Buffer): Promise<string> {
  const reception = door.begin(makeEnvelope({ sender: "", recipients: [to] }), someOrigin);
  for (const byte of [...Buffer.from(text)]) void reception.write(Buffer.from([byte]));
  const result = await reception.commit();
  return result.kind === "accepted" ? "accepted" : `${result.reply.code} ${result.reply.enhanced}`;
}

/** A report as another engine of ours would write it about the recipient. */
function reportAbout(recipient: string): Buffer {
  const message = makeMessage({ recipients: [recipient] });
  const said = outcome("failed", "550 5.1.1 No such user", "5.1.1");
  const notice = {
    kind: "failed",
    message,
    recipients: [{ index: 0, outcome: said }],
    retryUntil: null,
  } as const;
  return makeReport({ notice, original: noOriginal, hostname: "mx.far.example", id: makeId(1), now: 0 });
}

const complaintAbout = (path: string, to: string): string =>
  [
    "From: fbl@provider.example",
    'Content-Type: multipart/report; report-type=feedback-report; boundary="b"',
    "",
    "--b",
    "Content-Type: text/plain",
    "",
    "A complaint.",
    "--b",
    "Content-Type: message/feedback-report",
    "",
    "Feedback-Type: abuse",
    "User-Agent: Provider/1",
    "Version: 1",
    `Original-Mail-From: <${path}>`,
    "Original-Rcpt-To: redacted",
    "Source-IP: 192.0.2.1",
    "",
    "--b",
    "Content-Type: message/rfc822",
    "",
    `To: Ann <${to}>`,
    "Subject: buy",
    "",
    "text",
    "--b--",
    "",
  ].join("\r\n");

test("mail leaves with a return path for each recipient, and outcomes keep their order", async (t) => {
  const { feedback } = await rig(t);
  const inner = new FakeCourier();
  inner.answer = (address) => outcome(address.startsWith("bob") ? "failed" : "delivered");
  const courier = feedback.courierBefore(inner);
  const message = makeMessage({ recipients: ["ann@x.net", "bob@x.net"] });
  const destination = { key: "d", transportId: "out", domain: "x.net", tenantId: "acme" };
  const outcomes = await courier.deliver({ destination, message, recipients: [0, 1] });
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ["delivered", "failed"],
  );
  for (const [i, { message: sent }] of inner.attempts.entries()) {
    const path = readReturnPath(sent.envelope.sender);
    assert.ok(path !== null && sent.envelope.sender.indexOf("@") <= 64);
    assert.deepEqual([path.messageId, path.tenant], [message.id, "acme"]);
    const seals = ["ann@x.net", "bob@x.net"].map((one) => isSealedFor(path, one, Buffer.from(key)));
    assert.deepEqual(seals, [i === 0, i === 1]);
  }
  await courier.deliver({ destination, message: makeMessage({ sender: "" }), recipients: [0] });
  assert.equal(inner.attempts.at(-1)?.message.envelope.sender, "");
});

test("a report that comes to a return path is a finding, verified for the recipient of that path alone", async (t) => {
  const { door, findings } = await rig(t);
  const messageId = makeId(5);
  const path = makeReturnPath(
    { messageId, tenant: "acme", recipient: "ann@x.net" },
    Buffer.from(key),
    domain,
  );
  assert.equal(await send(door, path.toLowerCase(), reportAbout("Ann@X.net")), "accepted");
  assert.equal(await send(door, path, reportAbout("victim@x.net")), "accepted");
  assert.deepEqual(
    findings.map(({ type, messageId: id, tenant, recipient, verified, status }) => [
      type,
      id,
      tenant,
      recipient,
      verified,
      status,
    ]),
    [
      ["bounced-later", messageId, "acme", "Ann@X.net", true, "5.1.1"],
      ["bounced-later", messageId, "acme", "victim@x.net", false, "5.1.1"],
    ],
  );
  assert.match(findings[0]?.reply ?? "", /550 5\.1\.1 No such user/);
});

test("a complaint whose recipient was blotted out is known by the message that it returns", async (t) => {
  const { door, findings } = await rig(t);
  const messageId = makeId(6);
  const path = makeReturnPath({ messageId, tenant: "", recipient: "ann@x.net" }, Buffer.from(key), domain);
  assert.equal(await send(door, `fbl@${domain}`, complaintAbout(path, "ann@x.net")), "accepted");
  assert.equal(await send(door, `fbl@${domain}`, complaintAbout(path, "other@x.net")), "accepted");
  assert.deepEqual(
    findings.map(({ type, action, messageId: id, recipient, verified }) => [
      type,
      action,
      id,
      recipient,
      verified,
    ]),
    [
      ["complained", "abuse", messageId, "ann@x.net", true],
      ["complained", "abuse", messageId, "other@x.net", false],
    ],
  );
});

test("what is no report is refused, other mail passes, and no hostile bytes do harm", async (t) => {
  const { door, findings, passed } = await rig(t);
  assert.equal(await send(door, `fbl@${domain}`, "Subject: hello\r\n\r\nI am on holiday.\r\n"), "550 5.6.0");
  assert.equal(await send(door, "ann@example.net", "Subject: hello\r\n\r\n"), "accepted");
  assert.deepEqual(passed, ["ann@example.net"]);
  const whole = complaintAbout("<>", "x");
  for (let cut = 0; cut < whole.length; cut += 7) await send(door, `fbl@${domain}`, whole.slice(0, cut));
  assert.ok(findings.every(({ verified }) => !verified));
});

test("a key that is too short or not there is named", async () => {
  const feedback = new Feedback({ clock: new ManualClock(), log: silentLog, found: () => {} });
  const wrong = feedback.prepare({ domains: [domain], returnpath: { domain, secretfile: "/nowhere/key" } });
  await assert.rejects(wrong, { code: "feedback-secret-unusable", message: /\/nowhere\/key/ });
});
