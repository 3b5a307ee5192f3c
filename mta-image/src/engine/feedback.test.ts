import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createTransport } from "nodemailer";

import { SuppressionPage } from "#contract/suppression-api.ts";
import { startEngine } from "../../testing/harness.ts";
import { MailSink } from "../../testing/mail-sink.ts";
import { until } from "../../testing/until.ts";

const domain = "bounces.example.org";

interface Rig {
  readonly send: (mail: object) => Promise<unknown>;
  /** Under which path mail to Ann left. */
  readonly returnPath: string;
  readonly events: (type: string) => readonly Record<string, unknown>[];
  readonly suppressed: () => Promise<readonly (readonly [string, string])[]>;
}

/** An engine that seals return paths, and that has delivered one message to Ann. */
async function rig(t: TestContext): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "feedback-"));
  const secretfile = join(folder, "key");
  writeFileSync(secretfile, "a key that is long enough");
  const path = join(folder, "events.log");
  const sink = await MailSink.start();
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
  await client.sendMail({ from: "boss@corp.test", to: "ann@far.test", subject: "one", text: "hi" });
  await sink.taken(1);
  return {
    send: (mail) => client.sendMail(mail),
    returnPath: sink.received[0]?.sender ?? "",
    events: (type) =>
      wholeLines(path)
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter((event) => event["type"] === type),
    suppressed: async () => {
      const { json } = await engine.admin("GET", "/v1/suppressions");
      return SuppressionPage.parse(json).entries.map(({ address, reason }) => [address, reason] as const);
    },
  };
}

/** Of a file that is being written, or will be soon. */
const wholeLines = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];

const once = (events: () => readonly unknown[]): Promise<unknown> =>
  until(
    () => events().length,
    (length) => length === 1,
  );

const reportOf = (type: string, ...parts: string[][]): string =>
  [
    "From: reports@far.test",
    `Content-Type: multipart/report; report-type=${type}; boundary="b"`,
    "",
    ...parts.flatMap((part) => ["--b", ...part, ""]),
    "--b--",
    "",
  ].join("\r\n");

test("mail leaves sealed, and the bounce that comes back later is told and keeps its recipient from more mail", async (t) => {
  const { send, returnPath, events, suppressed } = await rig(t);
  assert.match(returnPath, /^fb=.*@bounces\.example\.org$/);
  const raw = reportOf("delivery-status", [
    "Content-Type: message/delivery-status",
    "",
    "Reporting-MTA: dns; far.test",
    "",
    "Final-Recipient: rfc822; ann@far.test",
    "Action: failed",
    "Status: 5.1.1",
    "Diagnostic-Code: smtp; 550 5.1.1 unknown user",
  ]);
  await send({ envelope: { from: "", to: returnPath }, raw });
  await once(() => events("bounced-later"));
  const [event] = events("bounced-later");
  assert.deepEqual(
    [event?.["recipient"], event?.["verified"], event?.["class"]],
    ["ann@far.test", true, "bad-mailbox"],
  );
  assert.deepEqual(await suppressed(), [["ann@far.test", "bad-mailbox"]]);
  await send({ from: "boss@corp.test", to: "ann@far.test", subject: "two", text: "hi" });
  await once(() => events("bounced"));
  assert.equal(events("bounced")[0]?.["class"], "suppressed");
});

test("a complaint is told and keeps its recipient from more mail", async (t) => {
  const { send, returnPath, events, suppressed } = await rig(t);
  const raw = reportOf(
    "feedback-report",
    [
      "Content-Type: message/feedback-report",
      "",
      "Feedback-Type: abuse",
      "User-Agent: Provider/1",
      "Version: 1",
      `Original-Mail-From: <${returnPath}>`,
    ],
    ["Content-Type: message/rfc822", "", "To: Ann <ann@far.test>", "Subject: one", "", "hi"],
  );
  await send({ envelope: { from: "fbl@provider.test", to: `fbl@${domain}` }, raw });
  await once(() => events("complained"));
  assert.deepEqual(await suppressed(), [["ann@far.test", "complaint"]]);
  await send({ from: "boss@corp.test", to: "ann@far.test", subject: "two", text: "hi" });
  await once(() => events("bounced"));
  assert.equal(events("bounced")[0]?.["class"], "suppressed");
});
