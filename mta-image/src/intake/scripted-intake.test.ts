import assert from "node:assert/strict";
import { test } from "node:test";

import { systemClock } from "#base/clock.ts";
import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { hooksOf } from "../../testing/hook-scripts.ts";
import { makeEnvelope, someOrigin } from "../../testing/messages.ts";
import { openSpool } from "../../testing/open-spool.ts";
import { ConnectionHooks } from "../hooks/connection-hooks.ts";
import { makeHookFigures } from "../hooks/figures.ts";
import { HookRunner } from "../hooks/runner.ts";
import { makeIntake } from "./accept.ts";
import type { Intake, Reception } from "./intake.ts";
import { scriptedIntake } from "./scripted-intake.ts";

const content = Buffer.from("Subject: x\r\n\r\nA line.\r\n");

interface Rig {
  /** The bytes on their way whenever a copy was about to be stored, and when all was over. */
  readonly counted: number[];
  readonly files: FaultyFiles;
  /** What the message is answered with. */
  readonly send: (script: string) => Promise<string>;
}

async function setUp(): Promise<Rig> {
  const [files, clock, figures] = [new FaultyFiles(), new ManualClock(), { bytesInFlight: 0 }];
  const spool = await openSpool(files, clock);
  const settings = (): { hostname: string; maxHops: number } => ({ hostname: "mx.example.org", maxHops: 3 });
  const parts = { spool, log: silentLog, figures };
  const counted: number[] = [];
  const watch = (inner: Reception): Reception => ({
    id: inner.id,
    write: (chunk) => inner.write(chunk),
    commit: (...how) => {
      counted.push(figures.bytesInFlight);
      return inner.commit(...how);
    },
    abort: () => inner.abort(),
  });
  // As a notice: it gets no trace field, whose length would count.
  const origin = { ...someOrigin, kind: "notice" as const };
  const door = makeIntake({ ...parts, clock, enqueue: () => {}, settings });
  const storing: Intake = { begin: (...mail) => watch(door.begin(...mail)) };
  const world = { clock: systemClock, random: () => 0.5, log: silentLog, figures: makeHookFigures() };
  const runner = new HookRunner({ ...world, hostname: () => "mx.example.org", hasTransport: () => true });
  const send = async (script: string): Promise<string> => {
    const facts = { id: "s", serverId: "inbound", remoteIp: "", remotePort: 0, localIp: "", localPort: 25 };
    const more = { remoteUid: null, proxyIp: null, proxyTlv: null };
    const hooks = new ConnectionHooks(hooksOf({ eod: script }), runner, { ...facts, ...more });
    const { sender, recipients, transportId } = makeEnvelope();
    hooks.injected({ sender, recipients, transportId });
    const intake = scriptedIntake({ ...parts, storing, verifying: (inner) => inner }, hooks);
    const reception = intake.begin(makeEnvelope(), origin);
    void reception.write(content);
    const result = await reception.commit();
    counted.push(figures.bytesInFlight);
    return result.kind === "accepted" ? "accepted" : String(result.said?.code ?? result.reply.code);
  };
  return { counted, files, send };
}

const queue = (recipient: string): string =>
  `$arguments["mail"]->queue("news@example.org", "${recipient}", "out");`;

test("mail that a script held counts once among the mail on its way while it is stored", async () => {
  const { counted, send } = await setUp();
  assert.equal(await send(`${queue("ann@example.net")} Accept();`), "accepted");
  assert.deepEqual(counted, [content.length, 0]);
});

test("mail of which a script makes several copies is held until the last of them is there", async () => {
  const { counted, send } = await setUp();
  const other = `$arguments["mail"]->queue("other@example.org", "bob@example.net", "out");`;
  assert.equal(await send(`${queue("ann@example.net")} ${other} Accept();`), "accepted");
  assert.deepEqual(counted, [2 * content.length, 2 * content.length, 0]);
});

for (const [what, script, answer] of [
  ["drops", "Accept();", "accepted"],
  ["refuses", "Reject();", "550"],
  ["fails at", `throw Exception("x");`, "451"],
  ["waits for and then drops", "sleep(0); Accept();", "accepted"],
] as const)
  test(`nothing is held any more of mail that a script ${what}`, async () => {
    const { counted, send } = await setUp();
    assert.equal(await send(script), answer);
    assert.deepEqual(counted, [0]);
  });

test("nothing is held any more of mail that the disk does not take", async () => {
  const { counted, files, send } = await setUp();
  files.failNext("append");
  assert.equal(await send(`${queue("ann@example.net")} Accept();`), "451");
  assert.deepEqual(counted.at(-1), 0);
});
