import assert from "node:assert/strict";
import { test } from "node:test";
import PostalMime, { type Email } from "postal-mime";

import { ManualClock } from "#base/testing/manual-clock.ts";
import { silentLog } from "#base/log.ts";

import { makeMessage } from "../../testing/messages.ts";
import { outcome } from "../../testing/fake-courier.ts";
import type { DeliverBy, Envelope } from "../message/envelope.ts";
import type { NoticeKind, NoticeWishes } from "../message/notice-wishes.ts";
import { MailNotifier } from "./mail-notifier.ts";

const text = "Subject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nThe body.\r\n";

/** What the sender gets for a notice on all recipients. */
async function told(
  kind: NoticeKind,
  dsn: NoticeWishes | undefined,
  options: { recipients?: string[]; sizeBytes?: number; deliverBy?: DeliverBy } = {},
): Promise<{ envelope: Envelope; bytes: Buffer; mail: Email } | null> {
  const sent: { envelope: Envelope; pieces: Buffer[] }[] = [];
  const notifier = new MailNotifier({
    intake: {
      begin(envelope) {
        const pieces: Buffer[] = [];
        sent.push({ envelope, pieces });
        return {
          id: "x",
          write: (piece) => {
            pieces.push(piece);
            return null;
          },
          commit: async () => ({ kind: "accepted", id: "x" }),
          abort: () => {},
        };
      },
    },
    read: async () => ({ kind: "memory", bytes: Buffer.from(text) }),
    clock: new ManualClock(),
    log: silentLog,
    hostname: () => "mx.example.org",
    transportFor: (id) => id,
  });
  const { recipients = ["ann@example.net"], deliverBy } = options;
  await notifier.notify({
    kind,
    message: makeMessage({
      recipients,
      sizeBytes: options.sizeBytes ?? text.length,
      envelope: { dsn, deliverBy },
    }),
    recipients: recipients.map((_, index) => ({
      index,
      outcome: outcome(kind === "failed" ? "failed" : "delivered"),
    })),
    retryUntil: null,
  });
  const [one] = sent;
  if (one === undefined) return null;
  const bytes = Buffer.concat(one.pieces);
  return { envelope: one.envelope, bytes, mail: await PostalMime.parse(bytes) };
}

const wishes = (change: Partial<NoticeWishes>): NoticeWishes => ({
  ret: null,
  envid: null,
  recipients: [],
  ...change,
});

test("without a wish the sender hears of failures and delays and not of success", async () => {
  for (const [kind, hears] of [
    ["failed", true],
    ["delayed", true],
    ["relayed", false],
    ["delivered", false],
  ] as const) {
    assert.equal((await told(kind, undefined)) !== null, hears, kind);
  }
});

test("a sender hears what it asked for and nothing else", async () => {
  const table = [
    ["failed", ["NEVER"], false],
    ["delayed", ["NEVER"], false],
    ["relayed", ["NEVER"], false],
    ["failed", ["SUCCESS"], false],
    ["relayed", ["SUCCESS"], true],
    ["delivered", ["SUCCESS", "FAILURE"], true],
    ["delayed", ["FAILURE"], false],
    ["delayed", ["DELAY"], true],
  ] as const;
  for (const [kind, notify, hears] of table) {
    const got = await told(kind, wishes({ recipients: [{ notify, orcpt: null }] }));
    assert.equal(got !== null, hears, `${kind} ${notify.join()}`);
  }
});

test("a sender that follows its mail (RFC 2852, T) hears where it was passed on, unless it wants no notice at all", async () => {
  const deliverBy = { at: 0, mode: "notify", trace: true } as const;
  for (const [kind, notify, hears] of [
    ["relayed", null, true],
    ["relayed", ["FAILURE"], true],
    ["relayed", ["NEVER"], false],
    ["delayed", ["FAILURE"], false],
  ] as const) {
    const dsn = notify === null ? undefined : wishes({ recipients: [{ notify, orcpt: null }] });
    assert.equal((await told(kind, dsn, { deliverBy })) !== null, hears, `${kind} ${notify?.join()}`);
  }
});

test("a notice leaves out the recipients whose sender does not want to hear", async () => {
  const got = await told("failed", wishes({ recipients: [{ notify: ["NEVER"], orcpt: null }] }), {
    recipients: ["ann@example.net", "bob@example.net"],
  });
  assert.match(got?.bytes.toString() ?? "", /Final-Recipient: rfc822; bob@example\.net/);
  assert.doesNotMatch(got?.bytes.toString() ?? "", /ann@example\.net/);
});

test("a notice names the sender's transaction and recipient as the sender did", async () => {
  const recipients = [
    { notify: null, orcpt: "rfc822;Ann+2Bnews@example.net" },
    { notify: null, orcpt: "UTF-8;j\\x{F6}rg@example.net" },
  ];
  const got = await told("failed", wishes({ envid: "a+20b+2B", recipients }), {
    recipients: ["a@b.example", "c@b.example"],
  });
  const report = got?.bytes.toString() ?? "";
  assert.match(report, /\r\nOriginal-Envelope-Id: a b\+\r\nReporting-MTA: dns; mx\.example\.org\r\n/);
  assert.match(
    report,
    /\r\nOriginal-Recipient: rfc822; Ann\+news@example\.net\r\nFinal-Recipient: rfc822; a@b\.example\r\n/,
  );
  assert.match(
    report,
    /\r\nOriginal-Recipient: utf-8; j\\x\{F6\}rg@example\.net\r\nFinal-Recipient: rfc822; c@b\.example\r\n/,
  );
});

test("a failure returns the whole message when asked for, any other notice its header", async () => {
  const types = async (
    kind: NoticeKind,
    change: Partial<NoticeWishes>,
    sizeBytes?: number,
  ): Promise<string[]> => {
    const notify = ["SUCCESS", "FAILURE"] as const;
    const dsn = wishes({ recipients: [{ notify, orcpt: null }], ...change });
    const got = await told(kind, dsn, sizeBytes === undefined ? {} : { sizeBytes });
    return Array.from(
      got?.bytes.toString().matchAll(/^Content-Type: (message\/rfc822|text\/rfc822-headers)/gm) ?? [],
      (m) => m[1] ?? "",
    );
  };
  assert.deepEqual(await types("failed", { ret: "FULL" }), ["message/rfc822"]);
  assert.deepEqual(await types("failed", { ret: "HDRS" }), ["text/rfc822-headers"]);
  assert.deepEqual(await types("failed", {}), ["text/rfc822-headers"]);
  assert.deepEqual(await types("relayed", { ret: "FULL" }), ["text/rfc822-headers"]);
  assert.deepEqual(await types("failed", { ret: "FULL" }, 60_000), ["text/rfc822-headers"]);
});

test("the returned message is whole and byte for byte", async () => {
  const got = await told("failed", wishes({ ret: "FULL" }));
  assert.ok(got?.bytes.includes(`\r\n\r\n${text}\r\n--`));
});

test("a notice of success says who took the mail, and is never answered with one itself", async () => {
  const got = await told("relayed", wishes({ recipients: [{ notify: ["SUCCESS"], orcpt: null }] }));
  assert.equal(got?.envelope.sender, "");
  assert.deepEqual(got?.envelope.recipients, ["news@example.org"]);
  assert.deepEqual(got?.envelope.dsn?.recipients, [{ notify: ["NEVER"], orcpt: null }]);
  assert.equal(got?.mail.subject, "Mail was handed on");
  assert.match(got?.bytes.toString() ?? "", /\r\nAction: relayed\r\nStatus: 2\./);
});
