import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { PluginCheck } from "#contract/plugin-check.ts";

import { buildNative, testPlugin } from "../../testing/native-plugins.ts";

const folder = mkdtempSync(join(tmpdir(), "check-"));
after(() => rmSync(folder, { recursive: true }));
buildNative();

function check(path: string): { code: number | null; found: PluginCheck } {
  const result = join(folder, "result");
  const program = new URL("../../bin/plugin-check", import.meta.url).pathname;
  const { status, stdout } = spawnSync(program, ["--result", result, path], { encoding: "utf8" });
  assert.equal(readFileSync(result, "utf8"), stdout);
  return { code: status, found: PluginCheck.parse(JSON.parse(stdout)) };
}

test("a good plugin is told with its version, roles and functions", () => {
  const { code, found } = check(testPlugin("queue"));
  assert.equal(code, 0);
  assert.equal(found.refusal, null);
  assert.deepEqual(found.roles, ["queue"]);
  assert.ok(found.exported.includes("Halon_queue_insert_callback"));
  assert.match(`${found.abiVersion} ${found.sha256}`, /^\d+ [0-9a-f]{64}$/);
});

test("what the engine would refuse is refused with the same sentence, and the program ends well", () => {
  const text = join(folder, "text.so");
  writeFileSync(text, "no program");
  assert.deepEqual(check(text).found.refusal, "it is not an ELF file");
  assert.match(check(testPlugin("bad-version")).found.refusal ?? "", /^it is built for plugin version/);
  assert.match(check(join(folder, "gone.so")).found.refusal ?? "", /^it cannot be read/);
  assert.equal(check(join(folder, "gone.so")).code, 0);
});
