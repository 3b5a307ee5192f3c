import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Batches } from "./batches.ts";

test("of what a killed process left only whole batches count, and the rest is removed", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "batches-"));
  t.after(() => rm(folder, { recursive: true }));
  const before = await Batches.open(folder, 1000);
  await before.add("0A", "[1]");
  await before.add("0B", "[22]");
  await writeFile(join(folder, "0C.json.part"), "[3");
  await mkdir(join(folder, "other"));
  const batches = await Batches.open(folder, 1000);
  assert.deepEqual([batches.first, batches.last, batches.bytes], ["0A", "0B", 7]);
  assert.deepEqual((await readdir(folder)).sort(), ["0A.json", "0B.json"]);
  await batches.remove("0A");
  assert.deepEqual([batches.first, batches.bytes, await batches.read("0B")], ["0B", 4, "[22]"]);
  assert.deepEqual(await readdir(folder), ["0B.json"]);
});

test("what is written last stays, however large it is", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "batches-"));
  t.after(() => rm(folder, { recursive: true }));
  const batches = await Batches.open(folder, 4);
  await batches.add("0A", "[1]");
  await batches.add("0B", "[1234567]");
  assert.deepEqual([batches.first, batches.bytes, batches.dropped], ["0B", 9, 1]);
  assert.deepEqual(await readdir(folder), ["0B.json"]);
});
