import assert from "node:assert/strict";
import { constants, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { diskFiles } from "./files.ts";

/** As the kernel has them of a file that is open. */
function flagsOf(fd: number | null): number {
  const text = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
  return Number.parseInt(/^flags:\s+(\d+)$/m.exec(text)?.[1] ?? "", 8);
}

test("each append to a file made synced waits for the disk, to any other only its sync does", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "spool-files-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = diskFiles(folder);
  const synced = await files.createSynced("log");
  const plain = await files.create("body");
  t.after(() => Promise.all([synced.close(), plain.close()]));
  assert.equal(flagsOf(synced.fd) & constants.O_DSYNC, constants.O_DSYNC);
  assert.equal(flagsOf(plain.fd) & constants.O_DSYNC, 0);
  for (const file of [synced, plain]) {
    await file.append([Buffer.from("one "), Buffer.from("two ")]);
    await file.append([Buffer.from("three")]);
    assert.equal((await file.read(0, 100)).toString(), "one two three");
  }
  await assert.rejects(files.createSynced("log"), { code: "EEXIST" });
});

test("a spool where no folder can be is an error that names the place, not a start without end", async () => {
  const { makeFolder } = diskFiles("/proc/nothing");
  for (const folder of ["", "segments"])
    await assert.rejects(makeFolder(folder), { code: "folder-refused", message: /\/proc\/nothing/ });
});
