/** Notices in a mailbox that notmuch threads, as mail clients built on it do: by References and In-Reply-To. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { makeMessage } from "../../testing/messages.ts";
import type { Notice } from "../queue/notifier.ts";
import { readOriginal } from "./original.ts";
import { makeReport } from "./report.ts";

const isThere = spawnSync("notmuch", ["--version"]).status === 0;
const skip = isThere ? false : "notmuch is not there (make setup)";

/** A mailbox of notmuch in a folder of its own. */
class Mailbox {
  readonly #folder: string;
  #count = 0;

  constructor(t: TestContext) {
    this.#folder = mkdtempSync(join(tmpdir(), "mailbox-"));
    t.after(() => rmSync(this.#folder, { recursive: true }));
    for (const name of ["cur", "new", "tmp"])
      mkdirSync(join(this.#folder, "mail", name), { recursive: true });
    const settings = `[database]\npath=${join(this.#folder, "mail")}\n[user]\nname=Ann\nprimary_email=ann@example.org\n`;
    writeFileSync(join(this.#folder, "config"), `${settings}[new]\ntags=\n[search]\n`);
  }

  put(message: Buffer): void {
    writeFileSync(join(this.#folder, "mail", "cur", `${++this.#count}:2,S`), message);
  }

  /** Ids of messages by thread, in order of their thread's first message; ids within in order. */
  threads(): string[][] {
    this.#run("new", "--no-hooks");
    const threads = this.#run("search", "--output=threads", "--sort=oldest-first", "*");
    return threads.map((thread) => this.#run("search", "--output=messages", thread).sort());
  }

  #run(...args: string[]): string[] {
    const env = { ...process.env, NOTMUCH_CONFIG: join(this.#folder, "config") };
    const { status, stdout, stderr } = spawnSync("notmuch", args, { env, encoding: "utf8" });
    assert.equal(status, 0, stderr);
    return stdout.split("\n").filter((line) => line !== "");
  }
}

function mail(id: string, fields: readonly string[] = []): Buffer {
  const header = [
    "From: Ann <ann@example.org>",
    "Subject: the same for all",
    `Message-ID: <${id}>`,
    ...fields,
  ];
  return Buffer.from([...header, "", "text", ""].join("\r\n"));
}

function notice(kind: Notice["kind"], of: Buffer, id: string): Buffer {
  const message = makeMessage({ sender: "ann@example.org", recipients: ["bob@example.net"] });
  const outcome = { kind: "failed", status: "5.1.1", reply: "550 5.1.1 nobody", remoteMta: "mx" } as const;
  const facts = { hostname: "mta.example.test", id, now: 1_800_000_600_000 };
  const told: Notice = { kind, message, recipients: [{ index: 0, outcome }], retryUntil: 1_800_400_000_000 };
  return makeReport({ ...facts, notice: told, original: readOriginal(of) });
}

test("every kind of notice stands in the thread of its message, and in no other", { skip }, (t) => {
  const mailbox = new Mailbox(t);
  const first = mail("first@example.org");
  const answer = mail("answer@example.org", [
    "In-Reply-To: <question@example.net>",
    "References: <start@example.net> <question@example.net>",
  ]);
  for (const message of [first, answer, mail("other@example.org")]) mailbox.put(message);
  mailbox.put(notice("failed", first, "N1"));
  mailbox.put(notice("delayed", answer, "N2"));
  mailbox.put(notice("failed", answer, "N3"));
  mailbox.put(notice("relayed", answer, "N4"));
  mailbox.put(notice("delivered", answer, "N5"));
  const ids = (...names: string[]): string[] => names.map((name) => `id:${name}`).sort();
  const own = (name: string): string => `${name}@mta.example.test`;
  assert.deepEqual(
    mailbox.threads().sort((a, b) => b.length - a.length),
    [
      ids("answer@example.org", ...["N2", "N3", "N4", "N5"].map(own)),
      ids("first@example.org", own("N1")),
      ids("other@example.org"),
    ],
  );
});

test("a notice joins the thread though the message itself is not in the mailbox", { skip }, (t) => {
  const mailbox = new Mailbox(t);
  const question = mail("question@example.net");
  const answer = mail("answer@example.org", ["References: <question@example.net>"]);
  mailbox.put(question);
  mailbox.put(notice("failed", answer, "N1"));
  assert.deepEqual(mailbox.threads(), [["id:N1@mta.example.test", "id:question@example.net"]]);
});

test("a notice of a message without an id has a thread of its own", { skip }, (t) => {
  const mailbox = new Mailbox(t);
  mailbox.put(mail("other@example.org"));
  mailbox.put(notice("failed", Buffer.from("Subject: the same for all\r\n\r\ntext\r\n"), "N1"));
  assert.equal(mailbox.threads().length, 2);
});
