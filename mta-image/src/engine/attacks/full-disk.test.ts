/**
 * Entry 80 of docs/hostile-input.md on a file system that is full in truth: a small one of its own under the spool. Needs
 * root, as CI has it, to mount one; skipped elsewhere. What was queued before goes on, what came too much gets 452, and
 * there is room again as soon as somebody makes it.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";

import { AttackRig } from "../../../testing/attack-rig.ts";
import { queuedIn } from "../../../testing/engine-mail.ts";
import { until } from "../../../testing/until.ts";

const skip = process.getuid?.() === 0 ? false : "only root may mount a file system";

/** An engine whose spool is all of a file system of 8 MiB. */
async function start(t: TestContext): Promise<{ rig: AttackRig; spool: string }> {
  const folder = mkdtempSync(join(tmpdir(), "full-disk-"));
  const spool = join(folder, "spool");
  mkdirSync(spool);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "none", spool]);
  const rig = await AttackRig.start({
    folder,
    startup: { spool: { path: spool, minfree: { bytes: "64KiB", inodes: 0 } } },
  });
  rig.expectedErrors.add("message-not-stored");
  t.after(async () => {
    await rig.stop();
    execFileSync("umount", [spool]);
    rmSync(folder, { recursive: true });
  });
  return { rig, spool };
}

/** Takes all room but `left` bytes, with a file of nobody's. */
function fill(path: string): void {
  const file = openSync(path, "w");
  for (let size = 1_048_576; size >= 512; size /= 2) {
    try {
      for (;;) if (writeSync(file, Buffer.alloc(size)) < size) break;
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    }
  }
  closeSync(file);
}

/** Mail until a reply begins so; what was taken on the way is expected to come out. */
async function sendUntil(rig: AttackRig, start: string): Promise<void> {
  const look = async (): Promise<string> => {
    const reply = await send(rig, "is there room?");
    if (reply.startsWith("250 ")) rig.took(1);
    return reply;
  };
  await until(look, (reply) => reply.startsWith(start));
}

async function send(rig: AttackRig, text: string): Promise<string> {
  const client = await rig.reach("data");
  client.socket.write(`Subject: x\r\n\r\n${text}\r\n.\r\n`);
  const reply = await client.reply();
  client.socket.destroy();
  return reply;
}

test("80 content beyond the room that is left is put off, and earlier mail goes on", { skip }, async (t) => {
  const { rig, spool } = await start(t);
  rig.host.answer = ({ line }) => (line.startsWith("MAIL") ? "451 4.7.1 later\r\n" : undefined);
  rig.host.keywords = [];
  assert.match(await send(rig, "I was here before"), /^250 /);
  await until(
    () => queuedIn(rig.engine),
    ([first]) => first?.attempts === 1,
  );
  assert.match(await send(rig, `${"x".repeat(998)}\r\n`.repeat(12_000)), /^452 4\.3\.1 /);
  await until(
    () => readdirSync(join(spool, "bodies")),
    (files) => files.length === 0,
  );
  rig.host.answer = () => undefined;
  await rig.engine.admin("POST", "/v1/queue/retry", { recipientDomain: "here.example" });
  rig.took(1);
  await rig.assertServes();
  assert.ok(rig.host.messages.some((text) => text.includes("I was here before")));
});

test("80 mail for a disk that others have filled is put off until there is room", { skip }, async (t) => {
  const { rig, spool } = await start(t);
  await rig.assertServes();
  fill(join(spool, "of-others"));
  // The room is looked up every two seconds; until then there may be some behind what was written last.
  await rig.pass(3000);
  await sendUntil(rig, "452 4.3.1 ");
  for (let i = 0; i < 3; i++) assert.match(await send(rig, "too late"), /^452 4\.3\.1 /);
  await rig.delivered();
  rmSync(join(spool, "of-others"));
  await rig.pass(60_000);
  await sendUntil(rig, "250 ");
  await rig.assertServes();
});
