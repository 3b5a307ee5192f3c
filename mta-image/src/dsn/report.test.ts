import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import PostalMime, { type Email } from "postal-mime";

import { makeMessage } from "../../testing/messages.ts";
import type { Outcome } from "../queue/courier.ts";
import type { Notice } from "../queue/notifier.ts";
import { type Original, noOriginal, readOriginal } from "./original.ts";
import { makeReport, needsSmtpUtf8 } from "./report.ts";

const refused: Outcome = {
  kind: "failed",
  status: "5.1.1",
  reply:
    "550 5.1.1 <bob@example.net>: there is nobody of that name here, and there never was; ask the postmaster",
  remoteMta: "mx.example.net",
};
const unreachable: Outcome = {
  kind: "deferred",
  status: "4.4.1",
  reply: "Connection refused: ECONNREFUSED (192.0.2.1:25)",
  remoteMta: "",
};

const header =
  "Received: from a by b\r\nFrom: Ann <ann@example.org>\r\nMessage-ID: <third@example.org>\r\n" +
  "References: <first@example.org>\r\n <second@example.org>\r\nSubject: hello\r\n";
const original = readOriginal(Buffer.from(`${header}\r\nbody\r\n`));

interface Case {
  readonly kind?: Notice["kind"];
  readonly sender?: string;
  readonly recipients?: readonly string[];
  readonly outcomes?: readonly Outcome[];
  readonly original?: Original;
}

function report(options: Case = {}): { bytes: Buffer; notice: Notice } {
  const { kind = "failed", sender = "ann@example.org", recipients = ["bob@example.net"] } = options;
  const outcomes = options.outcomes ?? recipients.map(() => (kind === "failed" ? refused : unreachable));
  const message = makeMessage({ sender, recipients, receivedAt: 1_800_000_000_000 });
  const notice: Notice = {
    kind,
    message,
    recipients: outcomes.map((outcome, index) => ({ index, outcome })),
    retryUntil: kind === "delayed" ? 1_800_400_000_000 : null,
  };
  const facts = {
    notice,
    hostname: "mta.example.test",
    id: "01KC0000000000000000000000",
    now: 1_800_000_600_000,
  };
  return { bytes: makeReport({ ...facts, original: options.original ?? original }), notice };
}

const golden: Readonly<Record<string, Case>> = {
  failed: {},
  delayed: { kind: "delayed" },
  "failed-for-two": {
    recipients: ["bob@example.net", "eve@example.net"],
    outcomes: [refused, { ...unreachable, kind: "failed", status: "4.4.7" }],
  },
  "failed-utf8": { sender: "jörg@exämple.org", recipients: ["bjørn@example.net"] },
  "failed-without-original": { original: noOriginal },
};

test("fields that a script makes long are broken at spaces into lines that may be sent", () => {
  const encoded = "=?UTF-8?B?w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8w7zDvMO8?= ".repeat(13).trim();
  const words = {
    content: null,
    part: null,
    headers: [["Subject", encoded]] as const,
    subjectPrefix: "Alas: ".repeat(150),
    fromName: encoded,
    returnsOriginal: true,
  };
  const text = report({ outcomes: [{ ...refused, words }] }).bytes.toString();
  for (const line of text.split("\r\n")) assert.ok(Buffer.byteLength(line) <= 998, line);
  const unfolded = text.replaceAll("\r\n ", " ");
  assert.ok(unfolded.includes(`\r\nSubject: ${words.subjectPrefix}${encoded}\r\n`));
  assert.ok(unfolded.includes(`\r\nFrom: ${encoded} <MAILER-DAEMON@mta.example.test>\r\n`));
});

describe("a notice, to the byte", () => {
  for (const [name, options] of Object.entries(golden)) {
    test(`is as in testdata/${name}.eml`, () => {
      const path = new URL(`testdata/${name}.eml`, import.meta.url);
      const { bytes } = report(options);
      if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, bytes);
      assert.equal(bytes.toString(), readFileSync(path, "utf8"));
    });
  }
});

const parse = (bytes: Buffer): Promise<Email> => new PostalMime().parse(bytes);
const field = (mail: Email, name: string): string | undefined =>
  mail.headers.find(({ key }) => key === name.toLowerCase())?.value;

/** The attachment of a type, as text. */
function part(mail: Email, type: string): string {
  const found = mail.attachments.find(({ mimeType }) => mimeType === type);
  assert.ok(found, `no part ${type}: ${mail.attachments.map(({ mimeType }) => mimeType).join()}`);
  return typeof found.content === "string"
    ? found.content
    : Buffer.from(found.content as ArrayBuffer).toString();
}

describe("a mail reader", () => {
  test("finds text, status and header of the original", async () => {
    const mail = await parse(report().bytes);
    assert.equal(mail.from?.address, "MAILER-DAEMON@mta.example.test");
    assert.deepEqual(
      mail.to?.map(({ address }) => address),
      ["ann@example.org"],
    );
    assert.match(mail.text ?? "", /could not be delivered[\s\S]*<bob@example\.net>[\s\S]*there is nobody/);
    assert.match(part(mail, "message/delivery-status"), /^Reporting-MTA: dns; mta\.example\.test\r?\n/);
    assert.equal(part(mail, "text/rfc822-headers").trim(), header.replaceAll("\r\n", "\n").trim());
  });

  test("threads it under the original, behind all that came before", async () => {
    const mail = await parse(report().bytes);
    assert.equal(mail.inReplyTo, "<third@example.org>");
    assert.deepEqual(mail.references?.split(/\s+/), [
      "<first@example.org>",
      "<second@example.org>",
      "<third@example.org>",
    ]);
  });

  test("is told that a program wrote it", async () => {
    assert.equal(field(await parse(report().bytes), "Auto-Submitted"), "auto-replied");
  });

  test("is given no thread when the original has none", async () => {
    const mail = await parse(report({ original: noOriginal }).bytes);
    assert.equal(field(mail, "In-Reply-To"), undefined);
    assert.equal(field(mail, "References"), undefined);
  });
});

describe("the status fields", () => {
  test("are one block for the message and one for each recipient", () => {
    const text = report({ recipients: ["bob@example.net", "eve@example.net"] }).bytes.toString();
    const [, status = ""] = /message\/delivery-status\r\n.*?\r\n\r\n([\s\S]*?)\r\n--=_/.exec(text) ?? [];
    const blocks = status.trim().split("\r\n\r\n");
    assert.equal(blocks.length, 3);
    assert.match(
      blocks[1] ?? "",
      /^Final-Recipient: rfc822; bob@example\.net\r\nAction: failed\r\nStatus: 5\.1\.1\r\n/,
    );
    assert.match(blocks[2] ?? "", /^Final-Recipient: rfc822; eve@example\.net\r\n/);
  });

  test("say of text of our own that it is no reply of a host", () => {
    const text = report({ kind: "delayed" }).bytes.toString();
    assert.match(text, /Diagnostic-Code: x-mailfleet; Connection refused/);
    assert.match(text, /Action: delayed\r\nStatus: 4\.4\.1\r\n/);
    assert.match(text, /Will-Retry-Until: /);
  });
});

describe("what came from outside", () => {
  const hostile = "x\r\nBcc: <victim@example.com>\r\n\r\n--=_01KC0000000000000000000000--\r\n.\r\n";

  test("starts no line of its own", async () => {
    const outcome = { ...refused, reply: `550 ${hostile}`, remoteMta: hostile };
    const { bytes } = report({
      recipients: [`bob${hostile}@example.net`],
      sender: `ann${hostile}@example.org`,
      outcomes: [outcome],
    });
    assert.doesNotMatch(bytes.toString(), /^(?:Bcc|--=_01KC0000000000000000000000--x|\.\r?$)/m);
    assert.equal(field(await parse(bytes), "Bcc"), undefined);
  });

  test("is a thread only where it is made of ids", () => {
    const ids = (text: string): readonly string[] => readOriginal(Buffer.from(`${text}\r\n\r\n`)).references;
    assert.deepEqual(ids("Message-ID: nonsense"), []);
    assert.deepEqual(ids("Message-ID: <a@b>\r\nReferences: <c@d> junk <e f@g> <h@i>"), [
      "<c@d>",
      "<h@i>",
      "<a@b>",
    ]);
    assert.deepEqual(ids("Message-ID: <a@b>\r\nIn-Reply-To: <c@d>"), ["<c@d>", "<a@b>"]);
    assert.deepEqual(ids("Message-ID: <a@b>\r\nReferences: <a@b>"), ["<a@b>"]);
    const many = Array.from({ length: 500 }, (_, i) => `<${i}@x>`).join("\r\n ");
    const bounded = ids(`Message-ID: <a@b>\r\nReferences: ${many}`);
    assert.equal(bounded.length, 20);
    assert.deepEqual([bounded[0], bounded.at(-1)], ["<0@x>", "<a@b>"]);
  });

  test("is a thread only where no control byte and no broken UTF-8 hides in its ids", () => {
    const ids = (bytes: Buffer): readonly string[] => readOriginal(bytes).references;
    for (const odd of ["\0", "\x1b", "\x7f", "\u0085", "\u2028"])
      assert.deepEqual(ids(Buffer.from(`Message-ID: <a${odd}b@c>\r\n\r\n`)), []);
    assert.deepEqual(ids(Buffer.from("Message-ID: <w\xf6rter@c>\r\n\r\n", "latin1")), []);
    const long = `<${"ö".repeat(200)}@${"あ".repeat(200)}>`;
    assert.deepEqual(ids(Buffer.from(`Message-ID: <a@b>\r\nReferences: ${long}\r\n\r\n`)), ["<a@b>"]);
  });

  test("is cut where a header never ends", () => {
    const endless = readOriginal(Buffer.from(`Subject: ${"x".repeat(60_000)}\r\nTo: a@b\r\n\r\n`));
    assert.ok(endless.headers.length <= 50_000);
    assert.ok(endless.headers.length === 0 || endless.headers.toString().endsWith("\r\n"));
  });
});

test("lines stay within what SMTP carries", () => {
  for (const options of Object.values(golden)) {
    for (const line of report(options).bytes.toString().split("\r\n")) assert.ok(line.length <= 998);
  }
});

test("only a sender beyond ASCII asks for SMTPUTF8", () => {
  const needs = (options: Case): boolean => needsSmtpUtf8(report(options).notice);
  assert.equal(needs({}), false);
  assert.equal(needs({ recipients: ["bjørn@example.net"] }), false);
  assert.equal(needs({ sender: "jörg@exämple.org" }), true);
  assert.equal(needs({ sender: "ann@exämple.org" }), false);
});

test("a sender of whom only the domain is beyond ASCII is written to in ASCII", async () => {
  const { bytes } = report({ sender: "ann@exämple.org" });
  assert.ok(bytes.every((byte) => byte < 128));
  const mail = await parse(bytes);
  assert.deepEqual(
    mail.to?.map(({ address }) => address),
    ["ann@xn--exmple-cua.org"],
  );
});

describe("a message whose ids are beyond ASCII", () => {
  const global = readOriginal(
    Buffer.from("Message-ID: <wörter@exämple.org>\r\nReferences: <first@example.org> <zwölf@b>\r\n\r\n"),
  );

  test("has its notice in its thread, for a sender that is beyond ASCII too", async () => {
    const { bytes } = report({ sender: "jörg@exämple.org", original: global });
    assert.ok(bytes.includes("\r\nIn-Reply-To: <wörter@exämple.org>\r\n"));
    const mail = await parse(bytes);
    assert.deepEqual(mail.references?.split(/\s+/), [
      "<first@example.org>",
      "<zwölf@b>",
      "<wörter@exämple.org>",
    ]);
  });

  test("has a notice that any host takes, for a sender in ASCII: with the ids that it can carry", async () => {
    const { bytes } = report({ original: global });
    const [head = ""] = bytes.toString("latin1").split("\r\n\r\n");
    assert.match(head, /^[\x00-\x7f]*$/);
    const mail = await parse(bytes);
    assert.deepEqual([mail.inReplyTo, mail.references], [undefined, "<first@example.org>"]);
  });
});

test("a notice with eight bits in any part says so of the whole (RFC 2045 6.4)", () => {
  const encoding = (options: Case): string | undefined =>
    /^Content-Transfer-Encoding: (\w+)/m.exec(
      report(options).bytes.toString().split("\r\n\r\n")[0] ?? "",
    )?.[1];
  const raw = readOriginal(Buffer.from("Subject: grüße\r\n\r\n"));
  assert.deepEqual([encoding({}), encoding({ original: raw })], [undefined, "8bit"]);
});

test("a sender in ASCII hears of a recipient that is not by any host: parts are encoded", async () => {
  const { bytes } = report({ recipients: ["bjørn@example.net"] });
  assert.ok(bytes.every((byte) => byte < 128));
  const mail = await parse(bytes);
  assert.match(mail.text ?? "", /<bjørn@example\.net>/);
  assert.match(part(mail, "message/global-delivery-status"), /Final-Recipient: utf-8; bjørn@example\.net/);
  assert.match(part(mail, "message/global-headers"), /^Message-ID: <third@example\.org>/im);
});
