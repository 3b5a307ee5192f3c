/** A reserve that cannot be made as large as the disk seems to let it, or not now: it is smaller, or there is none, and all goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { FaultyFiles } from "../../testing/faulty-files.ts";
import { LOOK_MS, commitAll, fill, look, makeRoom, open, stored } from "../../testing/full-disk.ts";
import { settle } from "../../testing/queue-rig.ts";
import type { SpoolFile } from "./files.ts";
import type { Draft } from "./spool.ts";

const KIB = 1024;

/** A quota that statfs does not show. */
class QuotaFiles extends FaultyFiles {
  /** Bytes that a file may have. */
  quota = Infinity;
  tries = 0;

  override async create(path: string): Promise<SpoolFile> {
    const file = await super.create(path);
    if (!path.startsWith("reserve")) return file;
    this.tries++;
    const append = async (buffers: readonly Buffer[]): Promise<void> => {
      await file.append(buffers);
      if ((await file.size()) > this.quota) throw Object.assign(new Error("EDQUOT"), { code: "EDQUOT" });
    };
    return { ...file, append };
  }
}

test("under a quota that nobody sees it is as large as it may be, and larger is tried once it was used", async () => {
  const files = new QuotaFiles();
  files.quota = 300 * KIB;
  const { spool, clock } = await open(files);
  assert.equal(files.bytes("reserve").length, 256 * KIB);
  assert.deepEqual([spool.isBehind, files.paths().includes("reserve.part")], [false, false]);
  const { tries } = files;
  await look(clock);
  assert.equal(files.tries, tries);
  const [draft] = (await commitAll(spool, 1)) as [Draft];
  fill(files);
  spool.settle(draft.id, 0);
  await spool.flush();
  makeRoom(files);
  files.quota = 10 * KIB;
  await look(clock);
  assert.deepEqual([spool.isBehind, files.paths().includes("reserve.part")], [true, false]);
  files.quota = Infinity;
  await look(clock);
  assert.equal(files.bytes("reserve").length, 1024 * KIB);
  await spool.close();
});

/** There are descriptors for all but a reserve. */
class OpenFiles extends FaultyFiles {
  failing: { readonly operation: "create" | "syncFolder"; readonly code: string } | null = null;

  override async create(path: string): Promise<SpoolFile> {
    if (path.startsWith("reserve")) this.#check("create");
    return super.create(path);
  }

  override async syncFolder(path: string): Promise<void> {
    if (path === "") this.#check("syncFolder");
    return super.syncFolder(path);
  }

  #check(operation: string): void {
    const { failing } = this;
    if (failing?.operation === operation) throw Object.assign(new Error(failing.code), failing);
  }
}

test("without a file descriptor for it there is none for now, and what was written counts", async () => {
  for (const operation of ["create", "syncFolder"] as const) {
    for (const code of ["EMFILE", "ENFILE"]) {
      const files = new OpenFiles();
      const { spool, clock } = await open(files);
      const [first, second] = (await commitAll(spool, 2)) as [Draft, Draft];
      fill(files);
      spool.settle(first.id, 0);
      await spool.flush();
      makeRoom(files);
      files.failing = { operation, code };
      spool.settle(second.id, 0);
      clock.advance(LOOK_MS);
      await spool.flush();
      await settle();
      assert.deepEqual([spool.isBehind, spool.isBroken], [true, false], `${code} at ${operation}`);
      files.failing = null;
      await look(clock);
      assert.equal(spool.isBehind, false);
      const { spool: next } = await open(files.afterCrash());
      assert.deepEqual(await stored(next), []);
      for (const one of [spool, next]) await one.close();
    }
  }
});
