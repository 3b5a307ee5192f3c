/**
 * Scripts that go wrong in real sessions and around deliveries. Each goes wrong the first time only: its session gets its 4xx, the log has the place
 * and the script stack, and the session after it is served as if nothing had been.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { type TLSSocket, connect as connectTls, createSecureContext } from "node:tls";

import { systemClock } from "#base/clock.ts";

import { recipientFacts, wentWell } from "../../testing/delivery-facts.ts";
import { Lines } from "../../testing/dialogue.ts";
import { hooksOf, queueScriptsOf, testLimits } from "../../testing/hook-scripts.ts";
import { type LogLines, makeLogLines } from "../../testing/log-lines.ts";
import { Receiver } from "../../testing/receiver.ts";
import { libraryHost } from "../script/library/library.ts";
import type { Limits } from "../script/limits.ts";
import { MemorySource } from "../script/mail/pieces.ts";
import { makeHookFigures } from "./figures.ts";
import { type BeforeAnswer, QueueHooks } from "./queue-hooks.ts";
import { HookRunner } from "./runner.ts";
import { makeScriptHost } from "./script-host.ts";
import { type ScriptTexts, type ServerScripts, compileScripts, compileWhatCan } from "./scripts.ts";
import type { QueueHook, SessionHook } from "./stages.ts";

const read = (name: string): string =>
  readFileSync(new URL(`../session/testdata/${name}`, import.meta.url), "utf8");
const tls = createSecureContext({ cert: read("test-cert.pem"), key: read("test-key.pem") });

/** Line 2 of it is where it goes wrong, called in line 4. */
const failing = (wrong: string): string =>
  `function wrong() {\n  ${wrong}\n}\nif (memory_add("failed", true)) wrong();\n`;

async function withReceiver(
  hooks: ServerScripts,
  run: (receiver: Receiver, log: LogLines) => Promise<void>,
): Promise<void> {
  const log = makeLogLines();
  const credentials = { verify: async () => "right" as const };
  const settings = { hooks, implicitTls: true, credentials };
  const receiver = await Receiver.start({ tls, settings, scriptLog: log.log });
  try {
    await run(receiver, log);
    await receiver.untilIdle();
  } finally {
    await receiver.close();
  }
}

const commands = [
  "EHLO client.example.org",
  `AUTH PLAIN ${Buffer.from("\0ann\0secret").toString("base64")}`,
  "MAIL FROM:<news@example.org>",
  "RCPT TO:<ann@example.net>",
  "DATA",
  "Subject: x\r\n\r\nhello\r\n.",
  "QUIT",
];

/** Codes of all replies of one session, the greeting first; a refusal ends it. */
async function codes(receiver: Receiver): Promise<string[]> {
  const socket: TLSSocket = connectTls({
    port: receiver.port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
  });
  const client = new Lines(socket);
  const said = [(await client.reply()).slice(0, 3)];
  for (const command of commands) {
    if (/^[45]/.test(said.at(-1) ?? "")) break;
    said.push((await client.ask(command)).slice(0, 3));
  }
  socket.destroy();
  return said;
}

const served = ["220", "250", "235", "250", "250", "354", "250", "221"];

async function failedOnce(log: LogLines, receiver: Receiver): Promise<Readonly<Record<string, unknown>>> {
  const failures = () => log.lines.filter(({ msg }) => msg === "script-failed");
  await receiver.until(() => failures().length > 0, "the failure is logged");
  assert.equal(failures().length, 1);
  assert.match(String(failures()[0]?.["session"]), /^[0-9A-Z]{26}$/);
  return failures()[0] ?? {};
}

const refusals: readonly (readonly [Exclude<SessionHook, "disconnect">, string, string])[] = [
  ["connect", "421", ""],
  ["proxy", "451", ""],
  ["helo", "451", ""],
  ["auth", "454", ""],
  ["mailfrom", "451", "Done();"],
  ["rcptto", "451", "Done();"],
  ["eod", "451", ""],
];

describe("a script that throws", () => {
  for (const [hook, code, end] of refusals)
    test(`in ${hook} is answered ${code}, and the next session is served`, () =>
      withReceiver(hooksOf({ [hook]: failing(`throw "boom";`) + end }), async (receiver, log) => {
        assert.equal((await codes(receiver)).at(-1), code);
        const { at, stack, script, kind } = await failedOnce(log, receiver);
        assert.deepEqual([at, script, kind], [`${hook}/test:2:3`, `${hook}/test`, "thrown"]);
        assert.match(
          String(stack),
          new RegExp(`boom\\n +at wrong \\(${hook}/test:2:3\\)\\n +at main \\(${hook}/test:4:\\d+\\)`),
        );
        assert.deepEqual(await codes(receiver), served);
        assert.equal(receiver.hookFigures.errors[hook], 1);
      }));

  test("at disconnect has nobody to answer, and the next session is served", () =>
    withReceiver(hooksOf({ disconnect: failing(`throw "boom";`) }), async (receiver, log) => {
      assert.deepEqual(await codes(receiver), served);
      const { at } = await failedOnce(log, receiver);
      assert.equal(at, "disconnect/test:2:3");
      assert.deepEqual(await codes(receiver), served);
    }));
});

/** What goes wrong, how it goes wrong, and what the log says of it. */
const bad: readonly (readonly [string, string, string, RegExp])[] = [
  ["a loop without end", "forever { $x = 1; }", "budget", /steps/],
  ["recursion without end", "return 1 + wrong();", "budget", /deep/],
  ["a text that doubles without end", `$s = "x"; forever { $s .= $s; }`, "budget", /memory/],
  [
    "an array that takes all memory",
    `$l = []; forever { $l[] = str_repeat("x", 99999); }`,
    "budget",
    /memory/,
  ],
  [
    "a regular expression that never ends",
    `pcre_match("^(a|a)*$", "a" * 40 . "b"); pcre_match(''(x+x+)+y'', "x" * 60);`,
    "budget",
    /regular expression/,
  ],
  ["arrays within arrays", `$a = []; forever { $a = [$a]; $b = $a == [$a]; }`, "budget", /nested/],
  ["a sum of what is no number", `return 1 + "abc";`, "thrown", /\+ does not work on string/],
  ["a method of nothing", "$x = none; $x->call();", "thrown", /none/],
  ["a call of what is no function", `$f = "text"; $f();`, "thrown", /function/],
  ["a foreach over a number", "foreach (5 as $x) echo $x;", "thrown", /number/],
  ["a wrong type for a function", "str_split([], 1);", "thrown", /str_split/],
];

/** Here the memory is the first to end. */
const limits: Limits = { ...testLimits, steps: 100_000_000, cpuMs: 60_000, bytes: 1 << 24 };

describe("a script with", () => {
  for (const [what, wrong, kind, message] of bad)
    test(`${what} is ended with its place, and the next session is served`, () =>
      withReceiver(
        hooksOf({ mailfrom: failing(wrong) }, /memory/.test(String(message)) ? { limits } : {}),
        async (receiver, log) => {
          assert.equal((await codes(receiver)).at(-1), "451");
          const failure = await failedOnce(log, receiver);
          assert.match(String(failure["at"]), /^mailfrom\/test:[12]:\d+$/);
          assert.match(String(failure["stack"]), message);
          assert.match(String(failure["stack"]), /at wrong \(mailfrom\/test:[12]:\d+\)/);
          assert.equal(failure["kind"], kind);
          assert.deepEqual(await codes(receiver), served);
        },
      ));
});

const garbage = Buffer.from(Array.from({ length: 400 }, (_, at) => (at * 167 + 13) % 256)).toString("latin1");
const sources: readonly (readonly [string, string, RegExp])[] = [
  ["binary garbage", garbage, /^helo\/test:1:\d+: /],
  ["an import in a circle", `import { f } from "a.hsl"; f();`, /^b\.hsl:1:\d+: a\.hsl imports itself$/],
  ["an include in a circle", `include "c.hsl";`, /^c\.hsl:1:\d+: c\.hsl includes itself$/],
];

describe("a source that is", () => {
  for (const [what, text, reason] of sources) {
    const texts: ScriptTexts = {
      files: new Map([
        ["a.hsl", `import { f } from "b.hsl";`],
        ["b.hsl", `import { f } from "a.hsl"; function f() {}`],
        ["c.hsl", `include "c.hsl";`],
      ]),
      hooks: new Map([["helo/test", text]]),
      predelivery: null,
      postdelivery: null,
      servers: [{ id: "inbound", hooks: { helo: "test" }, rcptto: [] }],
      limits: testLimits,
      onError: "accept",
    };

    test(`${what} is refused with file, line and column`, () => {
      const problems = compileScripts(texts, makeScriptHost({ libraryHost }));
      assert.ok("length" in problems && problems.length > 0);
      assert.ok(
        problems.some((problem) => reason.test(problem.reason)),
        problems[0]?.reason ?? "no problem",
      );
    });

    test(`${what} defers the sessions of an engine that starts with it`, () => {
      const { scripts } = compileWhatCan(texts, makeScriptHost({ libraryHost }));
      const hooks = scripts.servers.get("inbound");
      assert.ok(hooks !== undefined);
      return withReceiver(hooks, async (receiver) => {
        for (let session = 0; session < 2; session++) assert.deepEqual(await codes(receiver), ["220", "451"]);
      });
    });
  }
});

describe("around a delivery, a script that throws", () => {
  const facts = recipientFacts(new MemorySource(Buffer.from("x")), 1);

  function hooksFor(hook: QueueHook, log: LogLines, wrong = `throw "boom";`): QueueHooks {
    const scripts = queueScriptsOf({ [hook]: `${failing(wrong)} ${end[hook]}` });
    const runner = new HookRunner({
      clock: systemClock,
      random: () => 0.5,
      log: log.log,
      figures: makeHookFigures(),
      hostname: () => "mx.example.org",
      hasTransport: () => true,
    });
    return new QueueHooks(() => scripts, runner);
  }

  const end: Readonly<Record<QueueHook, string>> = { predelivery: "Delete();", postdelivery: "Queue();" };

  function failureOf({ lines }: LogLines): Readonly<Record<string, unknown>> {
    const failures = lines.filter(({ msg }) => msg === "script-failed");
    assert.equal(failures.length, 1);
    assert.equal(failures[0]?.["message"], facts.transaction);
    return failures[0] ?? {};
  }

  /** For five minutes, and none of the schedule's tries is used up. */
  const putOff: BeforeAnswer = {
    kind: "queue",
    delayMs: 300_000,
    counted: "same",
    isHeld: false,
    transportId: null,
    reason: "Put off by a script that failed",
    words: null,
    context: null,
    metadata: null,
  };

  test("in predelivery puts the recipient off, and the next one is decided on", async () => {
    const log = makeLogLines();
    const hooks = hooksFor("predelivery", log);
    assert.deepEqual(await hooks.before(facts), putOff);
    assert.equal(failureOf(log)["at"], "predelivery:2:3");
    assert.match(String(failureOf(log)["stack"]), /boom\n +at wrong \(predelivery:2:3\)\n +at main/);
    assert.equal((await hooks.before(facts)).kind, "delete");
  });

  test("in predelivery and wishes what makes no sense puts the recipient off as long", async () => {
    const log = makeLogLines();
    const hooks = hooksFor("predelivery", log, `Queue(["transportid" => 7, "delay" => 1]);`);
    assert.deepEqual(await hooks.before(facts), putOff);
    assert.equal(failureOf(log)["stack"], "transportid is no transport");
  });

  test("in postdelivery leaves the outcome as it is, and the next one is decided on", async () => {
    const log = makeLogLines();
    const hooks = hooksFor("postdelivery", log);
    assert.equal((await hooks.after(facts, wentWell, null)).kind, "default");
    assert.equal(failureOf(log)["at"], "postdelivery:2:3");
    assert.match(String(failureOf(log)["stack"]), /boom\n +at wrong \(postdelivery:2:3\)\n +at main/);
    assert.equal((await hooks.after(facts, wentWell, null)).kind, "queue");
  });

  test("behind Default() throws nothing: the script has ended", async () => {
    const log = makeLogLines();
    const hooks = hooksFor("postdelivery", log, `Default(); throw "boom";`);
    assert.equal((await hooks.after(facts, wentWell, null)).kind, "default");
    assert.deepEqual(log.lines, []);
    assert.equal((await hooks.after(facts, wentWell, null)).kind, "queue");
  });
});
