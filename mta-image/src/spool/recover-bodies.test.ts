/** What a start does with body files that no live message names. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { silentLog } from "#base/log.ts";
import { ManualClock } from "#base/testing/manual-clock.ts";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { makeDraft } from "../../testing/messages.ts";
import { DiskSpool } from "./disk-spool.ts";
import type { SpoolFiles } from "./files.ts";

const SEGMENT = "segments/0000000001.log";

function open(files: SpoolFiles): Promise<DiskSpool> {
  return DiskSpool.open({
    files,
    clock: new ManualClock(),
    log: silentLog,
    floor: { bytes: 0, inodes: 0 },
  });
}

/** A spool that holds one message with a body, and files of bodies that belong to none. */
async function withLeftovers(): Promise<{ files: FaultyFiles; live: string; orphan: string }> {
  const files = new FaultyFiles();
  const spool = await open(files);
  const [live, orphan, begun] = [makeDraft(), makeDraft(), makeDraft()];
  const body = await spool.createBody(live.id);
  await body.write(Buffer.from("large"));
  await spool.commit({ ...live, content: body });
  await spool.commit(makeDraft());
  await spool.close();
  for (const name of [orphan.id, `${begun.id}.part`, `${begun.id}.head.part`, "of somebody"])
    await files.create(`bodies/${name}`);
  return { files, live: live.id, orphan: orphan.id };
}

const bodies = (files: FaultyFiles): string[] => files.paths().filter((path) => path.startsWith("bodies/"));

test("a body that no message needs goes at the next start; live ones and files of others stay", async () => {
  const { files, live } = await withLeftovers();
  const spool = await open(files);
  assert.deepEqual(bodies(files), [`bodies/${live}`, "bodies/of somebody"]);
  assert.deepEqual(
    files.paths().filter((path) => path.startsWith("corrupt/")),
    [],
  );
  assert.equal(spool.corruptRecords, 0);
  await spool.close();
});

/** Of a segment that is not the newest: damage, and no torn tail. */
async function damage(files: FaultyFiles): Promise<void> {
  const bytes = files.bytes(SEGMENT);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
  await files.create("segments/0000000002.log");
}

test("where records are damaged whole bodies are moved aside, and those that were begun go", async () => {
  const { files, live, orphan } = await withLeftovers();
  await damage(files);
  const spool = await open(files);
  assert.equal(spool.corruptRecords, 1);
  assert.deepEqual(bodies(files), [`bodies/${live}`, "bodies/of somebody"]);
  const aside = files.paths().filter((path) => path.startsWith("corrupt/") && path.endsWith(".body"));
  assert.deepEqual(aside, [`corrupt/${orphan}.body`]);
  await spool.close();
});

test("a body that finds no room beside the damaged stays, keeps no start and is moved by a later one", async () => {
  const { files, live, orphan } = await withLeftovers();
  await damage(files);
  files.failNext("rename", 1, "EIO");
  await assert.rejects(open(files), { code: "EIO" }, "a disk in trouble is another matter");
  files.failNext("rename", 1, "ENOSPC");
  await (await open(files)).close();
  assert.deepEqual(bodies(files), [`bodies/${live}`, `bodies/${orphan}`, "bodies/of somebody"].sort());
  await (await open(files)).close();
  assert.deepEqual(bodies(files), [`bodies/${live}`, "bodies/of somebody"]);
  assert.ok(files.paths().includes(`corrupt/${orphan}.body`));
});
