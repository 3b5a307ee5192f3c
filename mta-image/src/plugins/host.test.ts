import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { buildNative, makeTestHost, startPlugins, testPlugin } from "../../testing/native-plugins.ts";

const folder = mkdtempSync(join(tmpdir(), "plugins-"));
const plugins = makeTestHost();
const { host } = plugins;
await startPlugins(plugins, {
  lifecycle: { config: { fail: "nothing" }, appConfig: { level: 1 } },
  "old-command": {},
});
after(() => rmSync(folder, { recursive: true }));

/** Tries to load a file as plugin "x"; gives the sentence of the refusal, with the folder cut out. */
async function refusal(path: string): Promise<string> {
  let sentence = "";
  await host.load([{ id: "x", path, config: null, appConfig: null }]).catch((error: Error) => {
    sentence = error.message.replace(`(${path})`, "(file)");
  });
  return sentence;
}

function scratch(name: string, bytes: Buffer | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** A start in a process of its own. */
function start(name: string, config: unknown, act = ""): { status: number | null; out: string; err: string } {
  const script = join(import.meta.dirname, "testdata/one-plugin.ts");
  const args = [script, name, JSON.stringify(config), act];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    timeout: 120_000,
  });
  return { status, out: stdout.trim().replace(testPlugin(name), "file"), err: stderr };
}

test("a plugin lives through its steps in order", () => {
  assert.deepEqual(host.runCommand("lifecycle", ["story"]), {
    ok: true,
    text: "early_init app init app hsl_register ready",
  });
});

test("a reload hands over the whole new configuration, and none when it is gone", () => {
  host.reload(new Map([["lifecycle", { list: [1, true, "x"], map: { empty: {} }, gone: null }]]));
  host.reload(new Map());
  assert.match(
    host.runCommand("lifecycle", ["story"]).text,
    / reload list 1 true x map empty \{"list":\[1,true,"x"\],"map":\{"empty":\{\}\}\} reload$/,
  );
});

test("commands of both generations answer with bytes and success", () => {
  assert.deepEqual(host.runCommand("lifecycle", ["twice", "ab"]), { ok: true, text: "abab" });
  assert.deepEqual(host.runCommand("lifecycle", ["dance"]), { ok: false, text: "unknown command" });
  assert.deepEqual(host.runCommand("old-command", ["reload", "list1"]), { ok: true, text: "reload:list1" });
  assert.throws(() => host.runCommand("nobody", []), /plugin nobody \(-\): there is no such plugin/);
});

test("a file that is no plugin is refused with its name and the reason, before its code runs", async () => {
  const foreign = Buffer.from(
    await import("node:fs").then(({ readFileSync }) => readFileSync(testPlugin("values"))),
  );
  foreign.writeUInt16LE(183, 18);
  assert.deepEqual(
    [
      await refusal(scratch("text.so", "#!/bin/sh\n")),
      await refusal(scratch("empty.so", "")),
      await refusal(scratch("arm.so", foreign)),
      await refusal(testPlugin("bad-export")),
      await refusal(testPlugin("bad-symbol")),
      await refusal(testPlugin("bad-version")),
    ],
    [
      "plugin x (file): it is not an ELF file",
      "plugin x (file): it is not an ELF file",
      `plugin x (file): it is built for arm64, this is ${process.arch}`,
      "plugin x (file): it does not export Halon_version",
      "plugin x (file): it needs HalonMTA_from_the_future, which this version does not provide",
      "plugin x (file): it is built for plugin version 1, this is 560001: compile it against this HalonMTA.h",
    ],
  );
  assert.match(await refusal(join(folder, "missing.so")), /^plugin x \(file\): it cannot be read: ENOENT/);
});

test("a shared object that is cut off anywhere is refused, never crashed on", async () => {
  const whole = await import("node:fs").then(({ readFileSync }) => readFileSync(testPlugin("pickup")));
  for (const part of [10, 63, 64, 500, whole.length - 3000]) {
    assert.match(await refusal(scratch("cut.so", whole.subarray(0, part))), /^plugin x \(file\): /);
  }
});

test("the roles of a plugin are told by its symbols", async () => {
  const copy = join(folder, "queue-copy.so");
  copyFileSync(testPlugin("queue"), copy);
  await host.load([{ id: "queue-copy", path: copy, config: null, appConfig: null }]);
  assert.deepEqual(host.plugins.find(({ id }) => id === "queue-copy")?.inspection.roles, ["queue"]);
});

test("a plugin that refuses to start stops the start with a sentence", () => {
  buildNative();
  assert.deepEqual(
    [
      start("lifecycle", { fail: "early_init" }).out,
      start("lifecycle", { fail: "init" }).out,
      start("bad-init", null).out,
      start("bad-register", null).out,
    ],
    [
      "plugin lifecycle (file): Halon_early_init returned false; its own log may say why",
      "plugin lifecycle (file): Halon_init returned false; its own log may say why",
      "plugin bad-init (file): Halon_init threw a C++ exception: no database",
      "plugin bad-register (file): it registers nothing_here, which it does not export",
    ],
  );
});

test("a crash is blamed on the plugin and function on standard error", () => {
  const { status, err } = start("suspend", null, "crash");
  assert.notEqual(status, 0);
  assert.match(err, /crash in plugin suspend, function crash/);
});

test("the watchdog names a plugin while it still holds the loop", () => {
  assert.match(
    start("suspend", null, "block").err,
    /plugin suspend: block has held the event loop for \d+ ms/,
  );
});

test("the process ends cleanly while calls are suspended and threads of plugins run", () => {
  assert.equal(start("suspend", null, "leave").status, 0);
});

test("schedules that come after the cleanup do no harm", () => {
  assert.deepEqual(start("suspend", null, "stop-early"), { status: 0, out: "still here", err: "" });
});

test("objects that scripts still hold are destroyed before the cleanup", () => {
  assert.deepEqual(start("objects", null, "objects"), { status: 0, out: "true", err: "" });
});
