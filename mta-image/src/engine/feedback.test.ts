import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createTransport } from "nodemailer";

import { SuppressionPage } from "#contract/suppression-api.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

test("mail leaves sealed, and the bounce that comes back later is told and keeps its recipient from more mail", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "feedback-"));
  const secretfile = join(folder, "key");
  writeFileSync(secretfile, "a key that is long enough");
  const path = join(folder, "events.log");
  const sink = await MailSink.start();
  const domain = "bounces.example.org";
  const engine = await startEngine({
    server: `127.0.0.1:${sink.port}`,
    appServer: { relaynetworks: ["127.0.0.1/32"] },
    app: {
      suppression: {},
      feedback: { domains: [domain], returnpath: { domain, secretfile } },
      events: { files: [{ path }] },
    },
  });
  const client = createTransport({ host: "127.0.0.1", port: engine.smtpPort, ignoreTLS: true });
  t.after(async () => {
    client.close();
    await engine.stop();
    await sink.stop();
    rmSync(folder, { recursive: true });
  });
  const events = (type: string): Record<string, unknown>[] =>
    readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((event) => event["type"] === type);
  await client.sendMail({ from: "boss@corp.test", to: "ann@far.test", subject: "one", text: "hi" });
  await sink.taken(1);
  const returnPath = sink.received[0]?.sender ?? "";
  assert.match(returnPath, /^fb=.*@bounces\.example\.org$/);

  const raw = [
    "From: MAILER-DAEMON@far.test",
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    "",
    "--b",
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; far.test",
    "",
    "Final-Recipient: rfc822; ann@far.test",
    "Action: failed",
    "Status: 5.1.1",
    "Diagnostic-Code: smtp; 550 5.1.1 unknown user",
    "",
    "--b--",
    "",
  ].join("\r\n");
  await client.sendMail({ envelope: { from: "", to: returnPath }, raw });
  await until(
    () => events("bounced-later").length,
    (length) => length === 1,
  );
  const [event] = events("bounced-later");
  assert.deepEqual(
    [event?.["recipient"], event?.["verified"], event?.["class"]],
    ["ann@far.test", true, "bad-mailbox"],
  );
  const { json } = await engine.admin("GET", "/v1/suppressions");
  assert.deepEqual(
    SuppressionPage.parse(json).entries.map(({ address, reason }) => [address, reason]),
    [["ann@far.test", "bad-mailbox"]],
  );
  await client.sendMail({ from: "boss@corp.test", to: "ann@far.test", subject: "two", text: "hi" });
  await until(
    () => events("bounced").length,
    (length) => length === 1,
  );
  assert.equal(events("bounced")[0]?.["class"], "suppressed");
});
