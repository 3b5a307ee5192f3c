import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { inMemory } from "../../testing/courier-rig.ts";
import { outcome } from "../../testing/fake-courier.ts";
import { makeMessage } from "../../testing/messages.ts";
import type { Intake, IntakeResult } from "../intake/intake.ts";
import type { Envelope, Origin } from "../message/envelope.ts";
import type { Notice } from "../queue/notifier.ts";
import type { Content } from "../spool/spool.ts";
import { MailNotifier } from "./mail-notifier.ts";

interface Sent {
  readonly envelope: Envelope;
  readonly origin: Origin;
  text: string;
}

function notifier(options: { result?: IntakeResult; read?: () => Promise<Content> } = {}): {
  sent: Sent[];
  notifier: MailNotifier;
} {
  const sent: Sent[] = [];
  const intake: Intake = {
    begin(envelope, origin) {
      const mail: Sent = { envelope, origin, text: "" };
      sent.push(mail);
      return {
        id: "notice",
        write(chunk) {
          mail.text += chunk.toString();
          return null;
        },
        commit: async () => options.result ?? { kind: "accepted", id: "notice" },
        abort() {},
      };
    },
  };
  const made = new MailNotifier({
    intake,
    read: options.read ?? (async () => inMemory("Message-ID: <a@example.org>\r\n\r\nbody\r\n")),
    clock: new ManualClock(),
    log: silentLog,
    hostname: () => "mta.example.test",
    transportFor: (id) => `notices of ${id}`,
  });
  return { sent, notifier: made };
}

function noticeFor(sender: string): Notice {
  return {
    kind: "failed",
    message: makeMessage({ sender }),
    recipients: [{ index: 0, outcome: outcome("failed") }],
    retryUntil: null,
  };
}

test("a notice goes from the null sender to the sender, by the transport for notices", async () => {
  const { sent, notifier: made } = notifier();
  await made.notify(noticeFor("ann@example.org"));
  assert.equal(sent.length, 1);
  assert.equal(sent[0]?.envelope.sender, "");
  assert.deepEqual(sent[0]?.envelope.recipients, ["ann@example.org"]);
  assert.equal(sent[0]?.envelope.transportId, "notices of out");
  assert.equal(sent[0]?.origin.kind, "notice");
  assert.match(sent[0]?.text ?? "", /\r\nIn-Reply-To: <a@example\.org>\r\n/);
});

test("a notice that scripts were told of has the id that they know in front of later ones, and no other has one", async () => {
  const { sent, notifier: made } = notifier();
  await made.notify({ ...noticeFor("ann@example.org"), transaction: "01ARZ3NDEKTSV4RRFFQ69G5FAV" });
  await made.notify(noticeFor("ann@example.org"));
  assert.deepEqual(
    sent.map(({ envelope }) => envelope.marks),
    [{ transaction: "01ARZ3NDEKTSV4RRFFQ69G5FAV", first: 1 }, undefined],
  );
});

test("what was to travel in TLS only comes back in TLS only, and a notice asks for none itself", async () => {
  const { sent, notifier: made } = notifier();
  const [secret, plain] = [true, undefined].map((requireTls) =>
    makeMessage({ sender: "ann@example.org", envelope: { ...(requireTls === true ? { requireTls } : {}) } }),
  );
  for (const message of [secret, plain]) {
    assert.ok(message);
    await made.notify({ ...noticeFor("ann@example.org"), message });
  }
  assert.deepEqual(
    sent.map(({ envelope }) => envelope.requireTls),
    [true, undefined],
  );
  for (const { envelope } of sent)
    assert.deepEqual(envelope.dsn?.recipients, [{ notify: ["NEVER"], orcpt: null }]);
});

test("mail from the null sender is never answered", async () => {
  const { sent, notifier: made } = notifier();
  await made.notify(noticeFor(""));
  assert.deepEqual(sent, []);
});

test("a message that cannot be read any more is still told of", async () => {
  const { sent, notifier: made } = notifier({ read: () => Promise.reject(new Error("damaged")) });
  await made.notify(noticeFor("ann@example.org"));
  assert.match(sent[0]?.text ?? "", /Final-Recipient: rfc822; ann@example\.net/);
});

test("a notice that was not stored rejects, so that the queue asks again", async () => {
  const result: IntakeResult = {
    kind: "refused",
    reply: { code: 452, enhanced: "4.3.1", text: "Insufficient system storage" },
  };
  await assert.rejects(notifier({ result }).notifier.notify(noticeFor("ann@example.org")), {
    code: "notice-refused",
  });
});
