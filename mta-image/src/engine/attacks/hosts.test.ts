/**
 * Entries 82, 83, 99 and 100 of docs/hostile-input.md on one engine each: hosts that answer nonsense, without end or not
 * at all, and hosts that cannot take what a message is. The mail waits or comes back; once the host is well, it arrives.
 */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";

import { AttackRig } from "../../../testing/attack-rig.ts";
import { queuedIn } from "../../../testing/engine-mail.ts";
import type { EngineOptions } from "../../../testing/harness.ts";
import { type Asked, type HostReply, ScriptedHost } from "../../../testing/scripted-host.ts";
import { until } from "../../../testing/until.ts";

interface Nonsense {
  readonly entry: number;
  readonly what: string;
  readonly answer: (asked: Asked) => HostReply;
  /** The reason for which the mail waits; null: it is delivered all the same. */
  readonly waits: RegExp | null;
  /** The host may have taken it, and gets it twice. */
  readonly isUnclear?: boolean;
  /** How much time has to go by. */
  readonly afterMs?: number;
}

const to =
  (start: string, reply: HostReply): Nonsense["answer"] =>
  ({ line }) =>
    (start === "" ? line === "" : line.startsWith(start)) ? reply : undefined;
const broken = /does not speak SMTP properly/;
const ESCAPES = "451 4.7.1 \x1b[31mred\x00\x07\x9b later\r\n";

const nonsense: readonly Nonsense[] = [
  {
    entry: 99,
    what: "a reply of a megabyte",
    answer: to("MAIL", `250 ${"x".repeat(1_000_000)}\r\n`),
    waits: broken,
  },
  {
    entry: 99,
    what: "a reply of 100,000 lines",
    answer: to("MAIL", `${"250-x\r\n".repeat(100_000)}250 x\r\n`),
    waits: broken,
  },
  { entry: 99, what: "a reply with two codes", answer: to("RCPT", "250-x\r\n550 y\r\n"), waits: broken },
  { entry: 99, what: "a reply without text", answer: to("RCPT", "250\r\n"), waits: null },
  { entry: 99, what: "the code 099", answer: to("MAIL", "099 x\r\n"), waits: broken },
  { entry: 99, what: "the code 700", answer: to("MAIL", "700 x\r\n"), waits: broken },
  { entry: 99, what: "a line that is no reply", answer: to("DATA", "hello\r\n"), waits: broken },
  {
    entry: 99,
    what: "control bytes in a reply",
    answer: to("RCPT", ESCAPES),
    waits: /^451 4\.7\.1 [ -~]*red[ -~]* later/,
  },
  { entry: 99, what: "354 to MAIL", answer: to("MAIL", "354 go on\r\n"), waits: /354|properly/ },
  {
    entry: 99,
    what: "more replies than commands",
    answer: to("", "220 x\r\n250 y\r\n250 z\r\n"),
    waits: broken,
  },
  {
    entry: 99,
    what: "a reply behind that to QUIT",
    answer: to("QUIT", "221 bye\r\n250 more\r\n"),
    waits: null,
  },
  {
    entry: 100,
    what: "capabilities that make no sense",
    answer: to(
      "EHLO",
      "250-h\r\n250-SIZE x\r\n250-PIPELINING\r\n250-LIMITS RCPTMAX=0 MAILMAX=-1\r\n250 SIZE 0\r\n",
    ),
    waits: null,
  },
  {
    entry: 100,
    what: "a thousand capabilities",
    answer: to("EHLO", `${"250-X\r\n".repeat(1000)}250 X\r\n`),
    waits: broken,
  },
  {
    entry: 100,
    what: "a host that does not greet for ten minutes",
    answer: to("", "silence"),
    waits: /^Timed out waiting for a reply/,
    afterMs: 600_000,
  },
  {
    entry: 100,
    what: "a host that is silent behind the end of data",
    answer: to(".", "silence"),
    waits: /^Timed out waiting for a reply \(after the end of data\)/,
    isUnclear: true,
    afterMs: 620_000,
  },
];

async function start(t: TestContext, options: Partial<EngineOptions> = {}): Promise<AttackRig> {
  const rig = await AttackRig.start(options);
  // One command at a time, so that none stands behind a refusal.
  rig.host.keywords = ["8BITMIME", "SMTPUTF8"];
  t.after(() => rig.stop());
  return rig;
}

async function send(
  rig: AttackRig,
  text = "Subject: x\r\n\r\nhello\r\n.",
  sender = "<news@example.org>",
): Promise<void> {
  const client = await rig.reach("greeted");
  assert.match(await client.ask(`MAIL FROM:${sender}`), /^250 /);
  assert.match(await client.ask("RCPT TO:<ann@here.example>"), /^250 /);
  assert.match(await client.ask("DATA"), /^354 /);
  assert.match(await client.ask(Buffer.from(`${text}\r\n`, "latin1")), /^250 /);
  client.socket.destroy();
}

for (const { entry, what, answer, waits, isUnclear = false, afterMs = 0 } of nonsense) {
  test(`${entry} ${what}`, async (t) => {
    const rig = await start(t);
    const { host, engine } = rig;
    host.answer = answer;
    await send(rig);
    rig.took(isUnclear ? 2 : 1);
    if (waits === null) return rig.assertServes();
    if (afterMs > 0) {
      await until(
        () => [host.connections, host.messages.length],
        ([connections = 0, messages = 0]) => connections > 0 && (!isUnclear || messages > 0),
      );
      for (let left = afterMs; left > 0; left -= 10_000) await rig.pass(10_000);
    }
    const [entryInQueue] = await until(
      () => queuedIn(engine),
      ([first]) => first !== undefined && first.attempts >= 1 && first.lastReply !== null,
    );
    assert.match(entryInQueue?.lastReply ?? "", waits);
    host.answer = () => undefined;
    await engine.admin("POST", "/v1/queue/retry", { recipientDomain: "here.example" });
    await rig.assertServes();
  });
}

test("99 control bytes of a refusal do not reach the notice", async (t) => {
  const rig = await start(t);
  rig.host.answer = to("RCPT TO:<ann@", "550 5.7.1 \x1b[31mno\x00\x07\x9bway\r\n");
  await send(rig);
  await until(
    () => rig.host.messages.length,
    (count) => count === 1,
  );
  const [notice = ""] = rig.host.messages;
  assert.match(notice, /Diagnostic-Code: smtp; 550 5\.7\.1 [ -~]*no[ -~]*way/);
  assert.doesNotMatch(notice, /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xff]/);
  rig.took(1);
  rig.host.answer = () => undefined;
  await rig.assertServes();
});

for (const said of ["", " BODY=8BITMIME"]) {
  test(`82 eight bits travel as they are to a host that takes none, by MAIL${said}`, async (t) => {
    const rig = await start(t);
    rig.host.keywords = [];
    await send(rig, "Subject: x\r\n\r\n\xff\xfe\r\n.", `<news@example.org>${said}`);
    rig.took(1);
    await rig.assertServes();
    assert.match(rig.host.messages[0] ?? "", /\r\n\r\n\xff\xfe\r\n$/);
    assert.ok(!rig.host.lines.some((line) => line.includes("BODY=")));
  });
}

test("83 mail that needs SMTPUTF8 comes back from a host that has none of it", async (t) => {
  const home = await ScriptedHost.start();
  t.after(() => home.stop());
  const notices = { id: "notices", connection: { server: `127.0.0.1:${home.port}` } };
  const rig = await start(t, {
    group: { dsn: { transport: "notices" }, transports: [{ id: "default" }, notices] },
  });
  rig.host.keywords = ["8BITMIME"];
  await send(rig, "Subject: \xc3\xb6\r\n\r\nhello\r\n.", "<news@example.org> SMTPUTF8");
  await until(
    () => home.messages.length,
    (count) => count === 1,
  );
  assert.match(home.messages[0] ?? "", /\r\nStatus: 5\.6\.7\r\n/);
  await rig.assertServes();
});
