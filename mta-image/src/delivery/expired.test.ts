/** What scripts hear of mail whose sender's time is over (DELIVERBY by return, RFC 2852), and what they may make of it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "#base/testing/manual-clock.ts";

import { FakeCourier, outcome } from "../../testing/fake-courier.ts";
import type { FakeNotifier } from "../../testing/fake-notifier.ts";
import { Lines } from "../../testing/dialogue.ts";
import { startEngine } from "../../testing/harness.ts";
import { queueScriptsOf } from "../../testing/hook-scripts.ts";
import { makeLogLines } from "../../testing/log-lines.ts";
import { makeMessage } from "../../testing/messages.ts";
import { ScriptedHost } from "../../testing/scripted-host.ts";
import { settle, setUp } from "../../testing/queue-rig.ts";
import { until } from "../../testing/until.ts";
import { makeHookFigures } from "../hooks/figures.ts";
import { QueueHooks } from "../hooks/queue-hooks.ts";
import { HookRunner } from "../hooks/runner.ts";
import { HookedCourier } from "./hooked-courier.ts";

interface Heard {
  /** What the script behind attempts was told, a line each time. */
  readonly lines: readonly string[];
  /** How often the mail was tried. */
  readonly tries: number;
  readonly notifier: FakeNotifier;
  readonly left: number;
}

/** Mail that is wanted back in 90 seconds is put off at each try, a minute apart; the first may take longer than that. */
async function hear(postdelivery: string, { isSlow = false, count = 30 } = {}): Promise<Heard> {
  const clock = new ManualClock();
  const inner = new FakeCourier();
  inner.answer = () => outcome("deferred");
  if (isSlow) inner.hold();
  const schedule = { count, intervals: [{ delayMs: 60_000, notify: false }] };
  const { log, lines } = makeLogLines();
  const scripts = queueScriptsOf({
    postdelivery: `$a = $arguments;
      echo "%s %s %s %s" % [$a["action"], json_encode($a["expired"]), isset($a["attempt"]) ? "tried" : "untried",
        json_encode($a["dsn"]["status"])];
      ${postdelivery}`,
  });
  const facts = { hostname: () => "mx.example.org", hasTransport: () => true, figures: makeHookFigures() };
  const runner = new HookRunner({ clock, random: () => 0.5, log, ...facts });
  const courier = new HookedCourier({
    inner,
    clock,
    hooks: new QueueHooks(() => scripts, runner),
    read: () => Promise.reject(new Error("nobody reads it")),
    sourceAddress: () => null,
    bind: () => -1,
    addressId: () => null,
    scheduleOf: () => schedule,
    plugins: { order: () => ({ id: "", args: null, timeoutMs: 0 }), value: () => null },
  });
  const { queue, notifier } = setUp({ courier, clock, scheduleFor: () => schedule });
  const deliverBy = { at: clock.now() + 90_000, mode: "return", trace: false } as const;
  queue.add(makeMessage({ recipients: ["ann@example.net"], envelope: { deliverBy } }));
  for (let i = 0; i < 10; i++) {
    await settle();
    clock.advance(30_000);
    if (i === 5) inner.release();
  }
  await settle();
  const said = lines.filter(({ msg }) => msg === "script-echo").map(({ line }) => String(line));
  return { lines: said, tries: inner.attempts.length, notifier, left: queue.figures().total };
}

const PUT_OFF = "QUEUE false tried [4,7,1]";

test("mail that nobody tries any more, for its time is over, is told of as a bounce without an attempt", async () => {
  const { lines, tries, notifier, left } = await hear("");
  assert.deepEqual(lines, [PUT_OFF, PUT_OFF, "BOUNCE true untried [5,4,7]"]);
  assert.deepEqual([tries, left, notifier.lines().length], [2, 0, 1]);
});

test("so is a try that was put off when the time was over, with it", async () => {
  const { lines, notifier } = await hear("", { isSlow: true });
  assert.deepEqual(lines, ["BOUNCE true tried [5,4,7]"]);
  assert.equal(notifier.notices[0]?.recipients[0]?.outcome.status, "5.4.7");
});

test("the last try of the schedule is heard of with the status that its notice has", async () => {
  const { lines, notifier } = await hear("", { count: 1 });
  assert.deepEqual(lines, [PUT_OFF, "BOUNCE true tried [4,4,7]"]);
  assert.equal(notifier.notices[0]?.recipients[0]?.outcome.status, "4.4.7");
});

test("a script may drop what is too late, and word its notice, but not have it tried again", async () => {
  const dropped = await hear(`if ($a["action"] == "BOUNCE") Delete();`);
  assert.deepEqual([dropped.left, dropped.notifier.lines()], [0, []]);
  const worded = await hear(`if ($a["action"] == "BOUNCE") Bounce(["reason" => "in words"]);`);
  assert.equal(worded.notifier.notices[0]?.recipients[0]?.outcome.reply, "in words");
  const queued = await hear(`Queue(["delay" => 1]);`);
  assert.deepEqual([queued.left, queued.notifier.lines().length], [0, 1]);
  assert.equal(queued.lines.at(-1), "BOUNCE true untried [5,4,7]");
});

test("in a whole engine scripts hear of it too", async (t) => {
  const host = await ScriptedHost.start();
  t.after(() => host.stop());
  host.keywords = ["DELIVERBY"];
  host.answer = ({ line }) => (line.startsWith("RCPT") ? "451 4.7.1 later\r\n" : undefined);
  const { log, lines } = makeLogLines();
  const postdelivery = `if ($message["sender"] != "") echo $arguments["action"];`;
  const engine = await startEngine({
    server: `127.0.0.1:${host.port}`,
    log,
    app: { scripting: { hooks: { postdelivery } } },
  });
  t.after(() => engine.stop());
  const client = await Lines.to(engine.smtpPort);
  t.after(() => client.socket.destroy());
  await client.reply();
  for (const line of [
    "EHLO client.example.org",
    "MAIL FROM:<news@example.org> BY=2;R",
    "RCPT TO:<ann@example.net>",
  ])
    assert.match(await client.ask(line), /^250/);
  await client.ask("DATA");
  assert.match(await client.ask("Subject: x\r\n\r\nhello\r\n."), /^250 /);
  const said = await until(
    () => lines.filter(({ msg }) => msg === "script-echo").map(({ line }) => line),
    (all) => all.includes("BOUNCE"),
  );
  // On a slow machine its time may be over before it is tried.
  assert.deepEqual([said.at(-1), said.slice(0, -1).filter((action) => action !== "QUEUE")], ["BOUNCE", []]);
});
